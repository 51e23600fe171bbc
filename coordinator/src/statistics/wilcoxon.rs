//! Wilcoxon's signed-rank test (1945) for the last two of a race: Friedman's knows nothing of two but who was better how often.

use statrs::distribution::{ContinuousCDF as _, Normal};

use super::friedman::{DIGITS, doubled_ranks};
use crate::statistics::student_t::rounded;

/// Up to so many blocks every assignment of signs is counted. Their probabilities are multiples of 2^-50 then, which doubles hold
/// exactly.
const EXACT_MAX: usize = 50;

/// The test of two contenders' errors, block by block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Wilcoxon {
    /// The smaller one of the sums of ranks.
    pub(crate) statistic: f64,
    /// Two-sided.
    pub(crate) p: f64,
    /// Whether the first contender errs more.
    pub(crate) first_is_worse: bool,
}

/// Blocks without a difference are left out (Wilcoxon), equal differences share their ranks. None where no block tells the two apart.
///
/// Each difference says whether the first contender errs more, and by how much.
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

/// By the normal distribution of the same mean and variance, ties counted as they are, without a correction for continuity.
fn approximate(ranks: &[u64], larger: u64) -> f64 {
    let all: u64 = ranks.iter().sum();
    // Of doubled ranks: each adds itself or nothing.
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
