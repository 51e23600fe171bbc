//! Workers as a Slurm array, on a real private Slurm cluster.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may")]

use std::{fs, path::Path, process::Command};

use seedgrid_tests::{
    machine::repository,
    process::{Running, binary, finish, seedgrid, until},
    slurm::Slurm,
    study::{Scratch, holdout},
};

const SCRIPT: &str = "scripts/slurm/worker-array.sbatch";

fn serve(scratch: &Scratch, spec: &str) -> Running {
    let spec = scratch.write("spec.toml", spec);
    let mut command = seedgrid(["serve", "--listen", "127.0.0.1:0", "--run-dir"]);
    let coordinator = Running::start(command.arg(scratch.path("run")).arg(spec));
    coordinator.until_stderr("seedgrid-worker --join", 1);
    coordinator
}

/// Submits the script like a user: from their own folder, options first, then the run directory.
fn submit(slurm: &Slurm, scratch: &Scratch, worker: &Path, options: &[&str]) -> String {
    let mut sbatch = slurm.command("sbatch");
    sbatch.current_dir(scratch.path("")).env("SEEDGRID_WORKER", worker).arg("--parsable").args(options);
    slurm.submit(sbatch.arg(repository(SCRIPT)).arg("run").arg("--cache").arg(scratch.path("cache")))
}

/// The log of a task, under the script's name for it.
fn log(scratch: &Scratch, job: &str, task: u32) -> String {
    fs::read_to_string(scratch.path(&format!("seedgrid-worker-{job}_{task}.log"))).unwrap_or_default()
}

/// Waits until a task has logged `text`.
fn until_log(scratch: &Scratch, job: &str, task: u32, text: &str) {
    until(&format!("task {task} logs {text:?}"), || {
        let log = log(scratch, job, task);
        let failed = log.lines().any(|line| line.starts_with("error: ") || line.starts_with("worker-array: error: "));
        assert!(log.contains(text) || !failed, "waited for {text:?}, and the task logged:\n{log}");
        log.contains(text)
    });
}

#[test]
fn an_array_trains_a_study_to_its_report() {
    let Some(slurm) = Slurm::start(2, 2) else { return };
    let scratch = Scratch::new();
    let coordinator = serve(&scratch, &holdout(&["fc-aux", "cnn"], "1..=6", 12));
    let job = submit(&slurm, &scratch, &binary("seedgrid-worker"), &["--array=0-2", "--time=5"]);
    let ended = coordinator.wait();
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert_eq!(scratch.report_json("run")["complete"], true);
    for task in 0..3 {
        slurm.until_state(&format!("{job}_{task}"), "COMPLETED");
        let log = log(&scratch, &job, task);
        assert!(log.contains(&format!("task {job}_{task} on ")), "{log}");
        assert!(log.contains("the worker ended with code 0"), "{log}");
    }
}

#[test]
fn a_worker_leaves_before_its_time_limit_and_another_finishes_its_unit() {
    let Some(slurm) = Slurm::start(2, 1) else { return };
    let scratch = Scratch::new();
    // One unit, which takes two to three times as long as the short task's limit.
    let coordinator = serve(&scratch, &holdout(&["cnn-shared"], "1..=1", 300));
    // Slurm counts limits in minutes; this worker's job sets a nearer end as it begins, and the worker learns it from
    // Slurm.
    let hurried = scratch.write(
        "hurried-worker",
        &format!(
            "#!/bin/sh\n[ \"$1\" = --join ] && scontrol update JobId=\"$SLURM_JOB_ID\" EndTime=now+8seconds\nexec '{}' \"$@\"\n",
            binary("seedgrid-worker").display()
        ),
    );
    assert!(finish(Command::new("chmod").arg("755").arg(&hurried)).status.success());
    let short = submit(&slurm, &scratch, &hurried, &["--array=3", "--time=1"]);
    until_log(&scratch, &short, 3, "asking to be requeued");
    let long = submit(&slurm, &scratch, &binary("seedgrid-worker"), &["--array=4", "--time=10"]);
    let task = format!("{short}_3");
    until_log(&scratch, &short, 3, "start 2,");
    assert_eq!(slurm.field(&task, "Restarts").as_deref(), Some("1"));
    let ended = coordinator.wait();
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert_eq!(scratch.report_json("run")["complete"], true);
    slurm.until_state(&format!("{long}_4"), "COMPLETED");
    let log = log(&scratch, &short, 3);
    assert!(!log.contains("TIME LIMIT"), "it left before Slurm ended it: {log}");
}

