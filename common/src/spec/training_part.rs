//! The number of pairs that a unit is trained on.

use super::Evaluation;

/// The pairs that a unit is trained on.
#[derive(Clone, Copy)]
pub(super) struct TrainingPart {
    /// Number of pairs in the smallest part.
    pub(super) pairs: u64,
    /// Number of folds; None for the hold-out.
    pub(super) folds: Option<u32>,
}

impl TrainingPart {
    /// The pairs that remain without the largest fold.
    pub(super) fn new(train_pairs: u32, evaluation: Evaluation) -> Self {
        let pairs = u64::from(train_pairs);
        match evaluation {
            Evaluation::Holdout => Self { pairs, folds: None },
            Evaluation::Folds(folds) => Self { pairs: pairs - pairs.div_ceil(u64::from(folds)), folds: Some(folds) },
        }
    }
}
