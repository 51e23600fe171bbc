//! `seedgrid serve` with workers that join, leave and are killed, and a coordinator that is killed and restarted.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may")]

use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use nix::sys::signal::Signal;
use seedgrid_common::join::JoinFile;
use seedgrid_tests::{
    machine::free_port,
    process::{Running, finish, seedgrid, until, worker},
    study::{Scratch, holdout},
};

fn spec(scratch: &Scratch) -> PathBuf {
    scratch.write("spec.toml", &holdout(&["fc-aux", "cnn", "fc"], "1..=8", 12))
}

fn expected(scratch: &Scratch) -> Vec<u8> {
    let ended = finish(&mut scratch.run(&spec(scratch), "local"));
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    scratch.report("local", "report.json")
}

fn serve(scratch: &Scratch, listen: &str) -> Command {
    let mut command = seedgrid(["serve", "--listen", listen]);
    command.arg(spec(scratch)).arg("--run-dir").arg(scratch.path("run"));
    command
}

/// A worker with its own cache, so that it fetches the data set from the coordinator.
fn joins(scratch: &Scratch, join: &Path, name: &str, slots: &str) -> Command {
    let mut command = worker(["--slots", slots]);
    command.arg("--join").arg(join).arg("--cache").arg(scratch.path(name));
    command
}

#[test]
fn workers_elsewhere_give_the_same_bytes_as_a_local_run() {
    let scratch = Scratch::new();
    let expected = expected(&scratch);
    let coordinator = Running::start(&mut serve(&scratch, "127.0.0.1:0"));
    coordinator.until_stderr("seedgrid-worker --join", 1);
    let join = scratch.path("run/join.toml");
    assert_eq!(std::fs::metadata(&join).unwrap().permissions().mode() & 0o777, 0o600);
    let first = Running::start(&mut joins(&scratch, &join, "first", "1"));
    coordinator.until_stderr("after 12 epochs", 1);
    let second = Running::start(&mut joins(&scratch, &join, "second", "1"));
    let status = finish(seedgrid(["status", "--format", "json"]).arg(scratch.path("run")));
    assert_eq!(status.code(), 0, "{}", status.stderr);
    let status = status.json();
    assert_eq!(status["units"]["total"], 24);
    coordinator.until_stderr("after 12 epochs", 4);
    // One worker leaves in order, another one joins.
    first.signal(Signal::SIGTERM);
    let left = first.wait();
    assert_eq!(left.code(), 0, "{}", left.stderr);
    let third = Running::start(&mut joins(&scratch, &join, "third", "2"));
    let ended = coordinator.wait();
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    for worker in [second, third] {
        let left = worker.wait();
        assert_eq!(left.code(), 0, "workers leave when the study is done: {}", left.stderr);
    }
    assert_eq!(scratch.report("run", "report.json"), expected);
}

#[test]
fn a_worker_comes_in_over_ipv6() {
    if let Err(cause) = std::net::TcpListener::bind("[::1]:0") {
        println!("skipped: this machine has no IPv6 loopback address: {cause}");
        return;
    }
    let scratch = Scratch::new();
    let spec = scratch.write("small.toml", &holdout(&["fc"], "1..=2", 2));
    let mut command = seedgrid(["serve", "--listen", "[::]:0"]);
    let coordinator = Running::start(command.arg(spec).arg("--run-dir").arg(scratch.path("run")));
    coordinator.until_stderr("seedgrid-worker --join", 1);
    let mut join = JoinFile::read(&scratch.path("run/join.toml")).unwrap();
    assert!(join.addresses.iter().all(|address| !address.contains("[fe80")), "{:?}", join.addresses);
    join.addresses.retain(|address| address.starts_with("https://[::1]:"));
    assert_eq!(join.addresses.len(), 1);
    let path = scratch.path("join.toml");
    join.write(&path).unwrap();
    let worker = finish(&mut joins(&scratch, &path, "cache", "1"));
    assert_eq!(worker.code(), 0, "{}", worker.stderr);
    assert!(worker.stderr.contains("at https://[::1]:"), "{}", worker.stderr);
    let ended = coordinator.wait();
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
}

#[test]
fn a_coordinator_that_is_killed_goes_on_where_it_was() {
    let scratch = Scratch::new();
    let expected = expected(&scratch);
    let listen = format!("127.0.0.1:{}", free_port());
    let join = scratch.path("run/join.toml");
    let mut workers = Vec::new();
    for life in 0..3 {
        let coordinator = Running::start(&mut serve(&scratch, &listen));
        coordinator.until_stderr("seedgrid-worker --join", 1);
        if life == 0 {
            workers.push(Running::start(&mut joins(&scratch, &join, "first", "1")));
            workers.push(Running::start(&mut joins(&scratch, &join, "second", "1")));
        }
        coordinator.until_stderr("after 12 epochs", 2);
        coordinator.kill_hard();
    }
    let ended = finish(&mut serve(&scratch, &listen));
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    for worker in workers {
        assert_eq!(worker.wait().code(), 0);
    }
    assert_eq!(scratch.report("run", "report.json"), expected);
    let attempts = scratch.report_table("run", "attempts.csv");
    assert!(attempts.iter().all(|attempt| attempt["ending"] != "duplicate"), "trained twice: {attempts:?}");
}

