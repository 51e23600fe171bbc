//! A user watches and steers a running study: pause, units, explain, logs, cancel, retry, resume, drain.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::Stdio,
};

use seedgrid_tests::{
    process::{Ended, Running, finish, seedgrid, until, worker},
    study::{Scratch, holdout},
};
use serde_json::Value;

fn command(scratch: &Scratch, name: &str, arguments: &[&str]) -> Ended {
    finish(seedgrid([name]).arg(scratch.path("run")).args(arguments))
}

fn json(scratch: &Scratch, name: &str, arguments: &[&str]) -> Value {
    let shown = command(scratch, name, &[arguments, &["--format", "json"]].concat());
    assert_eq!(shown.code(), 0, "{}", shown.stderr);
    shown.json()
}

fn units(scratch: &Scratch, state: &str) -> Vec<String> {
    let listing = json(scratch, "units", &["--state", state]);
    listing["units"].as_array().unwrap().iter().map(|unit| unit["unit"].as_str().unwrap().to_owned()).collect()
}

/// A coordinator without local workers, and a worker with one slot.
fn serve_with_a_worker(scratch: &Scratch, spec: &Path) -> (Running, Running) {
    let mut serve = seedgrid(["serve", "--listen", "127.0.0.1:0"]);
    let run = Running::start(serve.arg(spec).arg("--run-dir").arg(scratch.path("run")));
    run.until_stderr("seedgrid-worker --join", 1);
    let mut joining = worker(["--slots", "1"]);
    joining.arg("--join").arg(scratch.path("run/join.toml")).arg("--cache").arg(scratch.path("cache"));
    let worker = Running::start(&mut joining);
    (run, worker)
}

#[test]
fn a_study_is_looked_at_and_steered_from_outside() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["cnn"], "1..=8", 20));
    // A coordinator without local workers waits while the study is paused.
    let (run, worker) = serve_with_a_worker(&scratch, &spec);
    run.until_stderr("after 20 epochs", 1);
    let paused = command(&scratch, "pause", &["--reason", "the file server is moved"]);
    assert!(paused.stdout.contains("paused by hand: the file server is moved"), "{}", paused.stdout);
    assert_eq!(scratch.status("run")["pause"]["by_hand"], true);

    let waiting = units(&scratch, "waiting");
    let [.., last] = &waiting[..] else { panic!("units wait: {waiting:?}") };
    let story = command(&scratch, "explain", &[last]);
    assert!(
        story
            .stdout
            .contains("waiting: the study is paused by hand: the file server is moved; `seedgrid resume` goes on"),
        "{}",
        story.stdout
    );
    assert!(story.stdout.contains("it was never given out"), "{}", story.stdout);
    assert_eq!(json(&scratch, "workers", &[])["workers"][0]["state"], "there");

    assert_eq!(command(&scratch, "cancel", &["cnn"]).code(), 2, "several units fit");
    let cancelled = json(&scratch, "cancel", &[&last[..12]]);
    assert_eq!((&cancelled["running"], &cancelled["units"][0]), (&true.into(), &last.as_str().into()));
    assert_eq!(units(&scratch, "cancelled"), std::slice::from_ref(last));
    // A reader through a pipe gets the first line at once, and can close the pipe (`| head -n 1`) without an error.
    let mut watcher = seedgrid(["watch"]);
    watcher.arg(scratch.path("run")).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut watcher = watcher.spawn().unwrap();
    // A unit in training may end first. The reader, and with it the pipe, ends with this line.
    let mut seen = BufReader::new(watcher.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(seen.any(|line| line.contains("paused by hand")), "it ended without a word of the pause");
    drop(seen);
    assert!(command(&scratch, "resume", &[]).stdout.contains("units are given out"));
    let hung_up = watcher.wait_with_output().unwrap();
    assert_eq!((hung_up.status.code(), String::from_utf8_lossy(&hung_up.stderr).as_ref()), (Some(0), ""));
    let ended = run.wait();
    assert_eq!(ended.code(), 3, "one is missing: {}", ended.stderr);
    assert_eq!(worker.wait().code(), 0);
    assert_eq!(scratch.report_json("run")["counts"]["cancelled"], 1);

    // No coordinator runs from here on.
    let done = units(&scratch, "done");
    assert_eq!(done.len(), 7);
    let story = json(&scratch, "explain", &[&done[0]]);
    assert!(story["why"].as_str().unwrap().starts_with("it was trained and scored by attempt 1 on "), "{story}");
    let logs = command(&scratch, "logs", &[&done[0]]);
    assert!(logs.stdout.contains("done after 20 epochs"), "{}", logs.stdout);
    assert_eq!(json(&scratch, "workers", &["--all"])["workers"][0]["state"], "gone");
    assert_eq!(command(&scratch, "cancel", &[&done[0]]).code(), 2, "it has ended");
    assert_eq!(command(&scratch, "explain", &["no such label"]).code(), 2);
    assert_eq!(command(&scratch, "drain", &[]).code(), 5, "nobody is there to drain");

    // A pause lasts over runs.
    assert_eq!(json(&scratch, "retry", &[&last[..12]])["units"][0], last.as_str(), "as the other commands name it");
    assert_eq!(command(&scratch, "pause", &[]).code(), 0);
    let still = finish(&mut scratch.run_with_slots(&spec, "run", 1));
    assert_eq!(still.code(), 8, "{}", still.stderr);
    assert!(still.stderr.contains("seedgrid resume"), "{}", still.stderr);
    assert_eq!(json(&scratch, "resume", &[])["running"], false);
    // Other users see the reason: it is one line that cannot steer a terminal.
    let nasty = command(&scratch, "pause", &["--reason", "a\u{1b}[31mred\nline"]);
    assert!(nasty.stdout.contains("a\u{fffd}[31mred line"), "{}", nasty.stdout);
    assert_eq!(scratch.status("run")["pause"]["reason"], "a\u{fffd}[31mred line");
    assert_eq!(command(&scratch, "pause", &["--reason", &"x".repeat(5000)]).code(), 2, "it is too long");
    assert_eq!(command(&scratch, "cancel", &[&last[..12]]).code(), 0);
    assert_eq!(command(&scratch, "retry", &[&last[..12]]).code(), 0);
    assert!(scratch.status("run")["pause"].is_null(), "it ends a pause");
    let last_run = finish(&mut scratch.run_with_slots(&spec, "run", 1));
    assert_eq!(last_run.code(), 0, "{}", last_run.stderr);
    assert_eq!(scratch.report_json("run")["counts"]["done"], 8);
}

