//! Scores of the probabilities that a network gives to the classes.

use super::input::ClassExamples;
use crate::{classification::Prediction, exact_sum::ExactSum};

/// The log loss: the mean over the examples of -log p, where p is the true class's probability.
///
/// The logarithm is computed from the logits and not from p, so nothing is clipped: a wrong class that is predicted
/// with a logit higher by 1,000 costs 1,000. (scikit-learn's `log_loss` takes probabilities and clips them to 2.2e-16,
/// so that it never gives more than 36.04 for an example.)
pub(super) fn log_loss(examples: ClassExamples<'_>) -> f64 {
    mean(examples, |prediction, class| 0.0 - prediction.log_probability(class))
}

/// The Brier score: the mean over the examples of the sum over the classes of (p - y)^2, where p is a class's
/// probability and y is 1 for the true class and 0 for every other one. With two classes half of it, which is (p - y)^2
/// of either class. This is scikit-learn's `brier_score_loss` with its default `scale_by_half="auto"`.
pub(super) fn brier(examples: ClassExamples<'_>) -> f64 {
    let classes = examples.classes();
    mean(examples, |prediction, class| {
        let missing = prediction.probability_of_others(class);
        if classes == 2 {
            return missing * missing;
        }
        let others = (0..classes).filter(|other| *other != class).map(|other| prediction.probability(other));
        missing * missing + others.map(|p| p * p).sum::<f64>()
    })
}

/// The mean of a score of a prediction and its true class.
fn mean(examples: ClassExamples<'_>, score: impl Fn(&Prediction<'_>, usize) -> f64) -> f64 {
    let mut sum = ExactSum::default();
    for (logits, class) in examples.iter() {
        sum.add(score(&Prediction::from_logits(logits), class));
    }
    sum.rounded() / examples.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network_outputs::Outputs;

    fn both(columns: usize, logits: &[f32], classes: &[u32]) -> (f64, f64) {
        let outputs = Outputs::new(columns, logits.to_vec()).unwrap();
        let examples = ClassExamples::new(&outputs, classes).unwrap();
        (log_loss(examples), brier(examples))
    }

    #[test]
    fn nothing_is_clipped() {
        let logits = [1e4, -1e4, 0.0, 0.0, 3e38, -3e38];
        assert_eq!(both(3, &logits, &[2, 1]), (5e3, 1.0), "the second example is right");
        assert_eq!(both(3, &logits, &[0, 1]), (0.0, 0.0));
        assert!(both(3, &logits, &[0, 1]).0.is_sign_positive());
        assert_eq!(both(3, &logits, &[0, 2]), (f64::from(3e38_f32), 1.0));
        assert_eq!(both(3, &logits, &[1, 2]).1, 2.0, "the greatest");
    }

    #[test]
    fn two_classes_have_half_the_brier_score() {
        let third = 3.0_f32.ln();
        assert!((both(2, &[0.0, third], &[1]).1 - 0.25 * 0.25).abs() < 1e-7);
        assert!((both(3, &[0.0, third, -200.0], &[1]).1 - 2.0 * 0.25 * 0.25).abs() < 1e-7);
    }
}
