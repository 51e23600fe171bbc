//! Runs one call of a kind at a time: the newest, because an older one belongs to a broken connection.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

/// The current calls by key.
#[derive(Clone, Debug)]
pub(super) struct NewestCallOnly<K: Ord>(Arc<Mutex<UnderWay<K>>>);

#[derive(Debug)]
struct UnderWay<K> {
    begun: u64,
    under_way: BTreeMap<K, (u64, oneshot::Sender<()>)>,
}

/// The right to continue, until it is dropped or a newer call takes it.
#[derive(Debug)]
pub(super) struct Turn<K: Ord> {
    turns: NewestCallOnly<K>,
    key: K,
    number: u64,
    taken: oneshot::Receiver<()>,
}

impl<K: Ord> Default for NewestCallOnly<K> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(UnderWay { begun: 0, under_way: BTreeMap::new() })))
    }
}

impl<K: Ord + Clone> NewestCallOnly<K> {
    /// Takes the turn for `key`; an older call with the same key loses it.
    pub(super) fn take(&self, key: K) -> Turn<K> {
        let (give_up, taken) = oneshot::channel();
        let mut all = self.all();
        all.begun += 1;
        let number = all.begun;
        // The older call's sender is dropped, which ends it.
        all.under_way.insert(key.clone(), (number, give_up));
        drop(all);
        Turn { turns: Self(Arc::clone(&self.0)), key, number, taken }
    }
}

impl<K: Ord> NewestCallOnly<K> {
    fn all(&self) -> MutexGuard<'_, UnderWay<K>> {
        // A panic leaves no partial change behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Ord> Turn<K> {
    /// Resolves when a newer call has taken the turn.
    pub(super) async fn lost(&mut self) {
        // Nothing is ever sent: the sender is dropped.
        let _ = (&mut self.taken).await;
    }
}

impl<K: Ord> Drop for Turn<K> {
    fn drop(&mut self) {
        let mut all = self.turns.all();
        if all.under_way.get(&self.key).is_some_and(|(number, _)| *number == self.number) {
            all.under_way.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_newer_one_ends_an_older_one_of_the_same() {
        let turns = NewestCallOnly::default();
        let mut first = turns.take("one");
        let _other = turns.take("another");
        assert!(first.taken.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Empty));
        let second = turns.take("one");
        first.lost().await;
        drop(first);
        assert_eq!(turns.all().under_way.len(), 2, "the second one's turn stays");
        drop(second);
        assert_eq!(turns.all().under_way.len(), 1);
    }
}
