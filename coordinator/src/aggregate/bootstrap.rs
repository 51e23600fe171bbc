//! How much the areas under a configuration's curves depend on which pairs were scored: percentile intervals over resamples
//! of the pairs.

use seedgrid_common::random::Stream;

use super::ranking::{Ranking, precision_area, roc_area};

/// How often the pairs are drawn anew.
const RESAMPLES: usize = 1000;

/// Resamples of one class only have no curve and are drawn again, but no more often than this altogether.
const DRAWS_MAX: usize = 10 * RESAMPLES;

/// 95 % intervals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Intervals {
    pub(super) auc: [f64; 2],
    pub(super) average_precision: [f64; 2],
}

/// The intervals of a ranking's areas: as many pairs as there are, drawn with replacement whatever their class, 1000 times over;
/// from the 2.5th to the 97.5th percentile of what their curves give. Rankings of as many pairs meet the same draws.
pub(super) fn intervals(ranking: &Ranking) -> Result<Intervals, String> {
    let pairs = ranking.pairs();
    let count = u32::try_from(pairs.len()).map_err(|_| "there are too many pairs to draw from".to_owned())?;
    let mut stream = Stream::new(0, "bootstrap");
    // Of each step, how many pairs of class 0 and of class 1 are drawn.
    let mut drawn = vec![[0_u64; 2]; ranking.len()];
    let (mut aucs, mut precisions) = (Vec::with_capacity(RESAMPLES), Vec::with_capacity(RESAMPLES));
    for _ in 0..DRAWS_MAX {
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
        if aucs.len() == RESAMPLES {
            return Ok(Intervals { auc: percentiles(aucs), average_precision: percentiles(precisions) });
        }
    }
    Err("too few pairs are of one of the classes: most draws of the pairs have none of it".to_owned())
}

/// The 2.5th and the 97.5th percentile, between two values by linear interpolation. There must be a value.
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
        for _ in 0..300 {
            let (scores, labels) = drawn(&mut stream, 120);
            let found = intervals(&Ranking::new(&scores, &labels).unwrap()).unwrap();
            let holds = |[low, high]: [f64; 2], value: f64| usize::from((low..=high).contains(&value));
            aucs += holds(found.auc, truth.auc());
            precisions += holds(found.average_precision, truth.average_precision());
        }
        // 95 % of 300 are 285, with a deviation of 4; percentile intervals of few pairs hold a little less.
        assert!((270..=296).contains(&aucs), "{aucs}");
        assert!((264..=296).contains(&precisions), "{precisions}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn the_order_of_pairs_does_not_matter(seed: u64, pairs in 2_usize..60) {
            let mut stream = Stream::new(seed, "order");
            let (scores, labels) = drawn(&mut stream, pairs);
            let Ok(ranking) = Ranking::new(&scores, &labels) else { return Ok(()) };
            let found = intervals(&ranking).unwrap();
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
