//! Means, deviations and intervals of error rates. Sums are exact and rounded once, so the order of values does not matter.

use super::{
    errors_by_seed::{Columns, SEEDS_COVER},
    report_json::{Estimate, Interval, IntervalMethod, Spread},
};
use crate::statistics::{
    crossed_standard_error::Crossed,
    exact::{mean, standard_deviation},
    wilson_interval::{NOTHING, rate_interval},
};

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

/// The units of a configuration with the inputs of their mean's interval.
pub(super) struct Sample<'a> {
    /// The error of each done unit.
    pub(super) errors: &'a [f64],
    /// The mean over the complete seeds and all columns, if it has a standard error.
    pub(super) crossed: Option<Crossed>,
    /// The number of complete seeds.
    pub(super) seeds: usize,
    /// The folds, draws or examples that are the second factor of the errors.
    pub(super) columns: Columns,
    /// The number of different examples that the units scored.
    pub(super) examples: usize,
}

/// The spread of a configuration's errors, with the interval of their mean for another draw of the seeds and of the
/// columns. On one set of test examples, also the narrower interval given these examples.
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

#[cfg(test)]
mod tests {
    use seedgrid_common::spec::Evaluation;

    use super::*;
    use crate::statistics::crossed_standard_error::{Table, crossed};

    fn independent(errors: &[f64], rows: &[Vec<f64>]) -> Estimate {
        let (found, examples) = (crossed(Table::independent(rows)), rows.first().map_or(0, Vec::len));
        let columns = Columns::new(Evaluation::Holdout, 1);
        estimate(&Sample { errors, crossed: found, seeds: rows.len(), columns, examples })
    }

    #[test]
    fn no_values_give_nulls_with_a_reason() {
        let spread = spread(&[]);
        assert_eq!((spread.n, spread.mean, spread.std, spread.min, spread.max), (0, None, None, None, None));
        assert!(spread.reason.is_some());
        let nothing = independent(&[], &[]);
        assert_eq!(nothing.interval.ci95, None);
        assert_eq!(nothing.interval.reason.as_deref(), Some("no unit is done"));
        let incomplete = independent(&[0.2], &[]);
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
    }

    #[test]
    fn one_seed_has_the_interval_of_its_examples_and_none_over_seeds() {
        let estimate = independent(&[0.25], &[vec![0.0, 1.0, 0.0, 0.0]]);
        assert_eq!(estimate.spread.std, None);
        assert!(estimate.interval.ci95.is_some() && estimate.interval.covers.contains("one seed"));
        assert_eq!(estimate.given_examples.unwrap().reason.as_deref(), Some("it needs two seeds"));
    }

    #[test]
    fn equal_seeds_still_leave_the_draw_of_the_examples() {
        let estimate = independent(&[0.25; 3], &vec![vec![0.0, 1.0, 0.0, 0.0]; 3]);
        assert!(estimate.interval.ci95.is_some());
        let given = estimate.given_examples.unwrap();
        assert_eq!((given.ci95, given.reason.as_deref()), (None, Some("the error does not vary from seed to seed")));
    }

    #[test]
    fn an_error_of_zero_is_not_certain() {
        let estimate = independent(&[0.0; 5], &vec![vec![0.0; 100]; 5]);
        let [low, high] = estimate.interval.ci95.unwrap();
        assert!(low == 0.0 && high > 0.03 && high < 0.05, "some 3.8 of 100: {high}");
        let all_wrong = independent(&[1.0; 2], &vec![vec![1.0; 100]; 2]).interval.ci95.unwrap();
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
}
