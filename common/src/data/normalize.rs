//! The conversion of grey values into the networks' inputs.

use super::PAIR_PIXELS;
use crate::training::Normalize;

/// The formula for inputs: `(value - shift) / scale`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Normalizer {
    /// Subtracted from each grey value.
    pub shift: f64,
    /// Divisor of the difference.
    pub scale: f64,
}

impl Normalizer {
    /// The rule for a unit that trains on the pairs `train` (indices) of `pixels` (pairs, 2, 14, 14).
    ///
    /// To standardise, mean and population deviation are taken over all pixels of those pairs, in 64 bits and in the
    /// order of `train`. A deviation of 0 (all those pixels are equal, or there are none) is taken as 1, so that inputs
    /// equal to them become 0.
    ///
    /// # Panics
    /// When an index of `train` is beyond `pixels`.
    pub fn fit(rule: Normalize, pixels: &[f32], train: &[u32]) -> Self {
        match rule {
            Normalize::None => Self { shift: 0.0, scale: 1.0 },
            Normalize::Scale => Self { shift: 0.0, scale: 255.0 },
            Normalize::Standardize => {
                let values = || {
                    let pair = |&index: &u32| &pixels[index as usize * PAIR_PIXELS..(index as usize + 1) * PAIR_PIXELS];
                    train.iter().flat_map(pair).map(|&value| f64::from(value))
                };
                let count = (train.len() * PAIR_PIXELS).max(1) as f64;
                let mean = values().sum::<f64>() / count;
                let variance = values().map(|value| (value - mean) * (value - mean)).sum::<f64>() / count;
                let deviation = variance.sqrt();
                Self { shift: mean, scale: if deviation > 0.0 { deviation } else { 1.0 } }
            }
        }
    }

    /// The inputs for these grey values, each computed in 64 bits and rounded once.
    pub fn apply(&self, pixels: &[f32]) -> Vec<f32> {
        pixels.iter().map(|&value| ((f64::from(value) - self.shift) / self.scale) as f32).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three pairs: the first all 10, the second all 30, the third all 200.
    fn pixels() -> Vec<f32> {
        [10.0, 30.0, 200.0].iter().flat_map(|&value| [value; PAIR_PIXELS]).collect()
    }

    #[test]
    fn only_pairs_that_are_trained_on_count() {
        let normalizer = Normalizer::fit(Normalize::Standardize, &pixels(), &[0, 1]);
        assert_eq!(normalizer, Normalizer { shift: 20.0, scale: 10.0 });
        assert_eq!(normalizer.apply(&[10.0, 30.0, 200.0]), [-1.0, 1.0, 18.0]);
    }

    #[test]
    fn the_other_rules_look_at_no_data() {
        let none = Normalizer::fit(Normalize::None, &[], &[]);
        assert_eq!(none.apply(&[0.25, 255.0]), [0.25, 255.0]);
        let scale = Normalizer::fit(Normalize::Scale, &[], &[]);
        assert_eq!(scale.apply(&[0.0, 51.0, 255.0]), [0.0, 0.2, 1.0]);
    }

    #[test]
    fn equal_pixels_become_zero() {
        let normalizer = Normalizer::fit(Normalize::Standardize, &pixels(), &[2]);
        assert_eq!(normalizer.apply(&[200.0, 201.0]), [0.0, 1.0]);
        assert_eq!(Normalizer::fit(Normalize::Standardize, &[], &[]), Normalizer { shift: 0.0, scale: 1.0 });
    }
}
