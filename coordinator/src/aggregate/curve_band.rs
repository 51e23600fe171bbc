//! The spread of the seeds' own curves around each point of the horizontal axis (vertical averaging).

use crate::statistics::exact::{mean, standard_deviation};
use crate::statistics::roc_and_precision_recall::{PrPoint, RocPoint};

/// The number of steps of the horizontal axis.
const STEPS: usize = 100;

/// Mean and sample standard deviation of several curves' heights at 0, 0.01, ..., 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Band {
    /// The number of curves, at least 2.
    pub curves: usize,
    /// The points of the band, ascending along the horizontal axis.
    pub points: Vec<BandPoint>,
}

/// One point of a band.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BandPoint {
    /// The position on the horizontal axis.
    pub x: f64,
    /// Mean height of the curves.
    pub mean: f64,
    /// Sample standard deviation of the curves' heights.
    pub std: f64,
}

impl Band {
    /// The band of ROC curves, each as a line through its points.
    pub fn of_roc(curves: &[Vec<RocPoint>]) -> Option<Self> {
        Self::new(curves, |curve, x| true_positive_rate_at(curve, x))
    }

    /// The band of precision-recall curves, each as the steps whose sum is the average precision.
    pub fn of_precision_recall(curves: &[Vec<PrPoint>]) -> Option<Self> {
        Self::new(curves, |curve, x| precision_at(curve, x))
    }

    fn new<C>(curves: &[C], height: impl Fn(&C, f64) -> f64) -> Option<Self> {
        let points = (0..=STEPS)
            .map(|step| {
                let x = step as f64 / STEPS as f64;
                let heights: Vec<f64> = curves.iter().map(|curve| height(curve, x)).collect();
                Some(BandPoint { x, mean: mean(&heights)?, std: standard_deviation(&heights)? })
            })
            .collect::<Option<_>>()?;
        Some(Self { curves: curves.len(), points })
    }
}

/// Height of an ROC curve, by linear interpolation; on a vertical piece, its upper end (as `numpy.interp`).
fn true_positive_rate_at(curve: &[RocPoint], x: f64) -> f64 {
    let after = curve.partition_point(|point| point.false_positive_rate <= x);
    match (after.checked_sub(1).map(|before| curve[before]), curve.get(after)) {
        (Some(left), Some(right)) => {
            let share = (x - left.false_positive_rate) / (right.false_positive_rate - left.false_positive_rate);
            left.true_positive_rate + share * (right.true_positive_rate - left.true_positive_rate)
        }
        (Some(last), None) => last.true_positive_rate,
        (None, _) => 0.0,
    }
}

/// Precision where this recall is first reached as the threshold falls.
fn precision_at(curve: &[PrPoint], recall: f64) -> f64 {
    // The first point has no threshold.
    let reached = curve.get(1..).unwrap_or_default();
    let reached = reached.get(reached.partition_point(|point| point.recall < recall));
    reached.or(curve.last()).map_or(0.0, |point| point.precision)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::roc_and_precision_recall::Ranking;

    #[test]
    fn one_curve_has_no_band() {
        let curve = Ranking::new(&[0.2, 0.8], &[false, true]).unwrap();
        assert_eq!(Band::of_roc(&[curve.roc()]), None);
        assert_eq!(Band::of_precision_recall(&[]), None);
    }

    #[test]
    fn heights_follow_the_curve() {
        // Thresholds 0.9, 0.6, 0.1: (fpr, tpr) = (0, 1/2), (1/2, 1/2), (1, 1).
        let ranking = Ranking::new(&[0.9, 0.6, 0.1, 0.1], &[true, false, true, false]).unwrap();
        let roc = ranking.roc();
        assert_eq!(true_positive_rate_at(&roc, 0.0), 0.5, "the upper end of the vertical piece");
        assert_eq!(true_positive_rate_at(&roc, 0.25), 0.5);
        assert_eq!(true_positive_rate_at(&roc, 0.75), 0.75);
        assert_eq!(true_positive_rate_at(&roc, 1.0), 1.0);
        let curve = ranking.precision_recall();
        assert_eq!(precision_at(&curve, 0.0), 1.0);
        assert_eq!(precision_at(&curve, 0.5), 1.0, "the first threshold that reaches it");
        assert_eq!(precision_at(&curve, 0.51), 0.5);
    }

    #[test]
    fn equal_curves_have_a_band_of_no_width() {
        let roc = Ranking::new(&[0.9, 0.6, 0.1, 0.1], &[true, false, true, false]).unwrap().roc();
        let band = Band::of_roc(&[roc.clone(), roc]).unwrap();
        assert_eq!((band.curves, band.points.len()), (2, STEPS + 1));
        assert!(band.points.iter().all(|point| point.std == 0.0));
    }
}
