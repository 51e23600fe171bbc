//! A worker's next actions, and the reasons for its end.

use std::sync::Arc;

use seedgrid_common::{unit::Attempt, wire::v1::Failure};

use crate::lifecycle::attempt::{Assignment, Submission};

/// One action of a worker.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Connect and register, as often as needed; ends in [`Event::Registered`](super::Event::Registered).
    Connect,
    /// Ask the coordinator for units.
    Pull {
        /// Most units of the answer, 1 or more.
        units_max: u32,
    },
    /// Cancel a pull under way. The leave call gives back any units of its answer.
    StopPulling,
    /// Train in this free slot.
    Start {
        /// The slot's index, from 0.
        slot: usize,
        /// The attempt and its unit.
        assignment: Assignment,
    },
    /// Stop the training in this slot soon. Ends in [`Event::Ended`](super::Event::Ended) like any other.
    Stop {
        /// The slot's index, from 0.
        slot: usize,
        /// Whether to save its state, so that another attempt can continue from it.
        save: bool,
    },
    /// Hand over attempts and take units in the same exchange; ends in [`Event::Submitted`](super::Event::Submitted) or
    /// [`Event::LinkLost`](super::Event::LinkLost).
    Submit {
        /// The call's number, which its answer repeats.
        call: u64,
        /// The attempts, 1 or more, each with its outcome and training time. One with a blob is alone.
        attempts: Vec<(Attempt, Arc<Submission>)>,
        /// Most units of the answer; may be 0.
        units_max: u32,
    },
    /// Send the leave call; ends in [`Event::Left`](super::Event::Left).
    Leave {
        /// The reason, for people.
        reason: &'static str,
    },
    /// The worker ends. No action follows.
    Exit {
        /// The reason.
        ending: Ending,
        /// The number of finished attempts that were never acknowledged.
        unacknowledged: usize,
    },
}

/// The reason for a worker's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Every unit has ended.
    StudyDone,
    /// The coordinator drains the study and assigns no more units.
    Drained,
    /// A signal told the worker to stop.
    Terminated,
    /// The time limit came near.
    TimeLimit,
    /// The worker held nothing for too long.
    Idle,
    /// This program computes other results than the coordinator expects.
    Incompatible(String),
    /// The coordinator could not be reached for too long.
    Unreachable,
}

impl Ending {
    /// The reason in the leave call.
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

    /// The failure under which held units are given back. None: they are no longer wanted.
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
