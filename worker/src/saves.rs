//! States of units in training on their way to the coordinator: a bounded place between slots that must never wait and uploads that
//! may be slow. A newer state of an attempt takes the place of the one that waits: only the newest is of use.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use seedgrid_common::wire::blob::BlobDigest;
use tokio::sync::Notify;

use crate::work::{Attempt, SavedState};

/// What waits: at most one state for each slot. Slots put, one sender takes.
#[derive(Debug, Default)]
pub struct Saves {
    waiting: Mutex<BTreeMap<Attempt, SavedState>>,
    put: Notify,
}

impl Saves {
    /// Puts an attempt's newest state here; never waits.
    pub fn put(&self, attempt: Attempt, state: SavedState) {
        self.lock().insert(attempt, state);
        self.put.notify_one();
    }

    /// The attempt has ended: its state is of no use any more.
    pub fn forget(&self, attempt: Attempt) {
        self.lock().remove(&attempt);
    }

    /// A state that waits, once there is one. It stays here until [`Self::sent`]: a connection that is lost meanwhile loses nothing. For
    /// one taker at a time.
    pub async fn next(&self) -> (Attempt, SavedState) {
        loop {
            let first = self.lock().first_key_value().map(|(attempt, state)| (*attempt, state.clone()));
            match first {
                Some(first) => return first,
                None => self.put.notified().await,
            }
        }
    }

    /// This state need not be sent again.
    pub fn sent(&self, attempt: Attempt, digest: BlobDigest) {
        let mut waiting = self.lock();
        if waiting.get(&attempt).is_some_and(|state| state.blob.digest() == digest) {
            waiting.remove(&attempt);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Attempt, SavedState>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use seedgrid_common::{training::Progress, unit::UnitId, wire::blob::Blob};

    use super::*;

    const ATTEMPT: Attempt = Attempt { unit: UnitId([0; 16]), number: 1 };

    fn state(batches: u32) -> SavedState {
        SavedState { blob: Blob::new(vec![1; batches as usize]), progress: Progress { batches, ..Progress::default() } }
    }

    #[tokio::test]
    async fn the_newest_state_waits_until_it_was_sent() {
        let saves = Saves::default();
        saves.put(ATTEMPT, state(1));
        let (_, first) = saves.next().await;
        assert_eq!(saves.next().await.1, first, "not sent yet");
        saves.put(ATTEMPT, state(2));
        saves.sent(ATTEMPT, first.blob.digest());
        assert_eq!(saves.next().await, (ATTEMPT, state(2)), "a newer one came meanwhile");
        saves.sent(ATTEMPT, state(2).blob.digest());
        assert!(saves.lock().is_empty());
    }

    #[tokio::test]
    async fn a_taker_waits_for_the_next_state() {
        let saves = Saves::default();
        saves.put(ATTEMPT, state(1));
        saves.forget(ATTEMPT);
        let put = async { saves.put(ATTEMPT, state(3)) };
        assert_eq!(tokio::join!(saves.next(), put).0, (ATTEMPT, state(3)));
    }
}
