//! The workers that `seedgrid run` starts on its own machine: child processes that end with it.

use std::{
    ffi::OsString,
    fs::{self, File},
    io,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use seedgrid_common::{batch_job_end::JobEnd, exit_codes};
use tokio::process::{Child, Command};

/// The number of restarts of a killed worker before the run gives up.
const RESTARTS_MAX: u32 = 5;

/// The number of lines of a failed worker's log in an error.
const LOG_LINES_SHOWN: usize = 8;

/// The local worker process, with the data for a restart.
#[derive(Debug)]
pub struct LocalWorker {
    program: PathBuf,
    join_file: PathBuf,
    slots: usize,
    log: PathBuf,
    surroundings: Surroundings,
    child: Child,
    restarts: u32,
}

/// The regular end of a local worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerEnd {
    /// The study is done, or the worker was asked to leave.
    Left,
    /// The batch job's time limit is near, and units are left.
    OutOfTime,
}

/// The worker's view of its environment variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surroundings {
    /// The variables describe the current batch job, if any.
    Own,
    /// The variables come from a batch job that has ended.
    LeftOver,
}

impl Surroundings {
    /// The view for this process.
    pub fn new(job: &JobEnd) -> Self {
        match job {
            JobEnd::LeftOver { .. } => Self::LeftOver,
            JobEnd::Never | JobEnd::After { .. } | JobEnd::Unknown { .. } => Self::Own,
        }
    }
}

/// The failure of a local worker.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum LocalWorkerError {
    /// The program does not exist or cannot be run.
    #[error("cannot start the worker {program}: {cause}")]
    #[diagnostic(help(
        "`seedgrid-worker` must stand beside `seedgrid`; build both with \
         `cargo build --release`, or set SEEDGRID_WORKER to its path"
    ))]
    Start {
        /// The program's path.
        program: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// The worker ended while units were left.
    #[error("the local worker ended ({status}) while units were left; its log {log} ends with:\n{tail}")]
    #[diagnostic(help("{}; finished units are kept", what_to_do(.status)))]
    Ended {
        /// The worker's exit status.
        status: ExitStatus,
        /// The path of the worker's log.
        log: PathBuf,
        /// The last lines of the log.
        tail: String,
    },
    /// The worker's status cannot be read.
    #[error("cannot wait for the local worker: {0}")]
    Wait(#[source] io::Error),
}

impl LocalWorkerError {
    /// The exit code of a worker that ended by itself; the command ends with the same code.
    pub fn exit_code(&self) -> Option<u8> {
        match self {
            Self::Ended { status, .. } => status.code().and_then(|code| u8::try_from(code).ok()),
            Self::Start { .. } | Self::Wait(_) => None,
        }
    }
}

/// The hint for a worker with this exit status; docs/exit-codes.md lists the codes.
fn what_to_do(status: &ExitStatus) -> &'static str {
    match status.code().map(u8::try_from) {
        Some(Ok(exit_codes::USAGE)) => {
            "the log says what is wrong with how it was started; put that right, then run the same command again"
        }
        Some(Ok(exit_codes::REFUSED)) => {
            "`seedgrid` and `seedgrid-worker` must be of one build: build both, or correct SEEDGRID_WORKER, then run the same command again"
        }
        Some(Ok(exit_codes::UNREACHABLE)) => {
            "it could not hand over what it had, which costs time alone: see that the disk and the machine keep up, then run the same command \
             again"
        }
        Some(Ok(exit_codes::CRASHING)) => {
            "its trainers crash, for want of memory for example: try fewer slots with --slots, then run the same command again"
        }
        Some(_) => "the log says why; once that is put right, run the same command again",
        None => {
            "it was killed again and again, for want of memory for example: try fewer slots with --slots, then run the same command again"
        }
    }
}

impl LocalWorker {
    /// Starts a worker with `slots` slots that registers with `join_file` and logs into the folder `logs`.
    ///
    /// # Errors
    /// When the program cannot be started or the log cannot be made.
    pub fn start(
        join_file: &Path,
        slots: usize,
        logs: &Path,
        surroundings: Surroundings,
    ) -> Result<Self, LocalWorkerError> {
        let program = program();
        let log = logs.join("worker-local.log");
        let child = spawn(&program, join_file, slots, &log, surroundings)
            .map_err(|cause| LocalWorkerError::Start { program: program.clone(), cause })?;
        Ok(Self { program, join_file: join_file.to_owned(), slots, log, surroundings, child, restarts: 0 })
    }

