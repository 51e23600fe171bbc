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

/// The softmax's probability of class 1, of two classes.
pub fn probability_of_second([first, second]: [f32; 2]) -> f32 {
    (1.0 / (1.0 + libm::exp(f64::from(first) - f64::from(second)))) as f32
}

/// The largest logit; NaN where there is one.
fn largest(logits: &[f32]) -> f64 {
    logits.iter().fold(f64::NEG_INFINITY, |largest, &logit| {
        if f64::from(logit) > largest || logit.is_nan() { f64::from(logit) } else { largest }
    })
}
