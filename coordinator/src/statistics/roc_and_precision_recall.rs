//! ROC and precision-recall curves of scored pairs, with scikit-learn's definitions.
//!
//! A pair is predicted to be of class 1 if its score is at or above the threshold. Pairs of equal score pass a
//! threshold together, so ties have no order.

/// Counts of pairs at or above each distinct score.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking {
    /// Distinct scores, descending, each with the numbers of pairs of class 1 and of class 0 at or above it.
    steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Step {
    threshold: f64,
    true_positives: u64,
    false_positives: u64,
}

/// One point of an ROC curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RocPoint {
    /// Share of class 0 at or above the threshold.
    pub false_positive_rate: f64,
    /// Share of class 1 at or above the threshold.
    pub true_positive_rate: f64,
    /// The score; infinite at (0, 0).
    pub threshold: f64,
}

/// One point of a precision-recall curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PrPoint {
    /// Share of class 1 at or above the threshold.
    pub recall: f64,
    /// Share of class 1 among the pairs at or above the threshold; 1 without such pairs.
    pub precision: f64,
    /// The score; infinite at (0, 1).
    pub threshold: f64,
}

/// The reason for which a curve is undefined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoCurve {
    /// Every pair is of one class.
    #[error("every scored pair is of class {0}, so there is nothing to tell apart")]
    OneClass(u8),
    /// There are no pairs.
    #[error("no pairs are scored")]
    Empty,
    /// The numbers of scores and labels differ.
    #[error("there are {scores} scores for {labels} pairs")]
    Length {
        /// Number of scores.
        scores: usize,
        /// Number of labels.
        labels: usize,
    },
    /// A score is NaN or infinite.
    #[error("a score is not a finite number")]
    NotFinite,
}

/// The smallest number of pairs of each class for an interval of an area.
const CLASS_MIN: usize = 10;

/// Whether each class has enough pairs for an interval of an area.
///
/// # Errors
/// When a class has too few pairs; the error is the reason.
pub(crate) fn enough_of_each_class(labels: impl Iterator<Item = bool>) -> Result<(), String> {
    let (mut positives, mut negatives) = (0, 0);
    labels.for_each(|label| *if label { &mut positives } else { &mut negatives } += 1);
    match positives.min(negatives) < CLASS_MIN {
        true => Err(format!("it needs {CLASS_MIN} pairs of each class")),
        false => Ok(()),
    }
}

impl Ranking {
    /// Ranks pairs by score; a label is true for class 1.
    pub fn new(scores: &[f64], labels: &[bool]) -> Result<Self, NoCurve> {
        if scores.len() != labels.len() {
            return Err(NoCurve::Length { scores: scores.len(), labels: labels.len() });
        }
        if scores.iter().any(|score| !score.is_finite()) {
            return Err(NoCurve::NotFinite);
        }
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        let mut steps: Vec<Step> = Vec::new();
        let (mut true_positives, mut false_positives) = (0, 0);
        for pair in order {
            if labels[pair] {
                true_positives += 1
            } else {
                false_positives += 1
            }
            let step = Step { threshold: scores[pair], true_positives, false_positives };
            match steps.last_mut() {
                Some(last) if last.threshold == step.threshold => *last = step,
                Some(_) | None => steps.push(step),
            }
        }
        match (true_positives, false_positives) {
            (0, 0) => Err(NoCurve::Empty),
            (0, _) => Err(NoCurve::OneClass(0)),
            (_, 0) => Err(NoCurve::OneClass(1)),
            (_, _) => Ok(Self { steps }),
        }
    }

    fn totals(&self) -> (u64, u64) {
        self.steps.last().map_or((0, 0), |last| (last.true_positives, last.false_positives))
    }

    /// The number of distinct scores.
    pub(crate) fn len(&self) -> usize {
        self.steps.len()
    }

    /// Each pair's step, counted from the highest score, and whether it is of class 1; within a step class 1 comes first.
    pub(crate) fn pairs(&self) -> Vec<(usize, bool)> {
        let mut pairs = Vec::new();
        let mut before = (0, 0);
        for (index, step) in self.steps.iter().enumerate() {
            pairs.extend((before.0..step.true_positives).map(|_| (index, true)));
            pairs.extend((before.1..step.false_positives).map(|_| (index, false)));
            before = (step.true_positives, step.false_positives);
        }
        pairs
    }

