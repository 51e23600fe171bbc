//! Networks that have learnt nothing: *untrained* units, whose training error is not below that of always predicting
//! the commonest class, and *stuck* ones, whose error is far above that of the other seeds. Both are named next to
//! every mean that contains them, and never dropped. docs/statistics.md has the definitions.

use std::collections::BTreeMap;

use seedgrid_common::{
    data::{Labelled, Part, folds::split},
    training::EpochMetrics,
    unit::{Fold, Unit, UnitId},
};

use crate::scheduler::ranking::Ended;

/// The number of binomial standard errors by which a training error must be below that of the commonest class.
const STANDARD_ERRORS: f64 = 2.0;
/// The smallest number of seeds for a decision about stuck ones.
const SEEDS_MIN: usize = 5;
/// The number of scaled median absolute deviations by which a stuck seed is above the median.
const DEVIATIONS: f64 = 5.0;
/// The factor from the median absolute deviation of normal values to their standard deviation.
const SCALE: f64 = 1.4826;
/// A stuck seed is also more than five points above the median: one in this many of the scored pairs.
const ONE_IN: f64 = 20.0;

/// The classes of a unit's training rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TrainingRows {
    /// The number of rows.
    pub(crate) rows: usize,
    /// The number of rows of the commonest class.
    pub(crate) commonest: usize,
}

impl TrainingRows {
    /// The classes for this part of a data set; None if it has no such part.
    pub(crate) fn count(dataset: &impl Labelled, fold: Fold) -> Option<Self> {
        let rows = split(dataset, fold).ok()?.train;
        let all = dataset.classes(Part::Train)?;
        let mut classes: BTreeMap<u32, usize> = BTreeMap::new();
        rows.iter().for_each(|&row| *classes.entry(all[row as usize]).or_default() += 1);
        Some(Self { rows: rows.len(), commonest: classes.values().copied().max()? })
    }

    /// The error of always predicting the commonest class.
    pub(crate) fn baseline(&self) -> f64 {
        (self.rows - self.commonest) as f64 / self.rows as f64
    }

    /// Whether a network with this training error has learnt nothing that differs from chance. None if the rows are too
    /// few or too much alike for any network to differ from chance.
    pub(crate) fn is_untrained(&self, training_error: f64) -> Option<bool> {
        let baseline = self.baseline();
        let below = baseline - STANDARD_ERRORS * (baseline * (1.0 - baseline) / self.rows as f64).sqrt();
        (below > 0.0).then_some(training_error >= below)
    }
}

/// Marks the stuck units of a configuration, in their order. Each unit comes with its part of the data (draw and fold)
/// and the number of scored pairs that it classifies wrongly; None without scores. Units are compared within their
/// part, where only the seed differs. The result is None for units without scores, and in a part with scores of fewer
/// than five seeds.
pub(crate) fn stuck<P: Ord + Copy>(units: &[(P, Option<Errors>)]) -> Vec<Option<bool>> {
    let mut parts: BTreeMap<P, Vec<f64>> = BTreeMap::new();
    for (part, errors) in units {
        parts.entry(*part).or_default().extend(errors.map(|errors| f64::from(errors.wrong)));
    }
    // Counts, so that no rounding decides.
    let limits = parts.into_iter().map(|(part, wrong)| (part, (wrong.len() >= SEEDS_MIN).then(|| Limits::new(&wrong))));
    let limits: BTreeMap<P, Option<Limits>> = limits.collect();
    let is_stuck = |(part, errors): &(P, Option<Errors>)| Some(limits[part]?.is_exceeded((*errors)?));
    units.iter().map(is_stuck).collect()
}

/// The limits of the numbers of wrongly classified pairs in one part of the data, above which units are stuck.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// The median.
    center: f64,
    /// The largest difference from it that is no reason for doubt.
    deviation: f64,
}

