//! What the core can be asked.

use std::path::PathBuf;

use seedgrid_common::{
    join::{Role, TokenDigest},
    training::{EpochMetrics, UnitResult},
    unit::{Unit, UnitId},
    wire::{
        blob::{BlobDigest, CheckpointRef, Content},
        limits, v1,
    },
};
use tokio::sync::oneshot;

use crate::{
    auth::NotEnrolled,
    scheduler::{
        attempt_ending::AttemptEnding,
        queue::{FailureKind, Pause, WorkerId},
        retry::{NotRetried, Retry},
    },
    store::KnownToken,
};

/// What the core can be asked. Everything in it has been checked against the wire's limits.
#[derive(Debug)]
pub enum Request {
    /// A worker introduces itself, with what it holds.
    Register {
        /// Who.
        worker: WorkerId,
        /// What it is.
        info: Box<v1::WorkerInfo>,
        /// Attempts that it holds.
        held: Vec<(UnitId, u32)>,
        /// The answer.
        reply: oneshot::Sender<Result<Registered, NotRegistered>>,
    },
    /// A worker wants units.
    Pull {
        /// Who.
        worker: WorkerId,
        /// How many at most.
        max: usize,
        /// The answer.
        reply: oneshot::Sender<Result<Pulled, Unregistered>>,
    },
    /// A worker is alive and holds these.
    Heartbeat {
        /// Who.
        worker: WorkerId,
        /// Attempts that it holds.
        held: Vec<(UnitId, u32)>,
        /// The answer.
        reply: oneshot::Sender<Result<Heard, Unregistered>>,
    },
    /// Training has begun, or what an epoch showed; needs no answer.
    Metrics {
        /// Who.
        worker: WorkerId,
        /// The unit.
        unit: UnitId,
        /// The attempt's number.
        attempt: u32,
        /// What it showed; None: training has begun.
        metrics: Option<EpochMetrics>,
    },
    /// An attempt ended.
    Submit {
        /// Who.
        worker: WorkerId,
        /// The unit.
        unit: UnitId,
        /// The attempt's number.
        attempt: u32,
        /// How it ended.
        outcome: Outcome,
        /// How long it took.
        train_seconds: f64,
        /// In which class it was computed.
        numerics_class: String,
        /// Of the weights that belong to the result, if there are any.
        weights: Option<BlobDigest>,
        /// What was logged meanwhile; may be empty.
        log: String,
        /// The answer.
        reply: oneshot::Sender<Result<v1::SubmitOutcome, NotSubmitted>>,
    },
    /// A worker's trainer ended unexpectedly.
    Lost {
        /// Whose.
        worker: WorkerId,
        /// How.
        ending: AttemptEnding,
        /// What it says about what was in training.
        blame: FailureKind,
        /// For people.
        detail: String,
        /// What was in training.
        training: Vec<(UnitId, u32)>,
        /// What it held besides.
        held: Vec<(UnitId, u32)>,
        /// The last lines that it wrote.
        log: String,
        /// The answer.
        reply: oneshot::Sender<()>,
    },
    /// What people's commands ask.
    Steer(Steering),
    /// Failed units are to be tried again.
    Retry {
        /// Which; none: all.
        units: Vec<UnitId>,
        /// The answer.
        reply: oneshot::Sender<Result<Retry, NotRetried>>,
    },
    /// A worker has a blob of an attempt to hand over.
    OfferBlob {
        /// Who.
        worker: WorkerId,
        /// The unit.
        unit: UnitId,
        /// The attempt's number.
        attempt: u32,
        /// What it is.
        content: Content,
        /// The answer: whether it is wanted.
        reply: oneshot::Sender<Result<bool, NotTaken>>,
    },
    /// A blob has arrived and is durable.
    BlobArrived {
        /// From whom.
        worker: WorkerId,
        /// The unit.
        unit: UnitId,
        /// The attempt's number.
        attempt: u32,
        /// What it is.
        content: Content,
        /// Of the file.
        digest: BlobDigest,
        /// Its length.
        bytes: u64,
        /// The answer: whether it is kept.
        reply: oneshot::Sender<bool>,
    },
    /// A worker wants the checkpoint of an attempt's unit.
    FindCheckpoint {
        /// Who.
        worker: WorkerId,
        /// The unit.
        unit: UnitId,
        /// The attempt's number.
        attempt: u32,
        /// The answer: its file. None: there is none for this worker.
        reply: oneshot::Sender<Option<(PathBuf, CheckpointRef)>>,
    },
    /// A worker says goodbye.
    Leave {
        /// Who.
        worker: WorkerId,
        /// Why, for people.
        reason: String,
        /// The answer.
        reply: oneshot::Sender<()>,
    },
    /// A worker makes a secret its own.
    Enroll {
        /// Who.
        worker: WorkerId,
        /// Of the secret.
        digest: TokenDigest,
        /// The answer.
        reply: oneshot::Sender<Result<(), NotEnrolled>>,
    },
    /// A role has another token from now on.
    SetToken {
        /// Whose.
        role: Role,
        /// What is known of it.
        token: KnownToken,
        /// The answer.
        reply: oneshot::Sender<()>,
    },
    /// A worker is to stay out.
    Revoke {
        /// Who.
        worker: WorkerId,
        /// The answer: how many leases were taken back. None: it has not enrolled.
        reply: oneshot::Sender<Option<u32>>,
    },
    /// The core is to end. What came before is committed and answered; what comes after is not.
    Stop,
}

