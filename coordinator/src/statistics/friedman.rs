//! Friedman's test (1937) with averaged ranks and the correction for ties, and Conover's comparison of each with the best after it
//! (Conover 1999, Practical Nonparametric Statistics, 3rd edition, section 5.8).
//!
//! Doubled ranks are whole numbers, so everything before the last division is exact.

use statrs::distribution::{ChiSquared, ContinuousCDF as _};

use crate::statistics::student_t::{rounded, two_sided};

/// The digits of a tail probability: all hosts agree on them, so that a level is met on all hosts or on none.
pub(crate) const DIGITS: usize = 8;

/// Sums of ranks within blocks.
#[derive(Clone, Debug)]
pub(crate) struct Friedman {
    blocks: u128,
    /// Twice the rank sum of each contender; the lower, the better.
    pub(crate) doubled: Vec<u64>,
    /// Four times the sum of all squared ranks.
    squares: u128,
}

impl Friedman {
    /// Ranks `errors[contender][block]`, with at least two contenders and equally many blocks for each.
    pub(crate) fn new<E: Ord>(errors: &[&[E]]) -> Self {
        let blocks = errors.first().map_or(0, |first| first.len());
        let mut doubled = vec![0; errors.len()];
        let mut squares = 0;
        for block in 0..blocks {
            let column: Vec<&E> = errors.iter().map(|errors| &errors[block]).collect();
            for (sum, rank) in doubled.iter_mut().zip(doubled_ranks(&column)) {
                *sum += rank;
                squares += u128::from(rank) * u128::from(rank);
            }
        }
        Self { blocks: blocks as u128, doubled, squares }
    }

    fn contenders(&self) -> u128 {
        self.doubled.len() as u128
    }

    /// Degrees of freedom of [`Self::statistic`].
    pub(crate) fn freedom(&self) -> usize {
        self.doubled.len() - 1
    }

    /// The test statistic, large if ranks agree between blocks; None if all contenders tie in every block.
    pub(crate) fn statistic(&self) -> Option<f64> {
        let (n, k) = (self.blocks, self.contenders());
        let middle = n * (k + 1);
        let spread: u128 = self.doubled.iter().map(|&sum| u128::from(sum).abs_diff(middle).pow(2)).sum();
        let possible = self.squares - n * k * (k + 1).pow(2);
        (possible > 0).then(|| ((k - 1) * spread) as f64 / possible as f64)
    }

    /// The probability of at least this statistic without any difference, by its approximate chi-squared distribution.
    pub(crate) fn p(&self) -> Option<f64> {
        let chi_squared = ChiSquared::new(self.freedom() as f64).expect("one or more degrees of freedom");
        self.statistic().map(|statistic| rounded(chi_squared.sf(statistic).clamp(0.0, 1.0), DIGITS))
    }

    /// The comparison of each contender with the one of the lowest rank sum: two-sided p of Conover's t, not corrected
    /// for their number.
    pub(crate) fn against_best(&self) -> Vec<f64> {
        let best = self.doubled.iter().copied().min().unwrap_or_default();
        let (n, k) = (self.blocks, self.contenders());
        let freedom = (n.saturating_sub(1) * (k - 1)) as f64;
        let sums: u128 = self.doubled.iter().map(|&sum| u128::from(sum).pow(2)).sum();
        // Zero if every block has the same ranks: any difference is then certain.
        let disagreement = n * self.squares - sums;
        let p = |&sum: &u64| match (sum - best, disagreement) {
            (0, _) => 1.0,
            (_, 0) => 0.0,
            (difference, _) => {
                let error = (2.0 * disagreement as f64 / freedom).sqrt();
                rounded(two_sided(difference as f64 / error, freedom), DIGITS)
            }
        };
        self.doubled.iter().map(p).collect()
    }
}

/// Twice the ranks of these values from 1 on; equal values share the mean of their ranks.
pub(crate) fn doubled_ranks<V: Ord>(values: &[V]) -> Vec<u64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].cmp(&values[b]));
    let mut ranks = vec![0; values.len()];
    let mut before = 0;
    for equal in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let (first, last) = (before + 1, before + equal.len());
        equal.iter().for_each(|&place| ranks[place] = (first + last) as u64);
        before = last;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_share_their_ranks() {
        assert_eq!(doubled_ranks(&[30, 10, 20, 10, 10]), [10, 4, 8, 4, 4]);
        assert_eq!(doubled_ranks::<u64>(&[]), [0_u64; 0]);
    }

    #[test]
    fn nothing_but_ties_is_no_test() {
        let test = Friedman::new(&[&[1, 2, 3], &[1, 2, 3], &[1, 2, 3]]);
        assert_eq!((test.statistic(), test.p()), (None, None));
        assert_eq!(test.against_best(), [1.0; 3]);
    }

    #[test]
    fn blocks_that_all_agree_leave_no_doubt() {
        let test = Friedman::new(&[&[1, 1, 1], &[2, 2, 2], &[3, 3, 3]]);
        assert_eq!(test.statistic(), Some(6.0), "as large as it can be");
        assert_eq!(test.against_best(), [1.0, 0.0, 0.0]);
    }
}