    /// Returns when the worker has ended regularly. A killed worker (out of memory, by a person) is restarted.
    ///
    /// # Errors
    /// When the worker ended with an error, or was killed too often.
    pub async fn watch(&mut self) -> Result<WorkerEnd, LocalWorkerError> {
        loop {
            let status = self.child.wait().await.map_err(LocalWorkerError::Wait)?;
            match status.code().and_then(|code| u8::try_from(code).ok()) {
                Some(exit_codes::DONE) => return Ok(WorkerEnd::Left),
                Some(exit_codes::OUT_OF_TIME) => return Ok(WorkerEnd::OutOfTime),
                Some(_) | None => {}
            }
            if status.signal().is_none() || self.restarts == RESTARTS_MAX {
                let tail = tail(&self.log);
                return Err(LocalWorkerError::Ended { status, log: self.log.clone(), tail });
            }
            self.restarts += 1;
            tracing::warn!(%status, "the local worker was killed; starting it again");
            self.child = spawn(&self.program, &self.join_file, self.slots, &self.log, self.surroundings)
                .map_err(|cause| LocalWorkerError::Start { program: self.program.clone(), cause })?;
        }
    }

    /// Asks the worker to stop, and kills it after `grace`.
    pub async fn stop(mut self, grace: Duration) {
        if let Some(pid) = self.child.id().and_then(|pid| i32::try_from(pid).ok()) {
            // The worker may have ended by itself in the meantime.
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        if tokio::time::timeout(grace, self.child.wait()).await.is_err() {
            // A worker that has ended is no error.
            let _ = self.child.kill().await;
        }
    }
}

/// The worker's program: $SEEDGRID_WORKER, or the file beside this program, or the first in PATH.
fn program() -> PathBuf {
    if let Some(program) = std::env::var_os("SEEDGRID_WORKER") {
        return program.into();
    }
    let beside = std::env::current_exe().ok().and_then(|own| Some(own.parent()?.join("seedgrid-worker")));
    match beside {
        Some(beside) if beside.is_file() => beside,
        Some(_) | None => PathBuf::from("seedgrid-worker"),
    }
}

fn spawn(program: &Path, join_file: &Path, slots: usize, log: &Path, surroundings: Surroundings) -> io::Result<Child> {
    let log = File::options().create(true).append(true).open(log)?;
    let mut command = Command::new(program);
    if surroundings == Surroundings::LeftOver {
        let of_slurm = |(name, _): &(OsString, OsString)| name.as_encoded_bytes().starts_with(b"SLURM_");
        for (name, _) in std::env::vars_os().filter(of_slurm) {
            command.env_remove(name);
        }
    }
    command
        .arg("--join")
        // A name that begins with a dash would be read as an option.
        .arg(Path::new(".").join(join_file))
        .args(["--slots", &slots.to_string(), "--die-with-parent", &std::process::id().to_string()])
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        // The worker has its own process group: Ctrl-C reaches only the run, which then stops its worker in order.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}

fn tail(log: &Path) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let shown = &lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..];
    shown.iter().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use seedgrid_common::error_chain::hint;

    use super::*;

    fn ended(status: i32) -> LocalWorkerError {
        LocalWorkerError::Ended { status: ExitStatus::from_raw(status), log: "log".into(), tail: String::new() }
    }

    #[test]
    fn each_ending_has_its_code_and_its_hint() {
        let codes = [2, 4, 5, 9];
        let texts: BTreeSet<String> = codes
            .iter()
            .map(|code| {
                let error = ended(code << 8);
                assert_eq!(error.exit_code().map(i32::from), Some(*code));
                hint(&error).unwrap()
            })
            .collect();
        assert_eq!(texts.len(), codes.len());
        assert_eq!(ended(9).exit_code(), None, "killed");
        assert!(hint(&ended(9)).unwrap().contains("--slots"));
    }
}
