//! Softmax cross-entropy, in `f64` with `libm`'s `exp` and `log`, which are the same program on every machine.

/// Adds `weight * (softmax(logits) - one_hot(class))` to `gradient` and returns the cross-entropy `-ln softmax(logits)[class]`.
///
/// NaN among the logits, or an infinite one, makes the result NaN or infinite.
pub fn cross_entropy(logits: &[f32], class: usize, weight: f64, gradient: &mut [f32]) -> f64 {
    let largest = largest(logits);
    let total: f64 = logits.iter().map(|&logit| libm::exp(f64::from(logit) - largest)).sum();
    for (index, (gradient, &logit)) in gradient.iter_mut().zip(logits).enumerate() {
        let probability = libm::exp(f64::from(logit) - largest) / total;
        let expected = if index == class { 1.0 } else { 0.0 };
        *gradient += (weight * (probability - expected)) as f32;
    }
    libm::log(total) + largest - f64::from(logits[class])
}

/// The largest logit; NaN where there is one.
fn largest(logits: &[f32]) -> f64 {
    logits.iter().fold(f64::NEG_INFINITY, |largest, &logit| {
        if f64::from(logit) > largest || logit.is_nan() { f64::from(logit) } else { largest }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cross_entropy_agrees_with_its_definition_and_its_differences() {
        let logits = [0.3_f32, -1.2, 2.5];
        let loss = |logits: &[f32]| cross_entropy(logits, 1, 1.0, &mut [0.0; 3]);
        let total: f64 = logits.iter().map(|&logit| f64::from(logit).exp()).sum();
        assert!((loss(&logits) - (total.ln() + 1.2)).abs() < 1e-6);
        let mut gradient = [0.0; 3];
        cross_entropy(&logits, 1, 1.0, &mut gradient);
        for index in 0..3 {
            let step = 1.0 / 256.0;
            let (mut up, mut down) = (logits, logits);
            up[index] += step;
            down[index] -= step;
            let difference = (loss(&up) - loss(&down)) / (2.0 * f64::from(step));
            assert!((difference - f64::from(gradient[index])).abs() < 1e-5, "{difference} and {}", gradient[index]);
        }
    }

    #[test]
    fn large_logits_do_not_overflow() {
        assert_eq!(cross_entropy(&[1e30, -1e30], 0, 1.0, &mut [0.0; 2]), 0.0);
    }

    #[test]
    fn the_loss_is_the_log_probability_that_reports_keep() {
        let logits = [0.3_f32, -1.2, 2.5];
        for (class, expected) in seedgrid_common::classification::log_probabilities(logits).into_iter().enumerate() {
            let mut gradient = [0.0; 3];
            let loss = cross_entropy(&logits, class, 1.0, &mut gradient);
            assert!((loss + expected).abs() < 1e-14, "{loss} and {expected}");
            assert!((f64::from(gradient[class]) - (expected.exp() - 1.0)).abs() < 1e-6);
        }
    }

    #[test]
    fn values_that_are_not_finite_show() {
        for logits in [[f32::NAN, 0.0], [0.0, f32::NAN], [f32::INFINITY, 0.0], [0.0, f32::INFINITY]] {
            for class in [0, 1] {
                assert!(!cross_entropy(&logits, class, 1.0, &mut [0.0; 2]).is_finite(), "{logits:?}, {class}");
            }
        }
    }
}