    /// The numbers of pairs at or above each distinct score, descending: of class 1 and of class 0.
    fn passed(&self) -> impl Iterator<Item = (u64, u64)> {
        self.steps.iter().map(|step| (step.true_positives, step.false_positives))
    }

    /// Area under the ROC curve by trapezoids: the share of pairs of pairs of different classes that are ranked
    /// correctly, a tie counting half. Computed in whole numbers and divided once.
    pub fn auc(&self) -> f64 {
        roc_area(self.passed(), self.totals())
    }

    /// Average precision: the sum over thresholds of the gain in recall times the precision there, without
    /// interpolation.
    pub fn average_precision(&self) -> f64 {
        precision_area(self.passed(), self.totals())
    }

    /// The ROC curve from (0, 0) to (1, 1). Like scikit-learn's `drop_intermediate=True`, it leaves out points in the
    /// middle of equal steps, which changes neither the line nor the area.
    pub fn roc(&self) -> Vec<RocPoint> {
        let corner = |index: usize| {
            let &[before, here, after] = &self.steps[index - 1..=index + 1] else { return true };
            here.true_positives - before.true_positives != after.true_positives - here.true_positives
                || here.false_positives - before.false_positives != after.false_positives - here.false_positives
        };
        let last = self.steps.len() - 1;
        let (positives, negatives) = self.totals();
        let start = RocPoint { false_positive_rate: 0.0, true_positive_rate: 0.0, threshold: f64::INFINITY };
        let kept = self.steps.iter().enumerate().filter(|(index, _)| *index == 0 || *index == last || corner(*index));
        std::iter::once(start)
            .chain(kept.map(|(_, step)| RocPoint {
                false_positive_rate: step.false_positives as f64 / negatives as f64,
                true_positive_rate: step.true_positives as f64 / positives as f64,
                threshold: step.threshold,
            }))
            .collect()
    }

    /// The precision-recall curve by rising recall with every threshold (scikit-learn's `drop_intermediate=False` in
    /// reverse order), from (0, 1), which has no threshold.
    pub fn precision_recall(&self) -> Vec<PrPoint> {
        let (positives, _) = self.totals();
        let start = PrPoint { recall: 0.0, precision: 1.0, threshold: f64::INFINITY };
        std::iter::once(start)
            .chain(self.steps.iter().map(|step| PrPoint {
                recall: step.true_positives as f64 / positives as f64,
                precision: step.true_positives as f64 / (step.true_positives + step.false_positives) as f64,
                threshold: step.threshold,
            }))
            .collect()
    }
}

/// [`Ranking::auc`] from the numbers of pairs of class 1 and of class 0 that pass each threshold, and their totals.
/// Neither total may be 0.
pub(crate) fn roc_area(passed: impl Iterator<Item = (u64, u64)>, (positives, negatives): (u64, u64)) -> f64 {
    let mut before = (0, 0);
    let mut twice_area = 0_u128;
    for (true_positives, false_positives) in passed {
        twice_area += u128::from(false_positives - before.1) * u128::from(true_positives + before.0);
        before = (true_positives, false_positives);
    }
    twice_area as f64 / (2 * u128::from(positives) * u128::from(negatives)) as f64
}

