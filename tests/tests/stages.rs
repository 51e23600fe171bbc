//! Dependent stages, with the real binaries: a study like the paper's, undisturbed and disturbed.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use seedgrid_tests::{
    golden::{Golden, WRITE, keeping_weights},
    process::{Running, finish, seedgrid, worker},
    study::Scratch,
};

fn paper_small() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../experiments/paper-small.toml")
}

#[test]
fn the_paper_in_small_runs_to_its_end_however_often_it_is_killed() {
    let scratch = Scratch::new();
    let text = fs::read_to_string(paper_small()).unwrap();
    let spec = scratch.write("paper-small.toml", &keeping_weights(&text));
    let ended = finish(&mut scratch.run(&spec, "undisturbed"));
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    Golden::new("paper-small", &scratch.path("undisturbed")).hold();
    let report = scratch.report_json("undisturbed");
    assert_eq!(report["complete"], true);
    assert_eq!(report["counts"]["done"], 42 + 10 + 8 + 8);
    let stages = report["stages"].as_array().unwrap();
    let selected = stages[0]["selection"]["models"].as_array().unwrap();
    assert_eq!(selected.len(), 5);
    for model in selected {
        let number = model["selected"].as_u64().unwrap();
        let rows = stages[0]["configurations"].as_array().unwrap();
        let of_model = || rows.iter().filter(|row| row["model"] == model["model"]);
        let mean = |row: &serde_json::Value| row["error"]["mean"].as_f64().unwrap();
        let lowest = of_model().map(mean).fold(f64::INFINITY, f64::min);
        let chosen = of_model().find(|row| row["number"] == number).unwrap();
        assert_eq!(mean(chosen), lowest, "{model}");
        let used = stages[1]["configurations"].as_array().unwrap().iter().find(|row| row["model"] == model["model"]);
        assert_eq!(used.unwrap()["hyperparameters"], chosen["hyperparameters"], "the next stage starts from it");
    }
    assert_eq!(stages[2]["configurations"].as_array().unwrap().len(), 4);
    let draws: Vec<&serde_json::Value> = stages[3]["configurations"].as_array().unwrap().iter().collect();
    assert_eq!(draws.iter().map(|row| row["draws"].as_array().unwrap().len()).collect::<Vec<_>>(), [2, 2]);
    assert_eq!(report["dataset"]["draws"].as_array().unwrap().len(), 3, "the one that is tuned on, and two others");

    // Killed in the first stage, during the first selections and in the last stages.
    for (number, ended_units) in [2, 10, 5].into_iter().enumerate() {
        let killed = Running::start(&mut scratch.run(&spec, "killed")).is_killed_after("epochs (", ended_units);
        assert!(killed || number > 0, "the first kill comes with nearly everything to go");
    }
    let status = scratch.status("killed");
    assert_eq!(status["units"]["total"], 68, "units to come are counted: {status}");
    let last = finish(&mut scratch.run(&spec, "killed"));
    assert_eq!(last.code(), 0, "{}", last.stderr);
    assert_eq!(scratch.report("killed", "report.json"), scratch.report("undisturbed", "report.json"));
    let again = finish(&mut scratch.run(&spec, "killed"));
    assert!(again.stderr.contains("every unit is trained"), "{}", again.stderr);
}

/// MNIST's folder, if there is one.
fn mnist() -> Option<std::ffi::OsString> {
    let folder = std::env::var_os("SEEDGRID_TEST_MNIST");
    if folder.is_none() {
        println!("skipped: SEEDGRID_TEST_MNIST is not set");
    }
    folder
}

/// Runs table3 with these seeds, and keeps its weights.
fn table_3(seeds: &str, mnist: &std::ffi::OsStr) -> Golden {
    let scratch = Scratch::new();
    let text = fs::read_to_string(paper_small().with_file_name("table3.toml")).unwrap();
    assert!(text.contains("seeds = \"1..=10\""), "the study has ten seeds");
    let spec = scratch.write("table3.toml", &keeping_weights(&text.replace("\"1..=10\"", seeds)));
    let ended = finish(scratch.run(&spec, "run").arg("--data").arg(mnist));
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    Golden::new("table3", &scratch.path("run"))
}

/// One seed of each model: all ten take more than a minute.
#[test]
fn golden_results_of_a_part_of_table_3() {
    // Skipped where all frozen results are about to be written.
    if std::env::var_os(WRITE).is_none()
        && let Some(mnist) = mnist()
    {
        table_3("\"1\"", &mnist).hold_part();
    }
}

#[test]
#[ignore = "all of it takes a minute and more on two cores; scripts/golden.sh runs it"]
fn golden_results_of_the_whole_of_table_3() {
    if let Some(mnist) = mnist() {
        table_3("\"1..=10\"", &mnist).hold();
    }
}

#[test]
fn a_report_says_what_still_waits_for_a_selection() {
    let scratch = Scratch::new();
    let mut serve = seedgrid(["serve", "--listen", "127.0.0.1:0"]);
    serve.arg(paper_small()).arg("--run-dir").arg(scratch.path("run"));
    let coordinator = Running::start(&mut serve);
    coordinator.until_stderr("seedgrid-worker --join", 1);
    let mut command = worker(["--slots", "2"]);
    command.arg("--join").arg(scratch.path("run/join.toml")).arg("--cache").arg(scratch.path("cache"));
    let _worker = Running::start(&mut command);
    coordinator.until_stderr("epochs (", 3);
    coordinator.kill_hard();
    let report = finish(seedgrid(["report"]).arg(scratch.path("run")));
    assert_eq!(report.code(), 3, "{}", report.stderr);
    assert!(report.stdout.contains("wait for what stage tune selects"), "{}", report.stdout);
    let json = scratch.report_json("run");
    assert_eq!(json["counts"]["planned"], 68);
    assert_eq!(json["stages"][1]["waiting"].as_array().unwrap().len(), 5);
    for file in ["report.html", "report.md", "errors-tune.svg", "units.csv"] {
        assert!(!scratch.report("run", file).is_empty(), "{file}");
    }
}
