//! The calibration of the predicted class's probability.

use super::input::ClassExamples;
use crate::{
    classification::Prediction,
    exact_sum::{ExactSum, sum},
};

/// The number of bins, all of the same width.
pub const BINS: usize = 15;

/// How often predictions of about the same confidence are right: a reliability diagram.
///
/// The confidence of a prediction is the probability of the predicted class (Guo, Pleiss, Sun and Weinberger 2017).
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    /// The bins, ascending; [`BINS`] of them.
    pub bins: Vec<Bin>,
}

/// The predictions whose confidences are above `low`, and at most `high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    /// The lower end, which is not in the bin.
    pub low: f64,
    /// The upper end, which is in the bin.
    pub high: f64,
    /// The number of predictions.
    pub count: u64,
    /// The number of right predictions.
    pub right: u64,
    /// The mean confidence; None without predictions.
    pub confidence: Option<f64>,
}

impl Bin {
    /// The share of the right predictions; None without predictions.
    pub fn accuracy(&self) -> Option<f64> {
        (self.count > 0).then(|| self.right as f64 / self.count as f64)
    }
}

impl Calibration {
    /// The calibration of these examples.
    pub(super) fn new(examples: ClassExamples<'_>) -> Self {
        let mut counts = [(0_u64, 0_u64); BINS];
        let mut confidences = vec![ExactSum::default(); BINS];
        for (logits, class) in examples.iter() {
            let prediction = Prediction::from_logits(logits);
            let confidence = prediction.probability(prediction.class());
            let bin = bin(confidence);
            counts[bin].0 += 1;
            counts[bin].1 += u64::from(prediction.class() == class);
            confidences[bin].add(confidence);
        }
        let bins = counts.into_iter().zip(confidences).enumerate().map(|(bin, ((count, right), confidence))| Bin {
            low: bin as f64 / BINS as f64,
            high: (bin + 1) as f64 / BINS as f64,
            count,
            right,
            confidence: (count > 0).then(|| confidence.rounded() / count as f64),
        });
        Self { bins: bins.collect() }
    }

    /// The expected calibration error: the mean over the bins of the distance of accuracy and mean confidence, weighted
    /// by the bins' numbers of predictions.
    pub fn error(&self) -> f64 {
        let examples: u64 = self.bins.iter().map(|bin| bin.count).sum();
        let gap = |bin: &Bin| Some((bin.accuracy()? - bin.confidence?).abs() * bin.count as f64);
        sum(self.bins.iter().filter_map(gap)) / examples as f64
    }
}

/// The bin of a confidence above 0.
fn bin(confidence: f64) -> usize {
    // The product of a bin's upper end and the number of bins may be rounded up.
    let upper = (1..BINS).find(|upper| confidence <= *upper as f64 / BINS as f64);
    upper.map_or(BINS - 1, |upper| upper - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network_outputs::Outputs;

    fn calibration(columns: usize, logits: &[f32], classes: &[u32]) -> Calibration {
        let outputs = Outputs::new(columns, logits.to_vec()).unwrap();
        Calibration::new(ClassExamples::new(&outputs, classes).unwrap())
    }

    #[test]
    fn bins_have_their_upper_ends() {
        for upper in 1..=BINS {
            let end = upper as f64 / BINS as f64;
            assert_eq!(bin(end), upper - 1);
            assert_eq!(bin(end.next_down()), upper - 1);
            if upper < BINS {
                assert_eq!(bin(end.next_up()), upper);
            }
        }
        assert_eq!(bin(f64::MIN_POSITIVE), 0);
    }

    #[test]
    fn equal_logits_are_in_the_bin_that_ends_with_their_share() {
        let calibration = calibration(3, &[0.5; 12], &[0, 1, 2, 0]);
        let third = 1.0 / 3.0;
        let expected = Bin { low: 4.0 / 15.0, high: third, count: 4, right: 2, confidence: Some(third) };
        assert_eq!(calibration.bins[4], expected);
        assert_eq!(expected.accuracy(), Some(0.5));
        assert_eq!(calibration.error(), 0.5 - third);
        assert_eq!((calibration.bins[5].accuracy(), calibration.bins.len()), (None, BINS));
    }

    #[test]
    fn confident_and_right_is_calibrated() {
        let logits = [1e4, 0.0, 0.0, 1e4];
        assert_eq!(calibration(2, &logits, &[0, 1]).error(), 0.0);
        assert_eq!(calibration(2, &logits, &[1, 0]).error(), 1.0);
    }
}
