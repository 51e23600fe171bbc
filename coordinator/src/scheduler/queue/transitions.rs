//! The state changes of units: leases begin and end, results and failures arrive.

use seedgrid_common::unit::UnitId;

use super::{
    AfterFailure, Entry, EntryState, Expired, FailureRecord, Finished, Lease, Millis, Pause, Queue, Renewed,
    SubmitOutcome, WorkerId,
};
use crate::scheduler::{attempt_ending::AttemptEnding, failure_blame::Blame};

/// Consequences of the newest failures and departures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HealthDecisions {
    /// Workers that get no more units from now on, each with the reason.
    pub aside: Vec<(WorkerId, String)>,
    /// The pause that begins now, if any.
    pub paused: Option<Pause>,
}

impl Queue {
    /// Marks an attempt as in training. Returns false if it already was, or if `worker` does not hold its lease.
    pub fn begin(&mut self, worker: &WorkerId, unit: UnitId, attempt: u32) -> bool {
        let holds = self.holds(worker, unit, attempt);
        self.units.get_mut(&unit).is_some_and(|entry| holds && !std::mem::replace(&mut entry.began, true))
    }

    /// Renews the leases of `held`. Attempts with an expired lease that no other worker took are leased again; those no
    /// longer wanted are listed.
    pub fn renew(&mut self, worker: &WorkerId, held: &[(UnitId, u32)], now: Millis) -> Renewed {
        let mut renewed = Renewed::default();
        for &(unit, attempt) in held {
            let holds = self.holds(worker, unit, attempt);
            match self.units.get_mut(&unit) {
                Some(entry) if entry.state == EntryState::Waiting && entry.attempts == attempt && entry.lost => {
                    entry.lost = false;
                    // The worker is alive, so its assumed death no longer counts.
                    entry.record.deaths = entry.record.deaths.saturating_sub(u32::from(entry.began));
                    renewed.reclaimed.push((unit, attempt));
                }
                Some(_) if holds => {}
                Some(_) | None => {
                    renewed.dropped.push((unit, attempt));
                    continue;
                }
            }
            self.lease(unit, attempt, worker, now);
        }
        renewed
    }

    /// Accepts a result from a worker. After [`SubmitOutcome::Commit`] the queue counts it as the unit's result, so it
    /// must become durable before any other answer. A late result of an expired attempt is accepted like any other.
    pub fn finish(
        &mut self,
        worker: &WorkerId,
        unit: UnitId,
        attempt: u32,
        finished: Finished,
        seconds: f64,
    ) -> SubmitOutcome {
        let Some(entry) = self.units.get(&unit) else { return SubmitOutcome::Unknown };
        if attempt == 0 || attempt > entry.attempts {
            return SubmitOutcome::Unknown;
        }
        if let EntryState::Finished(stored) = &entry.state {
            return if stored.digest == finished.digest { SubmitOutcome::Duplicate } else { SubmitOutcome::Conflict };
        }
        let group = entry.group;
        self.measured(group, seconds);
        self.workers.finished(worker);
        self.repeated_errors.finished();
        self.set(unit, EntryState::Finished(finished), 0);
        SubmitOutcome::Commit
    }

    /// Ends these attempts of `worker` without a result, all for the same reason. Returns the outcome of each.
    pub fn fail(
        &mut self,
        worker: &WorkerId,
        attempts: &[(UnitId, u32)],
        blame: Blame,
        detail: &str,
        now: Millis,
    ) -> Vec<AfterFailure> {
        let mut failed = Vec::new();
        let mut after = Vec::with_capacity(attempts.len());
        for &(unit, attempt) in attempts {
            if !self.holds(worker, unit, attempt) {
                after.push(AfterFailure::Stale);
                continue;
            }
            failed.push(unit);
            after.push(self.end(unit, blame, worker, now));
        }
        if let (Blame::Unit, Some(first)) = (blame, failed.first()) {
            // Several units that fail at once count as one failure.
            let elsewhere = self.units[first].record.failed_on.clone();
            self.workers.failed(worker, *first, &elsewhere, detail);
            if let Some(reason) = self.repeated_errors.failed(&failed, detail, &self.rules) {
                self.pause_reason = Some(reason);
            }
        }
        after
    }

