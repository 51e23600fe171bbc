//! The queue: the state of each unit, and the leases of workers. The queue is pure: time is an argument, everything
//! that must become durable is returned, and a simulation can drive the queue through any order of events.

mod assignment;
mod cost_estimate;
mod groups_by_cost;
mod inputs_and_outcomes;
mod lease_and_heartbeat;
mod pause_on_repeated_errors;
mod retry_delay_and_quarantine;
mod rules;
#[cfg(test)]
mod simulation;
mod slots;
mod transitions;
mod wait_reason;
mod worker_id;
mod workers_set_aside;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use seedgrid_common::unit::UnitId;

use crate::scheduler::{retry::Attempted, unit_state::UnitState};

pub use cost_estimate::Estimates;
use groups_by_cost::GroupsByCost;
pub use inputs_and_outcomes::{
    AfterFailure, Counts, Expired, Finished, Granted, NewUnit, Pause, Renewed, SubmitOutcome,
};
pub use lease_and_heartbeat::Lease;
use pause_on_repeated_errors::RepeatedErrors;
pub use retry_delay_and_quarantine::FailureRecord;
pub use rules::Rules;
use slots::Slots;
pub use transitions::HealthDecisions;
pub use wait_reason::{WaitReason, Waits};
pub use worker_id::WorkerId;
use workers_set_aside::Workers;
pub use workers_set_aside::{WorkerFailure, WorkerFailures};

/// Milliseconds on a monotonic clock.
pub type Millis = u64;

/// A digest of a result's bytes: equal results have equal digests.
pub type ResultDigest = [u8; 32];

/// Each default stands in the file of its decision.
impl Default for Rules {
    fn default() -> Self {
        Self {
            lease_ms: lease_and_heartbeat::LEASE_MS,
            errors_max: retry_delay_and_quarantine::ERRORS_MAX,
            retry_delays_ms: retry_delay_and_quarantine::RETRY_DELAYS_MS,
            deaths_alone: retry_delay_and_quarantine::DEATHS_ALONE,
            deaths_max: retry_delay_and_quarantine::DEATHS_MAX,
            alike_errors: pause_on_repeated_errors::ALIKE_ERRORS,
            alike_units: pause_on_repeated_errors::ALIKE_UNITS,
            aside_errors: workers_set_aside::ASIDE_ERRORS,
            ahead_seconds_max: assignment::AHEAD_SECONDS_MAX,
        }
    }
}

/// The state of a unit.
#[derive(Clone, Debug, PartialEq)]
enum EntryState {
    Waiting,
    Leased(Lease),
    Finished(Finished),
    /// The unit failed too often and is not tried again.
    Quarantined,
    /// An operator cancelled the unit; it is not tried again.
    Cancelled,
}

#[derive(Clone, Debug)]
struct Entry {
    /// Position in the plan; earlier units go first among equals.
    order: usize,
    group: usize,
    attempts: u32,
    /// Whether the newest attempt was known to be in training.
    began: bool,
    /// Whether that attempt was taken back from a worker that gave no reason. If it was in training, that counts as a
    /// death until the worker turns out to be alive.
    lost: bool,
    record: FailureRecord,
    /// The earliest time at which a waiting unit is given out.
    ready: Millis,
    state: EntryState,
}

impl Entry {
    fn unit_state(&self) -> UnitState {
        match &self.state {
            EntryState::Waiting => UnitState::Waiting,
            EntryState::Leased(_) if self.began => UnitState::Training,
            EntryState::Leased(_) => UnitState::Assigned,
            EntryState::Finished(finished) if finished.diverged => UnitState::Diverged,
            EntryState::Finished(_) => UnitState::Done,
            EntryState::Quarantined => UnitState::Quarantined,
            EntryState::Cancelled => UnitState::Cancelled,
        }
    }
}

/// The queue of one study.
#[derive(Debug)]
pub struct Queue {
    rules: Rules,
    units: HashMap<UnitId, Entry>,
    /// Waiting units of each group, in the order of the plan.
    waiting: Vec<BTreeSet<(usize, UnitId)>>,
    /// The groups that have some.
    by_cost: GroupsByCost,
    /// Leases by the time at which they run out, so that the next deadline is the first.
    expiries: BTreeSet<(Millis, UnitId)>,
    /// Waiting units that are not given out yet, by the time at which their wait ends.
    backoffs: BTreeSet<(Millis, UnitId)>,
    /// The number of units and of slots of each worker.
    slots: Slots,
    counts: Counts,
    estimates: Estimates,
    workers: Workers,
    repeated_errors: RepeatedErrors,
    /// The reason for a pause from `repeated_errors`; the next call of `judge` takes it.
    pause_reason: Option<String>,
    pause: Option<Pause>,
    /// The time until which workers from before a restart may return, so that the registered workers may not be all.
    returning: Option<Millis>,
}

