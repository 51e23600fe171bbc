//! Doubles that represent shares of counts.

use std::collections::BTreeMap;

use num_rational::BigRational;

/// The largest denominator of the search: the double nearest to a fraction of a lower one is nearest to no other.
const DENOMINATOR_MAX: u64 = 1 << 22;

/// The exact sum of the fractions nearest to these doubles; None if a double is near no fraction.
pub(super) fn sum(values: &[f64]) -> Option<BigRational> {
    let mut numerators: BTreeMap<u64, i128> = BTreeMap::new();
    for value in values {
        let (numerator, denominator) = nearest(*value)?;
        *numerators.entry(denominator).or_default() += i128::from(numerator);
    }
    Some(
        numerators
            .into_iter()
            .map(|(denominator, numerator)| BigRational::new(numerator.into(), denominator.into()))
            .sum(),
    )
}

/// The fraction to which this is the nearest double, in lowest terms: the first such convergent of its continued
/// fraction.
fn nearest(value: f64) -> Option<(i64, u64)> {
    // Larger doubles are whole numbers and further apart.
    const WHOLE: f64 = (1_u64 << 53) as f64;
    if !value.is_finite() || value.abs() >= WHOLE {
        return None;
    }
    let size = value.abs();
    let (mut numerators, mut denominators) = ([1_u64, 0], [0_u64, 1]);
    let mut rest = size;
    loop {
        let whole = rest.floor();
        let next = |[last, before]: [u64; 2]| (whole as u64).checked_mul(last)?.checked_add(before);
        let (numerator, denominator) = (next(numerators)?, next(denominators)?);
        if denominator > DENOMINATOR_MAX || numerator >= 1 << 53 {
            return None;
        }
        if numerator as f64 / denominator as f64 == size {
            let numerator = numerator as i64;
            return Some((if value < 0.0 { -numerator } else { numerator }, denominator));
        }
        (numerators, denominators) = ([numerator, numerators[0]], [denominator, denominators[0]]);
        rest = 1.0 / (rest - whole);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_share_of_counts_is_told() {
        assert_eq!(nearest(0.575), Some((23, 40)));
        assert_eq!((nearest(-0.125), nearest(0.0), nearest(137.0)), (Some((-1, 8)), Some((0, 1)), Some((137, 1))));
        for value in [std::f64::consts::PI, std::f64::consts::LN_2, 1e-300, f64::NAN, f64::INFINITY, 1e300] {
            assert_eq!(nearest(value), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn every_share_of_counts_is_found(denominator in 1_u64..1_000_000, numerator: u64) {
            let numerator = numerator % (3 * denominator);
            let (found, of) = nearest(numerator as f64 / denominator as f64).unwrap();
            prop_assert_eq!(u128::from(found as u64) * u128::from(denominator), u128::from(numerator) * u128::from(of));
        }
    }
}