    /// Sets workers aside and pauses the study if the newest failures, results and departures require it.
    pub fn judge(&mut self) -> HealthDecisions {
        let aside = self.workers.judge(&self.rules);
        let repeated = self.pause_reason.take();
        let nobody = || {
            let reason = "every worker is set aside, since unit after unit failed on it while others did well";
            (self.workers.all_aside() && self.returning.is_none()).then(|| reason.to_owned())
        };
        let mut paused = None;
        if self.pause.is_none() && !self.counts.all_ended() {
            paused = repeated.or_else(nobody).map(|reason| Pause { reason, by_hand: false });
            self.pause.clone_from(&paused);
        }
        HealthDecisions { aside, paused }
    }

    /// Takes back every lease that has run out by `now`, and ends the waits that are over. Returns the expired
    /// attempts, and whether more units may now be given out or the wait for former workers is over.
    pub fn expire(&mut self, now: Millis) -> (Vec<Expired>, bool) {
        let due: Vec<UnitId> = self.expiries.iter().take_while(|(at, _)| *at <= now).map(|(_, unit)| *unit).collect();
        let expired = due.into_iter().filter_map(|unit| self.take_back(unit, true, now)).collect();
        let mut ready = false;
        while self.backoffs.first().is_some_and(|(at, _)| *at <= now) {
            self.backoffs.pop_first();
            ready = true;
        }
        ready |= self.returning.take_if(|at| *at <= now).is_some();
        (expired, ready)
    }

    /// Takes back every lease of `worker`, which has left.
    pub fn leave(&mut self, worker: &WorkerId, now: Millis) -> Vec<Expired> {
        self.take_back_all_but(worker, &[], false, now)
    }

    /// Takes back every lease of `worker`, which has registered again, except those in `held`: the answer with the
    /// lease was lost, or the worker died during training and restarted.
    pub fn take_back_unknown(&mut self, worker: &WorkerId, held: &[(UnitId, u32)], now: Millis) -> Vec<Expired> {
        self.take_back_all_but(worker, held, true, now)
    }

    /// Cancels a unit that waits or is leased, and returns its former lease. Returns None if the unit has ended or is
    /// unknown.
    pub fn cancel(&mut self, unit: UnitId) -> Option<Option<Lease>> {
        let lease = match &self.units.get(&unit)?.state {
            EntryState::Waiting => None,
            EntryState::Leased(lease) => Some(lease.clone()),
            EntryState::Finished(_) | EntryState::Quarantined | EntryState::Cancelled => return None,
        };
        self.set(unit, EntryState::Cancelled, 0);
        Some(lease)
    }

    /// Lets a quarantined or cancelled unit wait again. Its earlier failures no longer count. Returns false in any other state.
    pub fn retry(&mut self, unit: UnitId, now: Millis) -> bool {
        let Some(entry) = self.units.get_mut(&unit) else { return false };
        if !matches!(entry.state, EntryState::Quarantined | EntryState::Cancelled) {
            return false;
        }
        (entry.record, entry.lost, entry.ready) = (FailureRecord::default(), false, now);
        self.set(unit, EntryState::Waiting, now);
        true
    }

    fn take_back_all_but(
        &mut self,
        worker: &WorkerId,
        held: &[(UnitId, u32)],
        died: bool,
        now: Millis,
    ) -> Vec<Expired> {
        let others: Vec<UnitId> = self
            .leases()
            .filter(|(unit, lease)| lease.worker == *worker && !held.contains(&(*unit, lease.attempt)))
            .map(|(unit, _)| unit)
            .collect();
        others.into_iter().filter_map(|unit| self.take_back(unit, died, now)).collect()
    }

