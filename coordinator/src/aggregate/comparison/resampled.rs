//! The corrected resampled t test of Nadeau and Bengio (2003) for repeated cross-validation.

use super::{Difference, NOTHING};
use crate::aggregate::spread::{mean, standard_deviation};

/// Whether two configurations' errors differ over the same (fold, seed) pairs: a paired t test over the J differences whose
/// variance of the mean is `(1 / J + 1 / (folds - 1)) * std^2`. The second term is the ratio of validation to training pairs;
/// it stands for what the folds share, without which the test finds differences far too often.
pub(crate) fn resampled(differences: &[f64], folds: u32) -> Result<Difference, String> {
    let n = differences.len() as f64;
    let (Some(difference), Some(std)) = (mean(differences), standard_deviation(differences)) else {
        return Err("it needs two (fold, seed) pairs that both configurations have done".to_owned());
    };
    if std < NOTHING {
        return Err("the difference is the same on every fold and seed".to_owned());
    }
    let standard_error = std * (1.0 / n + 1.0 / (f64::from(folds) - 1.0)).sqrt();
    Ok(Difference::of(difference, standard_error, n - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_tested_without_spread() {
        assert!(resampled(&[0.1], 10).unwrap_err().contains("two (fold, seed) pairs"));
        assert!(resampled(&[], 10).unwrap_err().contains("two (fold, seed) pairs"));
        // 0.12 - 0.1 and 0.32 - 0.3 differ in the last digit only.
        assert!(resampled(&[0.12 - 0.1, 0.32 - 0.3], 2).unwrap_err().contains("same"));
    }

    #[test]
    fn repeating_the_seeds_cannot_make_the_folds_independent() {
        let differences = [0.01, 0.03, -0.01, 0.02, 0.015];
        let often: Vec<f64> = differences.iter().copied().cycle().take(5000).collect();
        let test = resampled(&often, 5).unwrap();
        // The variance of the mean never falls below std^2 / (folds - 1).
        let floor = mean(&often).unwrap() / (standard_deviation(&often).unwrap() / 2.0);
        assert!(test.t < floor && test.t > 0.99 * floor, "{} {floor}", test.t);
    }
}
