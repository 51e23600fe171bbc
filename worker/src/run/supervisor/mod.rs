//! The supervisor: a small process that outlives the trainer.
//!
//! `seedgrid-worker` is two processes: this one, which trains nothing, and its child, the trainer, which is the same
//! program. After an unexpected end of the trainer (a signal, a kill by the kernel for lack of memory, an unknown exit
//! code), this one reports the attempts in training and the cause to the coordinator at once, and starts another
//! trainer under the same worker id.
//!
//! The trainer's standard output is a pipe for its messages about held attempts ([`crate::run::supervisor_pipe`]). Its
//! standard input is a pipe for the worker's secret and for stops. Its standard error passes through here, so that its
//! last lines are known. The trainer ends with this process ([`crate::run::end_with_parent`]).

mod crash_or_out_of_memory;
mod held_attempts;
mod kernel_kill_counter;

use std::{
    ffi::OsString,
    io::{self, Write as _},
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use seedgrid_common::{
    join::{Plaintext, Token},
    sighup,
    text::count,
    wire::{
        limits,
        v1::{Failure, LossReport},
    },
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
    signal::unix::{SignalKind, signal},
};
use tracing::{error, info, warn};

use crate::{
    lifecycle::attempt::cut,
    link::{attempt_log::Tail, connection::Connector, reconnect_delay},
    run::{exit_codes, supervisor_pipe::SupervisorMessage},
};
use crash_or_out_of_memory::{End, Meaning, judge};
use held_attempts::HeldAttempts;

/// Most unexpected ends of trainers in a row without any attempt brought to its end. More than the crashes after which
/// a unit is quarantined: one bad unit must not end its worker.
const RESTARTS_MAX: u32 = 8;
/// The limit for a report to the coordinator. Without the report, the leases of the lost attempts expire.
const REPORT_TIMEOUT: Duration = Duration::from_secs(20);
/// The limit for reading the last lines of an ended trainer: its own children may hold the pipe open.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);
/// Longest line on the pipe; messages are shorter, so a longer line is none.
const LINE_BYTES_MAX: u64 = 4096;

/// The settings of a supervisor.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The trainer's arguments, after the program's name.
    pub arguments: Vec<OsString>,
    /// The worker's id, shared by all its trainers: 32 hexadecimal digits, chosen at the start.
    pub worker_id: String,
    /// The path of the join file.
    pub join: PathBuf,
    /// Whether to connect without encryption.
    pub plaintext: Plaintext,
    /// The worker's own secret, shared by all its trainers. They receive it on the pipe: other processes can see
    /// neither arguments nor environment with it.
    pub secret: Token,
    /// This machine's name.
    pub host: String,
    /// Whether the trainer's log has colours.
    pub colour: bool,
}

/// Keeps a trainer running until it ends in order; returns the worker's exit code.
///
/// # Errors
/// When signals cannot be received, or no trainer can be started.
pub async fn supervise(settings: Settings) -> io::Result<u8> {
    let mut signals = Signals::new()?;
    let started = Instant::now();
    let mut in_a_row = 0;
    loop {
        let killed_before = kernel_kill_counter::kills();
        let mut trainer = Trainer::start(&settings, started.elapsed()).await?;
        let end = match trainer.live(&mut signals).await? {
            Ok(status) => end(status),
            Err(signal) => return Ok(128 + signal as u8),
        };
        let killed = kernel_kill_counter::kills() > killed_before && killed_before.is_some();
        let lines = plain(&trainer.tail.text());
        let (failure, detail) = match judge(end, killed, &lines) {
            Meaning::Left(code) => return Ok(code),
            Meaning::Lost { failure, detail } => (failure, detail),
        };
        let training = trainer.held_attempts.those(true);
        error!("{detail}; in training: {}", count(training.len(), "unit"));
        tokio::select! {
            () = report(&settings, failure, &detail, &trainer.held_attempts, lines) => {}
            _ = signals.next() => return Ok(exit_codes::DONE),
        }
        if signals.told {
            // The trainer had been told to end anyway.
            return Ok(exit_codes::DONE);
        }
        in_a_row = if trainer.held_attempts.progressed { 1 } else { in_a_row + 1 };
        if in_a_row > RESTARTS_MAX {
            error!("{in_a_row} trainers in a row ended unexpectedly; giving up");
            return Ok(exit_codes::CRASHING);
        }
        tokio::select! {
            () = tokio::time::sleep(reconnect_delay::delay(in_a_row, rand::random())) => {}
            _ = signals.next() => return Ok(exit_codes::DONE),
        }
        info!("starting another trainer");
    }
}

