//! `seedgrid run` from a spec to a report, repeated, and with a changed spec.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may")]

use std::{fs, os::unix::fs::PermissionsExt as _};

use seedgrid_tests::{
    process::{finish, seedgrid},
    study::{Scratch, holdout},
};
use serde_json::Value;

fn errors(report: &Value) -> Vec<(String, u64)> {
    report["stages"][0]["configurations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            assert!(row["error"]["mean"].as_f64().unwrap() < 0.7, "{row}");
            (row["model"].as_str().unwrap().to_owned(), row["n"].as_u64().unwrap())
        })
        .collect()
}

#[test]
fn a_study_runs_to_its_report() {
    let scratch = Scratch::new();
    let models = ["cnn", "cnn-shared", "cnn-shared-aux", "fc", "fc-aux"];
    let spec = scratch.write("spec.toml", &holdout(&models, "1..=2", 3));
    let ended = finish(&mut scratch.run(&spec, "run"));
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert!(ended.stderr.contains("[10/10]"), "progress counts every unit: {}", ended.stderr);
    assert!(ended.stdout.contains("CNN weight sharing & Aux"), "the table is shown: {}", ended.stdout);
    assert!(ended.stdout.contains("report.html"), "where the report is, is said: {}", ended.stdout);
    assert_eq!(errors(&scratch.report_json("run")), models.map(|model| (model.to_owned(), 2)));
    let files = [
        "report.json",
        "report.md",
        "report.html",
        "configurations.csv",
        "units.csv",
        "attempts.csv",
        "roc-final.svg",
        "pr-final.svg",
        "learning-final.svg",
        "provenance.json",
    ];
    for file in files {
        assert!(!scratch.report("run", file).is_empty(), "{file}");
    }
}

#[test]
fn a_finished_study_trains_nothing_and_a_changed_one_only_what_is_new() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["fc"], "1..=2", 2));
    let first = finish(&mut scratch.run(&spec, "run"));
    assert_eq!(first.code(), 0, "{}", first.stderr);
    let report = scratch.report("run", "report.json");

    let again = finish(&mut scratch.run(&spec, "run"));
    assert_eq!(again.code(), 0, "{}", again.stderr);
    assert!(!again.stderr.contains("fc seed"), "nothing was trained: {}", again.stderr);
    assert_eq!(scratch.report("run", "report.json"), report);

    scratch.write("spec.toml", &holdout(&["fc", "fc-aux"], "1..=3", 2));
    let grown = finish(&mut scratch.run(&spec, "run"));
    assert_eq!(grown.code(), 0, "{}", grown.stderr);
    let trained = grown.stderr.matches("after 2 epochs").count();
    assert_eq!(trained, 4, "one seed of fc and three of fc-aux are new: {}", grown.stderr);

    // The report of several runs equals that of a single one.
    let fresh = finish(&mut scratch.run(&spec, "fresh"));
    assert_eq!(fresh.code(), 0, "{}", fresh.stderr);
    assert_eq!(scratch.report("run", "report.json"), scratch.report("fresh", "report.json"));

    // Back to the first spec: its units are still there, and the commands mention the other ones.
    scratch.write("spec.toml", &holdout(&["fc"], "1..=2", 2));
    let on_run = |arguments: &[&str]| {
        let ended = finish(seedgrid([arguments[0]]).arg(scratch.path("run")).args(&arguments[1..]));
        assert_eq!(ended.code(), 0, "{arguments:?}: {}", ended.stderr);
        ended
    };
    let planned = finish(seedgrid(["plan"]).arg(&spec).arg("--run-dir").arg(scratch.path("run")));
    let back = finish(&mut scratch.run(&spec, "run"));
    assert_eq!(back.code(), 0, "{}", back.stderr);
    for said in [&planned.stdout, &back.stderr] {
        assert!(said.contains("note: 4 of the 6 results in "), "{said}");
        assert!(said.contains("differs from spec 2, ") && said.contains("replaces the report in "), "{said}");
        assert!(said.contains("--spec 2` makes one of that again"), "{said}");
    }
    let unnamed = String::from_utf8(report).unwrap().replace("\"unnamed_results\": 0", "\"unnamed_results\": 4");
    assert_eq!(String::from_utf8(scratch.report("run", "report.json")).unwrap(), unnamed);
    assert!(back.stdout.contains("holds 4 more results, of units that this spec does not name"), "{}", back.stdout);
    assert!(on_run(&["units"]).stderr.contains("note: 4 more results are of units"));
    let listed = on_run(&["units", "--format", "json"]).json();
    assert_eq!((listed["units"].as_array().unwrap().len(), &listed["unnamed_results"]), (2, &Value::from(4)));

    // Each spec is kept, and can be reported on.
    assert_eq!(fs::read_to_string(scratch.path("run/specs/2.toml")).unwrap(), holdout(&["fc", "fc-aux"], "1..=3", 2));
    on_run(&["report", "--spec", "2"]);
    let second = fs::read(scratch.path("run/report-spec-2/report.json")).unwrap();
    assert_eq!(second, scratch.report("fresh", "report.json"));
    on_run(&["report", "--output", scratch.path("elsewhere/mine").to_str().unwrap()]);
    assert_eq!(fs::read(scratch.path("elsewhere/mine/report.json")).unwrap(), scratch.report("run", "report.json"));
    for (arguments, said) in [
        (["--spec", "9"], "has no spec 9\n  hint: it was run with specs 1 to 3"),
        (["--output", scratch.path("fresh").to_str().unwrap()], "is not empty and holds no report"),
    ] {
        let ended = finish(seedgrid(["report"]).arg(scratch.path("run")).args(arguments));
        assert_eq!(ended.code(), 2, "{}", ended.stderr);
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    }
}

