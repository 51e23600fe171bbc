//! Wilcoxon's signed-rank test (1945) for the last two of a race: with two contenders, Friedman's test uses only the
//! number of wins.

use statrs::distribution::{ContinuousCDF as _, Normal};

use super::friedman::{DIGITS, doubled_ranks};
use crate::statistics::student_t::rounded;

/// The largest number of blocks with a count of all assignments of signs. Their probabilities are multiples of 2^-50,
/// which doubles represent exactly.
const EXACT_MAX: usize = 50;

/// The test of two contenders' errors, block by block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Wilcoxon {
    /// The smaller of the two sums of ranks.
    pub(crate) statistic: f64,
    /// The two-sided p-value.
    pub(crate) p: f64,
    /// Whether the first contender errs more.
    pub(crate) first_is_worse: bool,
}

/// Blocks without a difference are left out (Wilcoxon), and equal differences share their ranks. Returns None if all
/// blocks tie.
///
/// Each difference has whether the first contender errs more, and the amount.
pub(crate) fn wilcoxon<V: Ord>(differences: impl IntoIterator<Item = (bool, V)>) -> Option<Wilcoxon> {
    let (worse, sizes): (Vec<bool>, Vec<V>) = differences.into_iter().unzip();
    if sizes.is_empty() {
        return None;
    }
    let ranks = doubled_ranks(&sizes);
    let all: u64 = ranks.iter().sum();
    let above: u64 = ranks.iter().zip(&worse).filter(|(_, worse)| **worse).map(|(rank, _)| rank).sum();
    let larger = above.max(all - above);
    let p = if ranks.len() <= EXACT_MAX { exact(&ranks, larger) } else { approximate(&ranks, larger) };
    Some(Wilcoxon { statistic: (all - larger) as f64 / 2.0, p: p.min(1.0), first_is_worse: above > all - above })
}

/// Twice the share of all assignments of signs whose sum is at least `larger`.
fn exact(ranks: &[u64], larger: u64) -> f64 {
    let all: u64 = ranks.iter().sum();
    let mut shares = vec![0.0; all as usize + 1];
    shares[0] = 1.0;
    for &rank in ranks {
        for sum in (0..shares.len()).rev() {
            let with = sum.checked_sub(rank as usize).map_or(0.0, |rest| shares[rest]);
            shares[sum] = 0.5 * (shares[sum] + with);
        }
    }
    2.0 * shares[larger as usize..].iter().sum::<f64>()
}

/// The normal approximation with the same mean and variance, with ties as they are and without a continuity correction.
fn approximate(ranks: &[u64], larger: u64) -> f64 {
    let all: u64 = ranks.iter().sum();
    // The variance of the sum of doubled ranks: each is added or not.
    let variance: f64 = ranks.iter().map(|&rank| (rank as f64 / 2.0).powi(2)).sum();
    let z = (larger as f64 - all as f64 / 2.0) / variance.sqrt();
    rounded(2.0 * Normal::standard().sf(z), DIGITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_difference_is_no_test() {
        assert_eq!(wilcoxon::<u32>([]), None);
    }

    #[test]
    fn five_differences_cannot_be_significant_and_six_can() {
        let better = |count: usize| wilcoxon(vec![(false, 1); count]).unwrap();
        assert_eq!((better(5).p, better(5).first_is_worse), (0.0625, false));
        assert_eq!(better(6).p, 0.03125);
    }

    #[test]
    fn both_ways_to_p_meet() {
        let ranks: Vec<u64> = (1..=50).map(|rank| 2 * rank).collect();
        for larger in [1275, 1400, 1600, 1700, 1900] {
            let (exact, approximate) = (exact(&ranks, larger), approximate(&ranks, larger));
            assert!((exact - approximate).abs() < 0.01, "{larger}: {exact} {approximate}");
        }
    }
}
