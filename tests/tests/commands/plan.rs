//! The time estimates of `seedgrid plan`, and their bases.

use seedgrid_tests::{
    machine::repository,
    process::{Running, binary, finish, seedgrid},
    study::{Scratch, holdout},
};
use serde_json::Value;

/// The output of `plan --format json` for a spec in a run directory.
fn plan(scratch: &Scratch, spec: &std::path::Path, run: &str, more: &[&str]) -> Value {
    let mut command = seedgrid(["plan", "--format", "json"]);
    let ended = finish(command.arg(spec).arg("--run-dir").arg(scratch.path(run)).args(more));
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    ended.json()
}

fn origins(plan: &Value, what: &str) -> Vec<String> {
    let all = plan["estimate"][what].as_array().unwrap();
    let shares: f64 = all.iter().map(|basis| basis["share"].as_f64().unwrap()).sum();
    assert!(all.is_empty() || (shares - 1.0).abs() < 1e-9, "{all:?}");
    all.iter().map(|basis| basis["from"].as_str().unwrap().to_owned()).collect()
}

fn seconds(plan: &Value, what: &str) -> f64 {
    let ends = &plan["estimate"][what];
    let [low, expected, high] = ["low", "expected", "high"].map(|end| ends[end].as_f64().unwrap());
    assert!(low <= expected && expected <= high, "{ends}");
    expected
}

#[test]
fn guesses_give_way_to_what_was_measured() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["fc", "cnn"], "1..=2", 4));
    let guessed = plan(&scratch, &spec, "runs/first", &["--slots", "1"]);
    assert_eq!((origins(&guessed, "speed"), origins(&guessed, "epochs")), (vec!["guess".into()], vec!["spec".into()]));
    assert_eq!(guessed["estimate"]["units"], 4);
    assert_eq!(guessed["estimate"]["slots_are"], "given");
    assert!((seconds(&guessed, "core_seconds") - seconds(&guessed, "wall_seconds")).abs() < 1e-9, "on one slot");
    let text = finish(seedgrid(["plan"]).arg(&spec).arg("--run-dir").arg(scratch.path("runs/first"))).stdout;
    for words in ["to train: about", "this machine's core", "a guess, nothing was measured", "--measure"] {
        assert!(text.contains(words), "{words:?} in {text}");
    }

    assert_eq!(finish(&mut scratch.run(&spec, "runs/first")).code(), 0);
    let done = plan(&scratch, &spec, "runs/first", &[]);
    assert_eq!((done["estimate"]["units"].as_u64(), seconds(&done, "wall_seconds")), (Some(0), 0.0));

    // More seeds of the same configurations: four seeds take twice as long as two.
    let more = scratch.write("more.toml", &holdout(&["fc", "cnn"], "1..=6", 4));
    let own = plan(&scratch, &more, "runs/first", &["--slots", "1"]);
    assert_eq!(origins(&own, "speed"), ["same-configuration"]);
    let store = rusqlite::Connection::open(scratch.path("runs/first/study.db")).unwrap();
    let took: f64 = store.query_row("SELECT sum(train_seconds) FROM attempts", [], |row| row.get(0)).unwrap();
    let ratio = seconds(&own, "core_seconds") / took;
    assert!((ratio - 2.0).abs() < 1e-6, "{ratio}");

    // Another run directory beside it.
    let beside = plan(&scratch, &spec, "runs/second", &["--slots", "1"]);
    assert_eq!(origins(&beside, "speed"), ["other-runs"]);
    assert!(beside["estimate"]["other_runs"][0].as_str().unwrap().ends_with("runs/first"));
    assert!((seconds(&beside, "core_seconds") / took - 1.0).abs() < 1e-6);
    assert!(!scratch.path("runs/second").exists(), "planning makes nothing");
    // In another place the run is unknown.
    assert_eq!(origins(&plan(&scratch, &spec, "elsewhere/second", &[]), "speed"), ["guess"]);
}

