//! The real `seedgrid-worker` process with a scripted coordinator: real training, signals, exit codes, the end of its
//! parent.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may")]

mod scripted;

use std::{
    collections::VecDeque,
    fs,
    io::{BufRead as _, BufReader, Read as _},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Child, ChildStderr, Command, Output, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use scripted::{Coordinator, PATIENCE, Play, unit};
use seedgrid_common::{data::encode::digest, hyperparameters::Value, join::Token, unit::Unit, wire::v1::Failure};
use tempfile::{TempDir, tempdir};

const WORKER: &str = env!("CARGO_BIN_EXE_seedgrid-worker");

/// A small network, trained for `epochs` epochs.
fn fully_connected(play: &Play, seed: u64, epochs: u32) -> Unit {
    let mut unit = unit(&digest(&play.script().dataset), seed);
    unit.configuration.model = "fc".to_owned();
    unit.configuration.stop.max_epochs = epochs;
    unit.configuration.stop.min_epochs = epochs;
    unit.configuration.hyperparameters = [
        ("learning_rate", Value::Number(0.01)),
        ("batch_size", Value::Integer(20)),
        ("hidden", Value::Integers(vec![20])),
        ("dropout", Value::Number(0.0)),
        ("optimiser", Value::Text("sgd".to_owned())),
        ("momentum", Value::Number(0.0)),
        ("weight_decay", Value::Number(0.0)),
        ("initial_scale", Value::Number(1.0)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    unit
}

/// A coordinator with units for `seeds`, and a folder with its join file.
fn study(seeds: std::ops::Range<u64>, epochs: u32) -> (Play, Coordinator, TempDir) {
    let play = Play::new(0);
    let units: VecDeque<_> = seeds.map(|seed| fully_connected(&play, seed, epochs)).collect();
    play.script().waiting = units;
    let coordinator = Coordinator::start(&play);
    let folder = tempdir().expect("a temporary folder");
    coordinator.write_join(&play, &folder.path().join("join.toml"));
    (play, coordinator, folder)
}

fn command(folder: &TempDir, options: &[&str]) -> Command {
    let mut command = Command::new(WORKER);
    command.arg("--join").arg(folder.path().join("join.toml")).arg("--cache").arg(folder.path().join("cache"));
    command.arg("--plaintext");
    command.args(options).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(folder: &TempDir, options: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = command(folder, options).output().expect("the worker starts");
    assert!(stdout.is_empty(), "nothing on stdout");
    (status.code(), String::from_utf8(stderr).expect("UTF-8"))
}

fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_real_worker_trains_a_study() {
    let (play, _coordinator, folder) = study(1..4, 3);
    let (code, log) = run(&folder, &["--slots", "2"]);
    assert_eq!(code, Some(0), "{log}");
    let script = play.script();
    assert_eq!(script.results(), 3);
    let info = script.registers[0].info.as_ref().expect("it describes itself");
    assert_eq!((info.slots, info.device.as_str()), (2, "cpu"));
    assert!(info.numerics_class.starts_with("cpu") && info.isa.contains('+') && !info.host.is_empty(), "{info:?}");
    assert!(log.contains("joined study \"scripted\""), "{log}");
    assert!(log.contains("seed 2 (attempt 1): done after 3 epochs, error 0."), "{log}");
    assert!(log.contains("goodbye (study done): 3 units done"), "{log}");
    assert!(!log.contains(script.token.expose()), "the token is not logged");
    assert!(!log.contains('\u{1b}'), "no colours where there is no terminal");
}

#[test]
fn the_token_is_in_no_log_however_much_is_logged() {
    let (play, _coordinator, folder) = study(1..2, 1);
    let (code, log) = run(&folder, &["--log-level", "trace"]);
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains(play.script().token.expose()));
}

#[test]
fn sigterm_gives_work_back_and_exits_with_0() {
    let (play, _coordinator, folder) = study(1..4, 100_000);
    let child = command(&folder, &["--slots", "2"]).spawn().expect("the worker starts");
    wait_until("units are in training", || play.script().beats.iter().any(|held| held.len() == 3));
    kill(Pid::from_raw(child.id() as i32), Signal::SIGTERM).expect("it can be told");
    let output = child.wait_with_output().expect("it ends");
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{log}");
    let script = play.script();
    assert_eq!(script.failures().iter().filter(|(failure, _)| *failure == Failure::Preempted).count(), 3, "{log}");
    assert_eq!(script.left, ["terminated"]);
}

/// The children of a process, by its threads.
fn children(parent: u32) -> Vec<i32> {
    let tasks = fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()).collect()
}

#[test]
fn a_signal_to_every_process_of_a_job_counts_once() {
    let (play, _coordinator, folder) = study(1..3, 100_000);
    let child = command(&folder, &["--slots", "1"]).spawn().expect("the worker starts");
    wait_until("a unit is in training", || play.script().beats.iter().any(|held| !held.is_empty()));
    let trainer = children(child.id());
    assert_eq!(trainer.len(), 1, "a supervisor and its trainer");
    for process in [child.id() as i32, trainer[0]] {
        kill(Pid::from_raw(process), Signal::SIGTERM).expect("it can be told");
    }
    // A second signal to the trainer alone, as from a script that signals each process twice.
    let _ = kill(Pid::from_raw(trainer[0]), Signal::SIGTERM);
    let output = child.wait_with_output().expect("it ends");
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{log}");
    let script = play.script();
    assert!(script.failures().iter().all(|(failure, _)| *failure == Failure::Preempted), "{log}");
    assert_eq!(script.left, ["terminated"]);
    assert!(script.losses.is_empty(), "nothing crashed");
}

#[test]
fn a_warning_of_a_batch_system_and_the_end_of_a_login_give_work_back() {
    // A closed terminal sends SIGHUP, and its shell sends it again. Under nohup a worker ignores SIGHUP.
    let hangup = if seedgrid_common::sighup::is_ignored() { Signal::SIGTERM } else { Signal::SIGHUP };
    for signals in [&[Signal::SIGUSR1][..], &[hangup, Signal::SIGHUP]] {
        let (play, _coordinator, folder) = study(1..2, 100_000);
        let child = command(&folder, &["--slots", "1"]).spawn().expect("the worker starts");
        wait_until("a unit is in training", || !play.script().beats.is_empty());
        for signal in signals {
            kill(Pid::from_raw(child.id() as i32), *signal).expect("it can be told");
        }
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(0), "{signals:?}");
        assert_eq!(play.script().left, ["terminated"]);
    }
}

#[test]
fn the_end_time_of_a_job_that_has_ended_limits_nothing() {
    let (play, _coordinator, folder) = study(1..2, 3);
    let mut command = command(&folder, &["--slots", "1"]);
    // No Slurm on this machine has such a job.
    command.env("SLURM_JOB_ID", "4294967293").env("SLURM_JOB_END_TIME", "1000");
    let output = command.output().expect("the worker starts");
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{log}");
    assert!(log.contains("names job 4294967293, which has ended"), "{log}");
    let script = play.script();
    assert_eq!(script.results(), 1);
    assert_eq!(script.registers[0].info.as_ref().expect("it describes itself").place, "");
}

#[test]
fn logs_come_with_the_end_of_an_attempt() {
    let (play, _coordinator, folder) = study(1..2, 3);
    let (code, log) = run(&folder, &["--slots", "1"]);
    assert_eq!(code, Some(0), "{log}");
    let script = play.script();
    let sent = &script.submits[0].log;
    assert!(sent.contains("seed 1 (attempt 1): started") && sent.contains("done after 3 epochs"), "{sent}");
    assert!(!sent.contains("joined study") && !sent.contains('\u{1b}'), "only what belongs to the attempt: {sent}");
}

/// Reads a process's log until a line has `words`; returns the rest of the log.
fn read_until(child: &mut Child, words: &str) -> BufReader<ChildStderr> {
    let mut log = BufReader::new(child.stderr.take().expect("piped"));
    let mut line = String::new();
    while !line.contains(words) {
        line.clear();
        assert!(log.read_line(&mut line).expect("UTF-8") > 0, "no line has {words:?}");
    }
    log
}

#[test]
fn a_second_signal_ends_at_once() {
    let (play, coordinator, folder) = study(1..2, 100_000);
    let mut child = command(&folder, &[]).spawn().expect("the worker starts");
    wait_until("a unit is in training", || !play.script().beats.is_empty());
    // Without a coordinator, leaving takes its full time.
    drop(coordinator);
    let process = Pid::from_raw(child.id() as i32);
    kill(process, Signal::SIGTERM).expect("it can be told");
    let mut log = read_until(&mut child, "told to stop");
    kill(process, Signal::SIGINT).expect("it can be told");
    let mut rest = String::new();
    log.read_to_string(&mut rest).expect("UTF-8");
    assert_eq!(child.wait().expect("it ends").code(), Some(130), "{rest}");
    assert!(!rest.contains("goodbye"), "it does not wait for the end of its leaving: {rest}");
}

#[test]
fn bad_usage_is_a_clear_error_and_code_2() {
    let (_play, _coordinator, folder) = study(0..0, 1);
    let join = folder.path().join("join.toml");
    let (code, log) = run(&folder, &["--device", "abacus"]);
    assert_eq!((code, log.lines().count()), (Some(2), 2), "the error and its hint: {log}");
    assert!(log.contains("abacus") && log.contains("hint: write `cpu`"), "{log}");
    fs::set_permissions(&join, fs::Permissions::from_mode(0o644)).expect("it is ours");
    let (code, log) = run(&folder, &[]);
    assert_eq!((code, log.lines().count()), (Some(2), 2), "{log}");
    assert!(log.contains("hint: run `chmod 600"), "{log}");
    fs::remove_file(&join).expect("it is ours");
    let (code, log) = run(&folder, &[]);
    assert_eq!((code, log.lines().count()), (Some(2), 2), "{log}");
    assert!(log.contains("no join file") && log.contains("hint: "), "{log}");
    assert_eq!(run(&folder, &["--slots", "0"]).0, Some(2));
}

#[test]
fn a_refusal_and_a_coordinator_that_is_not_there_have_their_codes() {
    let (play, coordinator, folder) = study(1..2, 1);
    play.script().token = Token::generate();
    let (code, log) = run(&folder, &[]);
    assert_eq!(code, Some(4), "{log}");
    assert!(log.contains("hint: copy the join file"), "{log}");
    drop(coordinator);
    let (code, log) = run(&folder, &["--connect-timeout", "1s"]);
    assert_eq!(code, Some(5), "{log}");
    assert!(log.contains("cannot reach the coordinator"), "{log}");
}

#[test]
fn a_cache_folder_that_cannot_be_used_is_done_without() {
    let (play, _coordinator, folder) = study(1..2, 1);
    fs::write(folder.path().join("cache"), "a file, not a folder").expect("it can be written");
    let (code, log) = run(&folder, &[]);
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("going on without"), "{log}");
    assert_eq!(play.script().results(), 1);
}