/// [`Ranking::average_precision`], with the arguments of [`roc_area`].
pub(crate) fn precision_area(passed: impl Iterator<Item = (u64, u64)>, (positives, _): (u64, u64)) -> f64 {
    let (mut before, mut recall, mut sum) = (0, 0.0, 0.0);
    for (true_positives, false_positives) in passed {
        if true_positives > before {
            let reached = true_positives as f64 / positives as f64;
            sum += (reached - recall) * (true_positives as f64 / (true_positives + false_positives) as f64);
            (before, recall) = (true_positives, reached);
        }
    }
    // Rounding can raise the sum of a perfect ranking above 1.
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_class_or_nothing_has_no_curve() {
        assert_eq!(Ranking::new(&[0.1, 0.2], &[true, true]), Err(NoCurve::OneClass(1)));
        assert_eq!(Ranking::new(&[0.1, 0.2], &[false, false]), Err(NoCurve::OneClass(0)));
        assert_eq!(Ranking::new(&[], &[]), Err(NoCurve::Empty));
        assert_eq!(Ranking::new(&[f64::NAN, 0.2], &[true, false]), Err(NoCurve::NotFinite));
        assert_eq!(Ranking::new(&[0.2], &[true, false]), Err(NoCurve::Length { scores: 1, labels: 2 }));
    }

    #[test]
    fn a_constant_score_is_chance() {
        let ranking = Ranking::new(&[0.5; 4], &[true, false, false, false]).unwrap();
        assert_eq!(ranking.auc(), 0.5);
        assert_eq!(ranking.average_precision(), 0.25);
        assert_eq!(ranking.roc().len(), 2);
    }

    /// Scores on a coarse grid, so that ties are frequent.
    fn scored() -> impl Strategy<Value = (Vec<f64>, Vec<bool>)> {
        prop::collection::vec((0_u8..12, any::<bool>()), 2..60)
            .prop_map(|pairs| pairs.into_iter().map(|(score, label)| (f64::from(score) / 12.0, label)).unzip())
    }

    proptest! {
        #[test]
        fn auc_is_the_share_of_rightly_ranked_pairs((scores, labels) in scored()) {
            let Ok(ranking) = Ranking::new(&scores, &labels) else { return Ok(()) };
            let (mut right, mut all) = (0.0, 0.0);
            for (a, _) in labels.iter().enumerate().filter(|(_, label)| **label) {
                for (b, _) in labels.iter().enumerate().filter(|(_, label)| !**label) {
                    all += 1.0;
                    right += if scores[a] > scores[b] { 1.0 } else if scores[a] == scores[b] { 0.5 } else { 0.0 };
                }
            }
            prop_assert!((ranking.auc() - right / all).abs() < 1e-12);
        }

        #[test]
        fn curves_are_monotone_and_stay_in_the_unit_square((scores, labels) in scored()) {
            let Ok(ranking) = Ranking::new(&scores, &labels) else { return Ok(()) };
            prop_assert!((0.0..=1.0).contains(&ranking.auc()));
            prop_assert!((0.0..=1.0).contains(&ranking.average_precision()));
            let roc = ranking.roc();
            for two in roc.windows(2) {
                prop_assert!(two[0].false_positive_rate <= two[1].false_positive_rate);
                prop_assert!(two[0].true_positive_rate <= two[1].true_positive_rate);
                prop_assert!(two[0].threshold > two[1].threshold);
            }
            let last = roc.last().unwrap();
            prop_assert_eq!((last.false_positive_rate, last.true_positive_rate), (1.0, 1.0));
            let curve = ranking.precision_recall();
            prop_assert!(curve.windows(2).all(|two| two[0].recall <= two[1].recall));
            prop_assert!(curve.iter().all(|point| (0.0..=1.0).contains(&point.precision)));
            prop_assert_eq!(curve.last().unwrap().recall, 1.0);
        }

        #[test]
        fn the_order_of_pairs_does_not_matter((scores, labels) in scored(), turn in 0_usize..60) {
            let turn = turn % scores.len();
            let rotated = |from: &[f64]| [&from[turn..], &from[..turn]].concat();
            let rotated_labels = [&labels[turn..], &labels[..turn]].concat();
            prop_assert_eq!(Ranking::new(&scores, &labels), Ranking::new(&rotated(&scores), &rotated_labels));
        }

        #[test]
        fn dropping_collinear_points_keeps_the_area((scores, labels) in scored()) {
            let Ok(ranking) = Ranking::new(&scores, &labels) else { return Ok(()) };
            let area: f64 = ranking
                .roc()
                .windows(2)
                .map(|two| {
                    (two[1].false_positive_rate - two[0].false_positive_rate)
                        * (two[1].true_positive_rate + two[0].true_positive_rate) / 2.0
                })
                .sum();
            prop_assert!((area - ranking.auc()).abs() < 1e-12);
        }
    }
}
