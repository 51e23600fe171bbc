//! What the core can be asked.

use seedgrid_common::{
    join::{Role, TokenDigest},
    training::{EpochMetrics, UnitResult},
    unit::{Unit, UnitId},
    wire::{blob::BlobDigest, v1},
};
use tokio::sync::oneshot;

use crate::{
    door::{KnownToken, NotEnrolled},
    queue::{Blame, WorkerId},
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
        /// The answer; None: no such unit or attempt.
        reply: oneshot::Sender<Option<v1::SubmitOutcome>>,
    },
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
        reply: oneshot::Sender<Result<bool, NotTaken>>,
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
    /// No more units are given out from now on.
    Drain {
        /// The answer.
        reply: oneshot::Sender<()>,
    },
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
