//! The queue: which unit waits, which is leased to whom, which has ended. Pure: time comes in as an argument, what must become
//! durable goes out as a value, and a simulation can drive it through any order of events.

mod estimate;
mod lease;
mod rules;
#[cfg(test)]
mod simulation;

use std::collections::{BTreeMap, BTreeSet};

use seedgrid_common::unit::UnitId;

use crate::retrying::Fate;

pub use estimate::Estimates;
pub use lease::{Lease, WorkerId};
pub use rules::Rules;

/// Milliseconds on a clock that never goes back.
pub type Millis = u64;

/// A digest of a result's bytes: equal results have equal digests.
pub type ResultDigest = [u8; 32];

/// What the queue is told of a unit before it starts.
#[derive(Clone, Debug)]
pub struct NewUnit {
    /// The unit.
    pub id: UnitId,
    /// Which configuration it belongs to; units of one group are expected to cost alike.
    pub group: usize,
    /// The highest attempt that was ever given out; 0 for none.
    pub attempts: u32,
    /// How many attempts ended with an error.
    pub errors: u32,
    /// Who may still be training the newest attempt, given out in an earlier life of the coordinator.
    pub holder: Option<WorkerId>,
    /// Its result, where one is stored.
    pub result: Option<Finished>,
}

/// A stored result, as far as the queue needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Of the result's bytes.
    pub digest: ResultDigest,
    /// Whether training diverged.
    pub diverged: bool,
}

/// Where a unit stands.
#[derive(Clone, Debug, PartialEq)]
enum State {
    Waiting,
    Leased(Lease),
    Finished(Finished),
    /// Failed too often; not tried again.
    Failed,
}

#[derive(Clone, Debug)]
struct Entry {
    /// Position in the plan; earlier units go first among equals.
    order: usize,
    group: usize,
    attempts: u32,
    errors: u32,
    state: State,
}

/// How many units stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All units.
    pub total: usize,
    /// Waiting for a worker.
    pub waiting: usize,
    /// Leased.
    pub leased: usize,
    /// With a result that is not a divergence.
    pub done: usize,
    /// With a result that says that training diverged.
    pub diverged: usize,
    /// Given up after repeated errors.
    pub failed: usize,
}

impl Counts {
    /// Whether every unit has ended.
    pub fn all_ended(&self) -> bool {
        self.waiting == 0 && self.leased == 0
    }
}

/// A lease that was just given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The unit.
    pub unit: UnitId,
    /// The attempt's number.
    pub attempt: u32,
}

/// What became of the attempts that a worker says it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Renewed {
    /// No longer wanted.
    pub dropped: Vec<(UnitId, u32)>,
    /// Their lease had run out, and nobody had taken over: leased again.
    pub reclaimed: Vec<(UnitId, u32)>,
}

/// What a submitted result means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the unit's result: make it durable, then acknowledge.
    Commit,
    /// The same result is already there.
    Duplicate,
    /// Another result is already there; that one stands.
    Conflict,
    /// No such unit, or no such attempt was ever given out.
    Unknown,
}

/// What a reported failure means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterFailure {
    /// The unit waits for its next attempt.
    Requeued,
    /// The unit failed too often and is given up.
    GivenUp,
    /// The attempt no longer held the lease: nothing changed.
    Stale,
}

/// Whether a failure says something about the unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// An error in training: counts towards giving the unit up.
    Unit,
    /// Preemption, a lost worker, a time limit: never counts.
    Circumstances,
}

