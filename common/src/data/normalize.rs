//! The conversion of stored numbers into the networks' inputs.

use half::f16;

use super::values::{NumberType, Values};
use crate::training::Normalize;

/// The formula for inputs: `(value - shift) / scale`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Normalizer {
    /// Subtracted from each number.
    pub shift: f64,
    /// Divisor of the difference.
    pub scale: f64,
}

impl Normalizer {
    /// The rule for a unit that trains on these examples of `inputs`, which are normalised together.
    ///
    /// To standardise, mean and population deviation are taken over all numbers of those examples, in 64 bits and in the
    /// order of `train`, each example's inputs one after the other. A deviation of 0 (all those numbers are equal, or
    /// there are none) is taken as 1, so that inputs equal to them become 0.
    ///
    /// # Panics
    /// When an index of `train` is beyond the examples.
    pub fn fit(rule: Normalize, inputs: &[&Values], train: &[u32]) -> Self {
        match rule {
            Normalize::None => Self { shift: 0.0, scale: 1.0 },
            Normalize::Scale => Self { shift: 0.0, scale: 255.0 },
            Normalize::Standardize => {
                let sum = |of: &dyn Fn(f64) -> f64| {
                    let mut sum = 0.0;
                    for &example in train {
                        for input in inputs {
                            input.for_each(example as usize, |value| sum += of(f64::from(value)));
                        }
                    }
                    sum
                };
                let count = (train.len() * inputs.iter().map(|input| input.width()).sum::<usize>()).max(1) as f64;
                let mean = sum(&|value| value) / count;
                let deviation = (sum(&|value| (value - mean) * (value - mean)) / count).sqrt();
                Self { shift: mean, scale: if deviation > 0.0 { deviation } else { 1.0 } }
            }
        }
    }

    /// The network's input for this number, computed in 64 bits and rounded once.
    pub fn apply(&self, value: f32) -> f32 {
        ((f64::from(value) - self.shift) / self.scale) as f32
    }
}

/// An input whose numbers are normalised as they are read.
#[derive(Clone, Debug)]
pub struct NormalizedInput<'d> {
    values: &'d Values,
    normalizer: Normalizer,
    /// The network's input for each stored number of one or two bytes.
    table: Vec<f32>,
}

impl<'d> NormalizedInput<'d> {
    /// Reads `values` by the formula of `normalizer`.
    pub fn new(values: &'d Values, normalizer: Normalizer) -> Self {
        let table = match values.number() {
            NumberType::U8 => (0..=u8::MAX).map(|byte| normalizer.apply(f32::from(byte))).collect(),
            NumberType::F16 => (0..=u16::MAX).map(|bits| normalizer.apply(f16::from_bits(bits).to_f32())).collect(),
            NumberType::F32 => Vec::new(),
        };
        Self { values, normalizer, table }
    }

    /// Adds the numbers of an example to `target`.
    ///
    /// # Panics
    /// When there is no such example.
    pub fn append(&self, example: usize, target: &mut Vec<f32>) {
        let bytes = self.values.example_bytes(example);
        match self.values.number() {
            NumberType::U8 => target.extend(bytes.iter().map(|byte| self.table[usize::from(*byte)])),
            NumberType::F16 => {
                let places = bytes.as_chunks().0.iter().map(|bytes| usize::from(u16::from_le_bytes(*bytes)));
                target.extend(places.map(|place| self.table[place]));
            }
            NumberType::F32 => {
                let numbers = bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
                target.extend(numbers.map(|number| self.normalizer.apply(number)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three examples of two inputs: the first all 10, the second all 30, the third all 200.
    fn inputs() -> [Values; 2] {
        let values = |width: usize| {
            let numbers = [10.0, 30.0, 200.0].iter().flat_map(|&value| vec![value; width]);
            Values::from_f32(width, numbers).unwrap()
        };
        [values(4), values(1)]
    }

    fn fit(rule: Normalize, train: &[u32]) -> Normalizer {
        Normalizer::fit(rule, &inputs().each_ref(), train)
    }

    #[test]
    fn only_examples_that_are_trained_on_count() {
        let normalizer = fit(Normalize::Standardize, &[0, 1]);
        assert_eq!(normalizer, Normalizer { shift: 20.0, scale: 10.0 });
        assert_eq!([10.0, 30.0, 200.0].map(|value| normalizer.apply(value)), [-1.0, 1.0, 18.0]);
    }

    #[test]
    fn the_other_rules_look_at_no_data() {
        let none = Normalizer::fit(Normalize::None, &[], &[]);
        assert_eq!([0.25, 255.0].map(|value| none.apply(value)), [0.25, 255.0]);
        let scale = Normalizer::fit(Normalize::Scale, &[], &[]);
        assert_eq!([0.0, 51.0, 255.0].map(|value| scale.apply(value)), [0.0, 0.2, 1.0]);
    }

    #[test]
    fn equal_numbers_become_zero() {
        let normalizer = fit(Normalize::Standardize, &[2]);
        assert_eq!([200.0, 201.0].map(|value| normalizer.apply(value)), [0.0, 1.0]);
        assert_eq!(fit(Normalize::Standardize, &[]), Normalizer { shift: 0.0, scale: 1.0 });
    }

    #[test]
    fn every_type_of_numbers_is_normalised_by_the_same_formula() {
        let normalizer = Normalizer { shift: 33.3, scale: 78.9 };
        let numbers = [0.0, 1.0, 254.0, 255.0];
        for values in [
            Values::from_u8(2, numbers.map(|number| number as u8).to_vec()).unwrap(),
            Values::from_f32_as_f16(2, numbers).unwrap(),
            Values::from_f32(2, numbers).unwrap(),
        ] {
            let input = NormalizedInput::new(&values, normalizer);
            let mut read = Vec::new();
            input.append(1, &mut read);
            input.append(0, &mut read);
            assert_eq!(read, [254.0, 255.0, 0.0, 1.0].map(|number| normalizer.apply(number)), "{values:?}");
        }
    }
}
