//! Means, deviations and intervals. Sums run in the order given, so equal inputs give equal bits.

use statrs::distribution::{Continuous as _, ContinuousCDF as _, StudentsT};

use super::document::{Estimate, IntervalMethod, Spread};

/// Arithmetic mean; None of no values. A second pass adds the mean of what is left, so that the mean of equal values is that
/// value.
pub(super) fn mean(values: &[f64]) -> Option<f64> {
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
pub(super) fn over_seeds(values: &[f64]) -> Estimate {
    let spread = spread(values);
    let interval = interval(&spread, |n| 1.0 / n);
    estimate(spread, interval, IntervalMethod::SeedsT, "a confidence interval needs two seeds")
}

/// The spread over all units of a cross-validation, with the corrected interval of Nadeau and Bengio (2003) over the means of
/// its `folds` folds: the variance of their mean is taken as `(1 / n + 1 / (folds - 1)) * std^2`, the second term being the
/// ratio of validation to training pairs.
pub(super) fn over_folds(values: &[f64], fold_means: &[f64], folds: u32) -> Estimate {
    let interval = interval(&spread(fold_means), |n| 1.0 / n + 1.0 / (f64::from(folds) - 1.0));
    let spread = spread(values);
    // The interval is that of the mean which is shown, also where some units are missing.
    let shifted = match (interval, spread.mean, mean(fold_means)) {
        (Some([low, high]), Some(shown), Some(center)) => Some([shown + (low - center), shown + (high - center)]),
        (Some(_) | None, _, _) => None,
    };
    estimate(spread, shifted, IntervalMethod::FoldsCorrectedT, "a confidence interval needs two folds")
}

fn estimate(spread: Spread, ci95: Option<[f64; 2]>, ci95_method: IntervalMethod, reason: &str) -> Estimate {
    let ci95_reason = ci95.is_none().then(|| reason.to_owned());
    Estimate { spread, ci95, ci95_method, ci95_reason }
}

fn interval(spread: &Spread, variance_share: impl Fn(f64) -> f64) -> Option<[f64; 2]> {
    let (center, std) = (spread.mean?, spread.std?);
    let n = spread.n as f64;
    let half = quantile_975(n - 1.0) * std * variance_share(n).sqrt();
    Some([center - half, center + half])
}

/// The 97.5 % quantile of Student's t distribution, for 1 or more degrees of freedom.
///
/// statrs' own inverse is good to some 10 digits, so a few Newton steps on its distribution function follow. The result is
/// rounded to 13 digits, which hides the last-digit differences between hosts' exp and ln.
pub(super) fn quantile_975(freedom: f64) -> f64 {
    let student = StudentsT::new(0.0, 1.0, freedom).expect("location 0, scale 1 and one or more degrees of freedom");
    let mut t = student.inverse_cdf(0.975);
    for _ in 0..4 {
        t += (student.sf(t) - 0.025) / student.pdf(t);
    }
    let scale = 10_f64.powi(12 - t.log10().floor() as i32);
    (t * scale).round() / scale
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
    fn equal_values_have_an_interval_of_no_width() {
        assert_eq!(over_seeds(&[0.2, 0.2, 0.2]).ci95, Some([0.2, 0.2]));
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