impl Queue {
    /// Creates a queue of `units`, in the order of the plan, at time 0. `costs[g]` is the expected cost of a unit of
    /// group `g`, in any unit of measure. A unit's former holder may return for the duration of one lease; then the
    /// unit waits again.
    pub fn new(rules: Rules, units: impl IntoIterator<Item = NewUnit>, costs: Vec<f64>) -> Self {
        let mut queue = Self {
            rules,
            units: HashMap::new(),
            waiting: Vec::new(),
            by_cost: GroupsByCost::default(),
            expiries: BTreeSet::new(),
            backoffs: BTreeSet::new(),
            slots: Slots::default(),
            counts: Counts::default(),
            estimates: Estimates::default(),
            workers: Workers::default(),
            repeated_errors: RepeatedErrors::default(),
            pause_reason: None,
            pause: None,
            returning: None,
        };
        queue.add(units, costs, 0);
        queue
    }

    /// Takes over the workers and the pause of `before`; this queue is about to be rebuilt from the same store.
    pub fn succeed(&mut self, before: &Self) {
        self.workers = before.workers.clone();
        self.slots = before.slots.emptied();
        self.pause = before.pause.clone();
        self.returning = before.returning;
    }

    /// Restores the recorded worker failures after a restart. The workers may return for the duration of one lease.
    pub fn recall(&mut self, worker_failures: BTreeMap<WorkerId, WorkerFailures>, now: Millis) {
        self.returning = (!worker_failures.is_empty()).then_some(now + self.rules.lease_ms);
        self.workers.recall(worker_failures, &self.rules);
    }

    /// Takes the changes of recorded worker failures since the last call; they become durable with their cause.
    pub fn take_worker_failures(&mut self) -> Vec<WorkerFailure> {
        self.workers.take_news()
    }

    /// Appends units and groups with these costs. Known units stay unchanged. The times of earlier failures are
    /// unknown, so the waits of failed units begin now.
    pub fn add(&mut self, units: impl IntoIterator<Item = NewUnit>, costs: Vec<f64>, now: Millis) {
        self.waiting.extend(costs.iter().map(|_| BTreeSet::new()));
        self.estimates.add(costs);
        for NewUnit { id, group, attempts, record, holder, began, lost, cancelled, result } in units {
            if self.units.contains_key(&id) {
                continue;
            }
            let order = self.units.len();
            let state = match (result, holder) {
                (Some(finished), _) => EntryState::Finished(finished),
                (None, _) if cancelled => EntryState::Cancelled,
                (None, _) if record.is_quarantined(&self.rules) => EntryState::Quarantined,
                (None, Some(worker)) => {
                    let (expires, alone) = (now + self.rules.lease_ms, record.is_suspect(&self.rules));
                    EntryState::Leased(Lease { attempt: attempts, worker, expires, alone })
                }
                (None, None) => EntryState::Waiting,
            };
            let ready = now + self.rules.retry_delay(record.errors);
            self.counts.total += 1;
            self.units.insert(id, Entry { order, group, attempts, began, lost, record, ready, state });
            self.enter(id, now);
        }
    }

    /// The number of units in each state.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The estimated costs of units.
    pub fn estimates(&self) -> &Estimates {
        &self.estimates
    }

    /// Adds the duration of a unit from before a restart of the coordinator.
    pub fn learn(&mut self, unit: UnitId, seconds: f64) {
        if let Some(entry) = self.units.get(&unit) {
            self.measured(entry.group, seconds);
        }
    }

    fn measured(&mut self, group: usize, seconds: f64) {
        self.estimates.measured(group, seconds);
        self.place(group);
    }

    /// Puts a group where it belongs among those that have waiting units.
    fn place(&mut self, group: usize) {
        self.by_cost.set(group, !self.waiting[group].is_empty(), &self.estimates);
    }

    /// A unit's group, if the study has the unit.
    pub fn group(&self, unit: UnitId) -> Option<usize> {
        self.units.get(&unit).map(|entry| entry.group)
    }

    /// A unit's failures, if the study has the unit.
    pub fn record(&self, unit: UnitId) -> Option<&FailureRecord> {
        self.units.get(&unit).map(|entry| &entry.record)
    }

