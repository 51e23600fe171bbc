//! The stopping rule: the epoch after which training ends, since it has converged or has used up its epochs.

use serde::{Deserialize, Serialize};

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
