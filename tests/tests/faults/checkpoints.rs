//! Interrupted units continue from their checkpoint, on another worker, to the same bytes.

use std::process::Command;

use nix::sys::signal::Signal;
use seedgrid_coordinator::{run_directory::RunDirectory, store::Store};
use seedgrid_tests::{
    process::{Running, finish, seedgrid, until, worker},
    study::{Scratch, holdout},
};

/// One unit that trains for some seconds. On a busy machine many epochs end while a test looks once at the status.
fn spec(scratch: &Scratch) -> std::path::PathBuf {
    scratch.write("spec.toml", &holdout(&["cnn-shared-aux"], "1..=1", 200))
}

fn expected(scratch: &Scratch) -> Vec<u8> {
    let ended = finish(&mut scratch.run(&spec(scratch), "local"));
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    scratch.report("local", "report.json")
}

fn serve(scratch: &Scratch) -> Command {
    let mut command = seedgrid(["serve", "--listen", "127.0.0.1:0"]);
    command.arg(spec(scratch)).arg("--run-dir").arg(scratch.path("run"));
    command
}

fn joins(scratch: &Scratch, more: &[&str]) -> Command {
    let mut command = worker(["--slots", "1"]);
    command.args(more).arg("--join").arg(scratch.path("run/join.toml")).arg("--cache").arg(scratch.path("cache"));
    command
}

/// The progress in the only unit's checkpoint: epochs and batches.
fn saved(scratch: &Scratch) -> Option<(u32, u32)> {
    let store = Store::open_to_read(&RunDirectory::new(scratch.path("run")).database()).ok()?;
    let progress = store.checkpoints().ok()?.values().next()?.reference.progress;
    Some((progress.epochs, progress.batches))
}

/// The progress from which each attempt continued, by the attempts' numbers.
fn went_on(scratch: &Scratch) -> Vec<Option<(u32, u32)>> {
    let database = rusqlite::Connection::open(RunDirectory::new(scratch.path("run")).database()).unwrap();
    let mut statement = database.prepare("SELECT from_epochs, from_batches FROM attempts ORDER BY attempt").unwrap();
    let rows = statement.query_map([], |row| Ok(row.get::<_, Option<u32>>(0)?.zip(row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn a_stopped_worker_hands_its_unit_on() {
    let scratch = Scratch::new();
    let expected = expected(&scratch);
    let coordinator = Running::start(&mut serve(&scratch));
    coordinator.until_stderr("seedgrid-worker --join", 1);
    // Stopped three times, each time on another worker; the only checkpoints are those of the stops.
    for life in 0..3 {
        let doomed = Running::start(&mut joins(&scratch, &["--checkpoint-every", "1h"]));
        doomed.until_stderr(if life == 0 { "started" } else { "goes on after" }, 1);
        // After some epochs the status shows the newest one.
        let epochs = saved(&scratch).map_or(0, |(epochs, _)| epochs);
        until("two more epochs", || {
            scratch.status("run")["training"][0]["epoch"].as_u64() >= Some(u64::from(epochs) + 2)
        });
        doomed.signal(Signal::SIGTERM);
        let left = doomed.wait();
        assert_eq!(left.code(), 0, "{}", left.stderr);
        assert!(left.stderr.contains("its state saved"), "{}", left.stderr);
        assert!(saved(&scratch).unwrap().0 >= epochs + 2);
    }
    let last = saved(&scratch);
    let survivor = Running::start(&mut joins(&scratch, &[]));
    let ended = coordinator.wait();
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert_eq!(survivor.wait().code(), 0);
    assert_eq!(scratch.report("run", "report.json"), expected);
    let went_on = went_on(&scratch);
    assert_eq!((went_on.len(), went_on[0], went_on[3]), (4, None, last), "nothing was trained twice: {went_on:?}");
    assert!(went_on.is_sorted());
    assert_eq!(saved(&scratch), None, "a finished unit has no checkpoint");
}

#[test]
fn a_killed_worker_costs_what_came_after_the_last_acknowledged_checkpoint() {
    let scratch = Scratch::new();
    let expected = expected(&scratch);
    let coordinator = Running::start(&mut serve(&scratch));
    coordinator.until_stderr("seedgrid-worker --join", 1);
    let doomed = Running::start(&mut joins(&scratch, &["--checkpoint-every", "1s"]));
    until("a checkpoint", || saved(&scratch).is_some());
    doomed.kill_hard();
    let last = saved(&scratch);
    let survivor = Running::start(&mut joins(&scratch, &[]));
    let ended = coordinator.wait();
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert_eq!(survivor.wait().code(), 0);
    assert_eq!(scratch.report("run", "report.json"), expected);
    // A checkpoint that was on its way when the worker was killed may have arrived later.
    let went_on = went_on(&scratch);
    assert_eq!((went_on.len(), went_on[0]), (2, None));
    assert!(last.is_some() && went_on[1] >= last, "{went_on:?} after {last:?}");
}

#[test]
fn a_disk_that_takes_no_checkpoints_is_said_and_holds_nobody_up() {
    let scratch = Scratch::new();
    let long = scratch.write("long.toml", &holdout(&["cnn-shared-aux"], "1", 1000));
    let mut command = seedgrid(["serve", "--listen", "127.0.0.1:0"]);
    let coordinator = Running::start(command.arg(long).arg("--run-dir").arg(scratch.path("run")));
    coordinator.until_stderr("seedgrid-worker --join", 1);
    // A file in the folder's place: even root cannot make the folder.
    std::fs::write(scratch.path("run/checkpoints"), "").unwrap();
    let _worker = Running::start(&mut joins(&scratch, &["--checkpoint-every", "1s"]));
    let trouble = || scratch.status("run")["disk_trouble"].clone();
    until("the status says so", || trouble().as_str().is_some_and(|trouble| trouble.contains("run/checkpoints")));
    let shown = finish(seedgrid(["status"]).arg(scratch.path("run")));
    assert!(
        shown.stdout.contains("not kept, make room or an interruption costs time: cannot make "),
        "{}",
        shown.stdout
    );
    std::fs::remove_file(scratch.path("run/checkpoints")).unwrap();
    until("it is over", || trouble().is_null());
    // The checkpoint is written before it is committed.
    until("a checkpoint", || saved(&scratch).is_some());
    coordinator.signal(Signal::SIGTERM);
    let ended = coordinator.wait();
    assert!(ended.stderr.contains("training goes on, and needs room"), "{}", ended.stderr);
    assert!(ended.stderr.contains("what workers hand over is written again"), "{}", ended.stderr);
}
