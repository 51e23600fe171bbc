//! Starts of training and epochs' metrics on their way to the live views: a bounded buffer between slots that must
//! never wait and a stream that may be slow. A full buffer drops its oldest entry: this affects only the live views.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use seedgrid_common::training::EpochMetrics;
use tokio::sync::Notify;

use crate::lifecycle::attempt::Attempt;

/// Most entries that wait to be sent.
const BUFFERED_MAX: usize = 1024;

/// An entry of an attempt: None when its training begins, then the metrics of each epoch.
pub type Sign = (Attempt, Option<EpochMetrics>);

/// The buffer. Slots push, one sender takes.
#[derive(Debug, Default)]
pub struct Metrics {
    waiting: Mutex<VecDeque<Sign>>,
    pushed: Notify,
}

impl Metrics {
    /// Adds an entry; never waits.
    pub fn push(&self, attempt: Attempt, metrics: Option<EpochMetrics>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() == BUFFERED_MAX {
            waiting.pop_front();
        }
        waiting.push_back((attempt, metrics));
        drop(waiting);
        self.pushed.notify_one();
    }

    /// Waits for the oldest entry and returns it. For one taker at a time; dropping this future loses nothing.
    pub async fn next(&self) -> Sign {
        loop {
            let oldest = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            match oldest {
                Some(oldest) => return oldest,
                None => self.pushed.notified().await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use seedgrid_common::unit::UnitId;

    use super::*;

    fn epoch(epoch: u32) -> Sign {
        let attempt = Attempt { unit: UnitId([0; 16]), number: 1 };
        (attempt, Some(EpochMetrics { epoch, train_loss: 0.1, train_error: 0.1, validation_error: None }))
    }

    #[tokio::test]
    async fn a_full_buffer_lets_the_oldest_go() {
        let metrics = Metrics::default();
        let count = BUFFERED_MAX as u32 + 10;
        for number in 1..=count {
            let (attempt, epoch) = epoch(number);
            metrics.push(attempt, epoch);
        }
        for number in 11..=count {
            assert_eq!(metrics.next().await, epoch(number));
        }
        assert!(metrics.waiting.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_taker_waits_for_the_next_epoch() {
        let metrics = Metrics::default();
        let (attempt, first) = epoch(1);
        let push = async { metrics.push(attempt, first) };
        let (taken, ()) = tokio::join!(metrics.next(), push);
        assert_eq!(taken, epoch(1));
    }
}
