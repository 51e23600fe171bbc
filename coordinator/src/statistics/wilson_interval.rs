//! Wilson's interval of an error rate, for an estimated standard error.

use super::student_t::quantile_975;

/// A smaller standard error means that the values do not vary: error rates are multiples of one in some thousands.
pub(crate) const NOTHING: f64 = 1e-12;

/// A 95 % interval of an error rate with this standard error, within 0..1: Wilson's (1927), with the number of examples
/// that would give this standard error by the binomial distribution (Korn and Graubard 1998), and Student's t for its
/// degrees of freedom. The first of `examples` is that number if the rate is 0 or 1 or nothing varies, and the second
/// is its maximum.
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

    use super::*;

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
