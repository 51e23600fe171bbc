//! The queue: which unit waits, which is leased to whom, which has ended. Pure: time comes in as an argument, what must become
//! durable goes out as a value, and a simulation can drive it through any order of events.

mod assignment;
mod cost_estimate;
mod failure_detector;
mod failure_record;
mod inputs_and_outcomes;
mod lease;
mod lease_and_retry_limits;
#[cfg(test)]
mod simulation;
mod transitions;
mod wait_reason;
mod worker_health;

use std::collections::{BTreeMap, BTreeSet};

use seedgrid_common::unit::UnitId;

use crate::scheduler::{retry::Fate, unit_state::UnitState};

pub use cost_estimate::Estimates;
use failure_detector::FailureDetector;
pub use failure_record::FailureRecord;
pub use inputs_and_outcomes::{
    AfterFailure, Counts, Expired, FailureKind, Finished, Granted, NewUnit, Pause, Renewed, SubmitOutcome,
};
pub use lease::{Lease, WorkerId};
pub use lease_and_retry_limits::Rules;
pub use transitions::HealthDecisions;
pub use wait_reason::{WaitReason, Waits};
use worker_health::Workers;
pub use worker_health::{WorkerFailure, WorkerFailures};

/// Milliseconds on a clock that never goes back.
pub type Millis = u64;

/// A digest of a result's bytes: equal results have equal digests.
pub type ResultDigest = [u8; 32];

/// Where a unit stands.
#[derive(Clone, Debug, PartialEq)]
enum State {
    Waiting,
    Leased(Lease),
    Finished(Finished),
    /// Failed too often; not tried again.
    Quarantined,
    /// Not wanted by people; not tried again.
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
    /// Whether that attempt was taken back from a worker that did not say why. If it had begun, that counts as a death, until the
    /// worker turns out to be alive.
    lost: bool,
    record: FailureRecord,
    /// A waiting unit is not given out before.
    ready: Millis,
    state: State,
}

/// The queue of one study.
#[derive(Debug)]
pub struct Queue {
    rules: Rules,
    units: BTreeMap<UnitId, Entry>,
    /// Waiting units of each group, in the order of the plan.
    waiting: Vec<BTreeSet<(usize, UnitId)>>,
    /// Leases by the time at which they run out, so that the next deadline is the first.
    expiries: BTreeSet<(Millis, UnitId)>,
    /// Waiting units that are not given out yet, by the time from which they are.
    backoffs: BTreeSet<(Millis, UnitId)>,
    /// How many leases each worker has, where it has any.
    held: BTreeMap<WorkerId, usize>,
    /// How many of these are of units that are to run alone.
    alone: BTreeMap<WorkerId, usize>,
    counts: Counts,
    estimates: Estimates,
    workers: Workers,
    alarm: FailureDetector,
    /// What it noticed and nobody has looked at yet.
    alarmed: Option<String>,
    pause: Option<Pause>,
    /// Until then workers of an earlier life of the coordinator may come back: those that are there are not all.
    returning: Option<Millis>,
}

impl Queue {
    /// A queue of `units`, in the order of the plan, at time 0. `costs[g]` is the expected cost of a unit of group `g`, in any
    /// unit of measure. A unit's former holder has one lease's time to come back before the unit waits again.
    pub fn new(rules: Rules, units: impl IntoIterator<Item = NewUnit>, costs: Vec<f64>) -> Self {
        let mut queue = Self {
            rules,
            units: BTreeMap::new(),
            waiting: Vec::new(),
            expiries: BTreeSet::new(),
            backoffs: BTreeSet::new(),
            held: BTreeMap::new(),
            alone: BTreeMap::new(),
            counts: Counts::default(),
            estimates: Estimates::default(),
            workers: Workers::default(),
            alarm: FailureDetector::default(),
            alarmed: None,
            pause: None,
            returning: None,
        };
        queue.add(units, costs, 0);
        queue
    }

