//! The t test of two configurations' mean errors, paired by seed and by scored examples, folds or draws.

use super::wilson_interval::NOTHING;
use crate::statistics::{
    crossed_standard_error::{Table, crossed},
    student_t::{quantile, quantile_975, two_sided},
};

/// The test of a difference of two means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Difference {
    pub(crate) difference: f64,
    standard_error: f64,
    pub(crate) freedom: f64,
    pub(crate) t: f64,
    pub(crate) p: f64,
    pub(crate) ci95: [f64; 2],
}

impl Difference {
    /// Student's t test of a difference of two error rates with this standard error. The error is the reason for a
    /// missing test, if nothing varies.
    pub(crate) fn from_estimate(difference: f64, standard_error: f64, freedom: f64) -> Result<Self, String> {
        if standard_error < NOTHING {
            let what = if difference.abs() < NOTHING { "they never differ" } else { "the difference never varies" };
            return Err(what.to_owned());
        }
        let t = difference / standard_error;
        let ci95 = within(difference, quantile_975(freedom) * standard_error);
        Ok(Self { difference, standard_error, freedom, t, p: two_sided(t, freedom), ci95 })
    }

    /// The interval for one of `tests` differences; all intervals together hold with 95 % (Bonferroni).
    pub(crate) fn simultaneous(&self, tests: usize) -> [f64; 2] {
        within(self.difference, quantile(0.025 / tests as f64, self.freedom) * self.standard_error)
    }
}

/// Limits an interval to -1 to 1, the range of differences of error rates.
fn within(difference: f64, half: f64) -> [f64; 2] {
    [(difference - half).max(-1.0), (difference + half).min(1.0)]
}

/// Tests whether the mean of a table of differences is 0: rows are seeds, columns are examples, folds or draws of the
/// data.
pub(crate) fn paired(table: Table<'_>, columns: &str) -> Result<Difference, String> {
    if table.rows.is_empty() {
        return Err("it needs a seed of which both configurations have done all units".to_owned());
    }
    let Some(found) = crossed(table) else { return Err(format!("it needs two {columns}")) };
    Difference::from_estimate(found.mean, found.standard_error, found.freedom)
}

/// Tests whether the mean of one value for each seed is 0, by Student's t.
pub(crate) fn over_seeds(differences: &[f64]) -> Result<Difference, String> {
    let row = [differences.to_vec()];
    match crossed(Table::independent(&row)) {
        Some(found) => Difference::from_estimate(found.mean, found.standard_error, found.freedom),
        None => Err("it needs two seeds that both configurations have done".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_tested_without_spread() {
        let seeds = vec![vec![0.0; 50]; 4];
        assert_eq!(paired(Table::independent(&seeds), "examples").unwrap_err(), "they never differ");
        let always = vec![vec![1.0; 50]; 4];
        assert_eq!(paired(Table::independent(&always), "examples").unwrap_err(), "the difference never varies");
        assert!(paired(Table::independent(&[]), "examples").unwrap_err().contains("a seed of which both"));
        assert!(over_seeds(&[0.1]).unwrap_err().contains("two seeds"));
    }

    #[test]
    fn equal_seeds_are_compared_with_each_other() {
        // Both vary a lot between seeds, and the first errs a little more with every seed.
        let differences = [0.010, 0.012, 0.011, 0.013];
        let test = over_seeds(&differences).unwrap();
        assert!(test.p < 0.001 && test.ci95[0] > 0.0, "{test:?}");
        assert_eq!(test.freedom, 3.0);
    }

    #[test]
    fn more_tests_widen_the_simultaneous_interval() {
        let test = over_seeds(&[0.010, 0.012, 0.020, 0.013]).unwrap();
        assert_eq!(test.simultaneous(1), test.ci95);
        let of_ten = test.simultaneous(10);
        assert!(of_ten[0] < test.ci95[0] && of_ten[1] > test.ci95[1]);
    }

    #[test]
    fn repeating_seeds_cannot_make_folds_independent() {
        let folds = vec![0.01, 0.03, -0.01, 0.02, 0.015];
        let once = paired(Table::of_folds(std::slice::from_ref(&folds), 5), "folds").unwrap();
        let often = paired(Table::of_folds(&vec![folds; 100], 5), "folds").unwrap();
        assert!((once.t - often.t).abs() < 1e-9 && (once.freedom - often.freedom).abs() < 1e-6, "{once:?} {often:?}");
    }
}
