//! Signals that stop a command: SIGINT, SIGTERM, and SIGHUP, which is treated as SIGTERM.
//!
//! A separate thread receives signals during the whole command, also while it computes. The first signal goes to the
//! current [receiver](Attended), so that a running study ends in order. Without a receiver, or at a second signal, the
//! process ends at once: incomplete files are removed ([`temporary_files::sweep`]), and files under their final names
//! are always complete.

use std::{
    io,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use seedgrid_common::{exit_codes, sighup, temporary_files};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
};

use crate::cli::standard_streams;

/// The time limit for the last message: standard error may have no reader.
const GOODBYE: Duration = Duration::from_millis(200);

/// The signal that was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopSignal {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM, or SIGHUP.
    Terminate,
}

impl StopSignal {
    /// The exit code of a command that this signal stopped.
    pub fn exit_code(self) -> u8 {
        let signal = match self {
            Self::Interrupt => nix::sys::signal::Signal::SIGINT,
            Self::Terminate => nix::sys::signal::Signal::SIGTERM,
        };
        exit_codes::SIGNALLED + signal as u8
    }
}

/// The handling of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    /// The signal went to the receiver.
    Attended,
    /// The signal repeats an earlier one: a closed terminal sends SIGHUP, and its shell another one.
    Repeated,
    /// The process must end.
    End,
}

/// The current receiver, and whether a signal has arrived before.
#[derive(Debug, Default)]
struct State {
    attending: Option<mpsc::UnboundedSender<StopSignal>>,
    told: bool,
}

impl State {
    fn hear(&mut self, signal: StopSignal, is_hangup: bool) -> Heard {
        if std::mem::replace(&mut self.told, true) && is_hangup {
            return Heard::Repeated;
        }
        // Only the first signal goes to the receiver.
        match self.attending.take().map(|attending| attending.send(signal)) {
            Some(Ok(())) => Heard::Attended,
            Some(Err(_)) | None => Heard::End,
        }
    }
}

/// Whether the command may leave incomplete files behind.
static LEAVES_FILES: AtomicBool = AtomicBool::new(true);

static STATE: Mutex<State> = Mutex::new(State { attending: None, told: false });

fn state() -> MutexGuard<'static, State> {
    // A panic leaves the state usable.
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The receiver of the next signal, until it is dropped.
#[derive(Debug)]
pub struct Attended {
    signals: mpsc::UnboundedReceiver<StopSignal>,
}

impl Attended {
    /// Registers as the receiver of the first signal.
    pub fn begin() -> Self {
        let (sender, signals) = mpsc::unbounded_channel();
        state().attending = Some(sender);
        Self { signals }
    }

    /// Returns the signal when it has arrived.
    pub async fn received(&mut self) -> StopSignal {
        match self.signals.recv().await {
            Some(signal) => signal,
            // The signal was already returned; a further signal ends the process.
            None => std::future::pending().await,
        }
    }

    /// Unregisters. Returns the signal if it has arrived and was not returned yet.
    pub fn end(mut self) -> Option<StopSignal> {
        state().attending = None;
        self.signals.try_recv().ok()
    }
}

impl Drop for Attended {
    fn drop(&mut self) {
        state().attending = None;
    }
}

/// Starts to receive signals. `leaves_files` tells whether the command writes into lasting folders.
///
/// # Errors
/// When the signal handlers cannot be installed.
pub fn listen(leaves_files: bool) -> io::Result<()> {
    LEAVES_FILES.store(leaves_files, Ordering::Relaxed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let entered = runtime.enter();
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let mut hangup = if sighup::is_ignored() { None } else { Some(signal(SignalKind::hangup())?) };
    drop(entered);
    let listen = move || {
        runtime.block_on(async {
            loop {
                let (signal, is_hangup) = tokio::select! {
                    _ = interrupt.recv() => (StopSignal::Interrupt, false),
                    _ = terminate.recv() => (StopSignal::Terminate, false),
                    () = next(&mut hangup) => (StopSignal::Terminate, true),
                };
                let heard = state().hear(signal, is_hangup);
                if heard == Heard::End {
                    end(signal);
                }
            }
        });
    };
    thread::Builder::new().name("signals".to_owned()).spawn(listen).map(drop)
}

async fn next(hangup: &mut Option<Signal>) {
    match hangup {
        Some(hangup) => drop(hangup.recv().await),
        None => std::future::pending().await,
    }
}

/// The last message of a stopped command.
const fn said_last(leaves_files: bool) -> &'static str {
    match leaves_files {
        true => "stopped by a signal; every finished file is complete. Run the same command again",
        false => "stopped by a signal",
    }
}

/// Ends the process.
fn end(signal: StopSignal) -> ! {
    temporary_files::sweep();
    let (said, goodbye) = std::sync::mpsc::channel();
    // Another thread may hold standard error while it waits for a reader.
    let say = move || {
        standard_streams::note(format_args!("{}", said_last(LEAVES_FILES.load(Ordering::Relaxed))));
        // After the time limit, no thread receives this.
        let _ = said.send(());
    };
    if thread::Builder::new().spawn(say).is_ok() {
        let _ = goodbye.recv_timeout(GOODBYE);
    }
    std::process::exit(signal.exit_code().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_signal_is_attended_to_and_the_second_ends_the_process() {
        let mut state = State::default();
        assert_eq!(state.hear(StopSignal::Interrupt, false), Heard::End, "nobody attends");
        let (sender, mut signals) = mpsc::unbounded_channel();
        state = State { attending: Some(sender), told: false };
        assert_eq!(state.hear(StopSignal::Terminate, true), Heard::Attended);
        assert_eq!(signals.try_recv(), Ok(StopSignal::Terminate));
        assert_eq!(state.hear(StopSignal::Terminate, true), Heard::Repeated, "a closed terminal says so twice");
        assert_eq!(state.hear(StopSignal::Interrupt, false), Heard::End);
    }

    #[test]
    fn a_command_that_only_looks_says_no_more_than_that_it_stopped() {
        assert_eq!(said_last(false), "stopped by a signal");
        assert!(said_last(true).contains("is complete"));
    }

    #[test]
    fn whoever_attends_no_more_is_not_told() {
        let (sender, signals) = mpsc::unbounded_channel();
        drop(signals);
        let mut state = State { attending: Some(sender), told: false };
        assert_eq!(state.hear(StopSignal::Interrupt, false), Heard::End);
    }
}