#[test]
fn a_worker_dies_with_its_parent() {
    let (play, _coordinator, folder) = study(1..2, 100_000);
    let script = format!(
        "{WORKER} --plaintext --join {}/join.toml --cache {}/cache --die-with-parent $$ 2>/dev/null & echo $!; wait",
        folder.path().display(),
        folder.path().display()
    );
    let mut shell = Command::new("sh").args(["-c", &script]).stdout(Stdio::piped()).spawn().expect("sh starts");
    let mut line = String::new();
    BufReader::new(shell.stdout.take().expect("piped")).read_line(&mut line).expect("a process id");
    let process = PathBuf::from("/proc").join(line.trim()).join("status");
    wait_until("a unit is in training", || !play.script().beats.is_empty());
    assert!(process.exists());
    shell.kill().expect("sh can be killed");
    shell.wait().expect("sh ends");
    // The process has ended, or is a zombie where nothing reaps orphans.
    wait_until("the worker is gone", || {
        fs::read_to_string(&process).map_or(true, |status| status.contains("State:\tZ") || status.contains("State:\tX"))
    });
}

#[test]
fn a_worker_whose_parent_is_gone_does_not_start() {
    let (play, _coordinator, folder) = study(1..2, 1);
    let (code, log) = run(&folder, &["--die-with-parent", "1"]);
    assert_eq!(code, Some(1), "{log}");
    assert!(play.script().registers.is_empty());
}
