//! Messages of commands on runs that were interrupted, have not begun, were paused or have ended: they report only
//! known facts.

use std::{cell::OnceCell, fs};

use seedgrid_tests::{
    process::{Ended, Running, finish, seedgrid, until},
    study::{Scratch, holdout},
};

fn on_run(scratch: &Scratch, arguments: &[&str]) -> Ended {
    finish(seedgrid([arguments[0]]).arg(scratch.path("run")).args(&arguments[1..]))
}

fn says(ended: &Ended, code: i32, words: &[&str]) {
    assert_eq!(ended.code(), code, "{}", ended.stderr);
    let said = format!("{}{}", ended.stdout, ended.stderr);
    for word in words {
        assert!(said.contains(word), "{word:?} is missing in: {said}");
    }
}

#[test]
fn a_run_that_was_cut_off_tells_no_time_that_nobody_saw() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["cnn"], "1..=2", 200));
    let run = Running::start(&mut scratch.run_with_slots(&spec, "run", 1));
    let training = OnceCell::new();
    until("a unit is in training", || {
        let unit = scratch.status("run")["training"][0]["unit"].as_str().map(str::to_owned);
        unit.is_some_and(|unit| training.set(unit).is_ok())
    });
    run.kill_hard();
    let unit = training.into_inner().unwrap();
    let story = on_run(&scratch, &["explain", &unit]);
    says(
        &story,
        0,
        &["waiting: no coordinator runs; run the study again", ": not heard of since its coordinator ended\n"],
    );
    assert!(!story.stdout.contains("in training"), "{}", story.stdout);
    let ended = finish(&mut scratch.run(&spec, "run"));
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    // The two runs may be days apart.
    says(
        &on_run(&scratch, &["explain", &unit]),
        0,
        &[": preempted: its coordinator was ended, and the worker with it\n"],
    );

    says(
        &on_run(&scratch, &["units", "--stage", "nope"]),
        0,
        &["none of the study's 2 units fits", "no stage is called `nope`; there are final"],
    );
    // The study has ended.
    says(&on_run(&scratch, &["pause"]), 0, &["every unit has ended: there is nothing to pause"]);
    assert!(scratch.status("run")["pause"].is_null());
    says(&on_run(&scratch, &["resume"]), 0, &["the study was not paused; every unit has ended"]);
}

#[test]
fn a_run_that_was_stopped_before_it_began_is_not_damaged() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["fc"], "1", 1));
    for folder in ["run/datasets", "run/logs"] {
        fs::create_dir_all(scratch.path(folder)).unwrap();
    }
    for file in ["run/lock", "run/study.db", "run/study.db-wal"] {
        scratch.write(file, "");
    }
    says(&finish(seedgrid(["list"]).arg(scratch.path(""))), 0, &["not begun", "has not begun: it was stopped before"]);
    for command in ["status", "units", "report", "check"] {
        says(&on_run(&scratch, &[command]), 1, &["has not begun", "hint: run the study again"]);
    }
    let on_spec = |command: &str| finish(seedgrid([command]).arg(&spec).arg("--run-dir").arg(scratch.path("run")));
    says(&on_spec("plan"), 0, &["1 different unit: 0 done, 1 to train"]);
    says(&on_spec("run"), 0, &[]);
    // From now on an empty file is damage.
    scratch.write("run/study.db", "");
    says(&finish(seedgrid(["list"]).arg(scratch.path(""))), 0, &["damaged"]);
    says(&on_run(&scratch, &["status"]), 1, &["study.db is empty"]);
}

#[test]
fn a_study_that_was_paused_by_hand_before_is_not_told_as_one_that_paused_itself() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["cnn"], "1..=3", 60));
    let run = Running::start(&mut scratch.run_with_slots(&spec, "run", 1));
    run.until_stderr("in training", 1);
    run.kill_hard();
    let resume = format!("`seedgrid resume {}`", scratch.path("run").display());
    let paused = on_run(&scratch, &["pause"]);
    says(&paused, 0, &[&format!("paused by hand; {resume} goes on\n")]);
    says(&on_run(&scratch, &["status"]), 0, &[&format!("paused by hand; {resume} goes on\n")]);
    let story = on_run(&scratch, &["explain", "cnn seed 3"]);
    says(&story, 0, &["waiting: no coordinator runs, and the study is paused by hand; `seedgrid resume`"]);
    let still = finish(&mut scratch.run_with_slots(&spec, "run", 1));
    says(
        &still,
        8,
        &["paused by hand; finished units are kept", "the study was paused before this command began", &resume],
    );
    assert!(!still.stderr.contains("cause"), "{}", still.stderr);
}

#[test]
fn a_file_that_leads_nowhere_is_told_what_would() {
    let scratch = Scratch::new();
    let spec = scratch.write("mine.toml", &holdout(&["fc"], "1", 1));
    for command in ["status", "units", "pause"] {
        says(
            &finish(seedgrid([command]).arg(&spec)),
            2,
            &["is neither a run directory nor a view or admin file", "hint: "],
        );
    }
    let into = finish(seedgrid(["run"]).arg(&spec).arg("--run-dir").arg(&spec));
    says(&into, 2, &["is a file, and the run directory is to be there", "hint: choose an empty or new directory"]);
}
