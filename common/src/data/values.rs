//! The numbers of an input, as they are stored: one copy of them serves every unit of a worker.

use std::fmt;

use bytes::Bytes;
use half::f16;

/// The type of stored numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberType {
    /// Whole numbers 0..=255.
    U8,
    /// Half precision (IEEE 754 binary16).
    F16,
    /// Single precision.
    F32,
}

impl NumberType {
    /// Bytes of a number.
    pub const fn bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::F16 => 2,
            Self::F32 => 4,
        }
    }
}

/// The numbers of an input, example by example, each example row-major. Copies share the bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Values {
    number: NumberType,
    /// Numbers of an example, at least one.
    width: usize,
    /// Little-endian.
    bytes: Bytes,
}

/// Bytes that make no whole examples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{bytes} bytes make no whole examples of {width} numbers of {each} bytes")]
pub struct PartialExample {
    /// The number of bytes.
    pub bytes: usize,
    /// Numbers of an example.
    pub width: usize,
    /// Bytes of a number.
    pub each: usize,
}

impl Values {
    /// Numbers as little-endian bytes, `width` numbers an example.
    ///
    /// # Errors
    /// When the last example is incomplete.
    pub fn new(number: NumberType, width: usize, bytes: Bytes) -> Result<Self, PartialExample> {
        let each = number.bytes();
        match width.checked_mul(each) {
            Some(example) if example > 0 && bytes.len().is_multiple_of(example) => Ok(Self { number, width, bytes }),
            _ => Err(PartialExample { bytes: bytes.len(), width, each }),
        }
    }

    /// Whole numbers 0..=255, `width` an example.
    ///
    /// # Errors
    /// When the last example is incomplete.
    pub fn from_u8(width: usize, values: Vec<u8>) -> Result<Self, PartialExample> {
        Self::new(NumberType::U8, width, values.into())
    }

    /// Numbers that are stored in half precision, `width` an example; each is rounded to the nearest.
    ///
    /// # Errors
    /// When the last example is incomplete.
    pub fn from_f32_as_f16(width: usize, values: impl IntoIterator<Item = f32>) -> Result<Self, PartialExample> {
        let bytes: Vec<u8> = values.into_iter().flat_map(|value| f16::from_f32(value).to_le_bytes()).collect();
        Self::new(NumberType::F16, width, bytes.into())
    }

    /// Numbers of single precision, `width` an example.
    ///
    /// # Errors
    /// When the last example is incomplete.
    pub fn from_f32(width: usize, values: impl IntoIterator<Item = f32>) -> Result<Self, PartialExample> {
        let bytes: Vec<u8> = values.into_iter().flat_map(f32::to_le_bytes).collect();
        Self::new(NumberType::F32, width, bytes.into())
    }

    /// The type of the stored numbers.
    pub fn number(&self) -> NumberType {
        self.number
    }

    /// Numbers of an example.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Number of examples.
    pub fn examples(&self) -> usize {
        self.bytes.len() / (self.width * self.number.bytes())
    }

    /// All bytes, example by example.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The bytes of an example.
    ///
    /// # Panics
    /// When there is no such example.
    pub fn example_bytes(&self, example: usize) -> &[u8] {
        let bytes = self.width * self.number.bytes();
        &self.bytes[example * bytes..(example + 1) * bytes]
    }

    /// The numbers of an example.
    ///
    /// # Panics
    /// When there is no such example.
    pub fn example(&self, example: usize) -> Vec<f32> {
        let mut numbers = Vec::with_capacity(self.width);
        self.for_each(example, |number| numbers.push(number));
        numbers
    }

    /// Calls `each` for the numbers of an example, in order.
    ///
    /// # Panics
    /// When there is no such example.
    pub fn for_each(&self, example: usize, mut each: impl FnMut(f32)) {
        let bytes = self.example_bytes(example);
        match self.number {
            NumberType::U8 => bytes.iter().for_each(|byte| each(f32::from(*byte))),
            NumberType::F16 => bytes.as_chunks().0.iter().for_each(|bytes| each(f16::from_le_bytes(*bytes).to_f32())),
            NumberType::F32 => bytes.as_chunks().0.iter().for_each(|bytes| each(f32::from_le_bytes(*bytes))),
        }
    }

    /// The first examples.
    ///
    /// # Panics
    /// When there are fewer.
    #[must_use]
    pub fn first(&self, examples: usize) -> Self {
        let bytes = examples * self.width * self.number.bytes();
        Self { bytes: self.bytes.slice(..bytes), ..self.clone() }
    }

    /// These examples, in this order.
    ///
    /// # Panics
    /// When one of them does not exist.
    #[must_use]
    pub fn select(&self, examples: &[usize]) -> Self {
        let bytes: Vec<u8> = examples.iter().flat_map(|&example| self.example_bytes(example)).copied().collect();
        Self { bytes: bytes.into(), ..self.clone() }
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Values({} x {} {:?})", self.examples(), self.width, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_back_in_every_type() {
        let whole = Values::from_u8(2, vec![0, 7, 255, 1]).unwrap();
        assert_eq!((whole.examples(), whole.example(1)), (2, vec![255.0, 1.0]));
        let quarters = Values::from_f32_as_f16(3, [0.25, 254.75, 255.0]).unwrap();
        assert_eq!((quarters.examples(), quarters.example(0)), (1, vec![0.25, 254.75, 255.0]));
        let numbers = Values::from_f32(1, [1e-30, -0.0, 3.5]).unwrap();
        assert_eq!((numbers.examples(), numbers.example(2)), (3, vec![3.5]));
        assert_eq!(numbers.first(2).examples(), 2);
        assert_eq!(numbers.select(&[2, 0]).example(1), [1e-30]);
    }

    #[test]
    fn incomplete_examples_are_refused() {
        assert_eq!(Values::from_u8(3, vec![0; 4]), Err(PartialExample { bytes: 4, width: 3, each: 1 }));
        assert!(Values::from_u8(0, vec![]).is_err());
        assert!(Values::new(NumberType::F32, usize::MAX, Bytes::new()).is_err());
        assert_eq!(Values::from_f32(2, []).unwrap().examples(), 0);
    }
}
