//! Workers that are set aside. A worker on which unit after unit fails, while other workers succeed, is set aside. Each change of a
//! worker's recorded failures is durable, so a restart of the coordinator keeps the workers that are set aside.

use std::collections::{BTreeMap, BTreeSet};

use seedgrid_common::unit::UnitId;

use super::{Rules, WorkerId};

/// A worker with this many failed units in a row gets no more units if other workers succeed.
pub(super) const ASIDE_ERRORS: usize = 3;

/// The largest number of recorded failures of a worker; the newest are kept. Far fewer set a worker aside.
const FAILURES_MAX: usize = 64;

/// A change of a worker's recorded failures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkerFailure {
    /// A unit failed on this worker, and on no other.
    Raised {
        /// The worker's id.
        worker: WorkerId,
        /// The unit's id.
        unit: UnitId,
        /// The text of the failure.
        detail: String,
    },
    /// The failure no longer counts against this worker: the unit failed on another worker, too.
    Lifted {
        /// The worker's id.
        worker: WorkerId,
        /// The unit's id.
        unit: UnitId,
    },
    /// Another worker has produced a result since the first of this worker's failures.
    Outdone(WorkerId),
    /// Removes all recorded failures of the worker.
    Cleared(WorkerId),
}

/// The recorded failures of a worker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkerFailures {
    /// Units that failed in a row on this worker only, each once with the failure's text, in order. Never empty.
    pub failures: Vec<(UnitId, String)>,
    /// Whether another worker has produced a result since the first of these failures.
    pub outdone: bool,
}

impl WorkerFailure {
    /// Applies the change.
    pub fn apply(&self, all: &mut BTreeMap<WorkerId, WorkerFailures>) {
        match self {
            Self::Raised { worker, unit, detail } => {
                let failures = &mut all.entry(*worker).or_default().failures;
                failures.retain(|(known, _)| known != unit);
                failures.push((*unit, detail.clone()));
            }
            Self::Lifted { worker, unit } => {
                if let Some(worker_failures) = all.get_mut(worker) {
                    worker_failures.failures.retain(|(known, _)| known != unit);
                    if worker_failures.failures.is_empty() {
                        all.remove(worker);
                    }
                }
            }
            Self::Outdone(worker) => {
                if let Some(worker_failures) = all.get_mut(worker) {
                    worker_failures.outdone = true;
                }
            }
            Self::Cleared(worker) => drop(all.remove(worker)),
        }
    }
}

impl WorkerFailures {
    /// The reason for which the worker gets no more units, if any.
    fn aside(&self, rules: &Rules) -> Option<String> {
        let (count, (_, detail)) = (self.failures.len(), self.failures.last()?);
        (count >= rules.aside_errors && self.outdone)
            .then(|| format!("{count} units failed on it in a row while others did well, the last: {detail}"))
    }
}

/// The workers, as far as the assignment of units needs them.
#[derive(Clone, Debug, Default)]
pub(super) struct Workers {
    /// Registered workers, and whether each is to finish its units and leave.
    there: BTreeMap<WorkerId, bool>,
    /// Recorded failures by worker, registered or not: a worker that returns keeps its failures.
    worker_failures: BTreeMap<WorkerId, WorkerFailures>,
    /// Workers that are set aside, with the reason.
    aside: BTreeMap<WorkerId, String>,
    /// Changes of `worker_failures` that are not yet durable.
    news: Vec<WorkerFailure>,
}

impl Workers {
    /// Restores the recorded failures after a restart of the coordinator.
    pub(super) fn recall(&mut self, worker_failures: BTreeMap<WorkerId, WorkerFailures>, rules: &Rules) {
        self.worker_failures = worker_failures;
        // The result is not news: it was reported before the restart.
        self.judge(rules);
    }

    /// Takes the changes that must become durable.
    pub(super) fn take_news(&mut self) -> Vec<WorkerFailure> {
        std::mem::take(&mut self.news)
    }

    fn note(&mut self, change: WorkerFailure) {
        change.apply(&mut self.worker_failures);
        self.news.push(change);
    }

