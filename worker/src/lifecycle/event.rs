//! The events of a worker.

use seedgrid_common::{unit::Attempt, wire::v1::StudyState};

use crate::lifecycle::attempt::{Assignment, Receipt, SlotOutcome};

/// One event.
#[derive(Clone, Debug)]
pub enum Event {
    /// The coordinator accepted this worker over a new connection. Each has a larger generation.
    Registered {
        /// The connection's generation.
        generation: u64,
        /// Held attempts that are no longer wanted.
        dropped: Vec<Attempt>,
    },
    /// The connection failed, or the coordinator no longer knows this worker.
    LinkLost {
        /// The connection's generation.
        generation: u64,
    },
    /// The coordinator answered a pull.
    Pulled {
        /// The connection's generation.
        generation: u64,
        /// The leased units.
        assignments: Vec<Assignment>,
        /// The study's state.
        state: StudyState,
    },
    /// The coordinator answered a heartbeat.
    Beaten {
        /// The connection's generation.
        generation: u64,
        /// Held attempts that are no longer wanted.
        dropped: Vec<Attempt>,
        /// The study's state.
        state: StudyState,
    },
    /// A slot's attempt ended; the slot is free.
    Ended {
        /// The slot's index, from 0.
        slot: usize,
        /// The attempt's outcome.
        outcome: SlotOutcome,
        /// Wall time of training, including the earlier attempts that it continued.
        train_seconds: f64,
    },
    /// The coordinator answered a submit.
    Submitted {
        /// The connection's generation.
        generation: u64,
        /// The call's number.
        call: u64,
        /// The attempts of the call, each with its receipt.
        receipts: Vec<(Attempt, Receipt)>,
        /// The leased units.
        assignments: Vec<Assignment>,
        /// The study's state.
        state: StudyState,
    },
    /// The coordinator sent units that this program would compute differently: it must not train for it.
    Incompatible {
        /// The difference.
        detail: String,
        /// The attempts leased with them.
        attempts: Vec<Attempt>,
    },
    /// A signal told the worker to stop.
    Told,
    /// The leave call was answered, or failed.
    Left,
    /// Some time passed.
    Tick,
}
