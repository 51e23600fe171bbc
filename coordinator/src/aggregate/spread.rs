//! Means, deviations and intervals. Sums run in the order given, so equal inputs give equal bits.

use super::{
    components::error_over_draws,
    document::{Estimate, IntervalMethod, Spread},
    student::quantile_975,
};

/// Arithmetic mean; None of no values. A second pass adds the mean of what is left, so that the mean of equal values is that
/// value.
pub(crate) fn mean(values: &[f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let first = values.iter().sum::<f64>() / values.len() as f64;
    let left = values.iter().map(|value| value - first).sum::<f64>() / values.len() as f64;
    Some(first + left)
}

/// Sample standard deviation (divided by n - 1), in two passes; None of fewer than two values.
pub(super) fn standard_deviation(values: &[f64]) -> Option<f64> {
    let center = mean(values)?;
    let squares: f64 = values.iter().map(|value| (value - center).powi(2)).sum();
    (values.len() >= 2).then(|| (squares / (values.len() - 1) as f64).sqrt())
}

/// Standard error of an error rate over so many pairs that were drawn at random: `sqrt(e (1 - e) / pairs)`.
pub(super) fn binomial_standard_error(error: f64, pairs: usize) -> f64 {
    (error * (1.0 - error) / pairs as f64).sqrt()
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

/// The spread of one value per seed, with Student's t interval of its mean: `mean ± t(n - 1) * std / sqrt(n)`.
pub(crate) fn over_seeds(values: &[f64]) -> Estimate {
    let spread = spread(values);
    let error = spread.std.map(|std| (std * (1.0 / spread.n as f64).sqrt(), spread.n as f64 - 1.0));
    estimate(spread, error, IntervalMethod::SeedsT, "a confidence interval needs two seeds")
}

/// The spread over all units of a cross-validation, with the corrected interval of Nadeau and Bengio (2003) over the means of
/// its `folds` folds: the variance of their mean is taken as `(1 / n + 1 / (folds - 1)) * std^2`, the second term being the
/// ratio of validation to training pairs. It is that of the mean which is shown, also where some units are missing.
pub(super) fn over_folds(values: &[f64], fold_means: &[f64], folds: u32) -> Estimate {
    let n = fold_means.len() as f64;
    let error = spread(fold_means).std.map(|std| (std * (1.0 / n + 1.0 / (f64::from(folds) - 1.0)).sqrt(), n - 1.0));
    estimate(spread(values), error, IntervalMethod::FoldsCorrectedT, "a confidence interval needs two folds")
}

/// The spread over all units on several draws of the data, with Student's t interval over the draws' means. It is that of the mean
/// which is shown, also where some units are missing.
pub(super) fn over_draws(values: &[f64], draw_means: &[f64]) -> Estimate {
    let reason = "a confidence interval needs two draws of the data with done units";
    estimate(spread(values), error_over_draws(draw_means), IntervalMethod::DrawsT, reason)
}

/// A standard error below this is that of values that do not vary: error rates are multiples of one in some thousands.
const NOTHING: f64 = 1e-12;

/// With the interval that the mean's standard error and its degrees of freedom give; values that are all the same say nothing about
/// how much others would differ, so they have none.
fn estimate(spread: Spread, error: Option<(f64, f64)>, ci95_method: IntervalMethod, reason: &str) -> Estimate {
    let error = spread.mean.zip(error);
    let varies = error.filter(|(_, (standard_error, _))| *standard_error >= NOTHING);
    let ci95 = varies.map(|(center, (standard_error, freedom))| {
        let half = quantile_975(freedom) * standard_error;
        [center - half, center + half]
    });
    let over = match ci95_method {
        IntervalMethod::SeedsT => "from seed to seed",
        IntervalMethod::FoldsCorrectedT => "from fold to fold",
        IntervalMethod::DrawsT => "from draw to draw of the data",
    };
    let ci95_reason = match (ci95, error) {
        (Some(_), _) => None,
        (None, Some(_)) => Some(format!("the value does not vary {over}")),
        (None, None) => Some(reason.to_owned()),
    };
    Estimate {
        spread,
        standard_error: error.map(|(_, (standard_error, _))| standard_error),
        freedom: error.map(|(_, (_, freedom))| freedom),
        ci95,
        ci95_method,
        ci95_reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_value_has_no_deviation_and_no_interval() {
        let estimate = over_seeds(&[0.25]);
        assert_eq!(estimate.spread.mean, Some(0.25));
        assert_eq!(estimate.spread.std, None);
        assert!(estimate.spread.reason.is_some());
        assert_eq!(estimate.ci95, None);
        assert!(estimate.ci95_reason.is_some());
    }

    #[test]
    fn no_values_give_nulls_with_a_reason() {
        let spread = spread(&[]);
        assert_eq!((spread.n, spread.mean, spread.std, spread.min, spread.max), (0, None, None, None, None));
        assert!(spread.reason.is_some());
    }

    #[test]
    fn infinities_never_pass_as_numbers() {
        let spread = spread(&[1e308, 1e308, -1e308]);
        assert_eq!((spread.n, spread.mean, spread.std), (3, None, None));
        assert!(spread.reason.is_some());
    }

    #[test]
    fn equal_values_have_no_interval() {
        let seeds = over_seeds(&[0.2, 0.2, 0.2]);
        assert_eq!((seeds.ci95, seeds.standard_error, seeds.freedom), (None, Some(0.0), Some(2.0)));
        assert_eq!(seeds.ci95_reason.as_deref(), Some("the value does not vary from seed to seed"));
        let folds = over_folds(&[0.1, 0.3, 0.3, 0.1], &[0.2, 0.2], 2);
        assert!(folds.ci95.is_none() && folds.ci95_reason.unwrap().contains("from fold to fold"));
        let draws = over_draws(&[0.1, 0.3, 0.3, 0.1], &[0.2, 0.2]);
        assert!(draws.ci95.is_none() && draws.ci95_reason.unwrap().contains("from draw to draw"));
    }

    #[test]
    fn folds_that_share_training_pairs_widen_the_interval() {
        let values = [0.10, 0.12, 0.11, 0.13];
        let width = |ci95: Option<[f64; 2]>| ci95.map(|[low, high]| high - low).unwrap();
        let ratio = width(over_folds(&values, &values, 4).ci95) / width(over_seeds(&values).ci95);
        // sqrt((1/4 + 1/3) / (1/4)).
        assert!((ratio - (7.0_f64 / 3.0).sqrt()).abs() < 1e-12, "{ratio}");
    }
}
