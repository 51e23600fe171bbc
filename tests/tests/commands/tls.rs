//! Encryption between the real binaries: on by default, with the study's own certificate alone, and off only where both
//! sides ask for it.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Command,
    thread,
};

use nix::sys::signal::Signal;
use seedgrid_common::join::JoinFile;
use seedgrid_tests::{
    process::{Running, finish, seedgrid, worker},
    study::{Scratch, holdout},
};

fn serve(scratch: &Scratch, run: &str, options: &[&str]) -> Command {
    let spec = scratch.write("spec.toml", &holdout(&["fc"], "1..=2", 1));
    let mut command = seedgrid(["serve", "--listen", "127.0.0.1:0"]);
    command.arg(spec).arg("--run-dir").arg(scratch.path(run)).args(options);
    command
}

fn serving(scratch: &Scratch, run: &str, options: &[&str]) -> Running {
    let coordinator = Running::start(&mut serve(scratch, run, options));
    coordinator.until_stderr("seedgrid-worker --join", 1);
    coordinator
}

fn joins(scratch: &Scratch, join: &Path, options: &[&str]) -> Command {
    let mut command = worker(["--slots", "1", "--connect-timeout", "1s"]);
    command.arg("--join").arg(join).arg("--cache").arg(scratch.path("cache")).args(options);
    command
}

/// Reads the join file of `run`, applies `change`, and writes it to `name`.
fn changed(scratch: &Scratch, run: &str, name: &str, change: impl FnOnce(&mut JoinFile)) -> std::path::PathBuf {
    let mut join = JoinFile::read(&scratch.path(run).join("join.toml")).unwrap();
    change(&mut join);
    join.write(&scratch.path(name)).unwrap();
    scratch.path(name)
}

#[test]
fn a_restart_keeps_certificate_and_key_from_others() {
    let scratch = Scratch::new();
    let key = scratch.path("run/tls.pem");
    let mut known = None;
    for _ in 0..2 {
        let coordinator = serving(&scratch, "run", &[]);
        let join = JoinFile::read(&scratch.path("run/join.toml")).unwrap();
        assert!(join.addresses.iter().all(|address| address.starts_with("https://")), "{:?}", join.addresses);
        assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
        let found = (join.certificate, std::fs::read(&key).unwrap());
        assert_eq!(*known.get_or_insert_with(|| found.clone()), found);
        coordinator.signal(Signal::SIGTERM);
        coordinator.wait();
    }
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let refused = finish(&mut serve(&scratch, "run", &[]));
    assert_eq!(refused.code(), 1, "{}", refused.stderr);
    assert!(refused.stderr.contains("chmod 600"), "{}", refused.stderr);
    std::fs::remove_file(&key).unwrap();
    let coordinator = serving(&scratch, "run", &[]);
    coordinator.signal(Signal::SIGTERM);
    let ended = coordinator.wait();
    assert!(ended.stderr.contains("tls.pem is gone, so the study has a new certificate"), "{}", ended.stderr);
}

#[test]
fn a_stranger_on_the_port_is_told_nothing() {
    let scratch = Scratch::new();
    let coordinator = serving(&scratch, "run", &[]);
    let squatter = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("https://{}", squatter.local_addr().unwrap());
    let heard = thread::spawn(move || {
        let (mut stream, _) = squatter.accept().unwrap();
        let mut bytes = vec![0; 64 * 1024];
        let read = stream.read(&mut bytes).unwrap();
        // The first bytes of a plain HTTP/2 server.
        stream.write_all(b"\0\0\0\x04\0\0\0\0\0").unwrap();
        bytes.truncate(read);
        // Reads until the worker closes the connection.
        let mut more = Vec::new();
        let _ = stream.read_to_end(&mut more);
        bytes.extend(more);
        bytes
    });
    let join = changed(&scratch, "run", "squatted.toml", |join| join.addresses = vec![address]);
    let ended = finish(&mut joins(&scratch, &join, &[]));
    assert_eq!(ended.code(), 5, "{}", ended.stderr);
    assert!(ended.stderr.contains("does not prove to be this study's coordinator"), "{}", ended.stderr);
    let token = JoinFile::read(&join).unwrap().token;
    let heard = heard.join().unwrap();
    assert!(!heard.is_empty() && !heard.windows(8).any(|part| part == &token.expose().as_bytes()[..8]));
    drop(coordinator);
}

#[test]
fn another_studys_coordinator_is_not_trusted() {
    let scratch = Scratch::new();
    let (first, second) = (serving(&scratch, "first", &[]), serving(&scratch, "second", &[]));
    let other = JoinFile::read(&scratch.path("second/join.toml")).unwrap();
    let join = changed(&scratch, "first", "mixed.toml", |join| join.addresses = other.addresses);
    let ended = finish(&mut joins(&scratch, &join, &[]));
    assert_eq!(ended.code(), 5, "{}", ended.stderr);
    assert!(ended.stderr.contains("does not prove to be this study's coordinator"), "{}", ended.stderr);
    drop((first, second));
}

#[test]
fn plaintext_is_spoken_only_where_both_sides_say_so() {
    let scratch = Scratch::new();
    let encrypted = serving(&scratch, "tls", &[]);
    let refused = finish(&mut joins(&scratch, &scratch.path("tls/join.toml"), &["--plaintext"]));
    assert_eq!(refused.code(), 2, "{}", refused.stderr);
    assert!(refused.stderr.contains("leave --plaintext out"), "{}", refused.stderr);
    let refused = finish(seedgrid(["status", "--plaintext"]).arg(scratch.path("tls")));
    assert_eq!(refused.code(), 2, "{}", refused.stderr);
    drop(encrypted);

    let plain = serving(&scratch, "plain", &["--plaintext"]);
    let join = scratch.path("plain/join.toml");
    let refused = finish(&mut joins(&scratch, &join, &[]));
    assert_eq!(refused.code(), 2, "{}", refused.stderr);
    assert!(refused.stderr.contains("give --plaintext here as well"), "{}", refused.stderr);
    let refused = finish(seedgrid(["status"]).arg(scratch.path("plain")));
    assert_eq!(refused.code(), 2, "{}", refused.stderr);
    let status = finish(seedgrid(["status", "--plaintext"]).arg(scratch.path("plain")));
    assert_eq!(status.code(), 0, "{}", status.stderr);
    let worked = finish(&mut joins(&scratch, &join, &["--plaintext"]));
    assert_eq!(worked.code(), 0, "{}", worked.stderr);
    assert_eq!(plain.wait().code(), 0);
}
