//! States of units in training on their way to the coordinator: a bounded buffer between slots that must never wait and
//! uploads that may be slow. A newer state of an attempt replaces its waiting one: only the newest is useful.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use seedgrid_common::{unit::Attempt, wire::blob::BlobDigest};
use tokio::sync::Notify;

use crate::{lifecycle::attempt::SavedState, training::checkpoint_interval::CheckpointInterval};

/// The waiting states, at most one for each slot, and the cost of saving so far. Slots put states in, one sender takes
/// them.
#[derive(Debug, Default)]
pub struct CheckpointUploads {
    inner: Mutex<Inner>,
    put: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    /// The waiting states, each with the time of making it.
    waiting: BTreeMap<Attempt, (SavedState, Duration)>,
    /// The total time of each attempt's newest save; [`Duration::MAX`]: it waits, or was not kept.
    costs: BTreeMap<Attempt, Duration>,
    /// The time of the newest save of any attempt, which is the estimate for an attempt's first one.
    newest: Duration,
    /// The shortest interval that the coordinator allows: see [`CheckpointInterval::allowed`].
    allowed: Duration,
    /// The start of training in this worker.
    began: Option<Instant>,
}

/// The result of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Whether the coordinator kept the state.
    pub kept: bool,
    /// The time that the upload took.
    pub took: Duration,
    /// The new shortest interval, see [`CheckpointInterval::allowed`]; None: the coordinator sent none.
    pub allowed: Option<Duration>,
}

impl CheckpointUploads {
    /// Puts in an attempt's newest state, which took this long to make; never waits.
    pub fn put(&self, attempt: Attempt, state: SavedState, made: Duration) {
        let mut inner = self.lock();
        inner.waiting.insert(attempt, (state, made));
        inner.costs.insert(attempt, Duration::MAX);
        drop(inner);
        self.put.notify_one();
    }

    /// Drops the state of an attempt that has ended.
    pub fn forget(&self, attempt: Attempt) {
        let mut inner = self.lock();
        inner.waiting.remove(&attempt);
        inner.costs.remove(&attempt);
    }

    /// Waits for a state and returns it. The state stays here until [`Self::sent`], so a lost connection loses nothing.
    /// For one taker at a time.
    pub async fn next(&self) -> (Attempt, SavedState) {
        loop {
            let first = self.lock().waiting.first_key_value().map(|(attempt, (state, _))| (*attempt, state.clone()));
            match first {
                Some(first) => return first,
                None => self.put.notified().await,
            }
        }
    }

    /// Records that this state need not be sent again.
    pub fn sent(&self, attempt: Attempt, digest: BlobDigest, sent: Sent) {
        let mut inner = self.lock();
        if let Some(allowed) = sent.allowed {
            inner.allowed = allowed;
        }
        if let Some((_, made)) = inner.waiting.get(&attempt).filter(|(state, _)| state.blob.digest() == digest) {
            let cost = if sent.kept { sent.took + *made } else { Duration::MAX };
            inner.waiting.remove(&attempt);
            inner.costs.insert(attempt, cost);
            inner.newest = cost;
        }
    }

    /// Sets the shortest interval that the coordinator allows.
    pub fn allow(&self, allowed: Duration) {
        self.lock().allowed = allowed;
    }

    /// The interval until the next state of an attempt, at most `longest`.
    pub fn spacing(&self, attempt: Attempt, longest: Duration) -> CheckpointInterval {
        let mut inner = self.lock();
        let trained = inner.began.get_or_insert_with(Instant::now).elapsed();
        let cost = inner.costs.get(&attempt).copied().unwrap_or(inner.newest);
        CheckpointInterval { cost, trained, longest, allowed: inner.allowed }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use seedgrid_common::{study_id::StudyId, training::Progress, unit::UnitId, wire::blob::Blob};

    use super::*;

    const ATTEMPT: Attempt = Attempt { study: StudyId([9; 16]), unit: UnitId([0; 16]), number: 1 };
    const OTHER: Attempt = Attempt { study: StudyId([9; 16]), unit: UnitId([1; 16]), number: 1 };
    const MADE: Duration = Duration::from_millis(3);
    const KEPT: Sent = Sent { kept: true, took: Duration::from_millis(17), allowed: None };

    fn state(batches: u32) -> SavedState {
        SavedState { blob: Blob::new(vec![1; batches as usize]), progress: Progress { batches, ..Progress::default() } }
    }

    fn cost(saves: &CheckpointUploads, attempt: Attempt) -> Duration {
        saves.spacing(attempt, Duration::MAX).cost
    }

    #[tokio::test]
    async fn the_newest_state_waits_until_it_was_sent() {
        let saves = CheckpointUploads::default();
        saves.put(ATTEMPT, state(1), MADE);
        let (_, first) = saves.next().await;
        assert_eq!(saves.next().await.1, first, "not sent yet");
        saves.put(ATTEMPT, state(2), MADE);
        saves.sent(ATTEMPT, first.blob.digest(), KEPT);
        assert_eq!(saves.next().await, (ATTEMPT, state(2)), "a newer one came meanwhile");
        saves.sent(ATTEMPT, state(2).blob.digest(), KEPT);
        assert!(saves.lock().waiting.is_empty());
    }

    #[tokio::test]
    async fn a_taker_waits_for_the_next_state() {
        let saves = CheckpointUploads::default();
        saves.put(ATTEMPT, state(1), MADE);
        saves.forget(ATTEMPT);
        let put = async { saves.put(ATTEMPT, state(3), MADE) };
        assert_eq!(tokio::join!(saves.next(), put).0, (ATTEMPT, state(3)));
    }

    #[test]
    fn a_save_costs_what_making_and_handing_over_took() {
        let saves = CheckpointUploads::default();
        assert_eq!(cost(&saves, ATTEMPT), Duration::ZERO, "nothing is known");
        saves.put(ATTEMPT, state(1), MADE);
        assert_eq!(cost(&saves, ATTEMPT), Duration::MAX, "it waits");
        assert_eq!(cost(&saves, OTHER), Duration::ZERO);
        saves.sent(ATTEMPT, state(1).blob.digest(), KEPT);
        assert_eq!(cost(&saves, ATTEMPT), Duration::from_millis(20));
        assert_eq!(cost(&saves, OTHER), Duration::from_millis(20), "as much is expected of others");
        saves.put(ATTEMPT, state(2), MADE);
        saves.sent(ATTEMPT, state(2).blob.digest(), Sent { kept: false, ..KEPT });
        assert_eq!(cost(&saves, ATTEMPT), Duration::MAX, "nobody took it: the next one can wait");
        saves.forget(ATTEMPT);
        assert!(saves.lock().costs.is_empty());
    }

    #[test]
    fn the_coordinators_newest_word_counts() {
        let saves = CheckpointUploads::default();
        let allowed = || saves.spacing(ATTEMPT, Duration::MAX).allowed;
        saves.allow(Duration::from_secs(1));
        assert_eq!(allowed(), Duration::from_secs(1));
        // The interval also comes with a receipt for a state that no longer waits.
        saves.sent(ATTEMPT, state(1).blob.digest(), Sent { allowed: Some(Duration::from_secs(4)), ..KEPT });
        assert_eq!(allowed(), Duration::from_secs(4));
        saves.sent(ATTEMPT, state(1).blob.digest(), KEPT);
        assert_eq!(allowed(), Duration::from_secs(4), "it did not say");
    }
}
