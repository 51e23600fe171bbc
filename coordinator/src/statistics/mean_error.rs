//! Means of error rates, which are counts divided by counts.

use std::collections::BTreeMap;

use num_rational::BigRational;

use crate::statistics::exact::{rounded, whole};

/// The mean of some units' error rates as an exact fraction. Units may score different numbers of pairs, for example in
/// folds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MeanError(BigRational);

impl MeanError {
    /// The mean over units with these (`wrong`, `of`) counts of pairs; None without units. A unit has scored at least
    /// one pair.
    pub fn from_counts(counts: impl IntoIterator<Item = (u32, u32)>) -> Option<Self> {
        // Most units have scored equally many pairs: these need a single division.
        let mut wrong_of: BTreeMap<u32, u64> = BTreeMap::new();
        let mut units = 0;
        for (wrong, of) in counts {
            *wrong_of.entry(of.max(1)).or_default() += u64::from(wrong);
            units += 1;
        }
        let sum: BigRational = wrong_of.into_iter().map(|(of, wrong)| ratio(wrong, u64::from(of))).sum();
        (units > 0).then(|| Self(sum / whole(units)))
    }

    /// The mean of means with equal weights; None without a mean.
    pub fn of_means(means: &[Self]) -> Option<Self> {
        let sum: BigRational = means.iter().map(|mean| &mean.0).sum();
        (!means.is_empty()).then(|| Self(sum / whole(means.len())))
    }

    /// The mean as a double, rounded once.
    pub fn to_f64(&self) -> f64 {
        rounded(&self.0)
    }

    /// The absolute difference of the two.
    pub(crate) fn distance(&self, other: &Self) -> Self {
        if self < other { Self(&other.0 - &self.0) } else { Self(&self.0 - &other.0) }
    }

    /// Whether this is at most one standard error of `means` above their mean: the standard error is their sample
    /// deviation divided by the root of their number. For fewer than two means it is 0.
    pub(crate) fn is_within_one_standard_error(&self, means: &[Self]) -> bool {
        let Some(center) = Self::of_means(means) else { return false };
        let above = &self.0 - &center.0;
        let squares: BigRational = means.iter().map(|mean| &mean.0 - &center.0).map(|left| &left * &left).sum();
        let n = means.len();
        // Both sides are squared, so that no root is rounded.
        self <= &center || n > 1 && &above * &above * whole(n * (n - 1)) <= squares
    }
}

fn ratio(numerator: u64, denominator: u64) -> BigRational {
    BigRational::new(numerator.into(), denominator.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equal_counts_are_equal_whatever_their_order() {
        // 0.1 + 0.2 + 0.3 is not 0.3 + 0.2 + 0.1 in doubles.
        let (one, other) =
            (MeanError::from_counts([(1, 10), (2, 10), (3, 10)]), MeanError::from_counts([(3, 10), (2, 10), (1, 10)]));
        assert_eq!(one, other);
        assert_eq!(one.unwrap().to_f64(), 0.2);
        // Folds of unequal size: 1/3 and 1/4 twice.
        assert_eq!(MeanError::from_counts([(1, 3), (1, 4)]), MeanError::from_counts([(3, 12), (4, 12)]));
        assert!(MeanError::from_counts([(333, 1000)]) < MeanError::from_counts([(1, 3)]));
        assert_eq!(MeanError::from_counts([]), None);
    }

    #[test]
    fn a_mean_is_rounded_once() {
        let mean = MeanError::from_counts([(23, 40), (17, 40), (23, 40)]).unwrap();
        assert_eq!(mean.to_f64(), 0.525);
        assert_eq!(MeanError::from_counts([(1, 3); 7]).unwrap().to_f64(), 1.0 / 3.0);
        // Denominators whose product fits no machine word.
        let primes = [4_294_967_291, 4_294_967_279, 4_294_967_231, 4_294_967_197];
        let mean = MeanError::from_counts(primes.map(|prime| (prime / 3, prime))).unwrap();
        assert!((mean.to_f64() - 1.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn one_standard_error_is_exact_at_its_edge() {
        // Mean 0.1 and standard error 0.02; in doubles 0.1 + 0.02 is below 0.12 at times.
        let means = [MeanError::from_counts([(8, 100)]).unwrap(), MeanError::from_counts([(12, 100)]).unwrap()];
        let within = |wrong| MeanError::from_counts([(wrong, 1000)]).unwrap().is_within_one_standard_error(&means);
        assert_eq!([99, 100, 120, 121].map(within), [true, true, true, false]);
        let alone = |wrong| MeanError::from_counts([(wrong, 100)]).unwrap().is_within_one_standard_error(&means[..1]);
        assert_eq!([8, 9].map(alone), [true, false], "no spread, no margin");
    }

    proptest! {
        #[test]
        fn doubles_agree(counts in prop::collection::vec((0_u32..=1000, 1000_u32..=1010), 1..40)) {
            let mean = MeanError::from_counts(counts.iter().copied()).unwrap();
            let shares: Vec<f64> = counts.iter().map(|(wrong, of)| f64::from(*wrong) / f64::from(*of)).collect();
            prop_assert!((mean.to_f64() - shares.iter().sum::<f64>() / shares.len() as f64).abs() < 1e-12);
            let means: Vec<MeanError> = counts.into_iter().filter_map(|count| MeanError::from_counts([count])).collect();
            prop_assert_eq!(MeanError::of_means(&means), Some(mean));
        }
    }
}
