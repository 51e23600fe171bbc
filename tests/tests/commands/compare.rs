//! `seedgrid compare` on real runs.

use std::{fs, path::Path};

use rusqlite::Connection;
use seedgrid_common::unit::UnitId;
use seedgrid_coordinator::store::{ResultRecord, Store, Write};
use seedgrid_tests::{
    process::{Ended, finish, seedgrid},
    study::{Scratch, holdout},
};
use serde_json::Value;

fn compare(scratch: &Scratch, format: &str, runs: [&str; 2]) -> Ended {
    finish(seedgrid(["compare", "--format", format]).arg(scratch.path(runs[0])).arg(scratch.path(runs[1])))
}

fn json(scratch: &Scratch, runs: [&str; 2]) -> Value {
    compare(scratch, "json", runs).json()
}

/// Two runs of one spec and one of another.
fn three_runs() -> Scratch {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["fc", "cnn"], "1..=3", 3));
    for (run, slots) in [("one", 1), ("again", 2)] {
        let ended = finish(&mut scratch.run_with_slots(&spec, run, slots));
        assert_eq!(ended.code(), 0, "{}", ended.stderr);
    }
    let other = holdout(&["fc", "fc-aux"], "2..=4", 3).replacen("0.05", "0.02", 1);
    let ended = finish(&mut scratch.run(&scratch.write("other.toml", &other), "other"));
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    scratch
}

/// A copy of a run.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn equal_and_different_runs() {
    let scratch = three_runs();
    let same = compare(&scratch, "text", ["one", "again"]);
    assert_eq!(same.code(), 0, "{}", same.stderr);
    for words in ["specs: the same", "units: 6 in both", "both have trained: all bit-identical"] {
        assert!(same.stdout.contains(words), "{words:?} in {}", same.stdout);
    }
    assert!(!same.stdout.contains('\u{1b}'), "plain in a pipe");

    let found = json(&scratch, ["one", "other"]);
    assert_eq!(found["schema"], "seedgrid.compare/2");
    assert_eq!(found["same_dataset"], true);
    assert_eq!(found["first"]["numerics_classes"], found["second"]["numerics_classes"]);
    assert_eq!(found["units"]["shared"], 0, "another learning rate is another unit");
    let stage = &found["stages"][0];
    let rows = stage["configurations"].as_array().unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["model"], "fc");
    assert_eq!(rows[0]["settings"][0]["name"], "learning_rate");
    assert_eq!(rows[0]["difference"]["method"], "paired-examples", "seeds 1 to 3 and 2 to 4");
    assert_eq!(rows[0]["difference"]["seeds_first"], 2);
    assert_eq!(stage["only_first"][0]["model"], "cnn");
    assert_eq!(stage["only_second"][0]["model"], "fc-aux");
    let names: Vec<&str> =
        found["spec_differences"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"stage.final.seeds") && names.contains(&"stage.final.model.fc.learning_rate"), "{names:?}");

    let page = compare(&scratch, "markdown", ["one", "other"]);
    assert_eq!(page.code(), 0);
    assert!(page.stdout.starts_with("# ") && page.stdout.contains("| Configuration"), "{}", page.stdout);
    assert_eq!(page.stdout, compare(&scratch, "markdown", ["one", "other"]).stdout, "the same bytes again");
}

#[test]
fn a_result_that_should_be_equal_and_is_not() {
    let scratch = three_runs();
    copy(&scratch.path("one"), &scratch.path("tampered"));
    // Two results are exchanged: each is intact, and wrong.
    let path = scratch.path("tampered/study.db");
    let database = Connection::open(&path).unwrap();
    let two = "WHERE unit IN (SELECT unit FROM results ORDER BY unit LIMIT 2)";
    let mut records: Vec<ResultRecord> = database
        .prepare(&format!(
            "SELECT unit_id, attempt, committed_ms, numerics_class, epochs, wrong, scored, digest, payload \
             FROM results JOIN units ON units.number = results.unit {two}"
        ))
        .unwrap()
        .query_map([], |row| {
            Ok(ResultRecord {
                unit: UnitId(row.get(0)?),
                attempt: row.get(1)?,
                at_ms: row.get(2)?,
                numerics_class: row.get(3)?,
                diverged: false,
                epochs: row.get(4)?,
                wrong_of: Some((row.get(5)?, row.get(6)?)),
                digest: row.get(7)?,
                payload: row.get(8)?,
            })
        })
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    database.execute(&format!("DELETE FROM results {two}"), []).unwrap();
    drop(database);
    (records[0].unit, records[1].unit) = (records[1].unit, records[0].unit);
    let results: Vec<Write> = records.into_iter().map(|record| Write::Result(Box::new(record))).collect();
    Store::open(&path).unwrap().commit(&results).unwrap();
    let found = compare(&scratch, "text", ["one", "tampered"]);
    assert_eq!(found.code(), 7, "{}{}", found.stdout, found.stderr);
    assert!(found.stdout.contains("error: 2 units of one numerics class have different results"), "{}", found.stdout);
    assert!(found.stdout.contains("4 bit-identical"), "{}", found.stdout);
    let json = compare(&scratch, "json", ["one", "tampered"]);
    assert_eq!(json.code(), 7);
    let json = json.json();
    assert_eq!(json["units"]["contradicting"].as_array().unwrap().len(), 2);
}

#[test]
fn runs_that_cannot_be_compared() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["fc"], "1..=4", 2));
    assert_eq!(finish(&mut scratch.run(&spec, "run")).code(), 0);
    std::os::unix::fs::symlink(scratch.path("run"), scratch.path("link")).unwrap();
    let same = compare(&scratch, "text", ["run", "link"]);
    assert_eq!(same.code(), 2);
    assert!(same.stderr.contains("the same run directory") && same.stderr.contains("hint:"), "{}", same.stderr);

    fs::create_dir(scratch.path("thesis")).unwrap();
    let foreign = compare(&scratch, "text", ["run", "thesis"]);
    assert_eq!(foreign.code(), 2);
    assert!(foreign.stderr.contains("thesis is no run directory"), "{}", foreign.stderr);

    // A run that has just begun.
    copy(&scratch.path("run"), &scratch.path("half"));
    let store = Connection::open(scratch.path("half/study.db")).unwrap();
    store.execute("DELETE FROM results WHERE unit IN (SELECT unit FROM results LIMIT 3)", []).unwrap();
    let half = compare(&scratch, "text", ["run", "half"]);
    assert_eq!(half.code(), 0, "{}", half.stderr);
    assert!(half.stdout.contains("unfinished: 1 of 4 units trained"), "{}", half.stdout);
    assert!(half.stdout.contains("results of the 1 that both have trained: all bit-identical"), "{}", half.stdout);
}
