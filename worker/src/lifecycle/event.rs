//! What can happen to a worker.

use seedgrid_common::wire::v1::StudyState;

use crate::lifecycle::attempt::{Assignment, Attempt, SlotOutcome};

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// The coordinator accepted this worker over a new connection; generations grow.
    Registered {
        /// The connection.
        generation: u64,
        /// Held attempts that are no longer wanted.
        dropped: Vec<Attempt>,
    },
    /// The connection failed, or the coordinator no longer knows this worker.
    LinkLost {
        /// The connection.
        generation: u64,
    },
    /// A pull was answered.
    Pulled {
        /// The connection.
        generation: u64,
        /// What was leased.
        assignments: Vec<Assignment>,
        /// Where the study stands.
        state: StudyState,
    },
    /// A heartbeat was answered.
    Beaten {
        /// The connection.
        generation: u64,
        /// Held attempts that are no longer wanted.
        dropped: Vec<Attempt>,
        /// Where the study stands.
        state: StudyState,
    },
    /// A slot's attempt came to an end; the slot is free.
    Ended {
        /// The slot, 0-based.
        slot: usize,
        /// How.
        outcome: SlotOutcome,
        /// Wall time of training, with that of earlier attempts that it went on from.
        train_seconds: f64,
    },
    /// A submit was acknowledged, or refused since the study has no such unit: either way it need not be repeated.
    Settled {
        /// The attempt.
        attempt: Attempt,
    },
    /// The coordinator could not read a submit.
    Malformed {
        /// The attempt.
        attempt: Attempt,
        /// What it said.
        detail: String,
    },
    /// Units came that this program would compute differently from the coordinator's: it must not train for it.
    Incompatible {
        /// What differs.
        detail: String,
        /// What was leased with them.
        attempts: Vec<Attempt>,
    },
    /// A person or the machine wants the worker to stop.
    Told,
    /// The goodbye was answered, or failed.
    Left,
    /// Time went by.
    Tick,
}
