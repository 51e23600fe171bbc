//! Reading commands, on folders without write permission.

use std::{fs, path::PathBuf};

use rusqlite::Connection;
use seedgrid_tests::{
    machine::{AnotherUser, read_only},
    process::{binary, finish},
    study::{Scratch, copy_folder, holdout},
};

/// The arguments of every reading command for `run`, each with its expected exit code. Commands with output files write
/// to `output`.
fn looks(scratch: &Scratch, run: &str, output: &str) -> Vec<(Vec<String>, i32)> {
    let path = |name: &str| scratch.path(name).display().to_string();
    let text = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let run = path(run);
    let spec = path("spec.toml");
    [
        text(&["status", &run]),
        text(&["watch", &run]),
        text(&["units", &run]),
        text(&["workers", &run, "--all"]),
        text(&["explain", &run, "seed 1"]),
        text(&["logs", &run, "seed 1"]),
        text(&["check", &run]),
        text(&["compare", &run, &path("other")]),
        text(&["credentials", "list", &run]),
        text(&["export", &run, "--output", &path(output)]),
        text(&["report", &run, "--output", &path(&format!("{output}/report"))]),
        text(&["plan", &spec, "--run-dir", &run]),
    ]
    .map(|words| (words, 0))
    .into()
}

#[test]
fn a_finished_run_is_looked_at_where_nothing_may_be_written() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["fc"], "1..=2", 1));
    assert_eq!(finish(&mut scratch.run(&spec, "folded")).code(), 0);
    copy_folder(&scratch.path("folded"), &scratch.path("other"));
    // As after a kill of the coordinator: its log is there, with or without the index.
    let writer = Connection::open(scratch.path("folded/study.db")).unwrap();
    writer.execute_batch("UPDATE owner SET commits = commits + 1").unwrap();
    for killed in ["killed", "copied"] {
        copy_folder(&scratch.path("folded"), &scratch.path(killed));
    }
    drop(writer);
    fs::remove_file(scratch.path("copied/study.db-shm")).unwrap();
    assert!(!scratch.path("folded/study.db-wal").exists(), "its log is folded in");
    assert!(fs::metadata(scratch.path("killed/study.db-wal")).unwrap().len() > 0);

    let another_user = AnotherUser::new(&scratch);
    for run in ["folded", "killed", "copied"] {
        let before = listing(&scratch, run);
        let by_others = format!("by-others-{run}");
        fs::create_dir(scratch.path(&by_others)).unwrap();
        let anybody = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o777);
        fs::set_permissions(scratch.path(&by_others), anybody).unwrap();
        for (arguments, code) in looks(&scratch, run, &by_others) {
            let ended = finish(another_user.seedgrid().args(&arguments));
            assert_eq!(ended.code(), code, "another user: {arguments:?}: {}{}", ended.stdout, ended.stderr);
        }
        for (arguments, code) in looks(&scratch, run, &format!("from-read-only-{run}")) {
            let Some(mut command) = read_only(&scratch.path(run), &binary("seedgrid"), &arguments) else {
                println!("skipped: no namespace can be made here");
                break;
            };
            let ended = finish(&mut command);
            assert_eq!(ended.code(), code, "read only: {arguments:?}: {}{}", ended.stdout, ended.stderr);
        }
        assert_eq!(listing(&scratch, run), before, "{run}: nothing is left behind");
    }
}

fn listing(scratch: &Scratch, run: &str) -> Vec<PathBuf> {
    let mut names: Vec<PathBuf> = fs::read_dir(scratch.path(run)).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    names
}
