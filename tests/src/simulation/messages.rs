//! The messages between workers and the coordinator.

use std::sync::Arc;

use seedgrid_common::{
    unit::{Attempt, UnitId},
    wire::v1::{StudyState, SubmitOutcome},
};
use seedgrid_coordinator::{core::Given, scheduler::queue::WorkerId};
use seedgrid_worker::lifecycle::attempt::Submission;

/// The sender that waits for an answer: a worker in one of its lives, over one of its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) worker: usize,
    pub(super) life: u64,
    /// The number of the connection, or of the pending registration.
    pub(super) link: u64,
}

/// A call in transit.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) from: Address,
    pub(super) id: WorkerId,
    pub(super) what: What,
}

/// The content of a call.
#[derive(Clone, Debug)]
pub(super) enum What {
    Register { held: Vec<Attempt> },
    Pull { max: u32 },
    Beat { held: Vec<Attempt> },
    Began { attempt: Attempt },
    Submit { call: u64, attempts: Vec<(Attempt, Arc<Submission>)>, max: u32 },
    Lost { training: Vec<Attempt>, held: Vec<Attempt> },
    Leave,
}

impl What {
    /// The call's name in traces.
    pub(super) fn name(&self) -> String {
        let short = |attempt: &Attempt| format!("{}#{}", &attempt.unit.to_string()[..6], attempt.number);
        let all = |held: &[Attempt]| held.iter().map(short).collect::<Vec<_>>().join(" ");
        match self {
            Self::Register { held } => format!("register [{}]", all(held)),
            Self::Pull { max } => format!("pull {max}"),
            Self::Beat { held } => format!("beat [{}]", all(held)),
            Self::Began { attempt } => format!("began {}", short(attempt)),
            Self::Submit { attempts, max, .. } => {
                let attempts: Vec<Attempt> = attempts.iter().map(|(attempt, _)| *attempt).collect();
                format!("submit [{}] and take {max}", all(&attempts))
            }
            Self::Lost { training, held } => format!("lost [{}] [{}]", all(training), all(held)),
            Self::Leave => "leave".to_owned(),
        }
    }
}

/// The content of an answer.
#[derive(Debug)]
pub(super) enum Answer {
    Registered {
        dropped: Vec<(UnitId, u32)>,
    },
    /// The coordinator does not know the worker, or is dead.
    Refused,
    Pulled {
        units: Vec<Given>,
        state: StudyState,
    },
    Beaten {
        dropped: Vec<(UnitId, u32)>,
        state: StudyState,
    },
    Submitted {
        call: u64,
        outcomes: Vec<(Attempt, SubmitOutcome)>,
        units: Vec<Given>,
        state: StudyState,
    },
    Left,
}
