//! What is done to each value alone.

use super::instructions::Instructions;

/// `max(value, 0)` in place. NaN stays NaN.
pub fn relu(values: &mut [f32]) {
    Instructions::best().run(|| {
        for value in values {
            *value = if *value <= 0.0 { 0.0 } else { *value };
        }
    });
}

/// Sets the gradient to 0 wherever ReLU's output is 0: its slope at 0 is taken as 0.
pub fn relu_backward(output: &[f32], gradient: &mut [f32]) {
    Instructions::best().run(|| {
        for (gradient, &output) in gradient.iter_mut().zip(output) {
            *gradient = if output <= 0.0 { 0.0 } else { *gradient };
        }
    });
}

/// Multiplies each value by its factor.
pub fn scale(values: &mut [f32], factors: &[f32]) {
    Instructions::best().run(|| {
        for (value, factor) in values.iter_mut().zip(factors) {
            *value *= factor;
        }
    });
}

/// `to += from`.
pub fn add(to: &mut [f32], from: &[f32]) {
    Instructions::best().run(|| {
        for (to, from) in to.iter_mut().zip(from) {
            *to += from;
        }
    });
}

/// One step of stochastic gradient descent: `weight -= rate * gradient`, rounded once. Leaves the gradient at 0.
pub fn descend(weights: &mut [f32], gradient: &mut [f32], rate: f32) {
    Instructions::best().run(|| {
        for (weight, gradient) in weights.iter_mut().zip(gradient) {
            *weight = (-rate).mul_add(*gradient, *weight);
            *gradient = 0.0;
        }
    });
}