    fn clear(&mut self, worker: &WorkerId) {
        if self.worker_failures.contains_key(worker) {
            self.note(WorkerFailure::Cleared(*worker));
            self.aside.remove(worker);
        }
    }

    /// Registers a worker.
    pub(super) fn join(&mut self, worker: &WorkerId) {
        self.there.entry(*worker).or_default();
    }

    /// Removes a worker that may return.
    pub(super) fn part(&mut self, worker: &WorkerId) {
        self.there.remove(worker);
    }

    /// Removes a worker for good.
    pub(super) fn forget(&mut self, worker: &WorkerId) {
        self.part(worker);
        self.clear(worker);
    }

    /// Marks a worker as leaving. Returns false if it is not registered.
    pub(super) fn dismiss(&mut self, worker: &WorkerId) -> bool {
        self.there.get_mut(worker).map(|leaving| *leaving = true).is_some()
    }

    pub(super) fn is_leaving(&self, worker: &WorkerId) -> bool {
        self.there.get(worker).is_some_and(|leaving| *leaving)
    }

    /// The reason for which a worker is set aside, if it is.
    pub(super) fn aside(&self, worker: &WorkerId) -> Option<&str> {
        self.aside.get(worker).map(String::as_str)
    }

    /// Whether a worker may receive units.
    pub(super) fn may_receive(&self, worker: &WorkerId) -> bool {
        !self.aside.contains_key(worker) && !self.is_leaving(worker)
    }

    pub(super) fn receivers(&self) -> impl Iterator<Item = &WorkerId> {
        self.there.keys().filter(|worker| self.may_receive(worker))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.there.is_empty()
    }

    /// Whether there are workers, and all of them are set aside.
    pub(super) fn all_aside(&self) -> bool {
        !self.there.is_empty() && self.there.keys().all(|worker| self.aside.contains_key(worker))
    }

    /// Notes a worker's result.
    pub(super) fn finished(&mut self, worker: &WorkerId) {
        self.clear(worker);
        let outdone = self.worker_failures.iter().filter(|(_, worker_failures)| !worker_failures.outdone);
        let outdone: Vec<WorkerFailure> = outdone.map(|(worker, _)| WorkerFailure::Outdone(*worker)).collect();
        outdone.into_iter().for_each(|change| self.note(change));
    }

    /// Adds the failure of a unit on a worker. `elsewhere` lists the workers with earlier failures of the unit; a unit
    /// that fails on several workers counts against none of them.
    pub(super) fn failed(&mut self, worker: &WorkerId, unit: UnitId, elsewhere: &BTreeSet<WorkerId>, detail: &str) {
        let mut elsewhere = elsewhere.iter().filter(|other| *other != worker).peekable();
        if elsewhere.peek().is_none() {
            let worker = *worker;
            self.note(WorkerFailure::Raised { worker, unit, detail: detail.to_owned() });
            let failures = &self.worker_failures[&worker].failures;
            if failures.len() > FAILURES_MAX {
                let unit = failures[0].0;
                self.note(WorkerFailure::Lifted { worker, unit });
            }
        }
        for other in elsewhere {
            let worker_failures = self.worker_failures.get(other);
            if worker_failures
                .is_some_and(|worker_failures| worker_failures.failures.iter().any(|(known, _)| *known == unit))
            {
                self.note(WorkerFailure::Lifted { worker: *other, unit });
            }
        }
    }

    /// Updates the set-aside workers from the recorded failures. Returns the newly set-aside workers, each with the
    /// reason.
    pub(super) fn judge(&mut self, rules: &Rules) -> Vec<(WorkerId, String)> {
        let now = self
            .worker_failures
            .iter()
            .filter_map(|(worker, worker_failures)| Some((*worker, worker_failures.aside(rules)?)));
        let before = std::mem::replace(&mut self.aside, now.collect());
        let new = self.aside.iter().filter(|(worker, _)| !before.contains_key(*worker));
        new.map(|(worker, reason)| (*worker, reason.clone())).collect()
    }

