//! The nouns of a worker: attempts, what was assigned, and what came out of it.

use std::{fmt, sync::Arc};

use seedgrid_common::{
    training::{Progress, UnitResult},
    unit::{Unit, UnitId},
    wire::{
        blob::{Blob, CheckpointRef},
        convert::{self, Malformed},
        limits,
        v1::{self, Failure},
    },
};

/// One execution of a unit. The number only grows and fences late messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attempt {
    /// What is trained.
    pub unit: UnitId,
    /// 1-based.
    pub number: u32,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.unit, self.number)
    }
}

impl From<Attempt> for v1::AttemptId {
    fn from(attempt: Attempt) -> Self {
        convert::attempt_id(attempt.unit, attempt.number)
    }
}

impl TryFrom<v1::AttemptId> for Attempt {
    type Error = Malformed;

    fn try_from(id: v1::AttemptId) -> Result<Self, Malformed> {
        let (unit, number) = convert::attempt(id)?;
        Ok(Self { unit, number })
    }
}

/// An attempt that is leased to this worker, with its unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// Which attempt.
    pub attempt: Attempt,
    /// What to train.
    pub unit: Arc<Unit>,
    /// Whether its trained weights are handed over as well.
    pub keep_weights: bool,
    /// Where training can go on from, if an earlier attempt has left that.
    pub checkpoint: Option<CheckpointRef>,
}

/// The state of a unit in training, on its way to the coordinator.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedState {
    /// The checkpoint's file.
    pub blob: Blob,
    /// How far training had come.
    pub progress: Progress,
}

/// What training gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// The unit's result.
    pub result: UnitResult,
    /// The file of its weights, where they are wanted and training did not diverge.
    pub weights: Option<Blob>,
}

/// How an attempt ended in its slot.
#[derive(Clone, Debug, PartialEq)]
pub enum SlotOutcome {
    /// Trained to an end: scored, or diverged.
    Finished(Output),
    /// Stopped when it was told to, with its state where that was asked for.
    Stopped(Option<SavedState>),
    /// An error or a panic, for people.
    Failed(String),
}

/// What the coordinator is told about an attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The unit's result.
    Result(Output),
    /// There is none.
    Failure {
        /// Why.
        failure: Failure,
        /// For people, at most 4096 bytes.
        detail: String,
        /// From where the next attempt can go on.
        state: Option<SavedState>,
    },
}

impl Outcome {
    /// A failure whose detail is cut to what the wire allows.
    pub fn failure(failure: Failure, detail: &str) -> Self {
        Self::Failure { failure, detail: cut(detail, limits::DETAIL_BYTES_MAX).to_owned(), state: None }
    }

    /// A failure of training with this error. Devices say in words only that they have no memory left.
    pub fn failed(detail: &str) -> Self {
        let words = detail.to_lowercase().replace('_', " ");
        Self::failure(if words.contains("out of memory") { Failure::OutOfMemory } else { Failure::Error }, detail)
    }

    /// How much memory the weights or the state that wait with it take, in bytes.
    pub fn blob_bytes(&self) -> usize {
        let blob = match self {
            Self::Result(output) => output.weights.as_ref(),
            Self::Failure { state, .. } => state.as_ref().map(|state| &state.blob),
        };
        blob.map_or(0, |blob| blob.bytes().len())
    }
}

/// What is handed over for one attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Submission {
    /// How it ended.
    pub outcome: Outcome,
    /// Wall time of training, with that of earlier attempts that it went on from. 0 where it never started.
    pub train_seconds: f64,
}

/// The longest start of `text` that has at most `bytes` bytes and ends between characters.
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
