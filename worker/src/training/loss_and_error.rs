//! The loss of training, and the counts and sums beside it.

use seedgrid_common::{
    classification::{self, CLASSES},
    model::DIGITS,
};

use crate::{kernels::loss::cross_entropy, networks::Logits};

/// The loss: `(1 - a) * comparison + a * auxiliary`, where the auxiliary loss is the sum of both digits'
/// cross-entropies and `a` its weight; without a weight, only the comparison's cross-entropy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Objective {
    /// The weight `a`, for networks that read the digits.
    pub auxiliary_weight: Option<f64>,
}

/// Counts and sums over pairs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// Number of pairs.
    pub pairs: usize,
    /// Sum of the pairs' losses.
    pub loss: f64,
    /// Number of pairs whose comparison is wrong.
    pub wrong: u32,
}

impl Tally {
    /// Adds another tally's counts and sums.
    pub fn add(&mut self, other: Self) {
        self.pairs += other.pairs;
        self.loss += other.loss;
        self.wrong += other.wrong;
    }

    /// Mean loss of a pair.
    pub fn mean_loss(&self) -> f64 {
        self.loss / self.pairs as f64
    }

    /// Share of the wrongly classified pairs.
    pub fn error(&self) -> f64 {
        f64::from(self.wrong) / self.pairs as f64
    }
}

impl Objective {
    /// The losses of a batch's pairs, summed in order, and the derivatives of their mean by the logits.
    pub fn measure(&self, logits: &Logits, comparisons: &[u32], digits: &[[u32; 2]]) -> (Tally, Logits) {
        let pairs = comparisons.len();
        let mut by_logits = logits.zeros_like();
        let mut tally = Tally { pairs, ..Tally::default() };
        let comparison_weight = 1.0 - self.auxiliary_weight.unwrap_or(0.0);
        for (pair, &class) in comparisons.iter().enumerate() {
            let here = CLASSES * pair..CLASSES * (pair + 1);
            let of_pair = &logits.comparison[here.clone()];
            let weight = comparison_weight / pairs as f64;
            let comparison = cross_entropy(of_pair, class as usize, weight, &mut by_logits.comparison[here]);
            tally.loss += comparison_weight * comparison;
            tally.wrong += u32::from(classification::class(of_pair) != class as usize);
            if let Some(auxiliary_weight) = self.auxiliary_weight {
                let weight = auxiliary_weight / pairs as f64;
                for (which, &digit) in digits[pair].iter().enumerate() {
                    let here = (2 * pair + which) * DIGITS..(2 * pair + which + 1) * DIGITS;
                    let of_digit = &logits.digits[here.clone()];
                    let digit = cross_entropy(of_digit, digit as usize, weight, &mut by_logits.digits[here]);
                    tally.loss += auxiliary_weight * digit;
                }
            }
        }
        (tally, by_logits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_losses_are_weighed() {
        let logits = Logits { comparison: vec![0.0; 4], digits: vec![0.0; 40] };
        let (labels, digits) = ([1, 0], [[3, 4], [9, 0]]);
        let (plain, _) = Objective { auxiliary_weight: None }.measure(&logits, &labels, &digits);
        assert!((plain.mean_loss() - 2.0_f64.ln()).abs() < 1e-12);
        assert_eq!(plain.wrong, 1);
        let (weighed, by_logits) = Objective { auxiliary_weight: Some(0.3) }.measure(&logits, &labels, &digits);
        let expected = 0.7 * 2.0_f64.ln() + 0.3 * 2.0 * 10.0_f64.ln();
        assert!((weighed.mean_loss() - expected).abs() < 1e-12);
        // 0.7 / 2 * (1/2 - 1) for the first pair's label, 0.3 / 2 * (1/10 - 1) for its first digit.
        assert!((by_logits.comparison[1] + 0.175).abs() < 1e-7);
        assert!((by_logits.digits[3] + 0.135).abs() < 1e-7);
    }
}
