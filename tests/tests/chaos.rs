//! The real programs, killed, frozen and disconnected at random and at every commit point: the study ends, nothing is
//! lost or counted twice, and report.json equals the undisturbed run's byte for byte. scripts/chaos.sh runs this for
//! hours.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may")]

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    thread::sleep,
    time::Duration,
};

use nix::sys::signal::Signal;
use seedgrid_common::random::Stream;
use seedgrid_coordinator::run_directory::RunDirectory;
use seedgrid_tests::{
    commit_points::{CommitPoints, Instant},
    faulty_proxy::{FaultRates, Proxy},
    machine::free_port,
    process::{Running, finish, seedgrid, worker},
    study::{Scratch, holdout},
};

/// A number that scripts/chaos.sh sets.
fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// The stream of random faults, from the printed seed.
fn chaos(purpose: &str) -> Stream {
    let seed = setting("SEEDGRID_CHAOS_SEED", 1);
    println!("SEEDGRID_CHAOS_SEED={seed}");
    Stream::new(seed, purpose)
}

fn pause(chaos: &mut Stream, from_ms: u32, to_ms: u32) {
    sleep(Duration::from_millis(u64::from(from_ms + chaos.below(to_ms - from_ms))));
}

const UNITS: usize = 36;

/// Units of a tenth of a second to some seconds, about 10 s in total on two slots.
fn spec(scratch: &Scratch) -> PathBuf {
    scratch.write("spec.toml", &holdout(&["cnn-shared-aux", "fc-aux", "cnn"], "1..=12", 50))
}

fn undisturbed(scratch: &Scratch, spec: &Path) -> Vec<u8> {
    let ended = finish(&mut scratch.run(spec, "undisturbed"));
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    scratch.report("undisturbed", "report.json")
}

/// The report of [`spec`], trained once for all tests.
fn expected() -> &'static [u8] {
    static EXPECTED: OnceLock<Vec<u8>> = OnceLock::new();
    EXPECTED.get_or_init(|| {
        let scratch = Scratch::new();
        undisturbed(&scratch, &spec(&scratch))
    })
}

fn serve(scratch: &Scratch, listen: &str) -> Command {
    let mut command = seedgrid(["serve", "--listen", listen]);
    command.arg(spec(scratch)).arg("--run-dir").arg(scratch.path("run"));
    command
}

fn serving(scratch: &Scratch, listen: &str) -> Running {
    let coordinator = Running::start(&mut serve(scratch, listen));
    coordinator.until_stderr("seedgrid-worker --join", 1);
    coordinator
}

fn joining(scratch: &Scratch, join: &Path) -> Running {
    let mut command = worker(["--slots", "1", "--checkpoint-every", "1s"]);
    Running::start(command.arg("--join").arg(join).arg("--cache").arg(scratch.path("cache")))
}

/// Checks that each unit has one result, that no two differ, and that each attempt continued from the earlier ones'
/// progress or more.
fn accounts_are_right(scratch: &Scratch, run: &str, units: usize) {
    let database = rusqlite::Connection::open(RunDirectory::new(scratch.path(run)).database()).unwrap();
    let count = |sql: &str| database.query_row(sql, [], |row| row.get::<_, u32>(0)).unwrap() as usize;
    assert_eq!(count("SELECT count(*) FROM results"), units);
    assert_eq!(count("SELECT count(*) FROM conflicts"), 0);
    assert_eq!(count("SELECT count(*) FROM checkpoints"), 0, "finished units have none");
    let went_back = count(
        "SELECT count(*) FROM attempts later JOIN attempts earlier USING (unit) WHERE later.attempt > earlier.attempt AND \
         (ifnull(later.from_epochs, -1), ifnull(later.from_batches, -1)) < \
         (ifnull(earlier.from_epochs, -1), ifnull(earlier.from_batches, -1))",
    );
    assert_eq!(went_back, 0, "no attempt begins before an acknowledged checkpoint");
}

#[test]
fn a_coordinator_that_is_killed_twenty_times() {
    let (scratch, mut chaos) = (Scratch::new(), chaos("coordinator"));
    let expected = expected();
    let listen = format!("127.0.0.1:{}", free_port());
    let join = scratch.path("run/join.toml");
    let mut workers = Vec::new();
    for life in 0..20 {
        let coordinator = serving(&scratch, &listen);
        if life == 0 {
            workers.extend((0..2).map(|_| joining(&scratch, &join)));
        }
        pause(&mut chaos, 20, 300);
        coordinator.kill_hard();
    }
    let ended = finish(&mut serve(&scratch, &listen));
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    for worker in workers {
        let left = worker.wait();
        assert_eq!(left.code(), 0, "{}", left.stderr);
    }
    assert_eq!(scratch.report("run", "report.json"), expected);
    accounts_are_right(&scratch, "run", UNITS);
}

