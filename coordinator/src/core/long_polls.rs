//! Waiting pulls: the core holds a pull until a unit is there for its worker, or its time is over.
//!
//! Most events free a slot of one worker, and only its pull is examined; any other event that may give units to a worker
//! makes all pulls due. So a result costs as much with a thousand waiting workers as with one.

use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::oneshot;

use super::request::{Pulled, Unregistered};
use crate::scheduler::queue::{Millis, WorkerId};

/// The longest wait of one pull, shorter than common idle limits of connections.
pub const LONG_POLL_MS: Millis = 20_000;

/// The answer to a pull.
pub(super) type PullReply = oneshot::Sender<Result<Pulled, Unregistered>>;

/// A pull that waits.
#[derive(Debug)]
pub(super) struct LongPoll {
    /// The largest number of units that it takes.
    pub(super) max: usize,
    /// The end of its time.
    pub(super) until: Millis,
    pub(super) reply: PullReply,
}

/// All waiting pulls, one for each worker: its newest, since an older one belongs to a broken connection.
#[derive(Debug, Default)]
pub(super) struct LongPolls {
    pulls: BTreeMap<WorkerId, (u64, LongPoll)>,
    /// The workers in the order of their pulls.
    line: BTreeMap<u64, WorkerId>,
    deadlines: BTreeSet<(Millis, u64)>,
    /// The number of pulls so far.
    count: u64,
    /// The pulls that the next turn examines.
    due: Due,
}

#[derive(Debug)]
enum Due {
    All,
    Only(BTreeSet<WorkerId>),
}

impl Default for Due {
    fn default() -> Self {
        Self::Only(BTreeSet::new())
    }
}

impl LongPolls {
    /// Adds a waiting pull. Returns an older one of the same worker.
    pub(super) fn park(&mut self, worker: WorkerId, pull: LongPoll) -> Option<LongPoll> {
        let older = self.take(&worker);
        self.count += 1;
        self.line.insert(self.count, worker);
        self.deadlines.insert((pull.until, self.count));
        self.pulls.insert(worker, (self.count, pull));
        older
    }

    /// Removes the pull of a worker.
    pub(super) fn take(&mut self, worker: &WorkerId) -> Option<LongPoll> {
        let (number, pull) = self.pulls.remove(worker)?;
        self.line.remove(&number);
        self.deadlines.remove(&(pull.until, number));
        Some(pull)
    }

    /// The number of units that a worker's pull wants, if its connection still waits for the answer.
    pub(super) fn wants(&self, worker: &WorkerId) -> Option<usize> {
        self.pulls.get(worker).filter(|(_, pull)| !pull.reply.is_closed()).map(|(_, pull)| pull.max)
    }

    /// Makes all pulls due.
    pub(super) fn all_are_due(&mut self) {
        self.due = Due::All;
    }

    /// Makes the pull of this worker due.
    pub(super) fn is_due(&mut self, worker: &WorkerId) {
        if let Due::Only(workers) = &mut self.due
            && self.pulls.contains_key(worker)
        {
            workers.insert(*worker);
        }
    }

    /// Removes and returns the workers whose pulls are due, in the order of their pulls.
    pub(super) fn take_due(&mut self) -> Vec<WorkerId> {
        match std::mem::take(&mut self.due) {
            Due::All => self.line.values().cloned().collect(),
            Due::Only(workers) => {
                let number = |worker: &WorkerId| self.pulls.get(worker).map(|(number, _)| *number);
                let mut due: Vec<(u64, WorkerId)> =
                    workers.into_iter().filter_map(|worker| Some((number(&worker)?, worker))).collect();
                due.sort_unstable();
                due.into_iter().map(|(_, worker)| worker).collect()
            }
        }
    }

    /// Removes and returns the pulls whose time is over.
    pub(super) fn take_late(&mut self, now: Millis) -> Vec<(WorkerId, LongPoll)> {
        let mut late = Vec::new();
        while let Some((_, number)) = self.deadlines.first().filter(|(until, _)| *until <= now) {
            let Some(worker) = self.line.get(number).cloned() else { break };
            late.extend(self.take(&worker).map(|pull| (worker, pull)));
        }
        late
    }

    /// The earliest end of a pull's time.
    pub(super) fn next_deadline(&self) -> Option<Millis> {
        self.deadlines.first().map(|(until, _)| *until)
    }

    /// The number of waiting pulls.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.pulls.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worker(number: u8) -> WorkerId {
        format!("{number:032x}").parse().unwrap()
    }

    fn parked(numbers: &[u8]) -> LongPolls {
        let mut parked = LongPolls::default();
        for number in numbers {
            // Its answer would go nowhere.
            let pull = LongPoll { max: 1, until: u64::from(*number), reply: oneshot::channel().0 };
            assert!(parked.park(worker(*number), pull).is_none());
        }
        parked
    }

    #[test]
    fn a_free_slot_is_due_to_its_worker_alone() {
        let mut parked = parked(&[3, 1, 2]);
        assert_eq!(parked.take_due(), []);
        parked.is_due(&worker(2));
        parked.is_due(&worker(3));
        parked.is_due(&worker(7));
        assert_eq!(parked.take_due(), [worker(3), worker(2)], "in the order in which they came");
        assert_eq!(parked.take_due(), []);
        parked.is_due(&worker(1));
        parked.all_are_due();
        parked.is_due(&worker(2));
        assert_eq!(parked.take_due(), [worker(3), worker(1), worker(2)]);
    }

    #[test]
    fn each_waits_until_its_time_is_over_or_a_newer_one_comes() {
        let mut parked = parked(&[3, 1, 2]);
        assert_eq!(parked.next_deadline(), Some(1));
        let newer = LongPoll { max: 5, until: 9, reply: oneshot::channel().0 };
        assert_eq!(parked.park(worker(1), newer).map(|older| older.until), Some(1));
        let late: Vec<WorkerId> = parked.take_late(3).into_iter().map(|(worker, _)| worker).collect();
        assert_eq!(late, [worker(2), worker(3)]);
        assert_eq!((parked.next_deadline(), parked.len()), (Some(9), 1));
        assert_eq!(parked.wants(&worker(1)), None, "nobody waits for its answer");
        assert!(parked.take(&worker(1)).is_some() && parked.next_deadline().is_none());
    }
}
