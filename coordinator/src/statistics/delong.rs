//! The test of DeLong, DeLong and Clarke-Pearson (1988) of whether two classifiers' areas under the ROC curve differ on
//! the same pairs.

use super::wilson_interval::NOTHING;
use crate::statistics::{
    roc_and_precision_recall::enough_of_each_class,
    student_t::{normal_two_sided, quantile_975},
};

/// The test of two areas' difference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct AucDifference {
    /// Area of the first minus that of the second.
    pub(crate) difference: f64,
    pub(crate) standard_error: f64,
    pub(crate) ci95: [f64; 2],
    /// The two-sided p-value.
    pub(crate) p: f64,
}

/// Compares two classifiers by their scores of the same pairs. The area is a mean over combinations of a pair of class
/// 1 with one of class 0. A pair's placement is the share of the other class that it is ranked correctly against, ties
/// counting half. The variance of the difference is that of the placements' differences within each class, divided by
/// the class's number of pairs.
pub(crate) fn delong(first: &[f64], second: &[f64], labels: &[bool]) -> Result<AucDifference, String> {
    enough_of_each_class(labels.iter().copied())?;
    let [a, b] = [first, second].map(|scores| placements(scores, labels));
    let differences: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a - b).collect();
    let (mut difference, mut variance) = (0.0, 0.0);
    for class in [true, false] {
        let of_class: Vec<f64> =
            differences.iter().zip(labels).filter(|(_, label)| **label == class).map(|(value, _)| *value).collect();
        let n = of_class.len() as f64;
        let mean = of_class.iter().sum::<f64>() / n;
        // The mean of both classes' placements is the area.
        difference = mean;
        variance += of_class.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0) / n;
    }
    let standard_error = variance.sqrt();
    if standard_error < NOTHING {
        return Err("both averaged predictions rank the test pairs alike".to_owned());
    }
    let half = quantile_975(f64::INFINITY) * standard_error;
    let ci95 = [(difference - half).max(-1.0), (difference + half).min(1.0)];
    Ok(AucDifference { difference, standard_error, ci95, p: normal_two_sided(difference / standard_error) })
}

/// Each pair's placement, in the order given.
fn placements(scores: &[f64], labels: &[bool]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
    let positives = labels.iter().filter(|label| **label).count() as f64;
    let negatives = labels.len() as f64 - positives;
    let mut placements = vec![0.0; scores.len()];
    // The numbers of pairs of class 1 and of class 0 with a lower score.
    let (mut lower_positives, mut lower_negatives) = (0.0, 0.0);
    for equal in order.chunk_by(|a, b| scores[*a] == scores[*b]) {
        let tied_positives = equal.iter().filter(|pair| labels[**pair]).count() as f64;
        let tied_negatives = equal.len() as f64 - tied_positives;
        for &pair in equal {
            placements[pair] = if labels[pair] {
                (lower_negatives + tied_negatives / 2.0) / negatives
            } else {
                (positives - lower_positives - tied_positives / 2.0) / positives
            };
        }
        lower_positives += tied_positives;
        lower_negatives += tied_negatives;
    }
    placements
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alternating(pairs: usize) -> Vec<bool> {
        (0..pairs).map(|pair| pair % 2 == 0).collect()
    }

    #[test]
    fn few_pairs_and_equal_ranks_are_not_tested() {
        let few: Vec<f64> = (0..19).map(f64::from).collect();
        assert!(delong(&few, &few, &alternating(19)).unwrap_err().contains("10 pairs of each class"));
        let scores: Vec<f64> = (0..40).map(f64::from).collect();
        let doubled: Vec<f64> = scores.iter().map(|score| 2.0 * score).collect();
        assert!(delong(&scores, &doubled, &alternating(40)).unwrap_err().contains("alike"));
    }

    #[test]
    fn turning_the_pair_turns_the_sign() {
        let labels = alternating(40);
        let first: Vec<f64> = (0..40).map(|pair| f64::from((pair * 7) % 40)).collect();
        let second: Vec<f64> = (0..40).map(|pair| f64::from((pair * 11 + 3) % 40)).collect();
        let (here, there) = (delong(&first, &second, &labels).unwrap(), delong(&second, &first, &labels).unwrap());
        assert!((here.difference + there.difference).abs() < 1e-15);
        assert_eq!((here.standard_error, here.p), (there.standard_error, there.p));
    }
}
