//! The rules of training and its results, as plain data.

use serde::{Deserialize, Serialize};

use crate::outputs::Outputs;

/// When training ends. Epoch losses are means over the epoch's batches, weighted by the number of pairs in each.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StopRule {
    /// Converged after epoch `e` when `|loss(e) - loss(e - 1)| < loss_delta`.
    pub loss_delta: f64,
    /// Training ends after this many epochs, whether it has converged or not.
    pub max_epochs: u32,
    /// The rule is not checked before this many epochs have ended. 1: from the start (two losses are needed anyhow).
    pub min_epochs: u32,
    /// The number of epochs in a row for which the rule must hold. 1 is the paper's rule.
    pub patience: u32,
    /// The rule is not checked until an epoch's loss has fallen below `(1 - loss_drop)` times the first epoch's, so
    /// that it does not fire on the plateau before learning begins. 0: always checked, the paper's rule.
    pub loss_drop: f64,
    /// The loss of an epoch that `loss_delta` is compared with.
    pub loss: StopLoss,
}

/// The loss of an epoch that the stopping rule compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopLoss {
    /// The mean over the epoch's pairs.
    Mean,
    /// That mean times the number of batches, as in a program that adds up its batches' mean losses.
    BatchSum,
}

impl StopLoss {
    /// The name in a spec.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::BatchSum => "batch-sum",
        }
    }
}

impl StopRule {
    /// The paper's rule: two consecutive losses that differ by less than 0.001, after at most 300 epochs.
    pub const PAPER: Self =
        Self { loss_delta: 0.001, max_epochs: 300, min_epochs: 1, patience: 1, loss_drop: 0.0, loss: StopLoss::Mean };

    /// Whether the rule can end training before `max_epochs`: no difference is below 0.
    pub fn can_converge(&self) -> bool {
        self.loss_delta > 0.0
    }

    /// Whether training has converged, given every epoch's mean loss so far, in order, and the number of batches of an epoch.
    pub fn converged(&self, losses: &[f64], batches: usize) -> bool {
        let patience = self.patience.max(1) as usize;
        if losses.len() < self.min_epochs as usize || losses.len() <= patience {
            return false;
        }
        let scale = match self.loss {
            StopLoss::Mean => 1.0,
            StopLoss::BatchSum => batches as f64,
        };
        let left_plateau =
            self.loss_drop <= 0.0 || losses.iter().any(|loss| *loss < (1.0 - self.loss_drop) * losses[0]);
        left_plateau
            && losses[losses.len() - patience - 1..]
                .windows(2)
                .all(|pair| scale * (pair[1] - pair[0]).abs() < self.loss_delta)
    }
}

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
    /// The number of wrongly classified pairs, by [`decision::class`](crate::decision::class).
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

#[cfg(test)]
mod tests {
    use super::{StopLoss, StopRule};

    const PAPER: StopRule = StopRule::PAPER;

    #[test]
    fn the_papers_rule_compares_two_consecutive_losses() {
        assert!(!PAPER.converged(&[], 50));
        assert!(!PAPER.converged(&[0.7], 50));
        assert!(!PAPER.converged(&[0.7, 0.6], 50));
        assert!(PAPER.converged(&[0.7, 0.6995], 50));
        assert!(PAPER.converged(&[0.7, 0.7005], 50), "the difference's size counts, not its sign");
        assert!(!PAPER.converged(&[0.7, 0.701_5], 50));
        assert!(!PAPER.converged(&[0.7, 0.6995, 0.5], 50), "only the last two count");
    }

    #[test]
    fn options_hold_the_rule_back() {
        let patient = StopRule { patience: 2, ..PAPER };
        assert!(!patient.converged(&[0.7, 0.6999], 50));
        assert!(patient.converged(&[0.7, 0.6999, 0.6998], 50));
        let late = StopRule { min_epochs: 4, ..PAPER };
        assert!(!late.converged(&[0.7, 0.7, 0.7], 50));
        assert!(late.converged(&[0.7, 0.7, 0.7, 0.7], 50));
        let summed = StopRule { loss: StopLoss::BatchSum, ..PAPER };
        assert!(!summed.converged(&[0.7, 0.6995], 50), "a sum over 50 batches moved by 0.025");
        assert!(summed.converged(&[0.7, 0.699_99], 50));
        let dropped = StopRule { loss_drop: 0.1, ..PAPER };
        assert!(!dropped.converged(&[0.7, 0.7], 50));
        assert!(dropped.converged(&[0.7, 0.62, 0.6199], 50));
    }
}
