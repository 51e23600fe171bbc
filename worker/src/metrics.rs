//! What epochs show, on its way to the live views: a bounded buffer between slots that must never wait and a stream that may be
//! slow. When it is full the oldest goes: losing some changes nothing but the view.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use seedgrid_common::training::EpochMetrics;
use tokio::sync::Notify;

use crate::work::Attempt;

/// Most epochs that wait to be sent.
const BUFFERED_MAX: usize = 1024;

/// The buffer. Slots push, one sender takes.
#[derive(Debug, Default)]
pub struct Metrics {
    waiting: Mutex<VecDeque<(Attempt, EpochMetrics)>>,
    pushed: Notify,
}

impl Metrics {
    /// Adds an epoch; never waits.
    pub fn push(&self, attempt: Attempt, metrics: EpochMetrics) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() == BUFFERED_MAX {
            waiting.pop_front();
        }
        waiting.push_back((attempt, metrics));
        drop(waiting);
        self.pushed.notify_one();
    }

    /// The oldest epoch, once there is one. For one taker at a time; one that is dropped while it waits loses nothing.
    pub async fn next(&self) -> (Attempt, EpochMetrics) {
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

    fn epoch(epoch: u32) -> (Attempt, EpochMetrics) {
        let attempt = Attempt { unit: UnitId([0; 16]), number: 1 };
        (attempt, EpochMetrics { epoch, train_loss: 0.1, train_error: 0.1, validation_error: None })
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
            assert_eq!(metrics.next().await.1.epoch, number);
        }
        assert!(metrics.waiting.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_taker_waits_for_the_next_epoch() {
        let metrics = Metrics::default();
        let (attempt, first) = epoch(1);
        let push = async { metrics.push(attempt, first) };
        let (taken, ()) = tokio::join!(metrics.next(), push);
        assert_eq!(taken.1.epoch, 1);
    }
}
