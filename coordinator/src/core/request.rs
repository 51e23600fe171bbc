//! What the core can be asked.

use std::path::PathBuf;

use seedgrid_common::{
    training::{EpochMetrics, UnitResult},
    unit::{Unit, UnitId},
    wire::{
        blob::{BlobDigest, CheckpointRef, Content},
        v1,
    },
};
use tokio::sync::oneshot;

use crate::{
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
        reply: oneshot::Sender<Result<bool, Unregistered>>,
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

/// The worker is not known (any more): it must register first.
#[derive(Clone, Copy, Debug)]
pub struct Unregistered;