#[test]
fn a_spec_that_names_nothing_of_what_is_there_replaces_nothing_unasked() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["fc"], "1..=2", 1));
    assert_eq!(finish(&mut scratch.run(&spec, "run")).code(), 0);
    let report = scratch.report("run", "report.json");
    scratch.write("spec.toml", &holdout(&["fc"], "1", 1).replace("seed = 0", "seed = 1"));
    let planned = finish(seedgrid(["plan"]).arg(&spec).arg("--run-dir").arg(scratch.path("run")));
    assert!(planned.stdout.contains("`seedgrid run` would refuse this"), "{}", planned.stdout);
    let mut serve = seedgrid(["serve", "--listen", "127.0.0.1:0"]);
    for command in [&mut scratch.run(&spec, "run"), serve.arg(&spec).arg("--run-dir").arg(scratch.path("run"))] {
        let refused = finish(command);
        assert_eq!(refused.code(), 2, "{}", refused.stderr);
        assert!(
            refused.stderr.contains("holds 2 results, and none is of a unit that this spec names"),
            "{}",
            refused.stderr
        );
        assert!(refused.stderr.contains("--run-dir DIR") && refused.stderr.contains("--replace"), "{}", refused.stderr);
    }
    assert_eq!(scratch.report("run", "report.json"), report);
    assert!(!scratch.path("run/specs/2.toml").exists());
    let replaced = finish(scratch.run(&spec, "run").arg("--replace"));
    assert_eq!(replaced.code(), 0, "{}", replaced.stderr);
    assert_eq!(scratch.report_json("run")["unnamed_results"], 2);
    let first = finish(seedgrid(["report", "--spec", "1"]).arg(scratch.path("run")));
    assert_eq!(first.code(), 0, "{}", first.stderr);
    let earlier = fs::read_to_string(scratch.path("run/report-spec-1/report.json")).unwrap();
    let unnamed = String::from_utf8(report).unwrap().replace("\"unnamed_results\": 0", "\"unnamed_results\": 1");
    assert_eq!(earlier, unnamed);
}

#[test]
fn a_unit_that_two_stages_share_is_trained_once() {
    let scratch = Scratch::new();
    let one = holdout(&["fc"], "1..=3", 2);
    let second = one.split("[[stage]]").nth(1).unwrap().replace("final", "again").replace("1..=3", "2..=4");
    let spec = scratch.write("spec.toml", &format!("{one}[[stage]]{second}"));
    let ended = finish(&mut scratch.run(&spec, "run"));
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert_eq!(ended.stderr.matches("after 2 epochs").count(), 4, "seeds 1 to 4 once each: {}", ended.stderr);
    let report = scratch.report_json("run");
    assert_eq!(report["stages"][0]["configurations"][0]["n"], 3);
    assert_eq!(report["stages"][1]["configurations"][0]["n"], 3);
}

#[test]
fn folds_are_trained_and_reported() {
    let scratch = Scratch::new();
    let text = holdout(&["fc", "cnn"], "1..=2", 2).replace("\"holdout\"", "{ folds = 4 }");
    let spec = scratch.write("spec.toml", &text);
    let ended = finish(&mut scratch.run(&spec, "run"));
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert!(ended.stderr.contains("[16/16]"), "2 models x 2 seeds x 4 folds: {}", ended.stderr);
}

