//! The meaning of raw values: the predicted class, each class's probability, and the score that ranks examples of two
//! classes, or of each class against the others.
//!
//! Nothing else decides this: training's error counts, reports, exports and `predict` all use this module. Everything
//! is computed in `f64`, with `libm`'s `exp` and `log1p`, which are the same program on every machine.

mod prediction;

pub use prediction::Prediction;

use crate::network_outputs::Outputs;

/// Number of classes of the comparison, and so of columns of a unit's outputs.
pub const CLASSES: usize = 2;

/// Below this, every score of an average is its probability's difference from one half, times four, to the last bit.
const TINY: f64 = 1.0 / (1_u64 << 27) as f64;

/// The class of one example: the largest logit; of equal ones the first, as PyTorch's and NumPy's `argmax` choose.
pub fn class(logits: &[f32]) -> usize {
    let mut best = 0;
    for (class, logit) in logits.iter().enumerate() {
        if *logit > logits[best] {
            best = class;
        }
    }
    best
}

/// The logarithm of each class's probability: the log-softmax of the logits.
pub fn log_probabilities<const N: usize>(logits: [f32; N]) -> [f64; N] {
    log_softmax(logits.map(f64::from))
}

/// The log-softmax. No term overflows: the largest logit is subtracted from each first, and its own term, which is 1,
/// is added last.
fn log_softmax<const N: usize>(logits: [f64; N]) -> [f64; N] {
    let mut largest = 0;
    for (class, logit) in logits.iter().enumerate() {
        if *logit > logits[largest] {
            largest = class;
        }
    }
    let below = logits.map(|logit| logit - logits[largest]);
    let others: f64 =
        below.iter().enumerate().filter(|(class, _)| *class != largest).map(|(_, logit)| libm::exp(*logit)).sum();
    let total = libm::log1p(others);
    below.map(|logit| logit - total)
}

/// The prediction of one network, or of several together, for one example of two classes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Binary {
    log_probabilities: [f64; 2],
    score: f64,
}

impl Binary {
    /// One network's prediction. The score is the difference of the logits, which is log p - log(1 - p): it is above 0
    /// exactly where the second logit is larger, however little, and different differences have different scores.
    pub fn from_logits([first, second]: [f32; 2]) -> Self {
        // Two logits of value 0 may differ in their signs; adding 0.0 removes the sign of their difference.
        let score = f64::from(second) - f64::from(first) + 0.0;
        Self { log_probabilities: log_softmax([0.0, score]), score }
    }

    /// One network's predictions for these examples. Returns None where they are not of two classes.
    pub fn all(outputs: &Outputs) -> Option<Vec<Self>> {
        outputs.iter().map(|row| Some(Self::from_logits(row.try_into().ok()?))).collect()
    }

    /// The average of several networks' predictions for one example: of their probabilities, not of their scores.
    /// Neither the order of the networks nor the order of the classes matters. The average of equal predictions is that
    /// prediction. Returns None without networks.
    pub fn average(networks: &[Self]) -> Option<Self> {
        let first = networks.first()?;
        if networks.iter().all(|one| one.score == first.score) {
            return Some(*first);
        }
        let log_probabilities =
            [0, 1].map(|class| log_mean_exp(networks.iter().map(|one| one.log_probabilities[class]).collect()));
        let score = if networks.iter().all(|one| one.score.abs() < TINY) {
            // The logarithms are too coarse for differences this small.
            networks.iter().map(|one| one.score).sum::<f64>() / networks.len() as f64 + 0.0
        } else {
            log_probabilities[1] - log_probabilities[0]
        };
        Some(Self { log_probabilities, score })
    }

    /// log p - log(1 - p) of the probability p of class 1. Examples are ranked by it.
    pub fn score(&self) -> f64 {
        self.score
    }

    /// The logarithms of the probabilities of class 0 and of class 1.
    pub fn log_probabilities(&self) -> [f64; 2] {
        self.log_probabilities
    }

    /// The probability of class 1.
    pub fn probability(&self) -> f64 {
        probability(self.score)
    }