#[test]
fn workers_that_are_killed_frozen_and_stopped() {
    let (scratch, mut chaos) = (Scratch::new(), chaos("workers"));
    let expected = expected();
    let coordinator = serving(&scratch, "127.0.0.1:0");
    let join = scratch.path("run/join.toml");
    let mut workers: Vec<Running> = (0..3).map(|_| joining(&scratch, &join)).collect();
    for event in 0..12 {
        pause(&mut chaos, 100, 600);
        let victim = chaos.below(workers.len() as u32) as usize;
        match event % 3 {
            0 => workers.swap_remove(victim).kill_hard(),
            1 => {
                workers[victim].signal(Signal::SIGSTOP);
                pause(&mut chaos, 100, 1500);
                workers[victim].signal(Signal::SIGCONT);
                continue;
            }
            _ => {
                let victim = workers.swap_remove(victim);
                victim.signal(Signal::SIGTERM);
                let left = victim.wait();
                assert_eq!(left.code(), 0, "{}", left.stderr);
            }
        }
        workers.push(joining(&scratch, &join));
    }
    let ended = coordinator.wait();
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    for worker in workers {
        let left = worker.wait();
        assert_eq!(left.code(), 0, "{}", left.stderr);
    }
    assert_eq!(scratch.report("run", "report.json"), expected);
    accounts_are_right(&scratch, "run", UNITS);
}

#[test]
fn faulty_connections_lose_nothing() {
    let (scratch, mut chaos) = (Scratch::new(), chaos("faulty-connections"));
    let expected = expected();
    let port = free_port();
    let coordinator = serving(&scratch, &format!("127.0.0.1:{port}"));
    let rates = FaultRates { delay: 100, stall: 10, cut: 10, half_close: 5, swallow: 2 };
    let proxy = Proxy::start(([127, 0, 0, 1], port).into(), rates, setting("SEEDGRID_CHAOS_SEED", 1));
    let join = scratch.path("through-the-proxy.toml");
    proxy.redirect(&scratch.path("run/join.toml"), &join);
    let workers: Vec<Running> = (0..3).map(|_| joining(&scratch, &join)).collect();
    for _ in 0..3 {
        pause(&mut chaos, 500, 1500);
        proxy.shut();
        pause(&mut chaos, 200, 1500);
        proxy.reopen();
    }
    let ended = coordinator.wait();
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert!(proxy.faults() > 20, "{} faults", proxy.faults());
    // A worker whose leave call was lost does not know that the study is done, and waits for a coordinator.
    drop(workers);
    assert_eq!(scratch.report("run", "report.json"), expected);
    accounts_are_right(&scratch, "run", UNITS);
}

#[test]
fn a_run_that_dies_at_its_commit_points() {
    let scratch = Scratch::new();
    let Some(points) = CommitPoints::compile(&scratch.path("")) else {
        return println!("skipped: there is no C compiler `cc` to build what kills at commit points");
    };
    let spec = scratch.write("spec.toml", &holdout(&["fc", "fc-aux"], "1..=2", 2));
    let expected = undisturbed(&scratch, &spec);
    let log = scratch.path("syncs");
    let mut counted = scratch.run(&spec, "counted");
    points.count(&mut counted, &log);
    assert_eq!(finish(&mut counted).code(), 0);
    let calls = std::fs::metadata(&log).unwrap().len() as usize;
    assert!(calls > 10, "{calls} calls");
    // Each commit point takes some minutes; each seed of the usual run tries other ones.
    let every = setting("SEEDGRID_CHAOS_EVERY", 6) as usize;
    let first = setting("SEEDGRID_CHAOS_SEED", 1) as usize % every;
    let mut died = 0;
    for call in (1..=calls).filter(|call| call % every == first) {
        for instant in [Instant::Before(call), Instant::After(call)] {
            let run = format!("{instant:?}");
            let mut doomed = scratch.run(&spec, &run);
            points.kill(&mut doomed, instant);
            let ended = finish(&mut doomed);
            // The number of commits depends a little on the grouping of requests.
            died += usize::from(ended.status.code().is_none());
            let again = finish(&mut scratch.run(&spec, &run));
            assert_eq!(again.code(), 0, "{instant:?}: {}", again.stderr);
            assert_eq!(scratch.report(&run, "report.json"), expected, "{instant:?}");
            accounts_are_right(&scratch, &run, 4);
        }
    }
    println!("{died} deaths at {calls} commit points");
    assert!(died > 0);
}
