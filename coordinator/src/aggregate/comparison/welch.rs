//! Welch's t test: two means of independent values whose variances need not be equal.

use super::{Difference, NOTHING};
use crate::aggregate::spread::{mean, standard_deviation};

/// Whether the means of two configurations' values, one a seed, differ: `t = (mean1 - mean2) / sqrt(v1 + v2)` with
/// `v = std^2 / n`, and Welch and Satterthwaite's degrees of freedom, `(v1 + v2)^2 / (v1^2 / (n1 - 1) + v2^2 / (n2 - 1))`.
pub(crate) fn welch(first: &[f64], second: &[f64]) -> Result<Difference, String> {
    let (n1, n2) = (first.len() as f64, second.len() as f64);
    let all = (mean(first), mean(second), standard_deviation(first), standard_deviation(second));
    let (Some(mean1), Some(mean2), Some(std1), Some(std2)) = all else {
        return Err("it needs two done seeds of each configuration".to_owned());
    };
    let (v1, v2) = (std1 * std1 / n1, std2 * std2 / n2);
    let standard_error = (v1 + v2).sqrt();
    if standard_error < NOTHING {
        return Err("neither configuration's error varies over its seeds".to_owned());
    }
    // Scaled by the larger, so that no square of a small variance is lost.
    let largest = v1.max(v2);
    let (s1, s2) = (v1 / largest, v2 / largest);
    let freedom = (s1 + s2).powi(2) / (s1 * s1 / (n1 - 1.0) + s2 * s2 / (n2 - 1.0));
    Ok(Difference::of(mean1 - mean2, standard_error, freedom))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_is_tested_without_spread() {
        assert!(welch(&[0.1], &[0.2, 0.3]).unwrap_err().contains("two done seeds"));
        assert!(welch(&[0.1, 0.1, 0.1], &[0.2, 0.2]).unwrap_err().contains("varies"));
    }

    #[test]
    fn one_constant_side_leaves_the_other_sides_freedom() {
        let test = welch(&[0.1, 0.1, 0.1], &[0.2, 0.3, 0.25, 0.22]).unwrap();
        assert!((test.freedom - 3.0).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn turning_the_pair_turns_the_sign(
            first in prop::collection::vec(0.0..1.0, 2..12), second in prop::collection::vec(0.0..1.0, 2..12),
        ) {
            let (here, there) = (welch(&first, &second).unwrap(), welch(&second, &first).unwrap());
            prop_assert_eq!((here.t, here.p), (-there.t, there.p));
            prop_assert!((here.freedom - there.freedom).abs() <= 1e-9 * here.freedom);
            let fewest = first.len().min(second.len()) as f64;
            prop_assert!(here.freedom >= fewest - 1.0 - 1e-9);
            prop_assert!(here.freedom <= (first.len() + second.len() - 2) as f64 + 1e-9);
            // The interval leaves 0 out exactly where the test finds a difference.
            let outside = here.ci95[0] > 0.0 || here.ci95[1] < 0.0;
            prop_assert!((here.p - 0.05).abs() < 1e-6 || outside == (here.p < 0.05));
        }
    }
}