    /// Removes all recorded failures and all leaving marks.
    pub(super) fn forgive(&mut self) {
        self.there.values_mut().for_each(|leaving| *leaving = false);
        let all: Vec<WorkerId> = self.worker_failures.keys().cloned().collect();
        all.iter().for_each(|worker| self.clear(worker));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worker(number: u8) -> WorkerId {
        format!("{number:032x}").parse().unwrap()
    }

    fn unit(number: u8) -> UnitId {
        UnitId([number; 16])
    }

    fn two() -> Workers {
        let mut workers = Workers::default();
        workers.join(&worker(1));
        workers.join(&worker(2));
        workers
    }

    fn fail(workers: &mut Workers, on: u8, number: u8, elsewhere: &[u8]) {
        workers.failed(&worker(on), unit(number), &elsewhere.iter().copied().map(worker).collect(), "no disk");
    }

    #[test]
    fn only_who_does_worse_than_others_is_set_aside() {
        let (mut workers, rules) = (two(), Rules::default());
        workers.finished(&worker(2));
        for number in 1..=3 {
            fail(&mut workers, 1, number, &[]);
            assert_eq!(workers.judge(&rules), [], "nobody has done better since");
        }
        workers.finished(&worker(2));
        let [(who, reason)] = <[_; 1]>::try_from(workers.judge(&rules)).unwrap();
        assert_eq!(who, worker(1));
        assert!(reason.contains("3 units") && reason.contains("no disk"), "{reason}");
        assert!(!workers.may_receive(&worker(1)) && workers.may_receive(&worker(2)));
        assert_eq!(workers.judge(&rules), [], "it is said once");
        assert!(!workers.all_aside());
        workers.part(&worker(2));
        assert!(workers.all_aside());
        workers.finished(&worker(1));
        assert!(workers.may_receive(&worker(1)), "what it held came to a result after all");
    }

    #[test]
    fn units_that_fail_everywhere_are_not_held_against_a_worker() {
        let (mut workers, rules) = (two(), Rules::default());
        for number in 1..=3 {
            fail(&mut workers, 1, number, &[]);
        }
        workers.finished(&worker(2));
        assert_eq!(workers.judge(&rules).len(), 1);
        fail(&mut workers, 2, 3, &[1]);
        assert_eq!(workers.judge(&rules), []);
        assert!(workers.may_receive(&worker(1)), "the unit was it");
        assert!(workers.may_receive(&worker(2)));
    }

    #[test]
    fn one_unit_that_fails_again_is_one() {
        let (mut workers, rules) = (two(), Rules::default());
        for _ in 0..3 {
            fail(&mut workers, 1, 1, &[1]);
        }
        workers.finished(&worker(2));
        assert_eq!(workers.judge(&rules), []);
    }

    #[test]
    fn who_was_silent_comes_back_to_what_speaks_against_it() {
        let (mut workers, rules) = (two(), Rules::default());
        for number in 1..=3 {
            fail(&mut workers, 1, number, &[]);
        }
        workers.part(&worker(1));
        workers.finished(&worker(2));
        assert_eq!(workers.judge(&rules).len(), 1);
        workers.join(&worker(1));
        assert!(!workers.may_receive(&worker(1)));
        workers.forget(&worker(1));
        workers.join(&worker(1));
        assert!(workers.may_receive(&worker(1)), "who left is nobody any more");
    }

    #[test]
    fn of_endless_failures_the_newest_are_kept() {
        let (mut workers, rules) = (two(), Rules::default());
        for number in 1..=u8::MAX {
            fail(&mut workers, 1, number, &[]);
        }
        workers.finished(&worker(2));
        let [(_, reason)] = <[_; 1]>::try_from(workers.judge(&rules)).unwrap();
        assert!(reason.starts_with(&format!("{FAILURES_MAX} units")), "{reason}");
        let mut stored = BTreeMap::new();
        workers.take_news().iter().for_each(|change| change.apply(&mut stored));
        assert_eq!(stored, workers.worker_failures);
        assert_eq!(stored[&worker(1)].failures.len(), FAILURES_MAX);
        assert_eq!(stored[&worker(1)].failures.last().unwrap().0, unit(u8::MAX));
    }
}
