//! One network's prediction for one example of any number of classes, and how it ranks the example for each class
//! against the others.

use super::class;

/// Terms of sums of probabilities are whole multiples of its inverse, so that their order does not matter: two examples
/// that differ only in the order of the other classes' logits have the same score. It leaves room for 2^32 terms.
const ONE: u128 = 1 << 96;

/// One network's prediction for one example.
#[derive(Clone, Debug)]
pub struct Prediction<'a> {
    logits: &'a [f32],
    class: usize,
    /// Each class's probability divided by the predicted class's.
    ratios: Vec<f64>,
    /// The sum of the ratios, in units of 1 / [`ONE`].
    total: u128,
}

impl<'a> Prediction<'a> {
    /// The prediction that belongs to the logits of one example. There must be at least one, and all must be finite.
    pub fn from_logits(logits: &'a [f32]) -> Self {
        let class = class(logits);
        let ratios: Vec<f64> =
            logits.iter().map(|logit| libm::exp(f64::from(*logit) - f64::from(logits[class]))).collect();
        let total = ratios.iter().map(|ratio| units(*ratio)).sum();
        Self { logits, class, ratios, total }
    }

    /// The predicted class: that of the largest logit, and of equal ones the first.
    pub fn class(&self) -> usize {
        self.class
    }

    /// The probability of a class: the softmax of the logits.
    pub fn probability(&self, class: usize) -> f64 {
        self.ratios[class] / number(self.total)
    }

    /// The probability of all other classes together: 1 less the class's, without the rounding of that difference.
    pub fn probability_of_others(&self, class: usize) -> f64 {
        number(self.total - units(self.ratios[class])) / number(self.total)
    }

    /// The logarithm of a class's probability.
    pub fn log_probability(&self, class: usize) -> f64 {
        let score = self.score(class);
        match score > 0.0 {
            true => -libm::log1p(libm::exp(-score)),
            false => score - libm::log1p(libm::exp(score)),
        }
    }

    /// log p - log(1 - p) of the class's probability p. Examples are ranked by it for this class against all others.
    /// With two classes, it is the difference of the logits. There must be at least two classes.
    pub fn score(&self, class: usize) -> f64 {
        let logit = |class: usize| f64::from(self.logits[class]);
        // log(1 - p) is that of the largest other class, and of the sum of the others' probabilities divided by its.
        let (largest, rest) = if class == self.class {
            let others = || (0..self.logits.len()).filter(|other| *other != class);
            let second = others().fold(None, |second, other| match second {
                Some(second) if logit(second) >= logit(other) => Some(second),
                _ => Some(other),
            });
            let Some(second) = second else { return f64::INFINITY };
            let beyond = others().filter(|other| *other != second);
            (second, beyond.map(|other| units(libm::exp(logit(other) - logit(second)))).sum())
        } else {
            (self.class, self.total - units(self.ratios[self.class]) - units(self.ratios[class]))
        };
        // Adding 0.0 removes the sign of a difference of 0.
        logit(class) - logit(largest) - libm::log1p(number(rest)) + 0.0
    }
}

/// A ratio of at most 1 in units of 1 / [`ONE`], rounded down.
fn units(ratio: f64) -> u128 {
    (ratio * ONE as f64) as u128
}

/// The number of so many units of 1 / [`ONE`].
fn number(units: u128) -> f64 {
    units as f64 / ONE as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::classification::{Binary, log_probabilities};

    #[track_caller]
    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() <= 1e-14 * expected.abs(), "{found:e} instead of {expected:e}");
    }

    #[test]
    fn probabilities_are_those_of_the_softmax() {
        let prediction = Prediction::from_logits(&[0.5, -1.25, 2.5]);
        let total: f64 = [0.5_f64, -1.25, 2.5].map(f64::exp).iter().sum();
        for (class, logit) in [0.5_f64, -1.25, 2.5].into_iter().enumerate() {
            let p = logit.exp() / total;
            close(prediction.probability(class), p);
            close(prediction.probability_of_others(class), 1.0 - p);
            close(prediction.log_probability(class), p.ln());
            close(prediction.score(class), p.ln() - (1.0 - p).ln());
        }
        assert_eq!(prediction.class(), 2);
        for classes in 2..40 {
            let logits = vec![-0.75; classes];
            let equal = Prediction::from_logits(&logits);
            assert_eq!((equal.class(), equal.probability(0)), (0, 1.0 / classes as f64));
            assert!((0..classes).all(|class| equal.score(class) == equal.score(0)));
        }
    }

    #[test]
    fn what_no_probability_holds_is_in_the_score() {
        let sure = Prediction::from_logits(&[0.0, 1e4, -1e4]);
        assert_eq!((sure.probability(1), sure.probability_of_others(1), sure.probability(0)), (1.0, 0.0, 0.0));
        assert_eq!((sure.score(1), sure.score(0), sure.score(2)), (1e4, -1e4, -2e4));
        assert_eq!((sure.log_probability(1), sure.log_probability(2)), (-0.0, -2e4));
        let largest = Prediction::from_logits(&[f32::MAX, f32::MIN, f32::MAX]);
        assert_eq!((largest.class(), largest.score(0), largest.probability(2)), (0, 0.0, 0.5));
        assert_eq!(largest.log_probability(1), 2.0 * f64::from(f32::MIN));
        close(Prediction::from_logits(&[0.0, 40.0, -100.0]).log_probability(1), -(-40.0_f64).exp());
        let least = Prediction::from_logits(&[1.0, 1.0 + f32::EPSILON]);
        assert_eq!((least.class(), least.score(1)), (1, f64::from(f32::EPSILON)));
    }

    proptest! {
        #[test]
        fn two_classes_are_the_binary_prediction(first in -200.0_f32..200.0, second in -200.0_f32..200.0) {
            let (pair, binary) = ([first, second], Binary::from_logits([first, second]));
            let prediction = Prediction::from_logits(&pair);
            prop_assert_eq!(prediction.class(), usize::from(binary.class()));
            prop_assert_eq!(prediction.score(1), binary.score());
            prop_assert_eq!(prediction.score(0), 0.0 - binary.score());
            prop_assert_eq!([0, 1].map(|class| prediction.log_probability(class)), log_probabilities(pair));
            prop_assert!((prediction.probability(1) - binary.probability()).abs() < 1e-15);
        }

        #[test]
        fn the_order_of_the_other_classes_does_not_matter(
            mut logits in prop::collection::vec(prop_oneof![-3..3_i8, -100..100_i8], 2..12), shuffle: u64,
        ) {
            let score = |logits: &[i8]| {
                let logits: Vec<f32> = logits.iter().map(|logit| f32::from(*logit) / 4.0).collect();
                Prediction::from_logits(&logits).score(0)
            };
            let before = score(&logits);
            crate::random::Stream::new(shuffle, "order").shuffle(&mut logits[1..]);
            prop_assert_eq!(score(&logits), before);
        }
    }
}
