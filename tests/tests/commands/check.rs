//! `seedgrid check`, and other commands on run directories with damaged or lost files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use nix::sys::signal::Signal;
use seedgrid_common::wire::blob::BlobDigest;
use seedgrid_tests::{
    process::{Ended, Running, finish, seedgrid, until},
    study::{Scratch, holdout},
};

fn on_run(scratch: &Scratch, arguments: &[&str]) -> Ended {
    finish(seedgrid([arguments[0]]).arg(scratch.path("run")).args(&arguments[1..]))
}

fn found(scratch: &Scratch, code: i32, parts: &[&str]) {
    let checked = on_run(scratch, &["check"]);
    assert_eq!(checked.code(), code, "{}{}", checked.stdout, checked.stderr);
    for part in parts {
        assert!(checked.stdout.contains(part), "{part}: {}", checked.stdout);
    }
}

/// The only file in a folder of the run directory whose name has this end.
fn only_file(scratch: &Scratch, folder: &str, end: &str) -> Option<PathBuf> {
    let files = fs::read_dir(scratch.path("run").join(folder)).ok()?;
    let mut files = files.map(|entry| entry.unwrap().path()).filter(|path| path.to_string_lossy().ends_with(end));
    files.next().filter(|_| files.next().is_none())
}

fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_lost_or_damaged_data_set_stands_in_the_way_of_nobody_who_needs_none() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["fc"], "1..=2", 1));
    assert_eq!(finish(&mut scratch.run(&spec, "run")).code(), 0);
    let data = only_file(&scratch, "datasets", "").unwrap();
    for (lost, said) in [(true, "cannot read the study's data set"), (false, "is damaged")] {
        if lost {
            fs::remove_file(&data).unwrap()
        } else {
            flip(&data)
        }
        for arguments in [&["status"][..], &["units"], &["explain", "seed 1"], &["retry"]] {
            let ended = on_run(&scratch, arguments);
            assert_eq!(ended.code(), 0, "{arguments:?}: {}", ended.stderr);
        }
        let report = on_run(&scratch, &["report"]);
        assert_eq!(report.code(), 1, "{}", report.stderr);
        assert!(
            report.stderr.contains(said) && report.stderr.contains("hint: run the study again"),
            "{}",
            report.stderr
        );
        found(&scratch, 10, &["damaged: dataset: datasets/", "hint: run the study again: the data set is made anew"]);
        assert_eq!(finish(&mut scratch.run(&spec, "run")).code(), 0);
        found(&scratch, 0, &["everything is as it was written"]);
    }
}

#[test]
fn checkpoints_are_checked() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["cnn-shared-aux"], "1", 60));
    let run = Running::start(&mut scratch.run(&spec, "run"));
    until("some epochs", || scratch.status("run")["training"][0]["epoch"].as_u64() >= Some(2));
    run.signal(Signal::SIGTERM);
    assert_eq!(run.wait().code(), 143);
    let units = on_run(&scratch, &["units"]);
    assert!(units.stdout.contains("  waiting  "), "nobody has it: {}", units.stdout);
    found(&scratch, 3, &["1 checkpoint,", "every file that is present is as it was written"]);
    let checkpoint = only_file(&scratch, "checkpoints", ".safetensors").unwrap();
    // The state after a coordinator was killed between the commit and the renaming, with an older file under the name.
    let bytes = fs::read(&checkpoint).unwrap();
    let name = format!("{}.{}", checkpoint.file_stem().unwrap().to_str().unwrap(), BlobDigest::compute(&bytes));
    let arrived = scratch.path("run/checkpoints/.arriving").join(name);
    fs::rename(&checkpoint, &arrived).unwrap();
    fs::write(&checkpoint, "an older one").unwrap();
    found(&scratch, 3, &["1 checkpoint,", "every file that is present is as it was written"]);
    fs::rename(&arrived, &checkpoint).unwrap();
    flip(&checkpoint);
    let parts =
        ["damaged: checkpoint: checkpoints/", "does not match", "hint: run the study again: the unit is trained"];
    found(&scratch, 10, &parts);
    let ended = finish(&mut scratch.run(&spec, "run"));
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    found(&scratch, 0, &["0 checkpoints,"]);
}

#[test]
fn weights_of_nobody_are_named_and_damaged_ones_said_to_be_so() {
    let scratch = Scratch::new();
    let keeping = holdout(&["fc"], "1", 1).replace("evaluation =", "keep_weights = true\nevaluation =");
    let spec = scratch.write("spec.toml", &keeping);
    assert_eq!(finish(&mut scratch.run(&spec, "run")).code(), 0);
    let weights = only_file(&scratch, "weights", ".safetensors").unwrap();
    let stray = weights.with_file_name("0123456789abcdef0123456789abcdef.safetensors");
    fs::copy(&weights, &stray).unwrap();
    found(&scratch, 0, &["note: weights: weights/0123", "belongs to no result"]);
    fs::remove_file(stray).unwrap();
    flip(&weights);
    found(&scratch, 10, &["damaged: weights: weights/", "hint: put the file back from a backup"]);
    fs::write(&weights, "short").unwrap();
    let ended = finish(&mut scratch.run(&spec, "run"));
    assert!(ended.stderr.contains("the weights of 1 unit were kept and are no longer"), "{}", ended.stderr);
}

#[test]
fn an_empty_database_is_damage() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["fc"], "1", 1));
    assert_eq!(finish(&mut scratch.run(&spec, "run")).code(), 0);
    fs::write(scratch.path("run/study.db"), "").unwrap();
    found(&scratch, 10, &["damaged: database: it is empty"]);
}
