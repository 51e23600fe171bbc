//! Signals end every phase of every command, at once and with the right code. A phase is held by its input: a pipe in
//! the data set's place, a locked database, a mirror that never answers.

use std::{fs, net::TcpListener, os::unix::fs::OpenOptionsExt as _, path::PathBuf};

use nix::{sys::signal::Signal, sys::stat::Mode};
use rusqlite::Connection;
use seedgrid_tests::{
    process::{Running, finish, listens, seedgrid, until},
    study::{Scratch, holdout},
};

/// The data set of the run `run`, replaced by a pipe without a writer: its readers wait.
struct Pipe {
    path: PathBuf,
    aside: PathBuf,
}

impl Pipe {
    fn instead_of_dataset(scratch: &Scratch) -> Self {
        let found = fs::read_dir(scratch.path("run/datasets")).unwrap().next().unwrap().unwrap();
        let (path, aside) = (found.path(), scratch.path("aside"));
        fs::rename(&path, &aside).unwrap();
        nix::unistd::mkfifo(&path, Mode::S_IRWXU).unwrap();
        Self { path, aside }
    }

    /// Waits for a reader. A pipe without a reader cannot be opened for writing.
    fn until_read(&self) {
        until("the data set is read", || {
            fs::OpenOptions::new().write(true).custom_flags(nix::libc::O_NONBLOCK).open(&self.path).is_ok_and(|pipe| {
                // A closed pipe would be an empty file; so it stays open until this process ends.
                std::mem::forget(pipe);
                true
            })
        });
    }

    fn restore(self) {
        fs::rename(&self.aside, &self.path).unwrap();
    }
}

/// The unfinished files of a command.
fn litter(scratch: &Scratch) -> Vec<PathBuf> {
    let folders = ["run", "run/datasets", "run/report", "run/export"].map(|folder| scratch.path(folder));
    let entries = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.to_string_lossy().contains("/.writing")).collect()
}

#[test]
fn every_phase_ends_at_a_signal() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["fc-aux"], "1..=3", 2));
    let run = Running::start(scratch.run_with_slots(&spec, "run", 1).env("SEEDGRID_FILE_SYSTEM", "network"));
    run.until_stderr("after 2 epochs", 1);
    let pipe = Pipe::instead_of_dataset(&scratch);
    // The study is done, and its report is under way.
    pipe.until_read();
    run.signal(Signal::SIGINT);
    let ended = run.wait();
    assert_eq!(ended.code(), 130, "{}", ended.stderr);
    assert!(ended.stderr.contains("stopped by a signal"), "{}", ended.stderr);
    assert!(!scratch.path("run/report").exists());
    fs::create_dir(scratch.path("other")).unwrap();
    fs::copy(scratch.path("run/study.db"), scratch.path("other/study.db")).unwrap();
    // Under nohup the tests and their processes ignore SIGHUP.
    let hangup = if seedgrid_common::sighup::is_ignored() { Signal::SIGTERM } else { Signal::SIGHUP };
    // Reading the data set, and the commands that read a run.
    let commands: [(&[&str], Signal, i32); 6] = [
        (&["run", "spec.toml", "--run-dir", "run"], Signal::SIGTERM, 143),
        (&["serve", "spec.toml", "--listen", "127.0.0.1:0", "--run-dir", "run"], Signal::SIGINT, 130),
        (&["plan", "spec.toml", "--run-dir", "run"], hangup, 143),
        (&["report", "run"], Signal::SIGTERM, 143),
        (&["export", "run"], Signal::SIGINT, 130),
        (&["compare", "run", "other"], hangup, 143),
    ];
    for (arguments, signal, code) in commands {
        let mut command = seedgrid(arguments);
        command.current_dir(scratch.path("")).env("SEEDGRID_FILE_SYSTEM", "network");
        let command = Running::start(&mut command);
        pipe.until_read();
        command.signal(signal);
        let ended = command.wait();
        assert_eq!(ended.code(), code, "{arguments:?}: {}", ended.stderr);
        assert_eq!(litter(&scratch), [] as [PathBuf; 0], "{arguments:?}");
    }
    pipe.restore();
    // Another program has locked the database.
    let folder = scratch.path("run");
    let other = Connection::open(scratch.path("run/study.db")).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    for arguments in ["check", "report", "units", "status"] {
        let command = Running::start(seedgrid([arguments]).arg(&folder));
        listens(command.pid());
        command.signal(Signal::SIGINT);
        let ended = command.wait();
        assert_eq!(ended.code(), 130, "{arguments}: {}", ended.stderr);
        // A reading command leaves nothing half done.
        assert_eq!(ended.stderr.contains("is complete"), arguments == "report", "{arguments}: {}", ended.stderr);
    }
    drop(other);
    let ended = finish(seedgrid(["report"]).arg(&folder));
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert_eq!(scratch.report_json("run")["complete"], true);
}

#[test]
fn a_download_ends_at_a_signal() {
    let scratch = Scratch::new();
    let mirror = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", mirror.local_addr().unwrap());
    let fetch = Running::start(seedgrid(["data", "fetch", "--mirror", &url, "--data"]).arg(scratch.path("mnist")));
    let _caller = mirror.accept().unwrap();
    fetch.signal(Signal::SIGTERM);
    let ended = fetch.wait();
    assert_eq!(ended.code(), 143, "{}", ended.stderr);
}

#[test]
fn signals_that_nohup_ignores_stay_ignored() {
    let scratch = Scratch::new();
    let mirror = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", mirror.local_addr().unwrap());
    let fetch = seedgrid(["data", "fetch", "--mirror", &url, "--data", "mnist"]);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]).arg(fetch.get_program()).args(fetch.get_args());
    let fetch = Running::start(shell.current_dir(scratch.path("")));
    let _caller = mirror.accept().unwrap();
    fetch.signal(Signal::SIGHUP);
    fetch.signal(Signal::SIGINT);
    let ended = fetch.wait();
    assert_eq!(ended.code(), 130, "the first of them would have ended it with 143: {}", ended.stderr);
}
