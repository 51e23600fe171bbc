//! The inputs and the results of the queue's functions.

use seedgrid_common::unit::UnitId;

use super::{FailureRecord, ResultDigest, WorkerId};

/// The initial state of a unit in the queue.
#[derive(Clone, Debug)]
pub struct NewUnit {
    /// The unit's id.
    pub id: UnitId,
    /// The number of its configuration; units of one group have the same expected cost.
    pub group: usize,
    /// The number of its newest attempt; 0 for none.
    pub attempts: u32,
    /// The unit's failures.
    pub record: FailureRecord,
    /// The worker that may still train the newest attempt, which was given out before a restart of the coordinator.
    pub holder: Option<WorkerId>,
    /// Whether that attempt was known to be in training.
    pub began: bool,
    /// Whether that attempt was taken back from a worker that gave no reason.
    pub lost: bool,
    /// Whether an operator cancelled the unit.
    pub cancelled: bool,
    /// The unit's result, if one is stored.
    pub result: Option<Finished>,
}

/// A stored result, as far as the queue needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Digest of the result's bytes.
    pub digest: ResultDigest,
    /// Whether training diverged.
    pub diverged: bool,
}

/// The number of units in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All units.
    pub total: usize,
    /// Units that wait for a worker.
    pub waiting: usize,
    /// Leased units.
    pub leased: usize,
    /// Units with a result that is not a divergence.
    pub done: usize,
    /// Units with a result that diverged.
    pub diverged: usize,
    /// Units that are no longer tried, after too many errors or deaths of their workers.
    pub quarantined: usize,
    /// Units that an operator cancelled.
    pub cancelled: usize,
}

impl Counts {
    /// Whether every unit has ended.
    pub fn all_ended(&self) -> bool {
        self.waiting == 0 && self.leased == 0
    }
}

/// A new lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The unit's id.
    pub unit: UnitId,
    /// The attempt's number.
    pub attempt: u32,
}

/// The outcome of a renewal for the attempts that a worker reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Renewed {
    /// Attempts that are no longer wanted.
    pub dropped: Vec<(UnitId, u32)>,
    /// Attempts that are leased again after their lease had run out; no other worker had taken them.
    pub reclaimed: Vec<(UnitId, u32)>,
}

/// The outcome of a submitted result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubmitOutcome {
    /// The result is now the unit's: make it durable, then acknowledge it.
    Commit,
    /// The same result is already stored.
    Duplicate,
    /// Another result is already stored, and it remains.
    Conflict,
    /// The study has no such unit, or the attempt was never given out.
    Unknown,
}

/// The outcome of an attempt that ended without a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterFailure {
    /// The unit waits for its next attempt.
    Requeued,
    /// The unit is no longer tried.
    Quarantined,
    /// The attempt no longer held the lease; nothing changed.
    Stale,
}

/// An attempt whose lease was taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expired {
    /// The unit's id.
    pub unit: UnitId,
    /// The attempt's number.
    pub attempt: u32,
    /// The former holder of the lease.
    pub worker: WorkerId,
    /// Whether the unit was in training, so that its worker's death counts against it.
    pub charged: bool,
    /// The outcome for the unit.
    pub after: AfterFailure,
}

/// A pause, during which no units are given out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// The reason, as text for people.
    pub reason: String,
    /// Whether an operator paused the study.
    pub by_hand: bool,
}

impl std::fmt::Display for Pause {
    /// Examples: "paused by hand: the file server is moved"; without a reason, "paused by hand".
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.by_hand { "paused by hand" } else { "paused" })?;
        if self.reason.is_empty() { Ok(()) } else { write!(f, ": {}", self.reason) }
    }
}
