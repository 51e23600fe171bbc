//! The assignment of units to workers: the unit that a worker gets next, and the workers that may not get it.

use seedgrid_common::unit::UnitId;

use super::{Entry, EntryState, FailureRecord, Granted, Millis, Queue, WaitReason, WorkerId};

/// Units with a longer expected time go only to free slots; shorter units may also be taken ahead of need. A request for
/// the next unit on a free slot costs some milliseconds, which are negligible beside 2 s of training.
pub(super) const AHEAD_SECONDS_MAX: f64 = 2.0;

impl Queue {
    /// Leases up to `max` units to `worker`, longest expected first. The grants must be durable before they are sent.
    ///
    /// Units that may have killed their workers come last, and each alone: their worker's death ends every unit on it.
    pub fn pull(&mut self, worker: &WorkerId, max: usize, now: Millis) -> Vec<Granted> {
        let mut granted = Vec::new();
        if self.pause.is_some() || !self.workers.may_receive(worker) || self.slots.is_alone(worker) {
            return granted;
        }
        while granted.len() < max {
            let Some(unit) = self.longest_waiting(worker, false, now) else { break };
            granted.push(self.grant(unit, worker, now));
        }
        if granted.is_empty() && max > 0 && self.held_by(worker) == 0 {
            let suspect = self.longest_waiting(worker, true, now);
            granted.extend(suspect.map(|unit| self.grant(unit, worker, now)));
        }
        granted
    }

    fn grant(&mut self, unit: UnitId, worker: &WorkerId, now: Millis) -> Granted {
        let attempt = self.units[&unit].attempts + 1;
        self.lease(unit, attempt, worker, now);
        Granted { unit, attempt }
    }

    /// The first waiting unit of the group with the highest expected cost, among those that `worker` may try and that
    /// are suspects or not. Starting long units first shortens the study's end.
    fn longest_waiting(&self, worker: &WorkerId, suspects: bool, now: Millis) -> Option<UnitId> {
        let fits = |entry: &Entry| {
            entry.ready <= now
                && entry.record.is_suspect(&self.rules) == suspects
                && self.may_try(&entry.record, worker)
        };
        let mut units = self.by_cost.iter(&self.estimates).flat_map(|group| &self.waiting[group]);
        units.find(|(_, unit)| fits(&self.units[unit])).map(|(_, unit)| *unit)
    }

    /// Whether `worker` may try a unit: it must not have failed there, unless it has failed on every worker.
    fn may_try(&self, record: &FailureRecord, worker: &WorkerId) -> bool {
        !record.failed_on.contains(worker) || self.untried(record).next().is_none()
    }

    /// Workers that may receive units and on which this unit has not failed.
    fn untried<'a>(&'a self, record: &'a FailureRecord) -> impl Iterator<Item = &'a WorkerId> {
        self.workers.receivers().filter(|worker| !record.failed_on.contains(*worker))
    }

    /// Whether every waiting unit is known to be so short that a worker may take it ahead of need: no other worker can
    /// train it while it waits there.
    pub fn may_be_taken_ahead(&self) -> bool {
        let longest = self.by_cost.iter(&self.estimates).next();
        longest.is_none_or(|group| {
            self.estimates.seconds(group).is_some_and(|seconds| seconds.expected <= self.rules.ahead_seconds_max)
        })
    }

    /// How many units `worker` may take: its free slots' worth, and ahead of that only short ones that no other worker has a free slot for.
    pub fn share(&self, worker: &WorkerId) -> usize {
        let own = self.slots.free_of(worker);
        if !self.may_be_taken_ahead() {
            return own;
        }
        let others = self.slots.free() - own;
        own.max(self.counts.waiting.saturating_sub(others))
    }

    /// Why a unit waits; None: it does not.
    pub fn why_waiting(&self, unit: UnitId, now: Millis) -> Option<WaitReason> {
        let entry = self.units.get(&unit).filter(|entry| entry.state == EntryState::Waiting)?;
        Some(if let Some(pause) = &self.pause {
            WaitReason::Paused(pause.clone())
        } else if self.workers.is_empty() {
            WaitReason::NoWorker
        } else if self.workers.receivers().next().is_none() {
            WaitReason::NoReceiver
        } else if entry.ready > now {
            WaitReason::Backoff(entry.ready - now)
        } else if entry.record.is_suspect(&self.rules) {
            WaitReason::ForAnEmptyWorker
        } else {
            match self.untried(&entry.record).count() {
                0 => WaitReason::InLine,
                _ if entry.record.failed_on.is_empty() => WaitReason::InLine,
                others => WaitReason::ForAnotherWorker(others),
            }
        })
    }
}