/// How people steer a study.
#[derive(Debug)]
pub enum Steering {
    /// These units are not wanted.
    Cancel {
        /// Which.
        units: Vec<UnitId>,
        /// The answer: those that were not cancelled before.
        reply: oneshot::Sender<Result<Vec<UnitId>, NotCancelled>>,
    },
    /// No more units are given out from now on, to anybody or to one worker.
    Drain {
        /// To whom; None: anybody.
        worker: Option<WorkerId>,
        /// The answer; false: no such worker is there.
        reply: oneshot::Sender<bool>,
    },
    /// No more units are given out until people go on.
    Pause {
        /// Why.
        reason: String,
        /// The answer: what it is paused for now.
        reply: oneshot::Sender<Pause>,
    },
    /// Units are given out again.
    Resume {
        /// The answer: what kept them back.
        reply: oneshot::Sender<Resumed>,
    },
    /// Why a unit waits.
    WaitReason {
        /// Which.
        unit: UnitId,
        /// The answer, for people; None: it does not wait.
        reply: oneshot::Sender<Option<String>>,
    },
}

/// What kept units back until a study was resumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resumed {
    /// What it was paused for, if it was.
    pub pause: Option<Pause>,
    /// Whether it was drained.
    pub drained: bool,
}

/// A unit that cannot be cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotCancelled {
    /// The study has no such unit, or none yet.
    #[error("the study has no unit {0}, or none yet\n  hint: `seedgrid units RUN_DIR` names those that it has")]
    Unknown(UnitId),
    /// A race has not given it out, and perhaps never will.
    #[error("unit {0} is held back by a race\n  hint: wait until it is given out")]
    HeldBack(UnitId),
    /// It has a result, or failed for good.
    #[error("unit {0} has ended\n  hint: only units that wait or are in training can be cancelled")]
    Ended(UnitId),
}

/// How a submitted attempt ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// With a result.
    Result(UnitResult),
    /// Without one.
    Failure {
        /// How.
        ending: AttemptEnding,
        /// Whether it says something about the unit.
        blame: FailureKind,
        /// For people.
        detail: String,
    },
}

/// The answer to a registration.
#[derive(Debug)]
pub struct Registered {
    /// Held attempts that are no longer wanted.
    pub dropped: Vec<(UnitId, u32)>,
}

/// Why a worker is not registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRegistered {
    /// It was forgotten since the call was let in.
    #[error("the coordinator does not know this worker any more: enroll again")]
    Unknown,
    /// As many workers are there as the coordinator keeps track of, and all of them have a part in the study.
    #[error("{} workers are there, and no more can be; it may try again when some have left", limits::WORKERS_MAX)]
    TooMany,
}

/// The answer to a pull.
#[derive(Debug)]
pub struct Pulled {
    /// Leased from now on, durably.
    pub units: Vec<Given>,
    /// Where the study stands.
    pub state: v1::StudyState,
}

/// A unit that was leased.
#[derive(Debug)]
pub struct Given {
    /// Its id.
    pub id: UnitId,
    /// The attempt's number.
    pub attempt: u32,
    /// What is trained.
    pub unit: Unit,
    /// Whether its weights are wanted.
    pub keep_weights: bool,
    /// Where training can go on from.
    pub checkpoint: Option<CheckpointRef>,
}

/// The answer to a heartbeat.
#[derive(Debug)]
pub struct Heard {
    /// Held attempts that are no longer wanted.
    pub dropped: Vec<(UnitId, u32)>,
    /// Where the study stands.
    pub state: v1::StudyState,
}

/// Why an attempt's outcome is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSubmitted {
    /// There is no such unit, or the worker was never given this attempt.
    #[error("the study has no such unit, or never gave this attempt to this worker")]
    NeverGiven,
    /// The result's outputs are not those of the unit.
    #[error("outputs: the unit has {} rows of {} columns, and the result {} of {}", expected[0], expected[1], found[0], found[1])]
    Shape {
        /// Rows and columns that the unit has.
        expected: [usize; 2],
        /// Those of the result.
        found: [usize; 2],
    },
}

/// Why weights are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// The worker must register first.
    Unregistered,
    /// It was never given this attempt.
    NeverGiven,
}

/// The worker is not known (any more): it must register first.
#[derive(Clone, Copy, Debug)]
pub struct Unregistered;
