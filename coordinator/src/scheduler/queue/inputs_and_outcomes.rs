//! What goes into the queue and what comes out of it.

use seedgrid_common::unit::UnitId;

use super::{FailureRecord, ResultDigest, WorkerId};

/// What the queue is told of a unit before it starts.
#[derive(Clone, Debug)]
pub struct NewUnit {
    /// The unit.
    pub id: UnitId,
    /// Which configuration it belongs to; units of one group are expected to cost alike.
    pub group: usize,
    /// The highest attempt that was ever given out; 0 for none.
    pub attempts: u32,
    /// What counts against it.
    pub record: FailureRecord,
    /// Who may still be training the newest attempt, given out in an earlier life of the coordinator.
    pub holder: Option<WorkerId>,
    /// Whether that attempt was known to be in training.
    pub began: bool,
    /// Whether it was taken back from a worker that did not say why.
    pub lost: bool,
    /// Whether people cancelled it.
    pub cancelled: bool,
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
    /// Not tried again: after too many errors, or deaths of their workers.
    pub quarantined: usize,
    /// Cancelled by people.
    pub cancelled: usize,
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
pub enum SubmitOutcome {
    /// It is the unit's result: make it durable, then acknowledge.
    Commit,
    /// The same result is already there.
    Duplicate,
    /// Another result is already there; that one stands.
    Conflict,
    /// No such unit, or no such attempt was ever given out.
    Unknown,
}

/// What an attempt's end without a result means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterFailure {
    /// The unit waits for its next attempt.
    Requeued,
    /// The unit is not tried again.
    Quarantined,
    /// The attempt no longer held the lease: nothing changed.
    Stale,
}

/// What a failure says about the unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// An error in training, or memory that it had not: counts towards quarantine.
    Unit,
    /// Its worker died unannounced while it trained: makes it a suspect, and counts towards quarantine if it goes on.
    Death,
    /// Preemption, a time limit: says nothing.
    Circumstances,
}

/// An attempt whose lease was taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expired {
    /// The unit.
    pub unit: UnitId,
    /// The attempt's number.
    pub attempt: u32,
    /// Who held it.
    pub worker: WorkerId,
    /// Whether it was in training, and so is charged with its worker's death.
    pub charged: bool,
    /// What it means for the unit.
    pub after: AfterFailure,
}

/// Why no units are given out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// For people.
    pub reason: String,
    /// Whether a person asked for it.
    pub by_hand: bool,
}

impl std::fmt::Display for Pause {
    /// "paused by hand: the file server is moved"; without a reason, "paused by hand".
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.by_hand { "paused by hand" } else { "paused" })?;
        if self.reason.is_empty() { Ok(()) } else { write!(f, ": {}", self.reason) }
    }
}
