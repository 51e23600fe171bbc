//! The uncertainty of the areas under a configuration's curves from the draw of the scored pairs: percentile intervals
//! over resamples of the pairs.

use seedgrid_common::random::Stream;

use super::roc_and_precision_recall::{Ranking, enough_of_each_class, precision_area, roc_area};

/// The largest number of resamples: another stream would move an end of an interval by less than a hundredth of its
/// width.
const RESAMPLES_MAX: usize = 10_000;

/// The smallest number of resamples, for many pairs.
const RESAMPLES_MIN: usize = 1000;

/// The approximate number of pairs drawn over all resamples; with more pairs the interval is narrower anyway.
const DRAWN_PAIRS: usize = 10_000_000;

/// 95 % intervals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Intervals {
    pub(crate) auc: [f64; 2],
    pub(crate) average_precision: [f64; 2],
}

/// The number of resamples of this many pairs.
pub(crate) fn resamples(pairs: usize) -> usize {
    (DRAWN_PAIRS / pairs.max(1)).clamp(RESAMPLES_MIN, RESAMPLES_MAX)
}

/// The intervals of a ranking's areas: draws of as many pairs, with replacement and regardless of class, [`resamples`]
/// times; from the 2.5th to the 97.5th percentile of the areas. Rankings of equal length get the same draws.
///
/// # Errors
/// The reason for missing intervals: too few pairs of one class, or a ranking without a mistake, whose resamples have
/// none either.
pub(crate) fn intervals(ranking: &Ranking) -> Result<Intervals, String> {
    let pairs = ranking.pairs();
    let count = u32::try_from(pairs.len()).map_err(|_| "there are too many pairs to draw from".to_owned())?;
    enough_of_each_class(pairs.iter().map(|(_, positive)| *positive))?;
    if ranking.auc() == 1.0 || ranking.auc() == 0.0 {
        return Err("every resample of a ranking without a mistake is without one, too".to_owned());
    }
    let resamples = resamples(pairs.len());
    let mut stream = Stream::new(0, "bootstrap");
    // For each step, the numbers of drawn pairs of class 0 and of class 1.
    let mut drawn = vec![[0_u64; 2]; ranking.len()];
    let (mut aucs, mut precisions) = (Vec::with_capacity(resamples), Vec::with_capacity(resamples));
    // A resample of one class only has no curve and is drawn again.
    for _ in 0..2 * resamples {
        drawn.fill([0; 2]);
        for _ in 0..count {
            let (step, positive) = pairs[stream.below(count) as usize];
            drawn[step][usize::from(positive)] += 1;
        }
        let passed = || {
            drawn.iter().scan((0, 0), |sums, [negatives, positives]| {
                *sums = (sums.0 + positives, sums.1 + negatives);
                Some(*sums)
            })
        };
        let totals = passed().last().unwrap_or_default();
        if totals.0 > 0 && totals.1 > 0 {
            aucs.push(roc_area(passed(), totals));
            precisions.push(precision_area(passed(), totals));
        }
        if aucs.len() == resamples {
            return Ok(Intervals { auc: percentiles(aucs), average_precision: percentiles(precisions) });
        }
    }
    Err("too few pairs are of one of the classes: most draws of the pairs have none of it".to_owned())
}

/// The 2.5th and the 97.5th percentile, with linear interpolation between two values. There must be a value.
fn percentiles(mut values: Vec<f64>) -> [f64; 2] {
    values.sort_by(f64::total_cmp);
    [0.025, 0.975].map(|share| {
        let place = share * (values.len() - 1) as f64;
        let (below, above) = (values[place.floor() as usize], values[place.ceil() as usize]);
        below + (above - below) * place.fract()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Scores of two classes that overlap, coarse enough for ties, and their labels.
    fn drawn(stream: &mut Stream, pairs: usize) -> (Vec<f64>, Vec<bool>) {
        let scores_of = |stream: &mut Stream, label: bool| {
            let sum: f64 = (0..4).map(|_| stream.unit_f64()).sum();
            ((sum + if label { 0.8 } else { 0.0 }) * 25.0).round() / 120.0
        };
        let labels: Vec<bool> = (0..pairs).map(|_| stream.below(2) == 1).collect();
        (labels.iter().map(|&label| scores_of(stream, label)).collect(), labels)
    }

    #[test]
    fn most_intervals_hold_what_a_large_draw_gives() {
        let mut stream = Stream::new(3, "coverage");
        let (scores, labels) = drawn(&mut stream, 200_000);
        let truth = Ranking::new(&scores, &labels).unwrap();
        let (mut aucs, mut precisions) = (0, 0);
        for _ in 0..100 {
            let (scores, labels) = drawn(&mut stream, 120);
            let found = intervals(&Ranking::new(&scores, &labels).unwrap()).unwrap();
            let holds = |[low, high]: [f64; 2], value: f64| usize::from((low..=high).contains(&value));
            aucs += holds(found.auc, truth.auc());
            precisions += holds(found.average_precision, truth.average_precision());
        }
        // 95 % of 100, with a deviation of 2; percentile intervals of few pairs contain the value a little less often.
        assert!((88..=99).contains(&aucs), "{aucs}");
        assert!((86..=99).contains(&precisions), "{precisions}");
    }

    #[test]
    fn what_resamples_cannot_tell_has_no_interval() {
        let labels: Vec<bool> = (0..40).map(|pair| pair >= 20).collect();
        let ranked: Vec<f64> = (0..40).map(f64::from).collect();
        let reason = |scores: &[f64], labels: &[bool]| intervals(&Ranking::new(scores, labels).unwrap()).unwrap_err();
        assert!(
            reason(&ranked, &labels).contains("without a mistake"),
            "from 1 to 1 would claim that nothing can go wrong"
        );
        assert!(reason(&ranked[..2], &[false, true]).contains("10 pairs of each class"));
        assert_eq!([60, 1000, 2000, 100_000].map(resamples), [10_000, 10_000, 5000, 1000]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]

        #[test]
        fn the_order_of_pairs_does_not_matter(seed: u64, pairs in 24_usize..60) {
            let mut stream = Stream::new(seed, "order");
            let (scores, labels) = drawn(&mut stream, pairs);
            let Ok(ranking) = Ranking::new(&scores, &labels) else { return Ok(()) };
            let Ok(found) = intervals(&ranking) else { return Ok(()) };
            for [low, high] in [found.auc, found.average_precision] {
                prop_assert!(0.0 <= low && low <= high && high <= 1.0);
            }
            let mut order: Vec<usize> = (0..pairs).collect();
            stream.shuffle(&mut order);
            let (scores, labels): (Vec<f64>, Vec<bool>) =
                order.iter().map(|&pair| (scores[pair], labels[pair])).unzip();
            prop_assert_eq!(intervals(&Ranking::new(&scores, &labels).unwrap()).unwrap(), found);
        }
    }
}
