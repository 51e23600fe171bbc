//! Separate hosts whose cables are pulled: neither a reset nor a leave call arrives, as when a switch or a machine
//! fails.

use std::time::Instant;

use nix::sys::signal::Signal;
use seedgrid_coordinator::run_directory::RunDirectory;
use seedgrid_tests::{
    network::Network,
    process::{Ended, Running, finish, seedgrid, until, worker},
    study::{Scratch, holdout},
};

const COORDINATOR: u8 = 1;
const FIRST: u8 = 2;
const SECOND: u8 = 3;

/// A study on three hosts.
struct Lab {
    scratch: Scratch,
    network: Network,
}

impl Lab {
    /// Runs a command of `seedgrid` on the run, on the coordinator's host.
    fn ask(&self, name: &str, arguments: &[&str]) -> Ended {
        finish(&mut self.network.on(COORDINATOR, seedgrid([name]).arg(self.scratch.path("run")).args(arguments)))
    }

    fn status(&self) -> serde_json::Value {
        serde_json::from_str(&self.ask("status", &["--format", "json"]).stdout).unwrap_or_default()
    }

    fn worker(&self, place: u8) -> Running {
        let cache = self.scratch.path(&format!("cache-{place}"));
        let mut command = worker(["--slots", "1", "--checkpoint-every", "1s"]);
        command.arg("--join").arg(self.scratch.path("run/join.toml")).arg("--cache").arg(cache);
        let running = Running::start(&mut self.network.on(place, &command));
        running.until_stderr("started", 1);
        running
    }

    /// A number from the run's database.
    fn count(&self, sql: &str) -> u32 {
        let path = RunDirectory::new(self.scratch.path("run")).database();
        let database = rusqlite::Connection::open_with_flags(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        database.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// Waits until so many workers have sent a heartbeat since now, or until the study has ended; returns the seconds.
    fn until_heard(&self, count: usize) -> f64 {
        let since = Instant::now();
        until("workers are heard again", || {
            let asked = since.elapsed().as_secs_f64();
            let status = self.status();
            let heard = |worker: &serde_json::Value| {
                worker["heard_seconds_ago"].as_f64().is_some_and(|seconds| seconds < asked)
            };
            match status["state"].as_str() {
                Some("running" | "paused") => {
                    let workers = status["workers"].as_array().unwrap();
                    workers.len() == count && workers.iter().all(heard)
                }
                _ => true,
            }
        });
        since.elapsed().as_secs_f64()
    }
}

#[test]
fn pulled_cables_lose_nothing() {
    let network = match Network::new(3) {
        Ok(network) => network,
        Err(reason) => return println!("skipped: no network of its own can be made here: {reason}"),
    };
    let lab = Lab { scratch: Scratch::new(), network };
    let spec = lab.scratch.write("spec.toml", &holdout(&["cnn-shared-aux"], "1..=6", 60));
    let undisturbed = finish(&mut lab.scratch.run(&spec, "undisturbed"));
    assert_eq!(undisturbed.code(), 0, "{}", undisturbed.stderr);

    let listen = format!("{}:0", Network::address(COORDINATOR));
    let mut serve = seedgrid(["serve", "--listen", &listen]);
    serve.arg(&spec).arg("--run-dir").arg(lab.scratch.path("run"));
    let coordinator = Running::start(&mut lab.network.on(COORDINATOR, &serve));
    coordinator.until_stderr("seedgrid-worker --join", 1);
    let (first, second) = (lab.worker(FIRST), lab.worker(SECOND));

    // For some seconds no packet reaches or leaves the coordinator. No worker loses a unit.
    lab.network.lose(COORDINATOR);
    until("nobody is heard", || {
        lab.status()["workers"]
            .as_array()
            .unwrap()
            .iter()
            .all(|worker| worker["heard_seconds_ago"].as_f64() >= Some(4.0))
    });
    lab.network.find(COORDINATOR);
    println!("after 4 s without a network workers were heard again after {:.1} s", lab.until_heard(2));
    assert_eq!(lab.count("SELECT count(*) FROM attempts WHERE ending IS NOT NULL AND ending <> 'done'"), 0);

    // A cable stays out for longer than a lease: another worker continues from the last acknowledged checkpoint.
    let taken_over = "SELECT count(*) FROM attempts earlier JOIN attempts later USING (unit) WHERE earlier.ending = 'worker-lost' \
                      AND later.attempt > earlier.attempt AND earlier.began = 1 AND later.from_batches IS NOT NULL";
    until("the first worker trains, and its state is kept", || {
        lab.count("SELECT count(*) FROM attempts JOIN checkpoints USING (unit) WHERE ending IS NULL AND began = 1") == 2
    });
    lab.network.unplug(FIRST);
    until("the second worker goes on with the first one's unit", || lab.count(taken_over) > 0);
    // The other worker leaves before the study is done, so the study needs the first one, which was cut off meanwhile.
    let paused = lab.ask("pause", &["--reason", "a cable is out"]);
    assert_eq!(paused.code(), 0, "{}", paused.stderr);
    second.signal(Signal::SIGTERM);
    assert_eq!(second.wait().code(), 0);
    lab.network.plug(FIRST);
    println!("after more than a lease without a cable the worker was heard again after {:.1} s", lab.until_heard(1));
    // Its finished units may have been the last ones.
    lab.ask("resume", &[]);

    let ended = coordinator.wait();
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    let left = first.wait();
    assert_eq!(left.code(), 0, "{}", left.stderr);
    assert_eq!(lab.scratch.report("run", "report.json"), lab.scratch.report("undisturbed", "report.json"));
    assert_eq!((lab.count("SELECT count(*) FROM results"), lab.count("SELECT count(*) FROM conflicts")), (6, 0));
}