impl Limits {
    fn new(wrong: &[f64]) -> Self {
        let center = median(wrong).unwrap_or_default();
        let deviations: Vec<f64> = wrong.iter().map(|wrong| (wrong - center).abs()).collect();
        Self { center, deviation: DEVIATIONS * SCALE * median(&deviations).unwrap_or_default() }
    }

    fn is_exceeded(&self, errors: Errors) -> bool {
        let excess = f64::from(errors.wrong) - self.center;
        excess > self.deviation && ONE_IN * excess > errors.scored as f64
    }
}

/// The middle value, or the mean of the two in the middle; None without values.
fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (sorted.get(sorted.len().checked_sub(1)? / 2)?, sorted.get(sorted.len() / 2)?);
    Some((low + high) / 2.0)
}

/// A unit's errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Errors {
    /// The number of wrongly classified pairs.
    pub(crate) wrong: u32,
    /// The number of scored pairs.
    pub(crate) scored: usize,
}

/// The marks of a done unit; see [`TrainingRows::is_untrained`] and [`stuck`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) untrained: Option<bool>,
    pub(crate) stuck: Option<bool>,
}

/// Marks the stuck units of a configuration, from the outcomes of its stage's units.
pub(crate) fn stuck_of(units: &[(UnitId, Unit)], ended: &BTreeMap<UnitId, Ended>) -> Vec<Option<bool>> {
    let errors = |id: &UnitId| match ended.get(id)? {
        Ended::Scored { wrong, of } => Some(Errors { wrong: *wrong, scored: *of as usize }),
        Ended::Diverged | Ended::Failed => None,
    };
    stuck(&units.iter().map(|(id, unit)| ((&unit.dataset_digest, unit.fold), errors(id))).collect::<Vec<_>>())
}

/// The classes of each part's training rows, counted at their first use.
#[derive(Clone, Debug, Default)]
pub(crate) struct Classes {
    known: BTreeMap<(String, Fold), Option<TrainingRows>>,
}

impl Classes {
    /// Whether a unit with these epochs, trained on this data set, is untrained; see [`TrainingRows::is_untrained`].
    pub(crate) fn is_untrained(
        &mut self,
        unit: &Unit,
        dataset: &impl Labelled,
        epochs: &[EpochMetrics],
    ) -> Option<bool> {
        let place = (unit.dataset_digest.to_string(), unit.fold);
        let rows = *self.known.entry(place).or_insert_with(|| TrainingRows::count(dataset, unit.fold));
        rows?.is_untrained(epochs.last()?.train_error)
    }
}

#[cfg(test)]
mod tests {
    use seedgrid_common::data::{
        pairs::{self, PAIR_PIXELS, Pairs},
        values::NumberType,
    };

    use super::*;

    #[test]
    fn a_training_error_near_that_of_the_commonest_class_is_untrained() {
        // 47 of 100: one standard error is 0.0499, so learning begins to show below 0.3702.
        let rows = TrainingRows { rows: 100, commonest: 53 };
        assert!((rows.baseline() - 0.47).abs() < 1e-15);
        for (error, untrained) in
            [(0.55, true), (0.47, true), (0.38, true), (0.3703, true), (0.37, false), (0.0, false)]
        {
            assert_eq!(rows.is_untrained(error), Some(untrained), "{error}");
        }
        // More rows show a smaller difference.
        assert_eq!(TrainingRows { rows: 10_000, commonest: 5_300 }.is_untrained(0.455), Some(false));
    }

    #[test]
    fn of_rows_that_tell_nothing_no_network_is_called_untrained() {
        for rows in [
            TrainingRows { rows: 4, commonest: 2 },
            TrainingRows { rows: 50, commonest: 50 },
            TrainingRows { rows: 60, commonest: 57 },
        ] {
            assert_eq!(rows.is_untrained(0.5), None, "{rows:?}");
        }
        assert_eq!(TrainingRows { rows: 5, commonest: 3 }.is_untrained(0.0), None);
        assert_eq!(TrainingRows { rows: 8, commonest: 4 }.is_untrained(0.0), Some(false));
    }

