//! Means, deviations and intervals of error rates. Sums are exact and rounded once, so the order of values does not matter.

use super::{
    by_seed::{Columns, SEEDS_COVER},
    crossed::Crossed,
    document::{Estimate, Interval, IntervalMethod, Spread},
    student::quantile_975,
};
pub(crate) use crate::exact::mean;
use crate::exact::sum;

/// Sample standard deviation (divided by n - 1), in two passes; None of fewer than two values.
pub(super) fn standard_deviation(values: &[f64]) -> Option<f64> {
    let center = mean(values)?;
    let squares = sum(values.iter().map(|value| (value - center).powi(2)));
    (values.len() >= 2).then(|| (squares / (values.len() - 1) as f64).sqrt())
}

/// Location and spread of `values`.
pub(super) fn spread(values: &[f64]) -> Spread {
    let nothing =
        |n, reason: &str| Spread { n, mean: None, std: None, min: None, max: None, reason: Some(reason.to_owned()) };
    let Some(center) = mean(values) else {
        return nothing(0, "there are no values");
    };
    let std = standard_deviation(values);
    if !center.is_finite() || std.is_some_and(|std| !std.is_finite()) {
        return nothing(values.len(), "the values are too large for a mean");
    }
    Spread {
        n: values.len(),
        mean: Some(center),
        std,
        min: values.iter().copied().reduce(f64::min),
        max: values.iter().copied().reduce(f64::max),
        reason: std.is_none().then(|| "a standard deviation needs two values".to_owned()),
    }
}

/// The units of a configuration with what their mean is sure by.
pub(super) struct Sample<'a> {
    /// Each done unit's error.
    pub(super) errors: &'a [f64],
    /// The mean over the complete seeds and all columns, where it has a standard error.
    pub(super) crossed: Option<Crossed>,
    /// How many seeds are complete.
    pub(super) seeds: usize,
    /// The folds, draws or examples with which the errors vary beside the seeds.
    pub(super) columns: Columns,
    /// How many different examples the units scored.
    pub(super) examples: usize,
}

/// The spread of a configuration's errors, with the interval of their mean for another draw of the seeds and of what the columns are.
/// On one set of test examples, the narrower interval given these examples stands beside it.
pub(super) fn estimate(sample: &Sample<'_>) -> Estimate {
    let spread = spread(sample.errors);
    let interval = interval(&spread, sample);
    let given_examples =
        (sample.columns.method() == IntervalMethod::SeedsExamples).then(|| over_seeds(&spread, sample.examples));
    Estimate { spread, interval, given_examples }
}

fn interval(spread: &Spread, sample: &Sample<'_>) -> Interval {
    let (method, covers) = (sample.columns.method(), sample.columns.covers(sample.seeds));
    let Some((mean, found)) = spread.mean.zip(sample.crossed) else {
        let reason = match (spread.mean, sample.seeds) {
            (None, _) => "no unit is done".to_owned(),
            (Some(_), 0) => "no seed has all of its units done".to_owned(),
            (Some(_), _) => format!("it needs two {}", method.columns()),
        };
        return Interval::none(method, covers, reason);
    };
    let trials = sample.examples as f64 * sample.seeds as f64;
    Interval {
        standard_error: Some(found.standard_error),
        freedom: Some(found.freedom),
        ci95: Some(rate_interval(mean, found.standard_error, found.freedom, [sample.examples as f64, trials])),
        method,
        covers,
        reason: None,
    }
}

/// Student's t interval of a mean over seeds, on the examples that all of them scored.
fn over_seeds(spread: &Spread, examples: usize) -> Interval {
    let method = IntervalMethod::Seeds;
    let covers = SEEDS_COVER.to_owned();
    let (Some(mean), Some(std)) = (spread.mean, spread.std) else {
        return Interval::none(method, covers, "it needs two seeds".to_owned());
    };
    let (n, freedom) = (spread.n as f64, spread.n as f64 - 1.0);
    let standard_error = std / n.sqrt();
    let varies = standard_error >= NOTHING;
    let trials = examples as f64 * n;
    Interval {
        standard_error: Some(standard_error),
        freedom: Some(freedom),
        ci95: varies.then(|| rate_interval(mean, standard_error, freedom, [trials, f64::INFINITY])),
        method,
        covers,
        reason: (!varies).then(|| "the error does not vary from seed to seed".to_owned()),
    }
}

/// A standard error below this is that of values that do not vary: error rates are multiples of one in some thousands.
pub(super) const NOTHING: f64 = 1e-12;

