//! Student's t distribution: quantiles and tail probabilities.
//!
//! Both use `exp` and `ln`, whose last digit differs between hosts; results are rounded to hide that.

use statrs::distribution::{Continuous as _, ContinuousCDF as _, Normal, StudentsT};

/// The number of degrees of freedom from which the quantile comes from its expansion around the normal distribution's.
const MANY: f64 = 1000.0;

/// The 97.5 % quantile of Student's t distribution: [`quantile`] with 0.025 above it.
pub(crate) fn quantile_975(freedom: f64) -> f64 {
    quantile(0.025, freedom)
}

/// The value of Student's t distribution with the probability `above` above it (0 to 1/2, both excluded), for 1 or more
/// degrees of freedom, possibly infinite or fractional.
///
/// statrs' own inverse is correct to some 10 digits, so a few Newton steps on its distribution function follow; the
/// result is rounded to 13 digits. For many degrees of freedom: Cornish and Fisher's expansion (Abramowitz and Stegun
/// 26.7.5).
pub(crate) fn quantile(above: f64, freedom: f64) -> f64 {
    if freedom >= MANY {
        let z = normal_quantile(above);
        let square = z * z;
        let terms = [
            (square + 1.0) / 4.0,
            ((5.0 * square + 16.0) * square + 3.0) / 96.0,
            (((3.0 * square + 19.0) * square + 17.0) * square - 15.0) / 384.0,
            ((((79.0 * square + 776.0) * square + 1482.0) * square - 1920.0) * square - 945.0) / 92_160.0,
        ];
        let correction = terms.iter().rev().fold(0.0, |sum, term| (sum + term) / freedom);
        return rounded(z * (1.0 + correction), 13);
    }
    let student = distribution(freedom);
    let mut t = student.inverse_cdf(1.0 - above);
    for _ in 0..4 {
        t += (student.sf(t) - above) / student.pdf(t);
    }
    rounded(t, 13)
}

/// The value of the standard normal distribution with the probability `above` above it.
fn normal_quantile(above: f64) -> f64 {
    let normal = Normal::standard();
    let mut z = normal.inverse_cdf(1.0 - above);
    for _ in 0..4 {
        z += (normal_above(z) - above) / normal.pdf(z);
    }
    z
}

/// The probability that a standard normal value is above this.
fn normal_above(z: f64) -> f64 {
    0.5 * libm::erfc(z / std::f64::consts::SQRT_2)
}

/// The probability that a standard normal value is at least this far from 0, to 10 digits.
pub(crate) fn normal_two_sided(z: f64) -> f64 {
    rounded((2.0 * normal_above(z.abs())).min(1.0), 10)
}

/// The probability that a t with this many degrees of freedom (1 or more) is at least this far from 0, to 10 digits; 0
/// below some 1e-300.
pub(crate) fn two_sided(t: f64, freedom: f64) -> f64 {
    rounded((2.0 * distribution(freedom).sf(t.abs())).min(1.0), 10)
}

fn distribution(freedom: f64) -> StudentsT {
    StudentsT::new(0.0, 1.0, freedom).expect("location 0, scale 1 and one or more degrees of freedom")
}

/// The number, rounded to this many significant digits.
pub(crate) fn rounded(value: f64, digits: usize) -> f64 {
    format!("{value:.*e}", digits - 1).parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_the_quantile_meet() {
        let (below, above) = (quantile_975(MANY * (1.0 - 1e-9)), quantile_975(MANY));
        assert!((below - above).abs() < 1e-10, "{below} {above}");
        assert!((quantile_975(f64::INFINITY) - 1.959_963_984_540_054).abs() < 1e-12);
    }

    #[test]
    fn tails_belong_to_quantiles() {
        for freedom in [1.0, 1.5, 9.0, 17.3, 400.0] {
            for above in [0.025, 0.025 / 66.0, 0.4] {
                let tail = two_sided(quantile(above, freedom), freedom);
                assert!((tail / (2.0 * above) - 1.0).abs() < 1e-9, "{freedom} {above}: {tail}");
            }
        }
        assert_eq!(two_sided(0.0, 3.0), 1.0);
        assert_eq!(two_sided(1e200, 500.0), 0.0);
    }

    #[test]
    fn rounding_keeps_significant_digits() {
        assert_eq!(rounded(0.123_456_789_012, 5), 0.12346);
        assert_eq!(rounded(1.234_567e-300, 3), 1.23e-300);
        assert_eq!(rounded(0.0, 10), 0.0);
    }
}
