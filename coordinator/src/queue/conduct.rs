//! How the workers that are there do: one on which unit after unit fails, while others do well, is set aside.

use std::collections::{BTreeMap, BTreeSet};

use seedgrid_common::unit::UnitId;

use super::{Rules, WorkerId};

/// The workers that are registered.
#[derive(Clone, Debug, Default)]
pub(super) struct Workers {
    known: BTreeMap<WorkerId, Conduct>,
    /// Results so far, whoever gave them.
    finished: u64,
}

#[derive(Clone, Debug, Default)]
struct Conduct {
    /// Units that failed here in a row, and nowhere else.
    failed: BTreeSet<UnitId>,
    /// Results that all workers had given before the first of these failures.
    since: u64,
    /// What the last one said.
    detail: String,
    /// Why it gets no more units.
    aside: Option<String>,
    /// It is to finish what it holds and leave.
    leaving: bool,
}

impl Workers {
    /// It is there. One that was there before keeps its record.
    pub(super) fn join(&mut self, worker: &WorkerId) {
        self.known.entry(worker.clone()).or_default();
    }

    /// It is gone.
    pub(super) fn part(&mut self, worker: &WorkerId) {
        self.known.remove(worker);
    }

    /// It is to leave. False: there is no such worker.
    pub(super) fn dismiss(&mut self, worker: &WorkerId) -> bool {
        self.known.get_mut(worker).map(|conduct| conduct.leaving = true).is_some()
    }

    pub(super) fn is_leaving(&self, worker: &WorkerId) -> bool {
        self.known.get(worker).is_some_and(|conduct| conduct.leaving)
    }

    /// Why it is set aside, if it is.
    pub(super) fn aside(&self, worker: &WorkerId) -> Option<&str> {
        self.known.get(worker)?.aside.as_deref()
    }

    /// Whether it may be given units.
    pub(super) fn may_receive(&self, worker: &WorkerId) -> bool {
        self.known.get(worker).is_none_or(|conduct| conduct.aside.is_none() && !conduct.leaving)
    }

    pub(super) fn receivers(&self) -> impl Iterator<Item = &WorkerId> {
        self.known.iter().filter(|(_, conduct)| conduct.aside.is_none() && !conduct.leaving).map(|(worker, _)| worker)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Whether there are workers, and all of them are set aside.
    pub(super) fn all_aside(&self) -> bool {
        !self.known.is_empty() && self.known.values().all(|conduct| conduct.aside.is_some())
    }

    /// A worker came to a result.
    pub(super) fn finished(&mut self, worker: &WorkerId) {
        self.finished += 1;
        if let Some(conduct) = self.known.get_mut(worker) {
            conduct.failed.clear();
            conduct.aside = None;
        }
    }

    /// A unit failed on a worker, having failed before on `elsewhere`. One that fails in several places says nothing of any of them.
    pub(super) fn failed(&mut self, worker: &WorkerId, unit: UnitId, elsewhere: &BTreeSet<WorkerId>, detail: &str) {
        let mut elsewhere = elsewhere.iter().filter(|other| *other != worker).peekable();
        if elsewhere.peek().is_none() {
            let finished = self.finished;
            if let Some(conduct) = self.known.get_mut(worker) {
                if conduct.failed.is_empty() {
                    conduct.since = finished;
                }
                conduct.failed.insert(unit);
                conduct.detail = detail.to_owned();
            }
        }
        for other in elsewhere {
            if let Some(conduct) = self.known.get_mut(other) {
                conduct.failed.remove(&unit);
            }
        }
    }

    /// Sets workers aside, or takes them back, as their records say now. Those that were just set aside, each with the reason.
    pub(super) fn judge(&mut self, rules: &Rules) -> Vec<(WorkerId, String)> {
        let finished = self.finished;
        let mut new = Vec::new();
        for (worker, conduct) in &mut self.known {
            let failed = conduct.failed.len();
            if failed < rules.aside_errors {
                conduct.aside = None;
            } else if conduct.aside.is_none() && finished > conduct.since {
                let reason =
                    format!("{failed} units failed on it in a row while others did well, the last: {}", conduct.detail);
                conduct.aside = Some(reason.clone());
                new.push((worker.clone(), reason));
            }
        }
        new
    }

    /// Forgets what was held against them.
    pub(super) fn forgive(&mut self) {
        for conduct in self.known.values_mut() {
            *conduct = Conduct::default();
        }
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
}
