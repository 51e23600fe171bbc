//! Operations on each value alone.

use super::instructions::Instructions;

/// `max(value, 0)` in place. NaN stays NaN.
pub fn relu(values: &mut [f32]) {
    Instructions::best().run_loops(
        #[inline(always)]
        || {
            for value in values.iter_mut() {
                *value = if *value <= 0.0 { 0.0 } else { *value };
            }
        },
    );
}

/// Sets the gradient to 0 wherever ReLU's output is 0: its slope at 0 is taken as 0.
pub fn relu_backward(output: &[f32], gradient: &mut [f32]) {
    Instructions::best().run_loops(
        #[inline(always)]
        || {
            for (gradient, &output) in gradient.iter_mut().zip(output) {
                *gradient = if output <= 0.0 { 0.0 } else { *gradient };
            }
        },
    );
}

/// Multiplies each value by its factor.
pub fn scale(values: &mut [f32], factors: &[f32]) {
    Instructions::best().run_loops(
        #[inline(always)]
        || {
            for (value, factor) in values.iter_mut().zip(factors) {
                *value *= factor;
            }
        },
    );
}

/// `to += from`.
pub fn add(to: &mut [f32], from: &[f32]) {
    Instructions::best().run_loops(
        #[inline(always)]
        || {
            for (to, from) in to.iter_mut().zip(from) {
                *to += from;
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relu_stops_at_0_and_passes_nan_on() {
        let mut values = [-1.0, -0.0, 0.0, 2.0, f32::NAN, f32::NEG_INFINITY, f32::INFINITY];
        relu(&mut values);
        assert_eq!(values[..4], [0.0, 0.0, 0.0, 2.0]);
        assert!(values[4].is_nan());
        assert_eq!(values[5..], [0.0, f32::INFINITY]);
        let mut gradient = [1.0; 4];
        relu_backward(&values[..4], &mut gradient);
        assert_eq!(gradient, [0.0, 0.0, 0.0, 1.0], "the slope at 0 is 0");
    }
}
