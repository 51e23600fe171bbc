//! Waiting for a database that another program has locked. With the rollback journal that the store keeps on network file systems, whoever
//! reads keeps the writer out meanwhile, and the other way round; so a lock is waited for patiently, and the wait is told.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rusqlite::Connection;
use tokio::sync::watch;

/// How long a lock is waited for. A program that holds one for longer hangs.
pub const BUSY_MAX: Duration = Duration::from_secs(30 * 60);
/// A shorter wait is not told.
const TOLD_FROM: Duration = Duration::from_secs(5);
/// The longest time between two tries.
const PAUSE_MAX: Duration = Duration::from_millis(100);

/// The waits of one store, as other threads see them.
#[derive(Clone, Debug, Default)]
pub struct LockWait(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// Since when a lock has been waited for, once that is worth telling.
    since: watch::Sender<Option<Instant>>,
    /// All waits together.
    total_ms: AtomicU64,
    abandoned: AtomicBool,
}

impl LockWait {
    /// Since when the store has been waiting for a lock: None while it is not, or not for long.
    pub fn since(&self) -> watch::Receiver<Option<Instant>> {
        self.0.since.subscribe()
    }

    /// How long the store has waited for locks in all its life.
    pub fn total(&self) -> Duration {
        Duration::from_millis(self.0.total_ms.load(Ordering::Relaxed))
    }

    /// Ends the wait under way, and lets no other begin: what waits fails.
    pub fn abandon(&self) {
        self.0.abandoned.store(true, Ordering::Relaxed);
    }

    /// So much more was waited.
    pub(crate) fn waited(&self, length: Duration) {
        let length = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
        self.0.total_ms.fetch_add(length, Ordering::Relaxed);
    }

    /// The wait is over, however it ended.
    pub(super) fn over(&self) {
        self.0.since.send_if_modified(|since| since.take().is_some());
    }

    /// Lets `connection`, which is one to the database at `path`, wait.
    pub(super) fn attend(&self, connection: &mut Connection, path: &Path) -> rusqlite::Result<()> {
        let mut waiter = Waiter::new(self.clone(), path, Machine(Instant::now()));
        connection.busy_handler(Some(move |tries| waiter.waits(tries)))
    }
}

/// Lets `connection` wait for no lock at all.
pub(super) fn wait_for_nobody(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.busy_handler(None::<fn(i32) -> bool>)
}

/// A clock, which also lets time pass.
pub(super) trait Clock {
    fn now(&mut self) -> Duration;

    fn pause(&mut self, length: Duration);
}

/// The machine's clock, from a moment on.
struct Machine(Instant);

impl Clock for Machine {
    fn now(&mut self) -> Duration {
        self.0.elapsed()
    }

    fn pause(&mut self, length: Duration) {
        std::thread::sleep(length);
    }
}

/// The remedy for a lock that has been waited for so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Wait,
    TellAndWait,
    GiveUp,
}

/// `told`: how long it had been waited for when that was told last; zero before.
fn step(waited: Duration, told: Duration) -> Step {
    if waited >= BUSY_MAX {
        Step::GiveUp
    } else if waited >= TOLD_FROM.max(told * 2) {
        Step::TellAndWait
    } else {
        Step::Wait
    }
}

/// Waits for one connection's locks.
pub(super) struct Waiter<C> {
    busy: LockWait,
    path: PathBuf,
    clock: C,
    began: Duration,
    told: Duration,
}

impl<C: Clock> Waiter<C> {
    pub(super) fn new(busy: LockWait, path: &Path, clock: C) -> Self {
        Self { busy, path: path.to_owned(), clock, began: Duration::ZERO, told: Duration::ZERO }
    }

    /// Whether to try again, after a while. `tries`: how often this lock was tried and waited for before.
    pub(super) fn waits(&mut self, tries: i32) -> bool {
        if tries == 0 {
            self.began = self.clock.now();
            self.told = Duration::ZERO;
        }
        let waited = self.clock.now().saturating_sub(self.began);
        if self.busy.0.abandoned.load(Ordering::Relaxed) {
            return false;
        }
        match step(waited, self.told) {
            Step::GiveUp => return false,
            Step::TellAndWait => self.tell(waited),
            Step::Wait => {}
        }
        let pause = Duration::from_millis(1 << tries.clamp(0, 10)).min(PAUSE_MAX);
        self.clock.pause(pause);
        self.busy.waited(pause);
        true
    }

    fn tell(&mut self, waited: Duration) {
        self.told = waited;
        tracing::warn!("{}: {}", self.path.display(), Told(waited));
        let since = Instant::now().checked_sub(waited);
        self.busy.0.since.send_if_modified(|told| {
            let is_new = told.is_none();
            *told = told.or(since);
            is_new
        });
    }
}

/// How long a store has been busy, as people are told.
#[derive(Clone, Copy, Debug)]
pub struct Told(pub Duration);

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, minutes) = (self.0.as_secs(), BUSY_MAX.as_secs() / 60);
        write!(
            f,
            "the store has been busy for {seconds} s; another program reads it or writes to it. It is waited for, {minutes} min at most"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_at_doubling_times_and_has_an_end() {
        let (mut told, mut times) = (Duration::ZERO, Vec::new());
        for seconds in 0..=1800 {
            let waited = Duration::from_secs(seconds);
            match step(waited, told) {
                Step::Wait => {}
                Step::TellAndWait => {
                    told = waited;
                    times.push(seconds);
                }
                Step::GiveUp => assert_eq!(seconds, 1800),
            }
        }
        assert_eq!(times, [5, 10, 20, 40, 80, 160, 320, 640, 1280]);
        assert!(Told(Duration::from_secs(20)).to_string().starts_with("the store has been busy for 20 s; "));
    }
}
