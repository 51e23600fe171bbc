//! Trainers that end unexpectedly: the supervisor reports it at once and starts another one, and the report is the
//! undisturbed run's.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use seedgrid_tests::{
    process::{Running, alive, binary, children, finish, seedgrid, until, worker},
    study::{Scratch, holdout},
};

/// The trainer of a run's local worker, once a unit is in training in it.
fn trainer(scratch: &Scratch, run: &Running) -> u32 {
    let found = || {
        let supervisor = children(run.pid()).first().copied()?;
        let trainer = children(supervisor).first().copied()?;
        let training = scratch.status("run")["training"].as_array().is_some_and(|training| !training.is_empty());
        training.then_some(trainer)
    };
    until("a unit is in training", || found().is_some());
    found().unwrap_or_else(|| trainer(scratch, run))
}

fn explained(scratch: &Scratch, unit: &str) -> serde_json::Value {
    let shown = finish(seedgrid(["explain", "--format", "json"]).arg(scratch.path("run")).arg(unit));
    assert_eq!(shown.code(), 0, "{}", shown.stderr);
    shown.json()
}

#[test]
fn a_trainer_that_crashes_is_replaced_and_its_units_know_why() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["cnn"], "1..=2", 300));
    let expected = finish(&mut scratch.run_with_slots(&spec, "undisturbed", 1));
    assert_eq!(expected.code(), 0, "{}", expected.stderr);

    let run = Running::start(&mut scratch.run_with_slots(&spec, "run", 1));
    for (times, signal) in [Signal::SIGSEGV, Signal::SIGABRT, Signal::SIGKILL].into_iter().enumerate() {
        let process = trainer(&scratch, &run);
        let supervisor = children(run.pid())[0];
        // Rust's handler treats a first SIGSEGV without a faulting instruction only as a reason to remove itself.
        until("the trainer is gone", || {
            let _ = kill(Pid::from_raw(process as i32), signal);
            !alive(process)
        });
        run.until_stderr(": crashed", times + 1);
        assert_eq!(children(run.pid()), [supervisor], "the supervisor stays");
    }
    let ended = run.wait();
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert_eq!(scratch.report("run", "report.json"), scratch.report("undisturbed", "report.json"));

    let mut crashed = scratch.report_table("run", "attempts.csv");
    crashed.retain(|attempt| attempt["ending"] != "done");
    let details: Vec<&str> = crashed.iter().map(|attempt| attempt["detail"].as_str()).collect();
    for signal in ["SIGSEGV", "SIGABRT", "SIGKILL"] {
        assert!(details.iter().any(|detail| detail.contains(signal)), "{signal}: {details:?}");
    }
    let unit = crashed[0]["unit"].as_str();
    let story = explained(&scratch, unit);
    assert_eq!(story["state"], "done");
    assert!(story["deaths"].as_u64().unwrap() >= 1, "{story}");
    assert_eq!(story["attempts"][0]["ending"], "crashed", "{story}");
    let logs = finish(seedgrid(["logs"]).arg(scratch.path("run")).arg(&unit[..8]));
    assert_eq!(logs.code(), 0, "{}", logs.stderr);
    assert!(logs.stdout.contains(": started") && logs.stdout.contains("done after 300 epochs"), "{}", logs.stdout);
}

#[test]
fn a_unit_in_whose_training_every_trainer_dies_is_quarantined_at_the_fifth() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["cnn"], "1", 2000));
    let run = Running::start(&mut scratch.run_with_slots(&spec, "run", 1));
    for times in 1..=5 {
        kill(Pid::from_raw(trainer(&scratch, &run) as i32), Signal::SIGKILL).unwrap();
        run.until_stderr(": crashed", times);
    }
    let ended = run.wait();
    assert_eq!(ended.code(), 3, "{}", ended.stderr);
    let story = explained(&scratch, "cnn");
    assert_eq!((&story["state"], &story["deaths"]), (&"quarantined".into(), &5.into()), "{story}");
    assert!(story["why"].as_str().unwrap().contains("5 deaths"), "{story}");
}