#[test]
fn rows_that_wait_for_selections_are_part_of_it() {
    let scratch = Scratch::new();
    let spec = repository("experiments/paper-small.toml");
    let [one, many] = ["1", "1000"].map(|slots| plan(&scratch, &spec, "run", &["--slots", slots]));
    assert_eq!(one["estimate"]["units"], 42 + 10 + 8 + 8);
    assert_eq!(seconds(&one, "core_seconds"), seconds(&many, "core_seconds"));
    let stages = one["stages"].as_array().unwrap();
    let of_stages: f64 = stages.iter().map(|stage| stage["core_seconds"]["expected"].as_f64().unwrap()).sum();
    assert!((of_stages - seconds(&one, "core_seconds")).abs() < 1e-9);
    assert!(stages[1]["waiting"][0]["unit_seconds"]["expected"].as_f64().unwrap() > 0.0);
    // With enough slots: the longest unit of tuning, then the longest unit of its selection.
    let longest = |stage: &Value, rows: &str| {
        let rows = stage[rows].as_array().unwrap().iter();
        rows.map(|row| row["unit_seconds"]["expected"].as_f64().unwrap()).fold(0.0, f64::max)
    };
    let path = longest(&stages[0], "configurations") + longest(&stages[1], "waiting");
    assert!((seconds(&many, "wall_seconds") - path).abs() < 1e-9);
}

#[test]
fn this_machine_is_measured_when_asked() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["fc", "cnn"], "1..=2", 4));
    let found = plan(&scratch, &spec, "run", &["--slots", "2", "--measure"]);
    assert_eq!(origins(&found, "speed"), ["measured-now"]);
    assert!(seconds(&found, "wall_seconds") > 0.0);
    assert!(!scratch.path("run").exists(), "it leaves nothing behind");
}

#[test]
fn wrong_slots_are_refused() {
    for slots in ["0", "-1", "many", "1000001"] {
        assert_eq!(finish(&mut seedgrid(["plan", "x.toml", "--slots", slots])).code(), 2, "{slots}");
    }
}

/// The status of a running study counts rows that wait for selections. The estimate of their time is tested where it is made, in
/// coordinator/src/core/remaining_time_estimate.rs.
#[test]
fn units_that_wait_for_selections_are_counted() {
    let scratch = Scratch::new();
    let text = std::fs::read_to_string(repository("experiments/paper-small.toml")).unwrap();
    // Nearly all units are in waiting stages.
    let spec = scratch.write("spec.toml", &text.replace("\nseeds = \"1..=2\"", "\nseeds = \"1..=40\""));
    let run = Running::start(&mut scratch.run(&spec, "run"));
    run.until_stderr("epochs (", 1);
    let status = scratch.status("run");
    assert_eq!(status["units"]["total"], 42 + 200 + 160 + 160);
    run.kill_hard();
}

/// Six draws of the data in less memory than they take together: each leaves memory before the next is made.
#[test]
fn draws_of_the_data_are_held_one_at_a_time() {
    let scratch = Scratch::new();
    let spec =
        holdout(&["fc"], "1", 1).replace("train_pairs = 200\ntest_pairs = 100", "train_pairs = 10\ntest_pairs = 1500");
    scratch.write("spec.toml", &spec.replace("seeds = \"1\"", "seeds = \"1\"\ndata_seeds = \"1..=6\""));
    // A draw has 2.4 MB of pixels and 1.2 MB encoded, and all six have 21 MB.
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "ulimit -d 22000; exec \"$@\"", "sh"]).arg(binary("seedgrid")).args(["plan", "spec.toml"]);
    // Each thread and each of its memory pools count.
    shell.current_dir(scratch.path("")).envs([("TOKIO_WORKER_THREADS", "2"), ("MALLOC_ARENA_MAX", "1")]);
    let ended = finish(&mut shell);
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert!(ended.stdout.contains("6 different units"), "{}", ended.stdout);
}