    /// The predicted class: 1 where the score is above 0. A tie goes to class 0.
    pub fn class(&self) -> u8 {
        u8::from(self.score > 0.0)
    }
}

/// The probability of class 1 that belongs to a score.
pub fn probability(score: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-score))
}

/// The logarithm of the mean of `exp` of these, of which there must be at least one.
fn log_mean_exp(mut logarithms: Vec<f64>) -> f64 {
    // Sorted, so that the same set gives the same bits in any order.
    logarithms.sort_by(f64::total_cmp);
    let largest = logarithms[logarithms.len() - 1];
    let sum: f64 = logarithms.iter().map(|logarithm| libm::exp(logarithm - largest)).sum();
    largest + libm::log(sum / logarithms.len() as f64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_largest_logit_decides_and_a_tie_goes_to_the_first() {
        assert_eq!(class(&[0.0, 0.0]), 0);
        assert_eq!(class(&[0.0, f32::from_bits(1)]), 1, "the smallest difference there is");
        assert_eq!(class(&[0.0, -0.0]), 0);
        assert_eq!(class(&[1.0, 3.0, 3.0, 2.0]), 1);
        assert_eq!(class(&[-1.0, -2.0, -1.0]), 0);
    }

    #[test]
    fn log_probabilities_are_those_of_the_softmax() {
        let found = log_probabilities([0.3, -1.2, 2.5]);
        let total: f64 = [0.3_f32, -1.2, 2.5].iter().map(|logit| f64::from(*logit).exp()).sum();
        for (found, logit) in found.into_iter().zip([0.3_f32, -1.2, 2.5]) {
            assert!((found - (f64::from(logit) - total.ln())).abs() < 1e-15);
        }
        assert_eq!(log_probabilities([1e30, -1e30]), [0.0, -2.0 * f64::from(1e30_f32)], "nothing overflows");
        let [of_first, of_second] = log_probabilities([0.0, 40.0]);
        assert_eq!(of_first, -40.0);
        assert!(
            (of_second / -(-40.0_f64).exp() - 1.0).abs() < 1e-14,
            "log p of a p that is 1 to all digits: {of_second:e}"
        );
    }

    #[test]
    fn differences_that_no_probability_holds_are_scores() {
        let saturated =
            [Binary::from_logits([0.0, 20.0]), Binary::from_logits([0.0, 40.0]), Binary::from_logits([0.0, 80.0])];
        assert!(saturated.iter().all(|one| one.probability() as f32 == 1.0));
        assert_eq!(saturated.map(|one| one.score()), [20.0, 40.0, 80.0]);
        let least = Binary::from_logits([1.0, 1.0 + f32::EPSILON]);
        assert_eq!((least.class(), least.score()), (1, f64::from(f32::EPSILON)));
        let denormal = Binary::from_logits([0.0, f32::from_bits(1)]);
        assert_eq!((denormal.class(), denormal.probability()), (1, 0.5));
        assert!(Binary::from_logits([0.0, -0.0]).score().is_sign_positive());
    }

    #[test]
    fn the_average_is_the_mean_probability() {
        let average = Binary::average(&[
            Binary::from_logits([0.0, 2.0]),
            Binary::from_logits([1.0, 0.5]),
            Binary::from_logits([0.0, 0.1]),
        ])
        .unwrap();
        let p = |score: f64| 1.0 / (1.0 + (-score).exp());
        let mean = (p(2.0) + p(-0.5) + p(f64::from(0.1_f32))) / 3.0;
        assert!((average.probability() - mean).abs() < 1e-15);
        assert!((average.log_probabilities()[0] - (1.0 - mean).ln()).abs() < 1e-15);
        assert!((average.score() - (mean.ln() - (1.0 - mean).ln())).abs() < 1e-14);
        // 1 - p would be 0, or would keep only 17 bits.
        let saturated = Binary::average(&[Binary::from_logits([0.0, 40.0]), Binary::from_logits([0.0, 80.0])]).unwrap();
        assert!((saturated.score() - (40.0 + 2.0_f64.ln())).abs() < 1e-13, "{}", saturated.score());
        assert_eq!(Binary::average(&[]), None);
    }

    #[test]
    fn what_balances_is_class_0() {
        let two = [Binary::from_logits([0.0, 3.25]), Binary::from_logits([3.25, 0.0])];
        let average = Binary::average(&two).unwrap();
        assert_eq!((average.score(), average.class(), average.probability()), (0.0, 0, 0.5));
        // Added one after the other, in either order, these leave a rounding error.
        let many = [0.1_f32, 0.7, 5.3, 0.2, 11.0]
            .map(|score| [Binary::from_logits([0.0, score]), Binary::from_logits([score, 0.0])]);
        assert_eq!(Binary::average(many.as_flattened()).unwrap().score(), 0.0);
    }

    #[test]
    fn differences_below_the_last_bit_of_the_logarithms_are_averaged_too() {
        let unit = f32::from_bits(1);
        let agreed =
            Binary::average(&[Binary::from_logits([0.0, unit]), Binary::from_logits([0.0, 3.0 * unit])]).unwrap();
        assert_eq!((agreed.class(), agreed.score()), (1, 2.0 * f64::from(unit)));
        let outvoted =
            Binary::average(&[Binary::from_logits([0.0, unit]), Binary::from_logits([3.0 * unit, 0.0])]).unwrap();
        assert_eq!(outvoted.class(), 0);
    }

    fn logits() -> impl Strategy<Value = [f32; 2]> {
        let finite = prop_oneof![-100.0_f32..100.0, any::<f32>().prop_filter("finite", |value| value.is_finite())];
        prop_oneof![
            [finite.clone(), finite.clone()],
            finite.clone().prop_map(|value| [value, value]),
            // Adjacent numbers.
            finite.prop_map(|value| [value, f32::from_bits(value.to_bits() ^ 1)]),
        ]
        .prop_filter("finite", |pair| pair.iter().all(|value| value.is_finite()))
    }

    proptest! {
        #[test]
        fn one_networks_average_is_the_network(pair in logits(), count in 1_usize..4) {
            let alone = Binary::from_logits(pair);
            prop_assert_eq!(usize::from(alone.class()), class(&pair));
            prop_assert_eq!(alone.score(), f64::from(pair[1]) - f64::from(pair[0]));
            prop_assert_eq!(alone.log_probabilities(), log_probabilities(pair));
            let average = Binary::average(&vec![alone; count]).unwrap();
            prop_assert_eq!(average, alone);
            prop_assert_eq!(average.score().to_bits(), alone.score().to_bits());
        }

        #[test]
        fn neither_order_nor_the_classes_names_matter(pairs in prop::collection::vec(logits(), 1..6)) {
            let average = |pairs: &[[f32; 2]]| {
                Binary::average(&pairs.iter().map(|pair| Binary::from_logits(*pair)).collect::<Vec<_>>()).unwrap()
            };
            let found = average(&pairs);
            let lowest = pairs.iter().map(|pair| Binary::from_logits(*pair).score()).fold(f64::INFINITY, f64::min);
            let highest = pairs.iter().map(|pair| Binary::from_logits(*pair).score()).fold(f64::NEG_INFINITY, f64::max);
            let slack = 1e-15 + 1e-12 * lowest.abs().max(highest.abs());
            prop_assert!(lowest - slack <= found.score() && found.score() <= highest + slack, "{:?}", found);
            if lowest > 0.0 {
                prop_assert_eq!(found.class(), 1, "all say so");
            }
            if highest <= 0.0 {
                prop_assert_eq!(found.class(), 0, "all say so");
            }
            let turned: Vec<[f32; 2]> = pairs.iter().rev().map(|[first, second]| [*second, *first]).collect();
            let mirrored = average(&turned);
            if found.score().abs() >= TINY {
                prop_assert_eq!(mirrored.score(), -found.score());
            }
            prop_assert!(mirrored.class() == 0 || found.class() == 0);
        }
    }
}
