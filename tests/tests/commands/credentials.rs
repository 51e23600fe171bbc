//! `seedgrid credentials` with the real binaries, and the places that must not contain secrets.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use nix::sys::signal::Signal;
use seedgrid_common::join::{JoinFile, Role};
use seedgrid_tests::{
    process::{Running, finish, seedgrid, until, worker},
    study::{Scratch, holdout},
};

fn serve(scratch: &Scratch, options: &[&str]) -> Running {
    let spec = scratch.write("spec.toml", &holdout(&["cnn"], "1..=6", 200));
    let mut command = seedgrid(["serve", "-vv", "--listen", "127.0.0.1:0"]);
    command.arg(spec).arg("--run-dir").arg(scratch.path("run")).args(options);
    let coordinator = Running::start(&mut command);
    coordinator.until_stderr("seedgrid-worker --join", 1);
    coordinator
}

fn joins(scratch: &Scratch, join: &Path) -> Command {
    let mut command = worker(["--slots", "1", "--log-level", "trace"]);
    command.arg("--join").arg(join).arg("--cache").arg(scratch.path("cache"));
    command
}

fn credentials(scratch: &Scratch, arguments: &[&str]) -> seedgrid_tests::process::Ended {
    let [action, rest @ ..] = arguments else { panic!("an action") };
    finish(seedgrid(["credentials", action]).arg(scratch.path("run")).args(rest))
}

fn listing(scratch: &Scratch) -> serde_json::Value {
    let listed = credentials(scratch, &["list", "--format", "json"]);
    assert_eq!(listed.code(), 0, "{}", listed.stderr);
    listed.json()
}

fn token(path: &Path) -> String {
    JoinFile::read(path).unwrap().token.expose().to_owned()
}