    /// Goes on with the workers of `before`, and paused if it was: this queue was made anew from the same store.
    pub fn succeed(&mut self, before: &Self) {
        self.workers = before.workers.clone();
        self.pause = before.pause.clone();
        self.returning = before.returning;
    }

    /// Goes on with what spoke against workers in an earlier life of the coordinator. They have one lease's time to come back.
    pub fn recall(&mut self, doubts: BTreeMap<WorkerId, WorkerFailures>, now: Millis) {
        self.returning = (!doubts.is_empty()).then_some(now + self.rules.lease_ms);
        self.workers.recall(doubts, &self.rules);
    }

    /// What has changed of what speaks against workers since this was last asked: to become durable with what caused it.
    pub fn take_doubts(&mut self) -> Vec<WorkerFailure> {
        self.workers.take_news()
    }

    /// Adds units behind all others at this time, and groups behind all others with these costs. Units that are there already stay as
    /// they are. When those that failed did so is not known: they wait from now on.
    pub fn add(&mut self, units: impl IntoIterator<Item = NewUnit>, costs: Vec<f64>, now: Millis) {
        self.waiting.extend(costs.iter().map(|_| BTreeSet::new()));
        self.estimates.add(costs);
        for NewUnit { id, group, attempts, record, holder, began, lost, cancelled, result } in units {
            if self.units.contains_key(&id) {
                continue;
            }
            let order = self.units.len();
            let state = match (result, holder) {
                (Some(finished), _) => State::Finished(finished),
                (None, _) if cancelled => State::Cancelled,
                (None, _) if record.is_quarantined(&self.rules) => State::Quarantined,
                (None, Some(worker)) => {
                    let (expires, alone) = (now + self.rules.lease_ms, record.is_suspect(&self.rules));
                    State::Leased(Lease { attempt: attempts, worker, expires, alone })
                }
                (None, None) => State::Waiting,
            };
            let ready = now + self.rules.backoff(record.errors);
            self.counts.total += 1;
            self.units.insert(id, Entry { order, group, attempts, began, lost, record, ready, state });
            self.enter(id, now);
        }
    }

    /// How many units stand where.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// What units are expected to cost.
    pub fn estimates(&self) -> &Estimates {
        &self.estimates
    }

    /// How long a unit took in an earlier life of the coordinator.
    pub fn learn(&mut self, unit: UnitId, seconds: f64) {
        if let Some(entry) = self.units.get(&unit) {
            self.estimates.measured(entry.group, seconds);
        }
    }

    /// A unit's group, if the study has the unit.
    pub fn group(&self, unit: UnitId) -> Option<usize> {
        self.units.get(&unit).map(|entry| entry.group)
    }

    /// What counts against a unit, if the study has the unit.
    pub fn record(&self, unit: UnitId) -> Option<&FailureRecord> {
        self.units.get(&unit).map(|entry| &entry.record)
    }

    /// Whether a unit may be what its workers die of, so that it runs alone.
    pub fn is_suspect(&self, unit: UnitId) -> bool {
        self.record(unit).is_some_and(|record| record.is_suspect(&self.rules))
    }

    /// Every unit, in the order of ids.
    pub fn ids(&self) -> impl Iterator<Item = UnitId> {
        self.units.keys().copied()
    }

    /// Where each unit stands for those who want to try it again.
    pub fn fates(&self) -> BTreeMap<UnitId, Fate> {
        let fate = |entry: &Entry| match &entry.state {
            State::Quarantined => Fate::Failed { attempts: entry.attempts },
            State::Cancelled => Fate::Cancelled { attempts: entry.attempts },
            State::Finished(finished) if finished.diverged => Fate::Diverged,
            State::Finished(_) => Fate::Done,
            State::Waiting | State::Leased(_) => Fate::Open,
        };
        self.units.iter().map(|(id, entry)| (*id, fate(entry))).collect()
    }

