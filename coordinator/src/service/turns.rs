//! One upload at a time of each attempt's blob: the newest, as an older one is of a connection that broke.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use seedgrid_common::{unit::UnitId, wire::blob::Content};
use tokio::sync::oneshot;

/// Who uploads.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns(Arc<Mutex<Uploads>>);

#[derive(Debug, Default)]
struct Uploads {
    begun: u64,
    under_way: HashMap<Key, (u64, oneshot::Sender<()>)>,
}

/// A unit, an attempt, and whether it is a checkpoint.
type Key = (UnitId, u32, bool);

/// The right to upload, until it is dropped or another one takes it.
#[derive(Debug)]
pub(super) struct Turn {
    turns: Turns,
    key: Key,
    number: u64,
    taken: oneshot::Receiver<()>,
}

impl Turns {
    /// From now on this upload's: an older one of the same has lost it.
    pub(super) fn take(&self, unit: UnitId, attempt: u32, content: Content) -> Turn {
        let key = (unit, attempt, matches!(content, Content::Checkpoint(_)));
        let (give_up, taken) = oneshot::channel();
        let mut uploads = self.uploads();
        uploads.begun += 1;
        let number = uploads.begun;
        // The older one's sender is dropped, which ends it.
        uploads.under_way.insert(key, (number, give_up));
        Turn { turns: self.clone(), key, number, taken }
    }

    fn uploads(&self) -> MutexGuard<'_, Uploads> {
        // Nothing in it is left half done by a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Resolves when a newer upload has taken the turn.
    pub(super) async fn lost(&mut self) {
        // Nothing is ever sent: the sender is dropped.
        let _ = (&mut self.taken).await;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut uploads = self.turns.uploads();
        if uploads.under_way.get(&self.key).is_some_and(|(number, _)| *number == self.number) {
            uploads.under_way.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_newer_upload_ends_an_older_one_of_the_same() {
        let turns = Turns::default();
        let unit = UnitId([7; 16]);
        let mut first = turns.take(unit, 1, Content::Weights);
        let _other_attempt = turns.take(unit, 2, Content::Weights);
        assert!(first.taken.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Empty));
        let second = turns.take(unit, 1, Content::Weights);
        first.lost().await;
        drop(first);
        assert_eq!(turns.uploads().under_way.len(), 2, "the second one's turn stays");
        drop(second);
        assert_eq!(turns.uploads().under_way.len(), 1);
    }
}