#[test]
fn rotating_and_revoking_while_it_runs_and_at_rest() {
    let scratch = Scratch::new();
    let join = scratch.path("run/join.toml");
    let coordinator = serve(&scratch, &["--join-expires", "7d"]);
    let first = Running::start(&mut joins(&scratch, &join));
    first.until_stderr("started", 1);
    let old = scratch.path("old.toml");
    fs::copy(&join, &old).unwrap();

    let rotated = credentials(&scratch, &["rotate", "--expires", "12h"]);
    assert_eq!(rotated.code(), 0, "{}", rotated.stderr);
    assert_ne!(token(&join), token(&old));
    let refused = finish(&mut joins(&scratch, &old));
    assert_eq!(refused.code(), 4, "{}", refused.stderr);
    let second = Running::start(&mut joins(&scratch, &join));
    second.until_stderr("started", 1);
    assert!(listing(&scratch)["workers"].as_array().unwrap().len() == 2);

    // The first worker joined with the old file, and is revoked now.
    let workers = |status: &serde_json::Value| status["workers"].as_array().map_or(0, Vec::len);
    until("both are in the picture", || workers(&scratch.status("run")) == 2);
    let status = scratch.status("run");
    let ids: Vec<&str> = status["workers"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    let pid = u64::from(first.pid());
    let of_first = status["workers"]
        .as_array()
        .unwrap()
        .iter()
        .position(|one| one["pid"] == pid)
        .unwrap_or_else(|| panic!("{pid}: {status}"));
    let revoked = credentials(&scratch, &["revoke", &ids[of_first][..12]]);
    assert_eq!(revoked.code(), 0, "{}", revoked.stderr);
    assert!(revoked.stdout.contains(ids[of_first]), "{}", revoked.stdout);
    let ended = first.wait();
    assert_eq!(ended.code(), 4, "{}", ended.stderr);
    assert!(ended.stderr.contains("revoked"), "{}", ended.stderr);
    until("one is left in the picture", || workers(&scratch.status("run")) == 1);
    let status = scratch.status("run");
    assert!(status["refusals"]["revoked"].as_u64().unwrap() >= 1, "{status}");
    assert!(status["refusals"]["wrong-credential"].as_u64().unwrap() >= 1, "{status}");

    // With the coordinator stopped, once more: the second worker trains on meanwhile, and is refused when the
    // coordinator is back.
    coordinator.signal(Signal::SIGTERM);
    coordinator.wait();
    let before = token(&join);
    assert_eq!(credentials(&scratch, &["rotate"]).code(), 0);
    assert_ne!(token(&join), before);
    let missing = credentials(&scratch, &["revoke", "no-such-id"]);
    assert_eq!(missing.code(), 2, "{}", missing.stderr);
    assert_eq!(credentials(&scratch, &["revoke", ids[1 - of_first]]).code(), 0);
    let listed = listing(&scratch);
    let workers = listed["workers"].as_array().unwrap();
    assert!(workers.iter().all(|worker| worker["revoked_ms"].is_i64()), "{listed}");
    drop(second);
    let kept = token(&join);
    let coordinator = serve(&scratch, &[]);
    assert_eq!(token(&join), kept, "a restart keeps it");
    coordinator.signal(Signal::SIGTERM);
    coordinator.wait();
}

/// Every file below `folder` that contains `text`.
fn holding(folder: &Path, text: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            holding(&path, text, found);
        } else if fs::read(&path).unwrap_or_default().windows(text.len()).any(|part| part == text.as_bytes()) {
            found.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
}

#[test]
fn secrets_are_in_their_files_alone() {
    let scratch = Scratch::new();
    let run = scratch.path("run");
    let coordinator = serve(&scratch, &[]);
    let worker = Running::start(&mut joins(&scratch, &run.join("join.toml")));
    worker.until_stderr("started", 1);
    let watcher = Running::start(seedgrid(["watch", "-vv"]).arg(&run));
    watcher.until_stdout("of 6 units", 1);
    let mut secrets: Vec<(&str, String)> =
        Role::ALL.map(|role| (role.file_name(), token(&run.join(role.file_name())))).into();
    let key = fs::read_to_string(run.join("tls.pem")).unwrap();
    let key_line = key.split("PRIVATE KEY-----\n").nth(1).unwrap().lines().next().unwrap();
    secrets.push(("tls.pem", key_line.to_owned()));
    // No command line and no environment contains a secret.
    for pid in [coordinator.pid(), worker.pid(), watcher.pid()] {
        for what in ["cmdline", "environ"] {
            let shown = fs::read(format!("/proc/{pid}/{what}")).unwrap();
            for (name, secret) in &secrets {
                assert!(!shown.windows(secret.len()).any(|part| part == secret.as_bytes()), "{name} in {what}");
            }
        }
    }
    // Also after a refusal, an error and a report.
    finish(seedgrid(["retry", "-vv"]).arg(run.join("view.toml")));
    finish(seedgrid(["report"]).arg(&run));
    until("there is a report", || run.join("report/report.html").is_file());
    let listed = credentials(&scratch, &["list"]);
    worker.signal(Signal::SIGTERM);
    coordinator.signal(Signal::SIGTERM);
    watcher.until_stderr("the coordinator has gone", 1);
    watcher.signal(Signal::SIGKILL);
    let outputs = [coordinator.wait(), worker.wait(), watcher.wait(), listed];
    for (name, secret) in &secrets {
        let mut found = Vec::new();
        holding(&run, secret, &mut found);
        assert_eq!(found, [*name], "a secret is in its file and nowhere else");
        for output in &outputs {
            assert!(!output.stdout.contains(secret) && !output.stderr.contains(secret), "{name} in {output:?}");
        }
        assert_eq!(fs::metadata(run.join(name)).unwrap().permissions().mode() & 0o777, 0o600);
    }
    // No output contains the worker's own credential, neither complete nor as a header.
    assert!(outputs.iter().all(|output| !output.stderr.contains("Bearer")), "{outputs:?}");
}