#[test]
fn a_cancelled_task_hands_over_and_stays_away() {
    let Some(slurm) = Slurm::start(1, 2) else { return };
    let scratch = Scratch::new();
    let _coordinator = serve(&scratch, &holdout(&["cnn-shared"], "1..=2", 100_000));
    let job = submit(&slurm, &scratch, &binary("seedgrid-worker"), &["--array=0-1", "--time=5"]);
    until("both units train", || scratch.status("run")["units"]["training"] == 2);
    for task in [format!("{job}_0"), job.clone()] {
        assert!(finish(slurm.command("scancel").arg(&task)).status.success());
    }
    for task in 0..2 {
        slurm.until_state(&format!("{job}_{task}"), "CANCELLED");
        until_log(&scratch, &job, task, "the worker ended with code 0");
    }
    until("no unit is held any more", || {
        let status = scratch.status("run");
        status["units"]["waiting"] == 2 && status["workers"].as_array().is_some_and(Vec::is_empty)
    });
}

#[test]
fn a_whole_study_in_one_job_is_requeued_and_goes_on() {
    let Some(slurm) = Slurm::start(1, 2) else { return };
    let scratch = Scratch::new();
    // The unit takes two to three times as long as the job's first limit.
    let spec = scratch.write("spec.toml", &holdout(&["cnn-shared"], "1..=1", 300));
    // Slurm counts limits in minutes; the job's first start sets a nearer end, which shortens its limit, and the next
    // start restores the limit.
    let hurried = scratch.write(
        "hurried-seedgrid",
        &format!(
            "#!/bin/sh\nlimit=EndTime=now+8seconds\n[ -z \"${{SLURM_RESTART_COUNT:-}}\" ] || limit=TimeLimit=10\nscontrol update \
             JobId=\"$SLURM_JOB_ID\" \"$limit\"\nexec '{}' \"$@\"\n",
            binary("seedgrid").display()
        ),
    );
    assert!(finish(Command::new("chmod").arg("755").arg(&hurried)).status.success());
    let mut sbatch = slurm.command("sbatch");
    sbatch.current_dir(scratch.path("")).env("SEEDGRID", hurried).args([
        "--parsable",
        "--time=10",
        "--cpus-per-task=2",
    ]);
    let job = slurm.submit(sbatch.arg(repository("scripts/slurm/run.sbatch")).arg(spec).args(["--run-dir", "run"]));
    slurm.until_state(&job, "COMPLETED");
    let log = fs::read_to_string(scratch.path(&format!("seedgrid-{job}.log"))).unwrap();
    assert!(log.contains("asking to be requeued") && log.contains("start 2,"), "{log}");
    assert!(log.contains(&format!("note: Slurm ends job {job} in ")), "{log}");
    assert!(log.contains("seedgrid ended with code 0"), "{log}");
    assert_eq!(scratch.report_json("run")["complete"], true);
}

/// The script's own errors need no Slurm.
#[test]
fn missing_parts_are_named() {
    let scratch = Scratch::new();
    let script = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = Command::new(repository(SCRIPT));
        command
            .current_dir(scratch.path(""))
            .args(arguments)
            .env_remove("SEEDGRID_WORKER")
            .env("PATH", "/usr/bin:/bin");
        for name in ["SLURM_JOB_ID", "SLURM_SUBMIT_DIR"] {
            command.env_remove(name);
        }
        let ended = finish(command.envs(variables.iter().copied()));
        assert_eq!(ended.code(), 2, "{ended:?}");
        ended.stderr
    };
    let job = [("SLURM_JOB_ID", "1")];
    assert!(script(&["run"], &[]).contains("submit it as: sbatch --array=0-7"));
    assert!(script(&[], &job).contains("no run directory"));
    assert!(script(&["run"], &job).contains("there is no run"));
    fs::create_dir(scratch.path("run")).unwrap();
    assert!(script(&["run"], &job).contains("there is no run/join.toml"));
    scratch.write("run/join.toml", "");
    assert!(script(&["run"], &job).contains("no worker program: seedgrid-worker"));
    assert!(script(&["run"], &[job[0], ("SEEDGRID_WORKER", "/no/such")]).contains("no worker program: /no/such"));
}