#[test]
fn one_slot_and_many_give_the_same_bytes() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["cnn-shared-aux", "fc-aux"], "1..=3", 2));
    for (run, slots) in [("one", 1), ("many", 4)] {
        let ended = finish(&mut scratch.run_with_slots(&spec, run, slots));
        assert_eq!(ended.code(), 0, "{}", ended.stderr);
    }
    assert_eq!(scratch.report("one", "report.json"), scratch.report("many", "report.json"));
}

#[test]
fn plan_tells_what_is_done() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["fc"], "1..=2", 2));
    let run = scratch.path("run");
    let plan = || {
        let ended = finish(
            seedgrid_tests::process::seedgrid(["plan", "--format", "json"]).arg(&spec).arg("--run-dir").arg(&run),
        );
        assert_eq!(ended.code(), 0, "{}", ended.stderr);
        serde_json::from_str::<Value>(&ended.stdout).unwrap()
    };
    assert_eq!(plan()["units"]["left"], 2);
    assert!(!run.exists(), "planning makes nothing");
    assert_eq!(finish(&mut scratch.run(&spec, "run")).code(), 0);
    scratch.write("spec.toml", &holdout(&["fc"], "1..=5", 2));
    let grown = plan();
    assert_eq!(grown["units"]["done"], 2);
    assert_eq!(grown["units"]["left"], 3);
}

#[test]
fn a_divergence_is_final_and_reported() {
    let scratch = Scratch::new();
    let text = holdout(&["fc", "cnn"], "1..=2", 3).replacen("learning_rate = 0.05", "learning_rate = 1e30", 1);
    let spec = scratch.write("spec.toml", &text);
    let ended = finish(&mut scratch.run(&spec, "run"));
    assert!(ended.stderr.contains("diverged"), "{}", ended.stderr);
    let again = finish(&mut scratch.run(&spec, "run"));
    assert!(!again.stderr.contains("seed 1:"), "it is not tried again: {}", again.stderr);
    assert_eq!(again.code(), ended.code());
    let text = String::from_utf8(scratch.report("run", "report.md")).unwrap();
    assert!(text.contains("diverged"), "the report says so:\n{text}");
}

/// The time in so many seconds from now, in seconds since 1970.
fn in_seconds(seconds: u64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    (now + seconds).to_string()
}

#[test]
fn a_job_that_ends_soon_is_left_with_a_code_of_its_own() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["fc"], "1..=2", 100_000));
    let mut run = scratch.run(&spec, "run");
    // No Slurm on this machine has such a job, and none is asked.
    run.env("SLURM_JOB_ID", "4294967293").env("SLURM_JOB_END_TIME", in_seconds(8)).env("PATH", scratch.path("none"));
    let ended = finish(&mut run);
    assert_eq!(ended.code(), 6, "{}", ended.stderr);
    assert!(ended.stderr.contains("note: Slurm ends job 4294967293 in 1 min at most"), "{}", ended.stderr);
    assert!(ended.stderr.contains("out of time"), "{}", ended.stderr);
    let kept = std::fs::read_dir(scratch.path("run/checkpoints")).unwrap().flatten().map(|entry| entry.path());
    let kept = kept.filter(|path| path.extension().is_some_and(|end| end == "safetensors")).count();
    assert_eq!(kept, 2, "checkpoints of the units in training are kept");
    // A shell that outlived its job: the end is past, and the study continues.
    let spec = scratch.write("spec.toml", &holdout(&["fc"], "1..=2", 2));
    let mut run = scratch.run(&spec, "other");
    run.env("SLURM_JOB_ID", "4294967293").env("SLURM_JOB_END_TIME", "1000");
    let ended = finish(&mut run);
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert!(ended.stderr.contains("names job 4294967293, which has ended"), "{}", ended.stderr);
}

#[test]
fn how_the_worker_ends_is_passed_on() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["fc"], "1..=2", 2));
    for (code, hint) in [(4, "one build"), (9, "fewer slots"), (1, "the log says why")] {
        let worker = scratch.write("worker", &format!("#!/bin/sh\nexit {code}\n"));
        std::fs::set_permissions(&worker, std::fs::Permissions::from_mode(0o755)).unwrap();
        let ended = finish(scratch.run(&spec, "run").env("SEEDGRID_WORKER", worker));
        assert_eq!(ended.code(), code, "{}", ended.stderr);
        assert!(ended.stderr.contains(hint), "{}", ended.stderr);
    }
}
