//! Steps of the optimisers: each weight alone, in place, leaving its gradient at 0.
//!
//! Every operation here is rounded by IEEE 754, division and square root included, so all instruction sets agree.

use super::instructions::Instructions;

/// One step of plain gradient descent: `weight -= rate * gradient`, rounded once.
pub fn descend(weights: &mut [f32], gradient: &mut [f32], rate: f32) {
    Instructions::best().run_loops(
        #[inline(always)]
        || {
            for (weight, gradient) in weights.iter_mut().zip(gradient.iter_mut()) {
                *weight = (-rate).mul_add(*gradient, *weight);
                *gradient = 0.0;
            }
        },
    );
}

/// The factors of a step with momentum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Momentum {
    /// Step size.
    pub rate: f32,
    /// Share of the last velocity that is kept.
    pub momentum: f32,
    /// Factor of the weight when it is added to its gradient.
    pub decay: f32,
}

/// One step with momentum: `velocity = momentum * velocity + gradient + decay * weight`, then `weight -= rate * velocity`.
pub fn descend_with_momentum(weights: &mut [f32], gradient: &mut [f32], velocity: &mut [f32], by: Momentum) {
    let Momentum { rate, momentum, decay } = by;
    Instructions::best().run_loops(
        #[inline(always)]
        || {
            for ((weight, gradient), velocity) in weights.iter_mut().zip(gradient.iter_mut()).zip(velocity.iter_mut()) {
                let slope = decay.mul_add(*weight, *gradient);
                *velocity = momentum.mul_add(*velocity, slope);
                *weight = (-rate).mul_add(*velocity, *weight);
                *gradient = 0.0;
            }
        },
    );
}

/// The factors of a step of Adam.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// The share of the last mean of gradients that is kept, and of the new gradient that is added.
    pub first: (f32, f32),
    /// The share of the last mean of squared gradients that is kept, and of the new square that is added.
    pub second: (f32, f32),
    /// Keeps the divisor above 0.
    pub epsilon: f32,
    /// Step size over the first mean's bias correction.
    pub rate: f32,
    /// One over the square root of the second mean's bias correction.
    pub root: f32,
    /// Factor of the weight when it is added to its gradient.
    pub decay: f32,
}

/// One step of Adam: `slope = gradient + decay * weight` goes into the means `first` of slopes and `second` of their squares,
/// and `weight -= rate * first / (root * sqrt(second) + epsilon)`.
pub fn descend_with_adam(weights: &mut [f32], gradient: &mut [f32], first: &mut [f32], second: &mut [f32], by: Adam) {
    let Adam { first: (kept, new), second: (kept_square, new_square), epsilon, rate, root, decay } = by;
    Instructions::best().run_loops(
        #[inline(always)]
        || {
            let means = first.iter_mut().zip(second.iter_mut());
            for ((weight, gradient), (first, second)) in weights.iter_mut().zip(gradient.iter_mut()).zip(means) {
                let slope = decay.mul_add(*weight, *gradient);
                *first = kept.mul_add(*first, new * slope);
                *second = kept_square.mul_add(*second, new_square * slope * slope);
                *weight = (-rate).mul_add(*first / root.mul_add(second.sqrt(), epsilon), *weight);
                *gradient = 0.0;
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descending_uses_the_gradient_up() {
        let (mut weights, mut gradient) = ([1.0, 2.0], [10.0, -20.0]);
        descend(&mut weights, &mut gradient, 0.5);
        assert_eq!((weights, gradient), ([-4.0, 12.0], [0.0, 0.0]));
    }

    #[test]
    fn momentum_carries_on() {
        let (mut weights, mut velocity) = ([1.0], [0.0]);
        let by = Momentum { rate: 0.5, momentum: 0.5, decay: 0.25 };
        let mut gradient = [1.75];
        descend_with_momentum(&mut weights, &mut gradient, &mut velocity, by);
        assert_eq!((weights, velocity, gradient), ([0.0], [2.0], [0.0]));
        descend_with_momentum(&mut weights, &mut gradient, &mut velocity, by);
        assert_eq!((weights, velocity), ([-0.5], [1.0]));
    }

    #[test]
    fn without_momentum_and_decay_the_step_is_the_plain_one_bit_by_bit() {
        let start: Vec<f32> = (0..100).map(|index| (index as f32 * 0.37).sin()).collect();
        let slopes: Vec<f32> = (0..100).map(|index| (index as f32 * 0.73).cos() * 0.01).collect();
        let (mut plain, mut other, mut velocity) = (start.clone(), start, vec![0.0; 100]);
        for _ in 0..3 {
            descend(&mut plain, &mut slopes.clone(), 0.1);
            let by = Momentum { rate: 0.1, momentum: 0.0, decay: 0.0 };
            descend_with_momentum(&mut other, &mut slopes.clone(), &mut velocity, by);
        }
        assert_eq!(plain, other);
    }

    #[test]
    fn adam_steps_by_its_rate_at_first() {
        // Both means hold one slope, so their corrected quotient is its sign.
        let (mut weights, mut gradient) = ([1.0, 1.0, 1.0], [1e-3, -20.0, 0.0]);
        let (mut first, mut second) = ([0.0; 3], [0.0; 3]);
        let by = Adam {
            first: (0.9, 0.1),
            second: (0.999, 0.001),
            epsilon: 1e-8,
            rate: (0.01 / (1.0 - 0.9)) as f32,
            root: (1.0 / (1.0_f64 - 0.999).sqrt()) as f32,
            decay: 0.0,
        };
        descend_with_adam(&mut weights, &mut gradient, &mut first, &mut second, by);
        for (weight, expected) in weights.iter().zip([0.99, 1.01, 1.0_f32]) {
            assert!((weight - expected).abs() < 1e-6, "{weights:?}");
        }
        assert_eq!(gradient, [0.0; 3]);
    }
}