    fn take_back(&mut self, unit: UnitId, died: bool, now: Millis) -> Option<Expired> {
        let Lease { attempt, worker, .. } = self.lease_of(unit)?.clone();
        let ending = if died { AttemptEnding::WorkerLost } else { AttemptEnding::Preempted };
        let began = self.units[&unit].began;
        let blame = Blame::for_ending(ending, began);
        let after = self.end(unit, blame, &worker, now);
        if let Some(entry) = self.units.get_mut(&unit) {
            entry.lost = died;
        }
        Some(Expired { unit, attempt, worker, charged: blame == Blame::Death, after })
    }

    /// Ends the lease of a unit without a result.
    fn end(&mut self, unit: UnitId, blame: Blame, worker: &WorkerId, now: Millis) -> AfterFailure {
        let rules = self.rules;
        let Some(entry) = self.units.get_mut(&unit) else { return AfterFailure::Stale };
        entry.ready = now;
        match blame {
            Blame::Unit => {
                entry.record.errors += 1;
                entry.record.failed_on.insert(*worker);
                entry.ready = now + rules.retry_delay(entry.record.errors);
            }
            Blame::Death => entry.record.deaths += 1,
            Blame::Circumstances => {}
        }
        let quarantined = entry.record.is_quarantined(&rules);
        self.set(unit, if quarantined { EntryState::Quarantined } else { EntryState::Waiting }, now);
        if quarantined { AfterFailure::Quarantined } else { AfterFailure::Requeued }
    }

    pub(super) fn lease(&mut self, unit: UnitId, attempt: u32, worker: &WorkerId, now: Millis) {
        let expires = now + self.rules.lease_ms;
        if let Some(entry) = self.units.get_mut(&unit)
            && entry.attempts < attempt
        {
            entry.attempts = attempt;
            (entry.began, entry.lost) = (false, false);
        }
        let alone = self.units.get(&unit).is_some_and(|entry| entry.record.is_suspect(&self.rules));
        self.set(unit, EntryState::Leased(Lease { attempt, worker: *worker, expires, alone }), now);
    }

    /// The only function that changes a unit's state, so that counts, waiting lists and deadlines stay consistent.
    fn set(&mut self, unit: UnitId, state: EntryState, now: Millis) {
        let Some(entry) = self.units.get_mut(&unit) else { return };
        let (order, group, ready) = (entry.order, entry.group, entry.ready);
        let old = std::mem::replace(&mut entry.state, state);
        *self.count_of(&old) -= 1;
        match &old {
            EntryState::Waiting => {
                self.waiting[group].remove(&(order, unit));
                self.place(group);
                self.backoffs.remove(&(ready, unit));
            }
            EntryState::Leased(lease) => {
                self.expiries.remove(&(lease.expires, unit));
                self.slots.release(&lease.worker, lease.alone);
            }
            EntryState::Finished(_) | EntryState::Quarantined | EntryState::Cancelled => {}
        }
        self.enter(unit, now);
    }

    /// Adds a unit's current state to the counts and lists.
    pub(super) fn enter(&mut self, unit: UnitId, now: Millis) {
        let Some(Entry { order, group, ready, state, .. }) = self.units.get(&unit).cloned() else { return };
        *self.count_of(&state) += 1;
        match state {
            EntryState::Waiting => {
                self.waiting[group].insert((order, unit));
                self.place(group);
                if ready > now {
                    self.backoffs.insert((ready, unit));
                }
            }
            EntryState::Leased(lease) => {
                self.expiries.insert((lease.expires, unit));
                self.slots.take(&lease.worker, lease.alone);
            }
            EntryState::Finished(_) | EntryState::Quarantined | EntryState::Cancelled => {}
        }
    }

    fn count_of(&mut self, state: &EntryState) -> &mut usize {
        match state {
            EntryState::Waiting => &mut self.counts.waiting,
            EntryState::Leased(_) => &mut self.counts.leased,
            EntryState::Finished(finished) if finished.diverged => &mut self.counts.diverged,
            EntryState::Finished(_) => &mut self.counts.done,
            EntryState::Quarantined => &mut self.counts.quarantined,
            EntryState::Cancelled => &mut self.counts.cancelled,
        }
    }
}
