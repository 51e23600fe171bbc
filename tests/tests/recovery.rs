//! Measures the time of Seedgrid's recovery; scripts/bench-recovery.sh runs it. It fails only if there is no recovery
//! at all.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may")]

use std::{
    path::Path,
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use seedgrid_tests::{
    faulty_proxy::{FaultRates, Proxy},
    machine::free_port,
    process::{Running, children, seedgrid, until, worker},
    study::{Scratch, holdout},
};

const ROUNDS: usize = 5;
/// The age of a good connection: after it, a loss counts as the first failure.
const STEADY: Duration = Duration::from_secs(11);

/// `seedgrid serve` with one unit that trains for minutes.
fn serving(scratch: &Scratch, port: u16) -> Running {
    let spec = scratch.write("spec.toml", &holdout(&["cnn-shared-aux"], "1..=1", 5000));
    let mut command: Command = seedgrid(["serve", "--listen", &format!("127.0.0.1:{port}")]);
    let coordinator = Running::start(command.arg(spec).arg("--run-dir").arg(scratch.path("run")));
    coordinator.until_stderr("seedgrid-worker --join", 1);
    coordinator
}

fn joining(scratch: &Scratch, join: &Path) -> Running {
    let mut command = worker(["--slots", "1", "--checkpoint-every", "1s"]);
    Running::start(command.arg("--join").arg(join).arg("--cache").arg(scratch.path("cache")))
}

fn trains(scratch: &Scratch) -> bool {
    scratch.status("run")["units"]["training"] == 1
}

/// Measures several times the seconds from the fault until recovery, as a row of a table.
fn measure(what: &str, mut round: impl FnMut(usize) -> Duration) {
    let mut seconds: Vec<f64> = (0..ROUNDS).map(|number| round(number).as_secs_f64()).collect();
    seconds.sort_by(f64::total_cmp);
    println!("| {what} | {:.2} | {:.2} |", seconds[ROUNDS / 2], seconds[ROUNDS - 1]);
}

/// The time from the fault until another worker continues with the unit.
fn handed_on(what: &str, fault: impl Fn(Running)) {
    measure(what, |_| {
        let scratch = Scratch::new();
        let _coordinator = serving(&scratch, free_port());
        let join = scratch.path("run/join.toml");
        let first = joining(&scratch, &join);
        until("training", || trains(&scratch));
        let second = joining(&scratch, &join);
        second.until_stderr("joined study", 1);
        // Long enough for a checkpoint.
        sleep(Duration::from_millis(2500));
        let from = Instant::now();
        fault(first);
        second.until_stderr("goes on after", 1);
        from.elapsed()
    });
}

#[test]
#[ignore = "a measurement of some minutes: scripts/bench-recovery.sh"]
fn how_fast_it_recovers() {
    println!("| fault, and what ends it | seconds, median of {ROUNDS} | worst |\n|---|---|---|");
    let scratch = Scratch::new();
    let port = free_port();
    let mut coordinator = Some(serving(&scratch, port));
    let held = joining(&scratch, &scratch.path("run/join.toml"));
    until("training", || trains(&scratch));
    measure("coordinator killed (kill -9), started again at once: from its start until the worker is back", |number| {
        coordinator.take().unwrap().kill_hard();
        let from = Instant::now();
        coordinator = Some(serving(&scratch, port));
        held.until_stderr("reconnected to study", number + 1);
        from.elapsed()
    });
    let rates = FaultRates { delay: 0, stall: 0, cut: 0, half_close: 0, swallow: 0 };
    let proxy = Proxy::start(([127, 0, 0, 1], port).into(), rates, 1);
    let join = scratch.path("through.toml");
    proxy.redirect(&scratch.path("run/join.toml"), &join);
    let far = joining(&scratch, &join);
    far.until_stderr("joined study", 1);
    measure("connection cut for 2 s: from its return until the worker is back", |number| {
        // A worker whose connections are cut one after the other waits ever longer.
        sleep(STEADY);
        proxy.shut();
        sleep(Duration::from_secs(2));
        let from = Instant::now();
        proxy.reopen();
        far.until_stderr("reconnected to study", number + 1);
        from.elapsed()
    });
    drop((held, far, coordinator));
    handed_on("worker told to stop (SIGTERM): until another one goes on with its unit", |first| {
        first.signal(Signal::SIGTERM);
        assert_eq!(first.wait().code(), 0);
    });
    measure("trainer killed (kill -9), its supervisor alive: until the unit goes on", |_| {
        let scratch = Scratch::new();
        let _coordinator = serving(&scratch, free_port());
        let alone = joining(&scratch, &scratch.path("run/join.toml"));
        until("training", || trains(&scratch));
        sleep(Duration::from_millis(2500));
        let from = Instant::now();
        kill(Pid::from_raw(children(alone.pid())[0] as i32), Signal::SIGKILL).unwrap();
        alone.until_stderr("goes on after", 1);
        from.elapsed()
    });
    handed_on(
        "worker killed with its supervisor, or its machine lost: until another one goes on with its unit",
        Running::kill_hard,
    );
}