    #[test]
    fn classes_are_those_of_the_units_own_training_rows() {
        // Class 1 is a first digit that is at most the second.
        let digits: Vec<[u8; 2]> = (0..30).map(|pair| if pair % 3 == 0 { [5, 1] } else { [1, 5] }).collect();
        let pairs = Pairs { pixels: vec![0.0; digits.len() * PAIR_PIXELS], digits };
        let dataset = pairs::dataset("", 0, NumberType::U8, [&pairs; 2]);
        let of = |fold| TrainingRows::count(&dataset, fold);
        assert_eq!(of(Fold::Holdout), Some(TrainingRows { rows: 30, commonest: 20 }));
        // Each of 5 folds has 4 of the 20 and 2 of the 10.
        assert_eq!(of(Fold::Part { index: 0, of: 5 }), Some(TrainingRows { rows: 24, commonest: 16 }));
        assert_eq!(of(Fold::Part { index: 0, of: 20 }), None, "it cannot be split so");
    }

    fn of_one_part(wrong: &[u32], scored: usize) -> Vec<Option<bool>> {
        stuck(&wrong.iter().map(|&wrong| ((), Some(Errors { wrong, scored }))).collect::<Vec<_>>())
    }

    fn seeds(verdicts: &[Option<bool>]) -> Vec<usize> {
        (0..verdicts.len()).filter(|&place| verdicts[place] == Some(true)).collect()
    }

    #[test]
    fn a_seed_far_above_the_others_is_stuck() {
        assert_eq!(seeds(&of_one_part(&[120, 131, 474, 118, 127], 1000)), [2]);
        assert_eq!(seeds(&of_one_part(&[474, 131, 474, 118, 127, 122, 125], 1000)), [0, 2]);
        assert_eq!(seeds(&of_one_part(&[120, 131, 10, 118, 127], 1000)), [0; 0], "a better one is not");
        assert_eq!(of_one_part(&[120, 131, 474, 118], 1000), [None; 4], "four seeds do not tell");
    }

    #[test]
    fn both_bounds_must_be_passed() {
        // The median is 100, the deviations' median 0: five points decide, exactly.
        assert_eq!(seeds(&of_one_part(&[100, 100, 100, 150, 151], 1000)), [4]);
        assert_eq!(seeds(&of_one_part(&[2, 2, 2, 2, 3], 20)), [0; 0], "one pair of 20 is five points, and not more");
        // The median is 200, the deviations' median 20: 5 x 1.4826 x 20 = 148.26.
        assert_eq!(seeds(&of_one_part(&[180, 190, 200, 220, 348], 1000)), [0; 0]);
        assert_eq!(seeds(&of_one_part(&[180, 190, 200, 220, 349], 1000)), [4]);
    }

    /// A median for each unit would take hours.
    #[test]
    fn the_median_of_many_seeds_is_computed_once() {
        let mut wrong = vec![100; 300_000];
        wrong[7] = 151;
        assert_eq!(seeds(&of_one_part(&wrong, 1000)), [7]);
    }

    #[test]
    fn units_are_compared_within_their_fold_and_draw() {
        // In a hard fold all seeds err more, and none is stuck; the third seed of the easy one is stuck.
        let fold = |part: u8, wrong: [Option<u32>; 6]| {
            wrong.map(|wrong| (part, wrong.map(|wrong| Errors { wrong, scored: 100 })))
        };
        let easy = fold(1, [Some(5), Some(6), Some(47), Some(4), Some(6), None]);
        let hard = fold(2, [Some(45), Some(46), Some(47), Some(44), Some(46), Some(45)]);
        let verdicts = stuck(&[easy, hard].concat());
        assert_eq!(seeds(&verdicts), [2]);
        assert_eq!(verdicts[5], None, "it has no scores");
    }
}
