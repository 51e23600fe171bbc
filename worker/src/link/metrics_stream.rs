//! Starts of training and epochs' metrics on their way to the live views: the newest entry of each attempt in training.
//! Slots never wait for the stream. A lost entry affects only the live views.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use seedgrid_common::{training::EpochMetrics, unit::Attempt};
use tokio::sync::Notify;

/// The shortest time between two entries of an attempt. The live views do not show shorter units in training.
pub const PACE: Duration = Duration::from_millis(200);

/// An entry of an attempt: None when its training begins, then the metrics of its newest epoch.
pub type Sign = (Attempt, Option<EpochMetrics>);

/// The newest entry of each attempt that was not sent. Slots push, one sender takes.
#[derive(Debug, Default)]
pub struct Metrics {
    newest: Mutex<BTreeMap<Attempt, Option<EpochMetrics>>>,
    pushed: Notify,
}

impl Metrics {
    fn newest(&self) -> MutexGuard<'_, BTreeMap<Attempt, Option<EpochMetrics>>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an entry in the place of the attempt's older one; never waits.
    pub fn push(&self, attempt: Attempt, metrics: Option<EpochMetrics>) {
        self.newest().insert(attempt, metrics);
        self.pushed.notify_one();
    }

    /// Drops the entry of an attempt that has ended.
    pub fn forget(&self, attempt: Attempt) {
        self.newest().remove(&attempt);
    }

    /// Waits for an entry, then for [`PACE`], and returns all entries. For one taker at a time; dropping this future loses
    /// nothing.
    pub async fn next(&self) -> Vec<Sign> {
        loop {
            while self.newest().is_empty() {
                self.pushed.notified().await;
            }
            tokio::time::sleep(PACE).await;
            let signs = std::mem::take(&mut *self.newest());
            // All that there was may have been forgotten.
            if !signs.is_empty() {
                return signs.into_iter().collect();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use seedgrid_common::{study_id::StudyId, unit::UnitId};

    use super::*;

    fn attempt(number: u32) -> Attempt {
        Attempt { study: StudyId([9; 16]), unit: UnitId([0; 16]), number }
    }

    fn epoch(epoch: u32) -> Option<EpochMetrics> {
        Some(EpochMetrics { epoch, train_loss: 0.1, train_error: 0.1, validation_error: None })
    }

    #[tokio::test]
    async fn the_newest_of_each_attempt_is_sent_once_in_a_while() {
        let metrics = Metrics::default();
        metrics.push(attempt(1), None);
        for number in 1..=10_000 {
            metrics.push(attempt(1), epoch(number));
            metrics.push(attempt(2), epoch(2 * number));
        }
        metrics.push(attempt(3), None);
        metrics.forget(attempt(2));
        assert_eq!(metrics.next().await, [(attempt(1), epoch(10_000)), (attempt(3), None)]);
        metrics.push(attempt(1), epoch(10_001));
        assert_eq!(metrics.next().await, [(attempt(1), epoch(10_001))]);
    }

    #[tokio::test]
    async fn a_taker_waits_for_the_next_sign_and_not_for_what_is_forgotten() {
        let metrics = Metrics::default();
        metrics.push(attempt(1), None);
        let mut next = std::pin::pin!(metrics.next());
        assert!(next.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending(), "it waits for its pace");
        metrics.forget(attempt(1));
        // However late this timer is: there is nothing to take.
        tokio::select! {
            biased;
            taken = &mut next => panic!("{taken:?}"),
            () = tokio::time::sleep(2 * PACE) => {}
        }
        metrics.push(attempt(2), epoch(1));
        assert_eq!(next.await, [(attempt(2), epoch(1))]);
    }
}