fn end(status: ExitStatus) -> End {
    match (status.code(), status.signal()) {
        (Some(code), _) => End::Code(code),
        (None, Some(signal)) => End::Signal(signal),
        (None, None) => End::Code(-1),
    }
}

/// Reports the lost attempts to the coordinator, if it can be reached in time.
async fn report(settings: &Settings, failure: Failure, detail: &str, held_attempts: &HeldAttempts, log: String) {
    let (training, held) = (held_attempts.those(true), held_attempts.those(false));
    if training.is_empty() && held.is_empty() {
        return;
    }
    let report = LossReport {
        worker_id: settings.worker_id.clone(),
        failure: failure.into(),
        detail: cut(detail, limits::DETAIL_BYTES_MAX).to_owned(),
        training,
        held,
        log,
    };
    let told = async {
        let Settings { join, host, plaintext, secret, .. } = settings.clone();
        let mut connector = Connector::new(join, host, plaintext, secret).map_err(|e| e.to_string())?;
        connector.report_loss(&report).await.map_err(|refused| refused.to_string())
    };
    match tokio::time::timeout(REPORT_TIMEOUT, told).await {
        Ok(Ok(())) => {}
        Ok(Err(problem)) => warn!("the end of the trainer was not reported to the coordinator: {problem}"),
        Err(_) => warn!("the end of the trainer was not reported to the coordinator: it cannot be reached"),
    }
}

/// The signals that this process passes on to the trainer.
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    user: tokio::signal::unix::Signal,
    /// SIGHUPs. None: the signal is ignored, as under `nohup`.
    hangup: Option<tokio::signal::unix::Signal>,
    /// Whether a signal has arrived.
    told: bool,
}

impl Signals {
    fn new() -> io::Result<Self> {
        let [terminate, interrupt, user] =
            [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::user_defined1()].map(signal);
        let hangup = hangups()?;
        Ok(Self { terminate: terminate?, interrupt: interrupt?, user: user?, hangup, told: false })
    }

    async fn next(&mut self) -> Signal {
        loop {
            let (signal, is_hangup) = tokio::select! {
                _ = self.terminate.recv() => (Signal::SIGTERM, false),
                _ = self.interrupt.recv() => (Signal::SIGINT, false),
                _ = self.user.recv() => (Signal::SIGUSR1, false),
                () = next_of(&mut self.hangup) => (Signal::SIGTERM, true),
            };
            // A closed terminal sends SIGHUP, and its shell sends it again.
            if !std::mem::replace(&mut self.told, true) || !is_hangup {
                return signal;
            }
        }
    }
}

/// SIGHUPs, which act as SIGTERM. None where they are ignored.
///
/// # Errors
/// When they cannot be received.
pub fn hangups() -> io::Result<Option<tokio::signal::unix::Signal>> {
    if sighup::is_ignored() { Ok(None) } else { signal(SignalKind::hangup()).map(Some) }
}

/// Returns at the next SIGHUP; waits for ever where they are ignored.
pub async fn next_of(hangups: &mut Option<tokio::signal::unix::Signal>) {
    match hangups {
        Some(hangups) => drop(hangups.recv().await),
        None => std::future::pending().await,
    }
}

/// One trainer and its pipes.
struct Trainer {
    child: Child,
    orders: Option<ChildStdin>,
    says: BufReader<ChildStdout>,
    logs: ChildStderr,
    held_attempts: HeldAttempts,
    tail: Tail,
}