    /// Where a unit stands, if the study has the unit. A leased one is in training once its worker has said so, else assigned.
    pub fn standing(&self, unit: UnitId) -> Option<UnitState> {
        let entry = self.units.get(&unit)?;
        Some(match &entry.state {
            State::Waiting => UnitState::Waiting,
            State::Leased(_) if entry.began => UnitState::Training,
            State::Leased(_) => UnitState::Assigned,
            State::Finished(finished) if finished.diverged => UnitState::Diverged,
            State::Finished(_) => UnitState::Done,
            State::Quarantined => UnitState::Quarantined,
            State::Cancelled => UnitState::Cancelled,
        })
    }

    /// Every lease with its unit, the next to run out first.
    pub fn leases(&self) -> impl Iterator<Item = (UnitId, &Lease)> {
        // Through the deadlines: few units are leased at a time, however many the study has.
        self.expiries.iter().filter_map(|(_, id)| Some((*id, self.lease_of(*id)?)))
    }

    /// Whether `worker` holds the lease of this attempt.
    pub fn holds(&self, worker: &WorkerId, unit: UnitId, attempt: u32) -> bool {
        self.lease_of(unit).is_some_and(|lease| lease.attempt == attempt && lease.worker == *worker)
    }

    /// Whether a result of this attempt would be the unit's: the attempt was given out, and there is no result yet.
    pub fn awaits(&self, unit: UnitId, attempt: u32) -> bool {
        self.units
            .get(&unit)
            .is_some_and(|entry| (1..=entry.attempts).contains(&attempt) && !matches!(entry.state, State::Finished(_)))
    }

    /// The unit's lease, if it is leased.
    pub fn lease_of(&self, unit: UnitId) -> Option<&Lease> {
        match &self.units.get(&unit)?.state {
            State::Leased(lease) => Some(lease),
            State::Waiting | State::Finished(_) | State::Quarantined | State::Cancelled => None,
        }
    }

    /// How many leases `worker` has.
    pub fn held_by(&self, worker: &WorkerId) -> usize {
        self.held.get(worker).copied().unwrap_or_default()
    }

    /// How many units of each group wait.
    pub fn waiting_by_group(&self) -> impl Iterator<Item = (usize, usize)> {
        self.waiting.iter().enumerate().map(|(group, units)| (group, units.len()))
    }

    /// When the next lease runs out, the next unit has waited long enough after a failure, or workers have had their time to come back.
    pub fn next_deadline(&self) -> Option<Millis> {
        let of_units = [self.expiries.first(), self.backoffs.first()].into_iter().flatten().map(|(at, _)| *at);
        of_units.chain(self.returning).min()
    }

    /// A worker is there.
    pub fn join(&mut self, worker: &WorkerId) {
        self.workers.join(worker);
    }

    /// A worker is not there, and may come back; what it held was taken back before, or runs out.
    pub fn part(&mut self, worker: &WorkerId) {
        self.workers.part(worker);
    }

    /// A worker is gone for good; what it held was taken back before.
    pub fn forget(&mut self, worker: &WorkerId) {
        self.workers.forget(worker);
    }

    /// A worker is to finish what it holds and leave. False: there is no such worker.
    pub fn dismiss(&mut self, worker: &WorkerId) -> bool {
        self.workers.dismiss(worker)
    }

    /// Whether a worker is to finish what it holds and leave.
    pub fn is_leaving(&self, worker: &WorkerId) -> bool {
        self.workers.is_leaving(worker)
    }

    /// Why a worker is set aside, if it is.
    pub fn aside(&self, worker: &WorkerId) -> Option<&str> {
        self.workers.aside(worker)
    }

    /// Why no units are given out, if none are.
    pub fn pause(&self) -> Option<&Pause> {
        self.pause.as_ref()
    }

    /// Gives no more units out. What is leased goes on.
    pub fn pause_for(&mut self, pause: Pause) {
        self.pause = Some(pause);
    }

    /// Gives units out again, and to every worker: what was held against them is forgotten. Whether anything was.
    pub fn resume(&mut self) -> bool {
        self.alarm.finished();
        self.workers.forgive();
        self.pause.take().is_some()
    }
}
