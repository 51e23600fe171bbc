//! The size of a difference in standard deviations.

use super::{
    exact::{mean, standard_deviation},
    wilson_interval::NOTHING,
};

/// The smallest number of values on each side: a deviation of fewer is mostly chance.
const VALUES_MIN: usize = 5;

/// Hedges' g (1981): the difference of the means divided by the pooled standard deviation, `sqrt(((n1 - 1) std1^2 + (n2
/// - 1) std2^2) / (n1 + n2 - 2))`, times the correction for the bias of small samples.
pub(crate) fn hedges_g(first: &[f64], second: &[f64]) -> Result<f64, String> {
    if first.len().min(second.len()) < VALUES_MIN {
        return Err(format!("an effect size needs {VALUES_MIN} values of each configuration"));
    }
    let all = (mean(first), mean(second), standard_deviation(first), standard_deviation(second));
    let (Some(mean1), Some(mean2), Some(std1), Some(std2)) = all else {
        return Err(format!("an effect size needs {VALUES_MIN} values of each configuration"));
    };
    let (free1, free2) = ((first.len() - 1) as f64, (second.len() - 1) as f64);
    let pooled = ((free1 * std1 * std1 + free2 * std2 * std2) / (free1 + free2)).sqrt();
    if pooled < NOTHING {
        return Err("an effect size in standard deviations needs values that vary".to_owned());
    }
    Ok((mean1 - mean2) / pooled * unbiased(first.len() + second.len() - 2))
}

/// `gamma(f / 2) / (sqrt(f / 2) gamma((f - 1) / 2))` for f of 2 or more: 0.56 for 2, 0.96 for 18, towards 1.
fn unbiased(freedom: usize) -> f64 {
    // gamma(f / 2) / gamma((f - 1) / 2) is 1 / sqrt(pi) for 2; the ratio for f + 1 is (f - 1) / 2 divided by that for
    // f.
    let mut ratio = 1.0 / std::f64::consts::PI.sqrt();
    for smaller in 2..freedom {
        ratio = (smaller as f64 - 1.0) / 2.0 / ratio;
    }
    ratio / (freedom as f64 / 2.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factor_is_hedges() {
        // Values of scipy.special.gammaln.
        for (freedom, factor) in [(2, 0.5642), (3, 0.7236), (4, 0.7979), (10, 0.9227), (50, 0.9849)] {
            assert!((unbiased(freedom) - factor).abs() < 5e-5, "{freedom}: {}", unbiased(freedom));
        }
        let many = unbiased(20_000);
        assert!((many - (1.0 - 3.0 / (4.0 * 20_000.0 - 1.0))).abs() < 1e-9, "{many}");
    }

    #[test]
    fn nothing_to_divide_by_is_no_effect_size() {
        assert!(hedges_g(&[0.1, 0.2], &[0.3, 0.4]).unwrap_err().contains("5 values"));
        assert!(hedges_g(&[0.1, 0.1, 0.1, 0.1], &[0.1, 0.2, 0.3, 0.2, 0.1]).is_err());
        assert!(hedges_g(&[0.1; 5], &[0.2; 5]).unwrap_err().contains("values that vary"));
    }
}