#[test]
fn a_worker_that_is_killed_loses_only_its_leases() {
    let scratch = Scratch::new();
    let expected = expected(&scratch);
    let coordinator = Running::start(&mut serve(&scratch, "127.0.0.1:0"));
    coordinator.until_stderr("seedgrid-worker --join", 1);
    let join = scratch.path("run/join.toml");
    let doomed = Running::start(&mut joins(&scratch, &join, "doomed", "2"));
    coordinator.until_stderr("after 12 epochs", 2);
    doomed.kill_hard();
    let survivor = Running::start(&mut joins(&scratch, &join, "survivor", "2"));
    let ended = coordinator.wait();
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert_eq!(survivor.wait().code(), 0);
    assert_eq!(scratch.report("run", "report.json"), expected);
}

#[test]
fn the_report_can_be_built_while_the_study_runs() {
    let scratch = Scratch::new();
    let coordinator = Running::start(&mut serve(&scratch, "127.0.0.1:0"));
    coordinator.until_stderr("seedgrid-worker --join", 1);
    let _worker = Running::start(&mut joins(&scratch, &scratch.path("run/join.toml"), "worker", "2"));
    coordinator.until_stderr("after 12 epochs", 3);
    let report = finish(seedgrid(["report"]).arg(scratch.path("run")));
    assert_eq!(report.code(), 3, "cells are missing, and that is said: {}", report.stderr);
    until("the report is there", || scratch.path("run/report/report.html").is_file());
    assert_eq!(scratch.report_json("run")["complete"], false);
}

#[test]
fn a_watcher_holds_nobody_up_and_bears_restarts() {
    let scratch = Scratch::new();
    let coordinator = Running::start(&mut serve(&scratch, "127.0.0.1:0"));
    coordinator.until_stderr("seedgrid-worker --join", 1);
    let watcher = Running::start(seedgrid(["watch"]).arg(scratch.path("run")));
    watcher.until_stdout("0 of 24 units", 1);
    coordinator.signal(Signal::SIGTERM);
    assert_eq!(coordinator.wait().code(), 143);
    watcher.until_stderr("the coordinator has gone", 1);
    let status = scratch.status("run");
    assert_eq!(status["state"], "stopped", "the store knows what no coordinator tells");
    assert_eq!(status["units"]["waiting"], 24);
    assert_eq!(finish(seedgrid(["watch"]).arg(scratch.path("run"))).code(), 5, "there is nothing to follow");
    // Its successor listens on another port, and is found.
    let successor = Running::start(&mut serve(&scratch, "127.0.0.1:0"));
    watcher.until_stdout("0 of 24 units", 2);
    assert_eq!(finish(seedgrid(["cancel"]).arg(scratch.path("run")).args(every_unit(&scratch))).code(), 0);
    let ended = watcher.wait();
    assert_eq!(ended.code(), 3, "{}", ended.stderr);
    assert!(ended.stdout.contains("0 of 24 units done, 0 diverged, 0 quarantined, 24 cancelled"), "{}", ended.stdout);
    assert_eq!(successor.wait().code(), 3);
}

/// The ids of a study's units.
fn every_unit(scratch: &Scratch) -> Vec<String> {
    let listed = finish(seedgrid(["units", "--format", "json"]).arg(scratch.path("run")));
    let listing = listed.json();
    listing["units"].as_array().unwrap().iter().map(|unit| unit["unit"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_worker_without_room_for_anything_trains_all_the_same() {
    let scratch = Scratch::new();
    let allowed = finish(Command::new("unshare").args(["-rm", "sh", "-c", "mount -t tmpfs tmpfs /mnt"]));
    if allowed.status.code() != Some(0) {
        return println!("skipped: no file system can be mounted here: {}", allowed.stderr);
    }
    let expected = expected(&scratch);
    let coordinator = Running::start(&mut serve(&scratch, "127.0.0.1:0"));
    coordinator.until_stderr("seedgrid-worker --join", 1);
    // A disk in a namespace of its own: first too small for the data set, then full.
    let disk = scratch.path("disk");
    std::fs::create_dir(&disk).unwrap();
    let script = "set -e
        mount -t tmpfs -o size=64k tmpfs \"$3\"
        if [ \"$4\" = full ]; then dd if=/dev/zero of=\"$3/filled\" 2>/dev/null || true; fi
        TMPDIR=\"$3\" exec \"$1\" --join \"$2\" --cache \"$3/cache\" --slots 1 --checkpoint-every 1s";
    let workers = ["small", "full"].map(|disk_is| {
        let mut command = Command::new("unshare");
        command.args(["-rm", "sh", "-c", script, "sh"]).arg(seedgrid_tests::process::binary("seedgrid-worker"));
        Running::start(command.arg(scratch.path("run/join.toml")).arg(&disk).arg(disk_is))
    });
    let ended = coordinator.wait();
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    for worker in workers {
        let left = worker.wait();
        assert_eq!(left.code(), 0, "{}", left.stderr);
        assert!(left.stderr.contains("No space left on device"), "{}", left.stderr);
    }
    assert_eq!(scratch.report("run", "report.json"), expected);
}
