//! Races with the real binaries: undisturbed, killed, and in the run directory of an unraced run.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may")]

use seedgrid_tests::{
    process::{Running, finish, seedgrid},
    study::Scratch,
};
use serde_json::Value;

/// Learning rates some of which are hopeless, so that configurations leave the race.
const SPEC: &str = r#"
name = "raced"

[dataset]
kind = "glyph-pairs"
train_pairs = 200
test_pairs = 50

[[stage]]
name = "tune"
evaluation = { folds = 5 }
seeds = "1..=2"
stop = { loss_delta = 0, max_epochs = 6 }
select = "lowest"
race = { rule = "halving", first = 1, keep = 0.5 }

[[stage.model]]
model = "fc"
learning_rate = { grid = [0.00001, 0.01, 0.05, 0.0001] }
batch_size = 10
normalize = "scale"

[[stage.model]]
model = "cnn-shared"
learning_rate = { grid = [0.1, 0.00001] }
batch_size = 20

[[stage]]
name = "final"
from = "tune"
evaluation = "holdout"
seeds = "1..=2"
"#;

fn unraced() -> String {
    SPEC.replace("race = { rule = \"halving\", first = 1, keep = 0.5 }\n", "")
}

fn skipped(report: &Value) -> u64 {
    report["counts"]["skipped"].as_u64().unwrap()
}

#[test]
fn a_race_ends_as_it_does_however_often_it_is_killed() {
    let scratch = Scratch::new();
    let spec = scratch.write("raced.toml", SPEC);
    let planned = finish(seedgrid(["plan"]).arg(&spec).current_dir(scratch.path("")));
    assert!(planned.stdout.contains("at most 48 as races are decided"), "{}", planned.stdout);
    let ended = finish(&mut scratch.run(&spec, "undisturbed"));
    assert_eq!(ended.code(), 0, "skipped units are not missing: {}", ended.stderr);
    let report = scratch.report_json("undisturbed");
    assert_eq!(report["complete"], true);
    assert!(skipped(&report) > 0, "the race decides something");
    let counts = &report["counts"];
    let of = |name: &str| counts[name].as_u64().unwrap();
    assert_eq!(of("done") + of("diverged") + skipped(&report), of("planned"));
    let trained = finish(seedgrid(["status", "--format", "json"]).arg(scratch.path("undisturbed")));
    let status = trained.json();
    assert_eq!(
        status["units"]["total"].as_u64(),
        Some(of("planned") - skipped(&report)),
        "skipped units are not waited for"
    );

    // Before the first rung, around the first ones, and later.
    for (number, ended_units) in [3, 9, 6].into_iter().enumerate() {
        let killed = Running::start(&mut scratch.run(&spec, "killed")).is_killed_after("epochs (", ended_units);
        assert!(killed || number > 0, "the first kill comes with nearly everything to go");
    }
    let last = finish(&mut scratch.run(&spec, "killed"));
    assert_eq!(last.code(), 0, "{}", last.stderr);
    assert_eq!(scratch.report("killed", "report.json"), scratch.report("undisturbed", "report.json"));
    let again = finish(&mut scratch.run(&spec, "killed"));
    assert!(again.stderr.contains("every unit is trained"), "{}", again.stderr);
    let planned = finish(seedgrid(["plan"]).arg(&spec).arg("--run-dir").arg(scratch.path("killed")));
    assert!(
        planned.stdout.contains(&format!("{} skipped by races, 0 to train\n", skipped(&report))),
        "{}",
        planned.stdout
    );
}

#[test]
fn a_race_decides_from_what_an_unraced_run_has_trained() {
    let scratch = Scratch::new();
    let raced = scratch.write("raced.toml", SPEC);
    let all = scratch.write("all.toml", &unraced());
    let fresh = finish(&mut scratch.run(&raced, "fresh"));
    assert_eq!(fresh.code(), 0, "{}", fresh.stderr);
    let ended = finish(&mut scratch.run(&all, "run"));
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert_eq!(skipped(&scratch.report_json("run")), 0);
    let again = finish(&mut scratch.run(&raced, "run"));
    assert_eq!(again.code(), 0, "{}", again.stderr);
    assert_eq!(
        scratch.report("run", "report.json"),
        scratch.report("fresh", "report.json"),
        "results behind a rung are not used"
    );
    let without = finish(&mut scratch.run(&all, "run"));
    assert!(without.stderr.contains("every unit is trained"), "nothing was lost: {}", without.stderr);
    assert_eq!(skipped(&scratch.report_json("run")), 0);
}