impl Trainer {
    async fn start(settings: &Settings, lived: Duration) -> io::Result<Self> {
        // The program of this process. The link leads to it even if its file was replaced since, but then has no name
        // to show.
        let program = std::env::current_exe().ok().filter(|path| path.is_file());
        let mut command = Command::new(program.as_deref().unwrap_or(Path::new("/proc/self/exe")));
        command.args(&settings.arguments);
        command.args(["--trainer-of", &std::process::id().to_string(), "--worker-id", &settings.worker_id]);
        command.args(["--lived-ms", &lived.as_millis().to_string()]);
        if settings.colour {
            command.arg("--colour");
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let missing = || io::Error::other("a pipe is missing");
        let mut orders = child.stdin.take().ok_or_else(missing)?;
        // A trainer that has already ended is noticed below.
        let _ = orders.write_all(format!("{}\n", settings.secret.expose()).as_bytes()).await;
        let _ = orders.flush().await;
        let orders = Some(orders);
        let says = BufReader::new(child.stdout.take().ok_or_else(missing)?);
        let logs = child.stderr.take().ok_or_else(missing)?;
        Ok(Self { child, orders, says, logs, held_attempts: HeldAttempts::default(), tail: Tail::default() })
    }

    /// Follows the trainer to its end. Err: a second signal arrived, and the trainer was killed.
    async fn live(&mut self, signals: &mut Signals) -> io::Result<Result<ExitStatus, Signal>> {
        let Self { child, orders, says, logs, held_attempts, tail } = self;
        let mut lines = [0; 8192];
        let mut line = Vec::new();
        let (mut says_more, mut logs_more) = (true, true);
        let status = loop {
            // `line` keeps the part already read when another branch wins.
            let mut limited = (&mut *says).take(LINE_BYTES_MAX);
            tokio::select! {
                status = child.wait() => break status?,
                signal = signals.next() => match orders.take() {
                    // The first signal closes the pipe, so a later one is a second signal.
                    Some(orders) => pass_signal_on(orders, signal).await,
                    None => {
                        child.start_kill()?;
                        return Ok(Err(signal));
                    }
                },
                read = limited.read_until(b'\n', &mut line), if says_more => {
                    says_more = read? > 0;
                    hear(held_attempts, &mut line);
                }
                read = logs.read(&mut lines), if logs_more => {
                    let read = read?;
                    logs_more = read > 0;
                    pass_on(tail, &lines[..read]);
                }
            }
        };
        // The trainer's last output is still in the pipes.
        let rest = async {
            while says_more {
                let read = (&mut *says).take(LINE_BYTES_MAX).read_until(b'\n', &mut line).await;
                says_more = read.is_ok_and(|read| read > 0);
                hear(held_attempts, &mut line);
            }
            while logs_more && let Ok(read @ 1..) = logs.read(&mut lines).await {
                pass_on(tail, &lines[..read]);
            }
        };
        drop(tokio::time::timeout(DRAIN_TIMEOUT, rest).await);
        Ok(Ok(status))
    }
}

async fn pass_signal_on(mut orders: ChildStdin, signal: Signal) {
    // A trainer that is about to end may not read it.
    drop(orders.write_all(&[signal as u8]).await);
    drop(orders.flush().await);
}

fn hear(held_attempts: &mut HeldAttempts, line: &mut Vec<u8>) {
    if line.is_empty() {
        return;
    }
    let text = String::from_utf8_lossy(line);
    match SupervisorMessage::read(&text) {
        Some(said) => held_attempts.hear(said),
        None => drop(io::stderr().lock().write_all(text.as_bytes())),
    }
    line.clear();
}

fn pass_on(tail: &mut Tail, bytes: &[u8]) {
    tail.push(bytes);
    // A log that cannot be written is dropped.
    drop(io::stderr().lock().write_all(bytes));
}

/// The text without a terminal's colours.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_taken_out() {
        assert_eq!(plain("\u{1b}[2m12:00\u{1b}[0m \u{1b}[32m INFO\u{1b}[0m joined\n"), "12:00  INFO joined\n");
        assert_eq!(plain("plain"), "plain");
        assert_eq!(plain("cut \u{1b}[3"), "cut ");
    }
}
