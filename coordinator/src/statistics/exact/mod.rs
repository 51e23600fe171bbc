//! Sums and means that are independent of the order of values and rounded once.

mod fraction;

use num_rational::BigRational;
use num_traits::ToPrimitive as _;

pub(crate) use seedgrid_common::exact_sum::sum;

/// Arithmetic mean; None without values. For shares of counts, such as error rates, it is the mean of these fractions:
/// that of 23/40, 17/40 and 23/40 is 0.525, although the doubles next to them add up to a little less. The mean of
/// equal values is that value.
pub(crate) fn mean(values: &[f64]) -> Option<f64> {
    let first = *values.first()?;
    if values.iter().all(|value| *value == first) {
        return Some(first);
    }
    let n = values.len();
    Some(fraction::sum(values).map_or_else(|| sum(values.iter().copied()) / n as f64, |sum| rounded(&(sum / whole(n)))))
}

/// A fraction as a double, rounded once.
pub(crate) fn rounded(fraction: &BigRational) -> f64 {
    fraction.to_f64().unwrap_or(f64::NAN)
}

/// A whole number as a fraction.
pub(crate) fn whole(number: usize) -> BigRational {
    BigRational::from_integer(number.into())
}

/// Sample standard deviation (divided by n - 1), in two passes; None for fewer than two values.
pub(crate) fn standard_deviation(values: &[f64]) -> Option<f64> {
    let center = mean(values)?;
    let squares = sum(values.iter().map(|value| (value - center).powi(2)));
    (values.len() >= 2).then(|| (squares / (values.len() - 1) as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn means_of_shares_are_printed_as_they_are() {
        let shares = [23.0 / 40.0, 17.0 / 40.0, 23.0 / 40.0];
        // The mean of these doubles themselves is half-way between two others.
        let doubles: BigRational = shares.iter().filter_map(|share| BigRational::from_float(*share)).sum();
        assert_eq!(rounded(&(doubles / whole(3))), 0.5249999999999999);
        assert_eq!(mean(&shares).unwrap().to_string(), "0.525");
        assert_eq!((mean(&[0.1, 0.2, 0.3]), mean(&[0.3, 0.2, 0.1])), (Some(0.2), Some(0.2)));
        assert_eq!(mean(&[12.0, 13.0, 15.0, 16.0]), Some(14.0));
    }

    #[test]
    fn equal_values_have_themselves_as_mean() {
        assert_eq!(mean(&[std::f64::consts::PI; 49]), Some(std::f64::consts::PI));
        assert_eq!(mean(&[]), None);
        assert!(mean(&[1.0, f64::NAN]).unwrap().is_nan());
    }

    proptest! {
        #[test]
        fn means_of_counts_are_counts_divided_once(
            of in 1_u32..5000, wrong in prop::collection::vec(0_u32..5000, 1..40), shuffle: u64,
        ) {
            let counts: Vec<u32> = wrong.into_iter().map(|wrong| wrong % (of + 1)).collect();
            let mut shares: Vec<f64> = counts.iter().map(|wrong| f64::from(*wrong) / f64::from(of)).collect();
            let expected = counts.iter().map(|wrong| u64::from(*wrong)).sum::<u64>() as f64 / (u64::from(of) * counts.len() as u64) as f64;
            prop_assert_eq!(mean(&shares), Some(expected));
            seedgrid_common::random::Stream::new(shuffle, "order").shuffle(&mut shares);
            prop_assert_eq!(mean(&shares), Some(expected));
        }

        #[test]
        fn means_of_anything_are_near(values in prop::collection::vec(-1e3..1e3, 1..40)) {
            let plain = values.iter().sum::<f64>() / values.len() as f64;
            prop_assert!((mean(&values).unwrap() - plain).abs() < 1e-10);
        }
    }
}