/// A 95 % interval of an error rate with this standard error, within 0..1: Wilson's (1927), with the number of examples that would give
/// this standard error by the binomial distribution (Korn and Graubard 1998), and Student's t for its degrees of freedom. Of `examples`
/// the first number stands in where the rate is 0 or 1 or nothing varies, and the second is the most.
pub(crate) fn rate_interval(rate: f64, standard_error: f64, freedom: f64, examples: [f64; 2]) -> [f64; 2] {
    let t = quantile_975(freedom);
    let binomial = rate * (1.0 - rate);
    let [at_least_known, most] = examples;
    let effective = if binomial > 0.0 && standard_error >= NOTHING {
        (binomial / (standard_error * standard_error)).min(most)
    } else {
        at_least_known.max(1.0)
    };
    let square = t * t / effective;
    let center = (rate + square / 2.0) / (1.0 + square);
    let half = t / (1.0 + square) * (binomial / effective + square / (4.0 * effective)).sqrt();
    [if rate <= 0.0 { 0.0 } else { (center - half).max(0.0) }, if rate >= 1.0 { 1.0 } else { (center + half).min(1.0) }]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use seedgrid_common::spec::Evaluation;

    use super::*;
    use crate::aggregate::crossed::{Table, crossed};

    fn of(errors: &[f64], rows: &[Vec<f64>]) -> Estimate {
        let (found, examples) = (crossed(Table::independent(rows)), rows.first().map_or(0, Vec::len));
        let columns = Columns::new(Evaluation::Holdout, 1);
        estimate(&Sample { errors, crossed: found, seeds: rows.len(), columns, examples })
    }

    #[test]
    fn no_values_give_nulls_with_a_reason() {
        let spread = spread(&[]);
        assert_eq!((spread.n, spread.mean, spread.std, spread.min, spread.max), (0, None, None, None, None));
        assert!(spread.reason.is_some());
        let nothing = of(&[], &[]);
        assert_eq!(nothing.interval.ci95, None);
        assert_eq!(nothing.interval.reason.as_deref(), Some("no unit is done"));
        let incomplete = of(&[0.2], &[]);
        assert_eq!(incomplete.interval.reason.as_deref(), Some("no seed has all of its units done"));
    }

    #[test]
    fn infinities_never_pass_as_numbers() {
        let spread = spread(&[1e308, 1e308, -1e308]);
        assert_eq!((spread.n, spread.mean, spread.std), (3, None, None));
        assert!(spread.reason.is_some());
    }

    #[test]
    fn a_mean_does_not_depend_on_the_order_of_values() {
        assert_eq!(mean(&[0.575, 0.425, 0.575]), Some(0.525));
        assert_eq!((mean(&[0.1, 0.2, 0.3]), mean(&[0.3, 0.2, 0.1])), (Some(0.2), Some(0.2)));
        assert_eq!(standard_deviation(&[0.1, 0.2, 0.4]), standard_deviation(&[0.4, 0.1, 0.2]));
    }

    #[test]
    fn one_seed_has_the_interval_of_its_examples_and_none_over_seeds() {
        let estimate = of(&[0.25], &[vec![0.0, 1.0, 0.0, 0.0]]);
        assert_eq!(estimate.spread.std, None);
        assert!(estimate.interval.ci95.is_some() && estimate.interval.covers.contains("one seed"));
        assert_eq!(estimate.given_examples.unwrap().reason.as_deref(), Some("it needs two seeds"));
    }

    #[test]
    fn equal_seeds_still_leave_the_draw_of_the_examples() {
        let estimate = of(&[0.25; 3], &vec![vec![0.0, 1.0, 0.0, 0.0]; 3]);
        assert!(estimate.interval.ci95.is_some());
        let given = estimate.given_examples.unwrap();
        assert_eq!((given.ci95, given.reason.as_deref()), (None, Some("the error does not vary from seed to seed")));
    }

    #[test]
    fn an_error_of_zero_is_not_certain() {
        let estimate = of(&[0.0; 5], &vec![vec![0.0; 100]; 5]);
        let [low, high] = estimate.interval.ci95.unwrap();
        assert!(low == 0.0 && high > 0.03 && high < 0.05, "some 3.8 of 100: {high}");
        let all_wrong = of(&[1.0; 2], &vec![vec![1.0; 100]; 2]).interval.ci95.unwrap();
        assert!((all_wrong[0] - (1.0 - high)).abs() < 1e-12 && all_wrong[1] == 1.0);
    }

    #[test]
    fn folds_that_share_training_examples_widen_the_interval() {
        let values = [0.10, 0.12, 0.11, 0.13];
        let row = [values.to_vec()];
        let over = |table: Table<'_>| {
            let columns = Columns::new(Evaluation::Folds(4), 1);
            let sample = Sample { errors: &values, crossed: crossed(table), seeds: 1, columns, examples: 400 };
            estimate(&sample).interval.standard_error.unwrap()
        };
        let ratio = over(Table::of_folds(&row, 4)) / over(Table::independent(&row));
        // sqrt((1/4 + 1/3) / (1/4)).
        assert!((ratio - (7.0_f64 / 3.0).sqrt()).abs() < 1e-12, "{ratio}");
    }

    proptest! {
        #[test]
        fn an_interval_holds_its_rate_and_stays_within_0_and_1(
            rate in 0.0..=1.0_f64, error in 0.0..0.6_f64, freedom in 1.0..500.0_f64, examples in 2.0..1e4_f64,
        ) {
            let [low, high] = rate_interval(rate, error, freedom, [examples, 10.0 * examples]);
            prop_assert!((0.0..=1.0).contains(&low) && (0.0..=1.0).contains(&high));
            prop_assert!(low <= rate + 1e-12 && rate <= high + 1e-12);
            let mirrored = rate_interval(1.0 - rate, error, freedom, [examples, 10.0 * examples]);
            prop_assert!((mirrored[0] - (1.0 - high)).abs() < 1e-9);
        }
    }
}
