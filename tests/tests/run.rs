//! `seedgrid run` from a spec to a report, again, and with a changed spec.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may")]

use std::os::unix::fs::PermissionsExt as _;

use seedgrid_tests::{
    process::finish,
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
        "roc.svg",
        "pr.svg",
        "learning.svg",
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

    // What was trained piece by piece equals what is trained at once.
    let fresh = finish(&mut scratch.run(&spec, "fresh"));
    assert_eq!(fresh.code(), 0, "{}", fresh.stderr);
    assert_eq!(scratch.report("run", "report.json"), scratch.report("fresh", "report.json"));

    // Back to the first spec: its units are still there, the others stay unreported.
    scratch.write("spec.toml", &holdout(&["fc"], "1..=2", 2));
    let back = finish(&mut scratch.run(&spec, "run"));
    assert_eq!(back.code(), 0, "{}", back.stderr);
    assert_eq!(scratch.report("run", "report.json"), report);
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

/// Seconds since 1970, so many from now.
fn in_seconds(seconds: u64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    (now + seconds).to_string()
}

#[test]
fn a_job_that_ends_soon_is_left_with_a_code_of_its_own() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["fc"], "1..=2", 100_000));
    let mut run = scratch.run(&spec, "run");
    // Whatever Slurm there is here has no such job, and is not asked.
    run.env("SLURM_JOB_ID", "4294967293").env("SLURM_JOB_END_TIME", in_seconds(8)).env("PATH", scratch.path("none"));
    let ended = finish(&mut run);
    assert_eq!(ended.code(), 6, "{}", ended.stderr);
    assert!(ended.stderr.contains("note: Slurm ends job 4294967293 in 1 min at most"), "{}", ended.stderr);
    assert!(ended.stderr.contains("out of time"), "{}", ended.stderr);
    let kept = std::fs::read_dir(scratch.path("run/checkpoints")).unwrap().flatten().map(|entry| entry.path());
    let kept = kept.filter(|path| path.extension().is_some_and(|end| end == "safetensors")).count();
    assert_eq!(kept, 2, "what was under way is kept");
    // A shell that outlived the job: the end is past, and the study goes on.
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