#[test]
fn a_worker_whose_trainers_only_crash_gives_up() {
    let scratch = Scratch::new();
    // Units are long enough for each trainer to be killed before its unit ends.
    let spec = scratch.write("spec.toml", &holdout(&["cnn"], "1..=3", 2000));
    let serve = Running::start(
        seedgrid(["serve"]).arg(&spec).arg("--run-dir").arg(scratch.path("run")).args(["--listen", "127.0.0.1:0"]),
    );
    serve.until_stderr("start workers with", 1);
    let join = scratch.path("run").join("join.toml");
    let supervised =
        Running::start(worker(["--slots", "1", "--cache"]).arg(scratch.path("cache")).arg("--join").arg(join));
    for crashes in 1..=9 {
        let started = || children(supervised.pid()).first().copied().filter(|pid| alive(*pid));
        until("a trainer is there", || started().is_some());
        kill(Pid::from_raw(started().unwrap() as i32), Signal::SIGKILL).unwrap();
        supervised.until_stderr("the trainer was ended by SIGKILL", crashes);
    }
    let ended = supervised.wait();
    assert_eq!(ended.code(), 9, "{}", ended.stderr);
    assert!(ended.stderr.contains("giving up"), "{}", ended.stderr);
}

#[test]
fn a_trainer_dies_with_its_supervisor() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["cnn"], "1..=2", 2000));
    let run = Running::start(&mut scratch.run_with_slots(&spec, "run", 1));
    let trainer = trainer(&scratch, &run);
    kill(Pid::from_raw(children(run.pid())[0] as i32), Signal::SIGKILL).unwrap();
    until("the trainer is gone", || !alive(trainer));
}

/// A memory control group of this test; its processes have ended when it is dropped.
struct Group(PathBuf);

impl Group {
    /// Makes a group. None, with a printed reason, where no groups can be made.
    fn new(limit: u64) -> Option<Self> {
        let name = format!("seedgrid-test-{}", std::process::id());
        for (mount, file) in [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")] {
            let group = Self(PathBuf::from(mount).join(&name));
            if fs::create_dir(&group.0).is_ok() && fs::write(group.0.join(file), limit.to_string()).is_ok() {
                return Some(group);
            }
        }
        println!("SKIPPED: no memory control group can be made here; it takes root and a writable /sys/fs/cgroup");
        None
    }

    fn unlimit(&self) {
        let unlimited = fs::write(self.0.join("memory.limit_in_bytes"), "-1");
        unlimited.or_else(|_| fs::write(self.0.join("memory.max"), "max")).unwrap();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // A group with remaining processes cannot be removed.
        let _ = fs::remove_dir(&self.0);
    }
}

#[test]
fn memory_over_a_control_groups_limit_is_told_from_a_crash_and_pauses_the_study() {
    let Some(group) = Group::new(40 * 1024 * 1024) else { return };
    let scratch = Scratch::new();
    // Batches of thousands of pairs exceed the limit; the program alone does not.
    let spec = holdout(&["cnn-shared"], "1..=6", 1).replace("batch_size = 10", "batch_size = 4000");
    let spec = scratch.write("spec.toml", &spec.replace("train_pairs = 200", "train_pairs = 4000"));
    let script = format!(
        "#!/bin/sh\necho $$ > {}/cgroup.procs\nexec {} \"$@\"\n",
        group.0.display(),
        binary("seedgrid-worker").display()
    );
    let script = scratch.write("worker.sh", &script);
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let paused = finish(scratch.run_with_slots(&spec, "run", 1).env("SEEDGRID_WORKER", &script));
    assert_eq!(paused.code(), 8, "{}", paused.stderr);
    assert_eq!(paused.stderr.matches(": out-of-memory").count(), 5, "{}", paused.stderr);
    assert!(
        paused.stderr.contains("failed alike: the kernel ended the trainer for want of memory"),
        "{}",
        paused.stderr
    );
    let status = scratch.status("run");
    assert_eq!((&status["state"], &status["pause"]["by_hand"]), (&"stopped".into(), &false.into()), "{status}");
    let unit = explained(&scratch, "seed 1");
    assert_eq!((&unit["errors"], &unit["deaths"]), (&1.into(), &0.into()), "{unit}");

    group.unlimit();
    let resumed = finish(seedgrid(["resume"]).arg(scratch.path("run")));
    assert!(resumed.stdout.contains("run the study again"), "{}", resumed.stdout);
    let ended = finish(scratch.run_with_slots(&spec, "run", 1).env("SEEDGRID_WORKER", &script));
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
}
