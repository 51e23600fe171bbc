//! Interrupts `seedgrid run` and continues it.

use nix::sys::signal::Signal;
use seedgrid_tests::{
    process::{Running, alive, children, finish, until},
    study::{Scratch, holdout},
};

/// A study that is still running after its first units.
fn spec(scratch: &Scratch) -> std::path::PathBuf {
    scratch.write("spec.toml", &holdout(&["fc-aux", "fc", "cnn"], "1..=8", 12))
}

fn undisturbed(scratch: &Scratch) -> Vec<u8> {
    let ended = finish(&mut scratch.run(&spec(scratch), "undisturbed"));
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    scratch.report("undisturbed", "report.json")
}

/// The number of units that a run trained, by its log lines.
fn trained(stderr: &str) -> usize {
    stderr.matches("after 12 epochs").count()
}

#[test]
fn killed_at_any_instant_it_goes_on_to_the_same_bytes() {
    let scratch = Scratch::new();
    let expected = undisturbed(&scratch);
    let spec = spec(&scratch);
    let mut finished = 0;
    for after in [1, 4, 8] {
        let run = Running::start(&mut scratch.run(&spec, "run"));
        let pid = run.pid();
        until("the local worker is a child", || !children(pid).is_empty() || !alive(pid));
        let workers = children(pid);
        let killed = run.is_killed_after("after 12 epochs", after);
        until("the workers die with their parent", || workers.iter().all(|pid| !alive(*pid)));
        if !killed {
            assert!(finished > 0, "the first kill comes with 23 units to go");
            break;
        }
        finished += after;
    }
    let last = finish(&mut scratch.run(&spec, "run"));
    assert_eq!(last.code(), 0, "{}", last.stderr);
    assert!(trained(&last.stderr) <= 24 - finished, "finished units are not trained again: {}", last.stderr);
    assert_eq!(scratch.report("run", "report.json"), expected);
}

#[test]
fn interrupted_by_ctrl_c_it_says_how_to_go_on() {
    let scratch = Scratch::new();
    let expected = undisturbed(&scratch);
    let spec = spec(&scratch);
    let run = Running::start(&mut scratch.run(&spec, "run"));
    run.until_stderr("after 12 epochs", 2);
    let workers = children(run.pid());
    run.signal(Signal::SIGINT);
    let ended = run.wait();
    assert_eq!(ended.code(), 130, "{}", ended.stderr);
    assert!(ended.stderr.contains("go on"), "{}", ended.stderr);
    assert!(workers.iter().all(|pid| !alive(*pid)), "no process is left behind");
    let before = trained(&ended.stderr);
    let last = finish(&mut scratch.run(&spec, "run"));
    assert_eq!(last.code(), 0, "{}", last.stderr);
    assert!(before + trained(&last.stderr) <= 24, "{before} before, then: {}", last.stderr);
    assert_eq!(scratch.report("run", "report.json"), expected);
}

#[test]
fn a_killed_local_worker_is_replaced() {
    let scratch = Scratch::new();
    let expected = undisturbed(&scratch);
    let run = Running::start(&mut scratch.run(&spec(&scratch), "run"));
    run.until_stderr("after 12 epochs", 2);
    let workers = children(run.pid());
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(workers[0] as i32), Signal::SIGKILL).unwrap();
    let ended = run.wait();
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert_eq!(scratch.report("run", "report.json"), expected);
}
