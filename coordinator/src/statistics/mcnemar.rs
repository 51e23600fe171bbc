//! McNemar's exact test of whether two classifiers err equally often on the same pairs.

/// The comparison of two classifiers' errors on the same pairs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct McNemar {
    /// The number of pairs that only the first classifies wrongly.
    pub(crate) first_only: usize,
    /// The number of pairs that only the second classifies wrongly.
    pub(crate) second_only: usize,
    /// The two-sided p-value; None if both classify all pairs alike.
    pub(crate) p: Option<f64>,
}

/// Compares two classifiers by their wrong pairs. Pairs on which both are right, or both wrong, are left out; the n
/// others should be divided equally, so the smaller count is compared with a binomial distribution of n and 1/2, and
/// its tail is doubled.
pub(crate) fn mcnemar(first: &[bool], second: &[bool]) -> McNemar {
    let count = |only: fn(bool, bool) -> bool| first.iter().zip(second).filter(|(a, b)| only(**a, **b)).count();
    let (first_only, second_only) = (count(|a, b| a && !b), count(|a, b| !a && b));
    McNemar { first_only, second_only, p: two_sided(first_only, second_only) }
}

fn two_sided(first_only: usize, second_only: usize) -> Option<f64> {
    let all = first_only + second_only;
    (all > 0).then(|| (2.0 * lower_tail(first_only.min(second_only), all)).min(1.0))
}

/// Probability of at most `k` heads among `n` fair coins, by sums and products only, so that every host computes the
/// same.
fn lower_tail(k: usize, n: usize) -> f64 {
    /// Rescales the growing sum by a power of 2, so that nothing is rounded.
    const STEP: i32 = 512;
    let (mut term, mut sum, mut halvings) = (1.0_f64, 1.0_f64, n);
    let mut halve = |term: &mut f64, sum: &mut f64, by: i32| {
        let by = by.min(i32::try_from(halvings).unwrap_or(i32::MAX));
        let factor = 2.0_f64.powi(-by);
        *term *= factor;
        *sum *= factor;
        halvings -= by as usize;
        by > 0
    };
    for drawn in 0..k {
        term *= (n - drawn) as f64 / (drawn + 1) as f64;
        sum += term;
        if sum > 1e200 {
            halve(&mut term, &mut sum, STEP);
        }
    }
    while halve(&mut term, &mut sum, STEP) && sum > 0.0 {}
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn small_counts_are_as_by_hand() {
        assert_eq!(two_sided(0, 0), None);
        assert_eq!(two_sided(1, 0), Some(1.0));
        assert_eq!(two_sided(0, 5), Some(2.0 / 32.0));
        assert_eq!(two_sided(1, 5), Some(2.0 * 7.0 / 64.0));
        assert_eq!(two_sided(3, 3), Some(1.0));
    }

    #[test]
    fn agreeing_pairs_do_not_count() {
        let first = [true, true, false, false, true];
        let second = [true, false, false, true, false];
        let test = mcnemar(&first, &second);
        assert_eq!((test.first_only, test.second_only, test.p), (2, 1, Some(1.0)));
        assert_eq!(mcnemar(&first, &first).p, None);
    }

    #[test]
    fn no_count_overflows() {
        assert_eq!(two_sided(50_000, 50_000), Some(1.0));
        assert_eq!(two_sided(0, 100_000), Some(0.0));
        let p = two_sided(49_500, 50_500).unwrap();
        assert!(p > 0.001 && p < 0.002, "3.16 standard deviations: {p}");
    }

    proptest! {
        #[test]
        fn tails_and_their_complements_are_all(n in 1_usize..3000, share in 0.0..1.0) {
            let k = ((n as f64) * share) as usize;
            let all = if k == 0 { lower_tail(n, n) } else { lower_tail(k - 1, n) + lower_tail(n - k, n) };
            prop_assert!((all - 1.0).abs() < 1e-11, "{all}");
        }
    }
}
