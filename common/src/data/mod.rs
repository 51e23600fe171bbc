//! Data sets: pairs of 14x14 images of digits, and which of them a unit trains on and is scored on.

pub mod encode;
pub mod glyph_pairs;

use crate::model::SIDE;

/// Number of pixels of one pair.
pub const PAIR_PIXELS: usize = 2 * SIDE * SIDE;

/// Pairs of images with their digits.
#[derive(Clone, Debug, PartialEq)]
pub struct Pairs {
    /// Pixel values 0..=255, shape (pairs, 2, 14, 14), row-major.
    pub pixels: Vec<f32>,
    /// The digits of each pair's first and second image, each 0..=9.
    pub digits: Vec<[u8; 2]>,
}

impl Pairs {
    /// Number of pairs.
    pub fn len(&self) -> usize {
        self.digits.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.digits.is_empty()
    }

    /// The comparison's label: 1 where the first digit is at most the second, else 0.
    pub fn label(&self, pair: usize) -> u8 {
        let [first, second] = self.digits[pair];
        u8::from(first <= second)
    }
}

/// A study's data: what is trained on and what is scored at the end.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// For titles: what this is, for example "MNIST pairs".
    pub title: String,
    /// The data seed, from which folds are drawn too.
    pub seed: u64,
    /// Training pairs.
    pub train: Pairs,
    /// Test pairs, made from images that no training pair uses.
    pub test: Pairs,
}
