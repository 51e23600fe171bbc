//! The requests to the core.

use std::path::PathBuf;

use seedgrid_common::{
    join::{Role, TokenDigest},
    made_up_results::ResultKind,
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
        queue::{Millis, Pause, WorkerId},
        retry::{NotRetried, Retry},
    },
    store::KnownToken,
};

/// A request to the core. Everything in it has been checked against the limits of the protocol.
#[derive(Debug)]
pub enum Request {
    /// A worker registers with the attempts that it holds.
    Register {
        /// The worker's id.
        worker: WorkerId,
        /// The worker's description.
        info: Box<v1::WorkerInfo>,
        /// The attempts that it holds.
        held: Vec<(UnitId, u32)>,
        /// The answer.
        reply: oneshot::Sender<Result<Registered, NotRegistered>>,
    },
    /// A worker asks for units.
    Pull {
        /// The worker's id.
        worker: WorkerId,
        /// The largest number of units.
        max: usize,
        /// How long to wait for the first one.
        patience: Millis,
        /// The answer.
        reply: oneshot::Sender<Result<Pulled, Unregistered>>,
    },
    /// A worker reports that it is alive and holds these attempts.
    Heartbeat {
        /// The worker's id.
        worker: WorkerId,
        /// The attempts that it holds.
        held: Vec<(UnitId, u32)>,
        /// The answer.
        reply: oneshot::Sender<Result<Heard, Unregistered>>,
    },
    /// Training has begun, or an epoch has ended; needs no answer.
    Metrics {
        /// The worker's id.
        worker: WorkerId,
        /// The unit.
        unit: UnitId,
        /// The attempt's number.
        attempt: u32,
        /// The epoch's metrics; None if training has begun.
        metrics: Option<EpochMetrics>,
    },
    /// Attempts ended, and the worker asks for units without waiting for any.
    Submit {
        /// The worker's id.
        worker: WorkerId,
        /// The attempts.
        attempts: Vec<FinishedAttempt>,
        /// The numerics class of the computation.
        numerics_class: String,
        /// The largest number of units; may be 0.
        max: usize,
        /// The answer.
        reply: oneshot::Sender<Submitted>,
    },
    /// A worker's trainer process ended unexpectedly.
    Lost {
        /// The worker's id.
        worker: WorkerId,
        /// The ending of the attempts.
        ending: AttemptEnding,
        /// The error's text, for people.
        detail: String,
        /// The attempts in training.
        training: Vec<(UnitId, u32)>,
        /// The other attempts that it held.
        held: Vec<(UnitId, u32)>,
        /// The last log lines of the process.
        log: String,
        /// The answer.
        reply: oneshot::Sender<()>,
    },
    /// A request of an operator's command.
    Steer(Steering),
    /// Retries failed units.
    Retry {
        /// The units' ids; if empty, all failed units.
        units: Vec<UnitId>,
        /// The answer.
        reply: oneshot::Sender<Result<Retry, NotRetried>>,
    },
    /// A worker offers a blob of an attempt.
    OfferBlob {
        /// The worker's id.
        worker: WorkerId,
        /// The unit.
        unit: UnitId,
        /// The attempt's number.
        attempt: u32,
        /// The kind of the blob.
        content: Content,
        /// The answer: whether it is wanted.
        reply: oneshot::Sender<Result<bool, NotTaken>>,
    },
    /// A blob was received and is durable.
    BlobArrived {
        /// The worker's id.
        worker: WorkerId,
        /// The unit.
        unit: UnitId,
        /// The attempt's number.
        attempt: u32,
        /// The kind of the blob.
        content: Content,
        /// The digest of the file.
        digest: BlobDigest,
        /// The length of the file, in bytes.
        bytes: u64,
        /// The answer: whether it is kept.
        reply: oneshot::Sender<bool>,
    },
    /// A worker asks for the checkpoint of an attempt's unit.
    FindCheckpoint {
        /// The worker's id.
        worker: WorkerId,
        /// The unit.
        unit: UnitId,
        /// The attempt's number.
        attempt: u32,
        /// The answer: the checkpoint's file; None if there is none for this worker.
        reply: oneshot::Sender<Option<(PathBuf, CheckpointRef)>>,
    },
    /// A worker leaves.
    Leave {
        /// The worker's id.
        worker: WorkerId,
        /// The reason, as text for people.
        reason: String,
        /// The answer.
        reply: oneshot::Sender<()>,
    },
    /// A worker enrolls with a secret.
    Enroll {
        /// The worker's id.
        worker: WorkerId,
        /// The digest of the secret.
        digest: TokenDigest,
        /// The answer.
        reply: oneshot::Sender<Result<(), NotEnrolled>>,
    },
    /// Sets a role's new token.
    SetToken {
        /// The role of the token.
        role: Role,
        /// The entry of the token.
        token: KnownToken,
        /// The answer.
        reply: oneshot::Sender<()>,
    },
    /// Revokes a worker.
    Revoke {
        /// The worker's id.
        worker: WorkerId,
        /// The answer: the number of leases that were taken back; None if it has not enrolled.
        reply: oneshot::Sender<Option<u32>>,
    },
    /// Ends the core. Earlier requests are committed and answered; later ones are not.
    Stop,
}