#[test]
fn a_drained_run_ends_with_what_it_has() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["cnn"], "1..=6", 20));
    let run = Running::start(&mut scratch.run_with_slots(&spec, "run", 1));
    run.until_stderr("after 20 epochs", 1);
    let drained = command(&scratch, "drain", &[]);
    assert_eq!(drained.code(), 0, "{}", drained.stderr);
    let ended = run.wait();
    assert_eq!(ended.code(), 8, "{}", ended.stderr);
    assert!(ended.stderr.contains("drained"), "{}", ended.stderr);
    assert!(!units(&scratch, "waiting").is_empty());
    let last = finish(&mut scratch.run_with_slots(&spec, "run", 1));
    assert_eq!(last.code(), 0, "{}", last.stderr);
}

#[test]
fn holders_of_a_file_look_and_steer_from_elsewhere() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["cnn"], "1..=12", 20));
    let (run, worker) = serve_with_a_worker(&scratch, &spec);
    run.until_stderr("after 20 epochs", 2);

    // Copies of the files, on a machine without access to the run directory.
    let elsewhere = scratch.path("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    for file in ["view.toml", "admin.toml", "join.toml"] {
        fs::copy(scratch.path("run").join(file), elsewhere.join(file)).unwrap();
    }
    let from = |file: &str, name: &str, arguments: &[&str]| {
        finish(seedgrid([name]).current_dir(&elsewhere).arg(file).args(arguments))
    };
    assert_eq!(from("admin.toml", "pause", &[]).code(), 0);
    until("nothing is in training", || scratch.status("run")["units"]["training"] == 0);

    let [.., last] = &units(&scratch, "waiting")[..] else { panic!("no unit waits") };
    let first = &units(&scratch, "done")[0];
    for (name, arguments) in [
        ("units", &[][..]),
        ("units", &["--state", "done", "--format", "json"]),
        ("explain", &[last]),
        ("explain", &[first, "--format", "json"]),
        ("explain", &["cnn"]),
        ("explain", &["no such label"]),
        ("logs", &[first]),
        ("logs", &[first, "--format", "json"]),
        ("logs", &[last]),
    ] {
        let (near, far) = (command(&scratch, name, arguments), from("view.toml", name, arguments));
        assert_eq!((near.code(), &near.stdout, &near.stderr), (far.code(), &far.stdout, &far.stderr), "{name}");
    }
    assert!(from("view.toml", "logs", &[first]).stdout.contains("done after 20 epochs"));
    let workers = from("view.toml", "workers", &["--all", "--format", "json"]);
    let workers = workers.json();
    assert_eq!((workers["workers"].as_array().unwrap().len(), &workers["workers"][0]["state"]), (1, &"there".into()));

    // Each file works only for its own calls.
    for (file, name, arguments) in [
        ("view.toml", "cancel", &[last.as_str()][..]),
        ("view.toml", "retry", &[]),
        ("join.toml", "units", &[]),
        ("join.toml", "logs", &[first]),
    ] {
        let refused = from(file, name, arguments);
        assert_eq!(refused.code(), 4, "{name} with {file}: {}", refused.stderr);
    }
    let cancelled = from("admin.toml", "cancel", &[last, "--format", "json"]);
    assert_eq!(cancelled.code(), 0, "{}", cancelled.stderr);
    assert_eq!(units(&scratch, "cancelled"), std::slice::from_ref(last));
    assert!(from("admin.toml", "retry", &[last]).stdout.contains("waits again"));
    assert_eq!(from("admin.toml", "resume", &[]).code(), 0);
    assert_eq!(run.wait().code(), 0);
    assert_eq!(worker.wait().code(), 0);
    let gone = from("view.toml", "units", &[]);
    assert_eq!(gone.code(), 5, "{}", gone.stderr);
    assert!(gone.stderr.contains("no coordinator answers"), "{}", gone.stderr);
}
