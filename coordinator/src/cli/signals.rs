//! The signals that ask a command to stop: SIGINT, SIGTERM, and SIGHUP, which means SIGTERM.
//!
//! A thread of their own hears them as long as the command lives, so that none is lost while the command computes. The first one goes to
//! whoever [attends](Attended): a study that runs comes to an orderly end. Where nobody does, and a second time, the process ends at once: what is
//! not whole yet is removed ([`temporary_files::sweep`]), and whatever is in its place is whole at any instant.

use std::{
    io,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use seedgrid_common::{sighup, temporary_files};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
};

use crate::cli::console;

/// How long saying goodbye may take: nobody may read standard error any more.
const GOODBYE: Duration = Duration::from_millis(200);

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopSignal {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM, or SIGHUP.
    Terminate,
}

impl StopSignal {
    /// With which code a command ends that it stopped.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }
}

/// What became of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    /// Somebody sees to it.
    Attended,
    /// It says what was said before: a terminal that is closed sends SIGHUP, and its shell another one.
    Repeated,
    /// The process is to end.
    End,
}

/// Who attends, and whether a signal has come before.
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
        // Only the first one is for them.
        match self.attending.take().map(|attending| attending.send(signal)) {
            Some(Ok(())) => Heard::Attended,
            Some(Err(_)) | None => Heard::End,
        }
    }
}

/// Whether the command leaves anything behind that may be half done.
static LEAVES_FILES: AtomicBool = AtomicBool::new(true);

static STATE: Mutex<State> = Mutex::new(State { attending: None, told: false });

fn state() -> MutexGuard<'static, State> {
    // What it holds stays usable whatever happened meanwhile.
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The right to hear the next signal, until it is dropped.
#[derive(Debug)]
pub struct Attended {
    signals: mpsc::UnboundedReceiver<StopSignal>,
}

impl Attended {
    /// From now on the first signal comes here.
    pub fn begin() -> Self {
        let (sender, signals) = mpsc::unbounded_channel();
        state().attending = Some(sender);
        Self { signals }
    }

    /// Returns when one has come.
    pub async fn received(&mut self) -> StopSignal {
        match self.signals.recv().await {
            Some(signal) => signal,
            // It came, and whoever waits now waits for another one: that one ends the process.
            None => std::future::pending().await,
        }
    }

    /// The one that has come and was not received yet, if there is one; from now on nobody attends.
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

/// Hears signals from now on. `leaves_files`: whether the command writes into folders that stay.
///
/// # Errors
/// When it cannot.
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

/// What is said at the end.
const fn said_last(leaves_files: bool) -> &'static str {
    match leaves_files {
        true => {
            "stopped by a signal; whatever is in its place is whole. The same command begins anew, or goes on where it can"
        }
        false => "stopped by a signal",
    }
}

/// Ends the process.
fn end(signal: StopSignal) -> ! {
    temporary_files::sweep();
    let (said, goodbye) = std::sync::mpsc::channel();
    // Standard error may be locked by a thread that waits for its reader.
    let say = move || {
        console::note(format_args!("{}", said_last(LEAVES_FILES.load(Ordering::Relaxed))));
        // Nobody waits any more where this took too long.
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
        assert!(said_last(true).contains("is whole"));
    }

    #[test]
    fn whoever_attends_no_more_is_not_told() {
        let (sender, signals) = mpsc::unbounded_channel();
        drop(signals);
        let mut state = State { attending: Some(sender), told: false };
        assert_eq!(state.hear(StopSignal::Interrupt, false), Heard::End);
    }
}