/// An operator's control of a study.
#[derive(Debug)]
pub enum Steering {
    /// Cancels units.
    Cancel {
        /// The units' ids.
        units: Vec<UnitId>,
        /// The answer: the units that were not cancelled before.
        reply: oneshot::Sender<Result<Vec<UnitId>, NotCancelled>>,
    },
    /// Gives out no more units, to any worker or to one worker.
    Drain {
        /// The worker's id; None for all workers.
        worker: Option<WorkerId>,
        /// The answer; false if the worker is not registered.
        reply: oneshot::Sender<bool>,
    },
    /// Pauses the study: gives out no more units until an operator resumes it.
    Pause {
        /// The reason.
        reason: String,
        /// The answer: the present pause.
        reply: oneshot::Sender<Pause>,
    },
    /// Resumes the study.
    Resume {
        /// The answer: the former pause or drain.
        reply: oneshot::Sender<Resumed>,
    },
    /// Asks for the reason of a unit's wait.
    WaitReason {
        /// The unit's id.
        unit: UnitId,
        /// The answer, as text for people; None if the unit does not wait.
        reply: oneshot::Sender<Option<String>>,
    },
}

/// The state of a study before it was resumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resumed {
    /// The former pause, if it was paused.
    pub pause: Option<Pause>,
    /// Whether it was drained.
    pub drained: bool,
}

/// A unit that cannot be cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum NotCancelled {
    /// The study has no such unit, or none yet.
    #[error("the study has no unit {0}, or none yet")]
    #[diagnostic(help("`seedgrid units RUN_DIR` names those that it has"))]
    Unknown(UnitId),
    /// A race holds the unit back and may skip it.
    #[error("unit {0} is held back by a race")]
    #[diagnostic(help("wait until it is given out"))]
    HeldBack(UnitId),
    /// The unit has a result, or failed for good.
    #[error("unit {0} has ended")]
    #[diagnostic(help("only units that wait or are in training can be cancelled"))]
    Ended(UnitId),
}

/// An attempt that ended.
#[derive(Clone, Debug)]
pub struct FinishedAttempt {
    /// The unit.
    pub unit: UnitId,
    /// The attempt's number.
    pub attempt: u32,
    /// The outcome of the attempt.
    pub outcome: Outcome,
    /// The duration of training, in seconds.
    pub train_seconds: f64,
    /// The digest of the result's weights, if there are any.
    pub weights: Option<BlobDigest>,
    /// The log lines of the attempt; may be empty.
    pub log: String,
}

/// The outcome of a submitted attempt.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The attempt has a result.
    Result(UnitResult),
    /// The attempt has no result.
    Failure {
        /// The ending of the attempt.
        ending: AttemptEnding,
        /// The error's text, for people.
        detail: String,
    },
}

/// The answer to a registration.
#[derive(Debug)]
pub struct Registered {
    /// Held attempts that are no longer wanted.
    pub dropped: Vec<(UnitId, u32)>,
}

/// The reason for a refused registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRegistered {
    /// The worker was forgotten after its call was authenticated.
    #[error("the coordinator does not know this worker any more: enroll again")]
    Unknown,
    /// The coordinator has its largest number of workers, and all of them have a part in the study.
    #[error(
        "{} workers are registered, which is the largest number; this worker may try again when others have left",
        limits::WORKERS_MAX
    )]
    TooMany,
    /// It makes its results up and the study is trained, or the other way round.
    #[error("the study takes {study} results, and this worker gives {worker} ones")]
    OtherResults {
        /// Which results the study takes.
        study: ResultKind,
        /// Which results the worker gives.
        worker: ResultKind,
    },
}

/// The answer to a pull.
#[derive(Debug)]
pub struct Pulled {
    /// Units that are now leased, durably.
    pub units: Vec<Given>,
    /// The study's state.
    pub state: v1::StudyState,
}

/// The answer to a submit.
#[derive(Debug)]
pub struct Submitted {
    /// One entry for each attempt, in the order of the request.
    pub receipts: Vec<Result<v1::SubmitOutcome, NotSubmitted>>,
    /// Units that are now leased, and the study's state.
    pub pulled: Pulled,
}

/// A leased unit.
#[derive(Debug)]
pub struct Given {
    /// The unit's id.
    pub id: UnitId,
    /// The attempt's number.
    pub attempt: u32,
    /// The unit's content.
    pub unit: Unit,
    /// Whether its weights must be uploaded.
    pub keep_weights: bool,
    /// The checkpoint from which training can continue.
    pub checkpoint: Option<CheckpointRef>,
}

/// The answer to a heartbeat.
#[derive(Debug)]
pub struct Heard {
    /// Held attempts that are no longer wanted.
    pub dropped: Vec<(UnitId, u32)>,
    /// The study's state.
    pub state: v1::StudyState,
}

/// The reason for a refused outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSubmitted {
    /// The unit does not exist, or the worker was never given this attempt.
    #[error("the study has no such unit, or never gave this attempt to this worker")]
    NeverGiven,
    /// The result's outputs do not have the unit's shape.
    #[error("outputs: the unit has {} rows of {} columns, and the result {} of {}", expected[0], expected[1], found[0], found[1])]
    Shape {
        /// Rows and columns of the unit's outputs.
        expected: [usize; 2],
        /// Rows and columns of the result's outputs.
        found: [usize; 2],
    },
    /// The result is made up and the study is trained, or the other way round.
    #[error("the study takes {study} results, and this one is {result}")]
    OtherResults {
        /// Which results the study takes.
        study: ResultKind,
        /// Which one came.
        result: ResultKind,
    },
}

/// The reason for refused weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// The worker must register first.
    Unregistered,
    /// The worker was never given this attempt.
    NeverGiven,
}

/// The error for a worker that is not registered (any more): it must register first.
#[derive(Clone, Copy, Debug)]
pub struct Unregistered;
