//! The rules of training and its results, as plain data.

mod stop_rule;

use serde::{Deserialize, Serialize};

pub use stop_rule::{StopLoss, StopRule};

use crate::network_outputs::Outputs;

/// The way in which pixel values (0..=255) become network inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Normalize {
    /// Unchanged.
    None,
    /// Divided by 255.
    Scale,
    /// `(x - mean) / deviation`, with one mean and one (population) deviation over all pixels that are trained on.
    Standardize,
}

impl Normalize {
    /// Every variant, in the order of listings.
    pub const ALL: [Self; 3] = [Self::None, Self::Scale, Self::Standardize];

    /// The name in a spec.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Scale => "scale",
            Self::Standardize => "standardize",
        }
    }

    /// The variant with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|normalize| normalize.name() == name)
    }
}

/// The progress of a training when its state was saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Progress {
    /// Number of whole epochs.
    pub epochs: u32,
    /// Number of batches of the epoch under way.
    pub batches: u32,
    /// Wall time of training until then, in seconds, over all attempts that led there.
    pub seconds: f64,
}

/// The metrics of one epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochMetrics {
    /// The epoch's number, from 1.
    pub epoch: u32,
    /// Mean of the minimised loss, with dropout active, weighted by batch size.
    pub train_loss: f64,
    /// Share of training pairs classified wrongly in passing, with dropout active.
    pub train_error: f64,
    /// Share of the fold's validation pairs classified wrongly after the epoch. None for the hold-out.
    pub validation_error: Option<f64>,
}

/// A unit's final result. Deterministic within a numerics class: it holds no times and no hosts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UnitResult {
    /// Every epoch from the first, without gaps.
    pub epochs: Vec<EpochMetrics>,
    /// The ending of training.
    pub ending: Ending,
}

/// The ending of a training that produced a result.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// The network was trained to the end and scored.
    Done(Scores),
    /// A loss became NaN or infinite in this epoch. Final: the unit is never retried, and the machine is not at fault.
    Diverged {
        /// The epoch's number, from 1.
        epoch: u32,
    },
}

/// The one scoring of a trained network, on the test pairs (hold-out) or the fold's validation pairs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scores {
    /// Whether the stopping rule ended training; false where `max_epochs` ended it first.
    pub converged: bool,
    /// The comparison's logits of each scored pair, in order: class 0, then class 1 (first digit <= second).
    pub outputs: Outputs,
    /// The number of wrongly classified pairs, by [`classification::class`](crate::classification::class).
    pub wrong: u32,
    /// Mean cross-entropy of the comparison.
    pub loss: f64,
}

impl Scores {
    /// Share of the scored pairs that were wrongly classified.
    pub fn error(&self) -> f64 {
        f64::from(self.wrong) / self.outputs.rows() as f64
    }
}
