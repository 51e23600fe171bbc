//! What a worker does next, and why its life ends.

use std::sync::Arc;

use seedgrid_common::wire::v1::Failure;

use crate::lifecycle::attempt::{Assignment, Attempt, Submission};

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Connect and register, as often as needed; ends in [`Event::Registered`](super::Event::Registered).
    Connect,
    /// Ask for units.
    Pull {
        /// At most this many, 1 or more.
        units_max: u32,
    },
    /// Ask for units no more, if that is still under way: what may come of it is given back by the goodbye.
    StopPulling,
    /// Train in this slot, which is free.
    Start {
        /// The slot, 0-based.
        slot: usize,
        /// What to train.
        assignment: Assignment,
    },
    /// Stop what this slot trains, soon. Ends in [`Event::Ended`](super::Event::Ended) like any other.
    Stop {
        /// The slot, 0-based.
        slot: usize,
        /// Whether its state is wanted, so that another attempt can go on from there.
        save: bool,
    },
    /// Hand over; ends in [`Event::Settled`](super::Event::Settled), [`Event::Malformed`](super::Event::Malformed) or [`Event::LinkLost`](super::Event::LinkLost).
    Submit {
        /// The attempt.
        attempt: Attempt,
        /// What is handed over.
        submission: Arc<Submission>,
    },
    /// Say goodbye; ends in [`Event::Left`](super::Event::Left).
    Leave {
        /// For people.
        reason: &'static str,
    },
    /// The worker's life is over. Nothing follows.
    Exit {
        /// Why.
        ending: Ending,
        /// How many finished attempts were never acknowledged.
        unacknowledged: usize,
    },
}

/// Why a worker's life ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Every unit has ended.
    StudyDone,
    /// The coordinator gives nothing out any more.
    Drained,
    /// Told to stop.
    Terminated,
    /// The time limit came near.
    TimeLimit,
    /// Nothing to do for too long.
    Idle,
    /// This program computes other results than the coordinator's expects.
    Incompatible(String),
    /// The coordinator could not be reached for too long.
    Unreachable,
}

impl Ending {
    /// For the goodbye.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::StudyDone => "study done",
            Self::Drained => "drained",
            Self::Terminated => "terminated",
            Self::TimeLimit => "time limit",
            Self::Idle => "idle",
            Self::Incompatible(_) => "incompatible",
            Self::Unreachable => "coordinator unreachable",
        }
    }

    /// What becomes of units that are still held. None: nobody wants them any more.
    pub(super) fn give_back(&self) -> Option<Failure> {
        match self {
            Self::StudyDone => None,
            Self::TimeLimit => Some(Failure::OutOfTime),
            Self::Drained | Self::Terminated | Self::Idle | Self::Incompatible(_) | Self::Unreachable => {
                Some(Failure::Preempted)
            }
        }
    }
}
