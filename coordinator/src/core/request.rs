//! What the core can be asked.

use seedgrid_common::{
    training::{EpochMetrics, UnitResult},
    unit::{Unit, UnitId},
    wire::{blob::BlobDigest, v1},
};
use tokio::sync::oneshot;

use crate::{
    queue::{Blame, Pause, WorkerId},
    retrying::{NotRetried, Retry},
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
        reply: oneshot::Sender<Registered>,
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
        /// The answer; None: no such unit or attempt.
        reply: oneshot::Sender<Option<v1::SubmitOutcome>>,
    },
    /// A worker's trainer ended unexpectedly.
    Lost {
        /// Whose.
        worker: WorkerId,
        /// One of the words in the store's schema.
        ending: &'static str,
        /// What it says about what was in training.
        blame: Blame,
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
    /// A worker has an attempt's weights to hand over.
    OfferWeights {
        /// Who.
        worker: WorkerId,
        /// The unit.
        unit: UnitId,
        /// The attempt's number.
        attempt: u32,
        /// The answer: whether they are wanted.
        reply: oneshot::Sender<Result<bool, Unregistered>>,
    },
    /// Weights have arrived and are durable.
    WeightsArrived {
        /// The unit.
        unit: UnitId,
        /// The attempt's number.
        attempt: u32,
        /// Of the file.
        digest: BlobDigest,
        /// Its length.
        bytes: u64,
        /// The answer.
        reply: oneshot::Sender<()>,
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
        /// The answer: what it was paused for.
        reply: oneshot::Sender<Option<Pause>>,
    },
    /// Why a unit waits.
    Why {
        /// Which.
        unit: UnitId,
        /// The answer, for people; None: it does not wait.
        reply: oneshot::Sender<Option<String>>,
    },
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
        /// One of the words in the store's schema.
        ending: &'static str,
        /// Whether it says something about the unit.
        blame: Blame,
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

/// The answer to a pull.
#[derive(Debug)]
pub struct Pulled {
    /// Leased from now on, durably: each with its attempt's number, and whether its weights are wanted.
    pub units: Vec<(UnitId, u32, Unit, bool)>,
    /// Where the study stands.
    pub state: v1::StudyState,
}

/// The answer to a heartbeat.
#[derive(Debug)]
pub struct Heard {
    /// Held attempts that are no longer wanted.
    pub dropped: Vec<(UnitId, u32)>,
    /// Where the study stands.
    pub state: v1::StudyState,
}

/// The worker is not known (any more): it must register first.
#[derive(Clone, Copy, Debug)]
pub struct Unregistered;
