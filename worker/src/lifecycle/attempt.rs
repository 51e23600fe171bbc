//! A worker's data types: attempts, assignments, and their outcomes.

use std::sync::Arc;

use seedgrid_common::{
    training::{Ending, EpochMetrics, Progress, UnitResult},
    unit::{Attempt, Unit},
    wire::{
        blob::{Blob, CheckpointRef},
        limits,
        v1::Failure,
    },
};

/// An attempt that is leased to this worker, with its unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// The attempt.
    pub attempt: Attempt,
    /// The unit.
    pub unit: Arc<Unit>,
    /// Whether to hand over the trained weights as well.
    pub keep_weights: bool,
    /// The checkpoint to continue from, if an earlier attempt left one.
    pub checkpoint: Option<CheckpointRef>,
}

/// The state of a unit in training, on its way to the coordinator.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedState {
    /// The checkpoint's file.
    pub blob: Blob,
    /// The progress of training in it.
    pub progress: Progress,
}

/// The output of training.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// The unit's result.
    pub result: UnitResult,
    /// The file of its weights, if they are wanted and training did not diverge.
    pub weights: Option<Blob>,
}

/// The end of an attempt in its slot.
#[derive(Clone, Debug, PartialEq)]
pub enum SlotOutcome {
    /// Training ended with scores, or diverged.
    Finished(Output),
    /// Training was stopped; with its state if that was requested.
    Stopped(Option<SavedState>),
    /// An error or a panic, as a message for people.
    Failed(String),
}

/// The outcome of an attempt, for the coordinator.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The unit's result.
    Result(Output),
    /// The attempt has no result.
    Failure {
        /// The kind of failure.
        failure: Failure,
        /// A message for people, at most 4096 bytes.
        detail: String,
        /// The state from which the next attempt can continue.
        state: Option<SavedState>,
    },
}

impl Outcome {
    /// A failure with its detail cut to the wire's limit.
    pub fn failure(failure: Failure, detail: &str) -> Self {
        Self::Failure { failure, detail: cut(detail, limits::DETAIL_BYTES_MAX).to_owned(), state: None }
    }

    /// A failure of training with this error. Only the error's text shows that a device is out of memory.
    pub fn failed(detail: &str) -> Self {
        let words = detail.to_lowercase().replace('_', " ");
        Self::failure(if words.contains("out of memory") { Failure::OutOfMemory } else { Failure::Error }, detail)
    }

    /// The weights or the state that wait with it.
    pub fn blob(&self) -> Option<&Blob> {
        match self {
            Self::Result(output) => output.weights.as_ref(),
            Self::Failure { state, .. } => state.as_ref().map(|state| &state.blob),
        }
    }

    /// About how long it is in a message, in bytes, without a log.
    pub(super) fn message_bytes(&self) -> usize {
        match self {
            Self::Result(Output { result, .. }) => {
                let values = match &result.ending {
                    Ending::Done(scores) => scores.outputs.rows() * scores.outputs.columns(),
                    Ending::Diverged { .. } => 0,
                };
                size_of::<f32>() * values + size_of::<EpochMetrics>() * result.epochs.len()
            }
            Self::Failure { detail, .. } => detail.len(),
        }
    }
}

/// The data that the worker hands over for one attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Submission {
    /// The attempt's outcome.
    pub outcome: Outcome,
    /// Wall time of training, including the earlier attempts that it continued. 0 where it never started.
    pub train_seconds: f64,
}

/// The coordinator's answer to a submitted attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// It is acknowledged, or the study has no such unit: it need not be repeated.
    Settled,
    /// The coordinator could not use it, for this reason.
    Malformed(String),
}

/// The longest prefix of `text` that has at most `bytes` bytes and ends between characters.
pub fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn want_of_memory_is_told_from_other_errors() {
        let failure = |detail| match Outcome::failed(detail) {
            Outcome::Failure { failure, .. } => failure,
            Outcome::Result(_) => panic!("it failed"),
        };
        assert_eq!(failure("DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")"), Failure::OutOfMemory);
        assert_eq!(failure("CUDA_ERROR_OUT_OF_MEMORY"), Failure::OutOfMemory);
        assert_eq!(failure("shape mismatch in matmul"), Failure::Error);
    }

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(cut("short", 10), "short");
        assert_eq!(cut("aé", 2), "a");
        assert_eq!(cut("aé", 3), "aé");
        assert_eq!(cut("", 0), "");
    }
}