/// An attempt whose lease ran out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expired {
    /// The unit.
    pub unit: UnitId,
    /// The attempt's number.
    pub attempt: u32,
    /// Who held it.
    pub worker: WorkerId,
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
    /// How many leases each worker has, where it has any.
    held: BTreeMap<WorkerId, usize>,
    counts: Counts,
    estimates: Estimates,
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
            held: BTreeMap::new(),
            counts: Counts::default(),
            estimates: Estimates::default(),
        };
        queue.add(units, costs, 0);
        queue
    }

    /// Adds units behind all others at this time, and groups behind all others with these costs. Units that are there already stay as
    /// they are.
    pub fn add(&mut self, units: impl IntoIterator<Item = NewUnit>, costs: Vec<f64>, now: Millis) {
        self.waiting.extend(costs.iter().map(|_| BTreeSet::new()));
        self.estimates.add(costs);
        for unit in units {
            if self.units.contains_key(&unit.id) {
                continue;
            }
            let order = self.units.len();
            let state = match (unit.result, unit.holder) {
                (Some(finished), _) => State::Finished(finished),
                (None, _) if unit.errors >= self.rules.errors_max => State::Failed,
                (None, Some(worker)) => {
                    State::Leased(Lease { attempt: unit.attempts, worker, expires: now + self.rules.lease_ms })
                }
                (None, None) => State::Waiting,
            };
            let entry = Entry { order, group: unit.group, attempts: unit.attempts, errors: unit.errors, state };
            self.counts.total += 1;
            *self.count_of(&entry.state) += 1;
            match &entry.state {
                State::Waiting => {
                    self.waiting[entry.group].insert((order, unit.id));
                }
                State::Leased(lease) => {
                    self.expiries.insert((lease.expires, unit.id));
                    *self.held.entry(lease.worker.clone()).or_default() += 1;
                }
                State::Finished(_) | State::Failed => {}
            }
            self.units.insert(unit.id, entry);
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

    /// The units that were given up.
    pub fn failed(&self) -> impl Iterator<Item = UnitId> {
        self.units.iter().filter(|(_, entry)| entry.state == State::Failed).map(|(id, _)| *id)
    }

    /// Where each unit stands for those who want to try it again.
    pub fn fates(&self) -> BTreeMap<UnitId, Fate> {
        let fate = |entry: &Entry| match &entry.state {
            State::Failed => Fate::Failed { attempts: entry.attempts },
            State::Finished(finished) if finished.diverged => Fate::Diverged,
            State::Finished(_) => Fate::Done,
            State::Waiting | State::Leased(_) => Fate::Open,
        };
        self.units.iter().map(|(id, entry)| (*id, fate(entry))).collect()
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

    fn lease_of(&self, unit: UnitId) -> Option<&Lease> {
        match &self.units.get(&unit)?.state {
            State::Leased(lease) => Some(lease),
            State::Waiting | State::Finished(_) | State::Failed => None,
        }
    }

    /// How many units of each group wait.
    pub fn waiting_by_group(&self) -> impl Iterator<Item = (usize, usize)> {
        self.waiting.iter().enumerate().map(|(group, units)| (group, units.len()))
    }

    /// When the next lease runs out.
    pub fn next_deadline(&self) -> Option<Millis> {
        self.expiries.first().map(|(at, _)| *at)
    }

    /// Gives `worker` up to `max` units, longest expected first. The grants must be durable before they are sent.
    pub fn pull(&mut self, worker: &WorkerId, max: usize, now: Millis) -> Vec<Granted> {
        let mut granted = Vec::new();
        while granted.len() < max {
            let Some(unit) = self.longest_waiting() else { break };
            let attempt = self.units[&unit].attempts + 1;
            self.lease(unit, attempt, worker, now);
            granted.push(Granted { unit, attempt });
        }
        granted
    }

    /// Renews the leases of `held`, gives those back that had run out with nobody taking over, and names those that are no longer
    /// wanted.
    pub fn renew(&mut self, worker: &WorkerId, held: &[(UnitId, u32)], now: Millis) -> Renewed {
        let mut renewed = Renewed::default();
        for &(unit, attempt) in held {
            match self.units.get(&unit).map(|entry| (&entry.state, entry.attempts)) {
                Some((State::Waiting, newest)) if newest == attempt => renewed.reclaimed.push((unit, attempt)),
                Some((State::Leased(lease), _)) if lease.attempt == attempt && lease.worker == *worker => {}
                Some(_) | None => {
                    renewed.dropped.push((unit, attempt));
                    continue;
                }
            }
            self.lease(unit, attempt, worker, now);
        }
        renewed
    }

    /// A result came. For [`Verdict::Commit`] the queue counts it as the unit's result from now on, so it must become durable
    /// before anything else is answered. A late result of an expired attempt is as good as any.
    pub fn finish(&mut self, unit: UnitId, attempt: u32, finished: Finished, seconds: f64) -> Verdict {
        let Some(entry) = self.units.get(&unit) else { return Verdict::Unknown };
        if attempt == 0 || attempt > entry.attempts {
            return Verdict::Unknown;
        }
        if let State::Finished(stored) = &entry.state {
            return if stored.digest == finished.digest { Verdict::Duplicate } else { Verdict::Conflict };
        }
        self.estimates.measured(entry.group, seconds);
        self.set(unit, State::Finished(finished));
        Verdict::Commit
    }

    /// An attempt ended without a result.
    pub fn fail(&mut self, unit: UnitId, attempt: u32, worker: &WorkerId, blame: Blame) -> AfterFailure {
        if !self.holds(worker, unit, attempt) {
            return AfterFailure::Stale;
        }
        let Some(entry) = self.units.get_mut(&unit) else { return AfterFailure::Stale };
        match blame {
            Blame::Unit => entry.errors += 1,
            Blame::Circumstances => {}
        }
        if entry.errors >= self.rules.errors_max {
            self.set(unit, State::Failed);
            AfterFailure::GivenUp
        } else {
            self.set(unit, State::Waiting);
            AfterFailure::Requeued
        }
    }

    /// Takes back every lease that has run out by `now`.
    pub fn expire(&mut self, now: Millis) -> Vec<Expired> {
        let due: Vec<UnitId> = self.expiries.iter().take_while(|(at, _)| *at <= now).map(|(_, unit)| *unit).collect();
        due.into_iter().filter_map(|unit| self.take_back(unit)).collect()
    }

    /// Takes back every lease of `worker`, which has left.
    pub fn leave(&mut self, worker: &WorkerId) -> Vec<Expired> {
        self.take_back_all_but(worker, &[])
    }

    /// Takes back every lease of `worker` that is not in `held`: it never heard of them, the answer was lost.
    pub fn take_back_all_but(&mut self, worker: &WorkerId, held: &[(UnitId, u32)]) -> Vec<Expired> {
        let unknown: Vec<UnitId> = self
            .leases()
            .filter(|(unit, lease)| lease.worker == *worker && !held.contains(&(*unit, lease.attempt)))
            .map(|(unit, _)| unit)
            .collect();
        unknown.into_iter().filter_map(|unit| self.take_back(unit)).collect()
    }

    /// How many leases `worker` has.
    pub fn held_by(&self, worker: &WorkerId) -> usize {
        self.held.get(worker).copied().unwrap_or_default()
    }

    fn take_back(&mut self, unit: UnitId) -> Option<Expired> {
        let expired = match &self.units.get(&unit)?.state {
            State::Leased(lease) => Expired { unit, attempt: lease.attempt, worker: lease.worker.clone() },
            State::Waiting | State::Finished(_) | State::Failed => return None,
        };
        self.set(unit, State::Waiting);
        Some(expired)
    }

    /// The first waiting unit of the group that is expected to cost most: starting long units first keeps the end short.
    fn longest_waiting(&self) -> Option<UnitId> {
        let mut best: Option<(f64, UnitId)> = None;
        for (group, units) in self.waiting.iter().enumerate() {
            let Some((_, unit)) = units.first() else { continue };
            let cost = self.estimates.expected(group);
            if best.is_none_or(|(highest, _)| cost > highest) {
                best = Some((cost, *unit));
            }
        }
        best.map(|(_, unit)| unit)
    }

    /// Whether every waiting unit is known to be so short that a worker may take one ahead of need: while it waits there, no
    /// other worker can have it.
    pub fn may_be_taken_ahead(&self) -> bool {
        let waiting = || self.waiting_by_group().filter(|(_, units)| *units > 0);
        waiting().all(|(group, _)| {
            self.estimates.seconds(group).is_some_and(|seconds| seconds <= self.rules.ahead_seconds_max)
        })
    }

    fn lease(&mut self, unit: UnitId, attempt: u32, worker: &WorkerId, now: Millis) {
        let expires = now + self.rules.lease_ms;
        self.set(unit, State::Leased(Lease { attempt, worker: worker.clone(), expires }));
        if let Some(entry) = self.units.get_mut(&unit) {
            entry.attempts = entry.attempts.max(attempt);
        }
    }

    /// The one place where a unit's state changes, so that counts, waiting lists and deadlines cannot drift from it.
    fn set(&mut self, unit: UnitId, state: State) {
        let Some(entry) = self.units.get_mut(&unit) else { return };
        let (order, group) = (entry.order, entry.group);
        let old = std::mem::replace(&mut entry.state, state.clone());
        *self.count_of(&old) -= 1;
        *self.count_of(&state) += 1;
        match &old {
            State::Waiting => {
                self.waiting[group].remove(&(order, unit));
            }
            State::Leased(lease) => {
                self.expiries.remove(&(lease.expires, unit));
                if let Some(held) = self.held.get_mut(&lease.worker) {
                    *held -= 1;
                    if *held == 0 {
                        self.held.remove(&lease.worker);
                    }
                }
            }
            State::Finished(_) | State::Failed => {}
        }
        match &state {
            State::Waiting => {
                self.waiting[group].insert((order, unit));
            }
            State::Leased(lease) => {
                self.expiries.insert((lease.expires, unit));
                *self.held.entry(lease.worker.clone()).or_default() += 1;
            }
            State::Finished(_) | State::Failed => {}
        }
    }

    fn count_of(&mut self, state: &State) -> &mut usize {
        match state {
            State::Waiting => &mut self.counts.waiting,
            State::Leased(_) => &mut self.counts.leased,
            State::Finished(finished) if finished.diverged => &mut self.counts.diverged,
            State::Finished(_) => &mut self.counts.done,
            State::Failed => &mut self.counts.failed,
        }
    }
}