    /// Whether a unit may have killed its workers, so that it must run alone.
    pub fn is_suspect(&self, unit: UnitId) -> bool {
        self.record(unit).is_some_and(|record| record.is_suspect(&self.rules))
    }

    /// Every unit's id, in any order.
    pub fn ids(&self) -> impl Iterator<Item = UnitId> {
        self.units.keys().copied()
    }

    /// A unit's state and its newest attempt, if the study has the unit.
    pub fn attempted(&self, unit: UnitId) -> Option<Attempted> {
        let attempted = |entry: &Entry| Attempted { state: entry.unit_state(), attempts: entry.attempts };
        self.units.get(&unit).map(attempted)
    }

    /// A unit's state, if the study has the unit. A leased unit is in training after its worker has reported so, else
    /// assigned.
    pub fn unit_state(&self, unit: UnitId) -> Option<UnitState> {
        self.units.get(&unit).map(Entry::unit_state)
    }

    /// Every lease with its unit, the next to expire first.
    pub fn leases(&self) -> impl Iterator<Item = (UnitId, &Lease)> {
        // Iterates over the deadlines: few units are leased at a time, in a study of any size.
        self.expiries.iter().filter_map(|(_, id)| Some((*id, self.lease_of(*id)?)))
    }

    /// Whether `worker` holds the lease of this attempt.
    pub fn holds(&self, worker: &WorkerId, unit: UnitId, attempt: u32) -> bool {
        self.lease_of(unit).is_some_and(|lease| lease.attempt == attempt && lease.worker == *worker)
    }

    /// Whether a result of this attempt would become the unit's: the attempt was given out, and the unit has no result.
    pub fn awaits(&self, unit: UnitId, attempt: u32) -> bool {
        self.units.get(&unit).is_some_and(|entry| {
            (1..=entry.attempts).contains(&attempt) && !matches!(entry.state, EntryState::Finished(_))
        })
    }

    /// The unit's lease, if it is leased.
    pub fn lease_of(&self, unit: UnitId) -> Option<&Lease> {
        match &self.units.get(&unit)?.state {
            EntryState::Leased(lease) => Some(lease),
            EntryState::Waiting | EntryState::Finished(_) | EntryState::Quarantined | EntryState::Cancelled => None,
        }
    }

    /// The number of `worker`'s leases.
    pub fn held_by(&self, worker: &WorkerId) -> usize {
        self.slots.held(worker)
    }

    /// The number of waiting units of each group.
    pub fn waiting_by_group(&self) -> impl Iterator<Item = (usize, usize)> {
        self.waiting.iter().enumerate().map(|(group, units)| (group, units.len()))
    }

    /// The next time at which a lease expires, the wait of a failed unit ends or the wait for former workers ends.
    pub fn next_deadline(&self) -> Option<Millis> {
        let of_units = [self.expiries.first(), self.backoffs.first()].into_iter().flatten().map(|(at, _)| *at);
        of_units.chain(self.returning).min()
    }

    /// A worker is there, with so many slots.
    pub fn join(&mut self, worker: &WorkerId, slots: usize) {
        self.workers.join(worker);
        self.slots.open(worker, slots);
    }

    /// Removes a worker that may return; its leases were taken back before or will expire.
    pub fn part(&mut self, worker: &WorkerId) {
        self.workers.part(worker);
        self.slots.close(worker);
    }

    /// Removes a worker for good; its leases were taken back before.
    pub fn forget(&mut self, worker: &WorkerId) {
        self.workers.forget(worker);
        self.slots.close(worker);
    }

    /// Marks a worker as leaving: it finishes its units and leaves. Returns false if it is not registered.
    pub fn dismiss(&mut self, worker: &WorkerId) -> bool {
        self.workers.dismiss(worker)
    }

    /// Whether a worker is to finish its units and leave.
    pub fn is_leaving(&self, worker: &WorkerId) -> bool {
        self.workers.is_leaving(worker)
    }

    /// The reason for which a worker is set aside, if it is.
    pub fn aside(&self, worker: &WorkerId) -> Option<&str> {
        self.workers.aside(worker)
    }

    /// The pause, if the study is paused.
    pub fn pause(&self) -> Option<&Pause> {
        self.pause.as_ref()
    }

    /// Pauses the study: no more units are given out, and leased units continue.
    pub fn pause_for(&mut self, pause: Pause) {
        self.pause = Some(pause);
    }

    /// Ends the pause and removes all recorded worker failures. Returns whether that changed anything.
    pub fn resume(&mut self) -> bool {
        self.repeated_errors.finished();
        self.workers.forgive();
        self.pause.take().is_some()
    }
}
