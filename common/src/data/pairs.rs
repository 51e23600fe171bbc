//! Data sets of pairs of digits: two images of 14x14 pixels, their digits, and which of them is larger.

use super::{
    dataset::{About, Dataset, Examples, Labels, Targets},
    schema::{Content, FoldRule, Input, Schema, Target},
    values::{NumberType, Values},
};
use crate::model::{DIGITS, SIDE};

/// Number of pixels of one pair.
pub const PAIR_PIXELS: usize = 2 * SIDE * SIDE;
/// The inputs: a pair's first image and its second.
pub const INPUTS: [&str; 2] = ["first", "second"];
/// The primary target.
pub const COMPARISON: &str = "comparison";
/// The targets of the auxiliary losses: the digits of the first image and of the second.
pub const DIGIT_TARGETS: [&str; 2] = ["first_digit", "second_digit"];
/// The names of the comparison's classes.
pub const COMPARISON_CLASSES: [&str; 2] = ["first > second", "first <= second"];

/// Pairs of images with their digits.
#[derive(Clone, Debug, PartialEq)]
pub struct Pairs {
    /// Pixel values 0..=255, shape (pairs, 2, 14, 14), row-major.
    pub pixels: Vec<f32>,
    /// The digits of each pair's first and second image, each 0..=9.
    pub digits: Vec<[u8; 2]>,
}

impl Pairs {
    /// The pairs of a part of a data set; None if it is not a data set of pairs.
    pub fn from_examples(examples: &Examples) -> Option<Self> {
        Self::select(examples, |_, _| true).map(|(_, pairs)| pairs)
    }

    /// The pairs of a part of a data set that `wanted` picks by place and digits, with their places; None if it is not a data set of
    /// pairs. Only their pixels are read.
    pub fn select(examples: &Examples, mut wanted: impl FnMut(usize, [u8; 2]) -> bool) -> Option<(Vec<usize>, Self)> {
        let [first, second] = INPUTS.map(|name| examples.inputs.get(name));
        let images = [first?, second?];
        let [first, second] = DIGIT_TARGETS.map(|name| examples.targets.classes(name));
        let all = first?.iter().zip(second?).map(|(first, second)| [*first as u8, *second as u8]).enumerate();
        let (places, digits): (Vec<usize>, Vec<[u8; 2]>) =
            all.filter(|(place, digits)| wanted(*place, *digits)).unzip();
        let mut pixels = Vec::with_capacity(PAIR_PIXELS * places.len());
        for place in &places {
            images.iter().for_each(|image| image.for_each(*place, |pixel| pixels.push(pixel)));
        }
        Some((places, Self { pixels, digits }))
    }

    /// The pairs as examples of a data set, with pixels of this type.
    ///
    /// # Panics
    /// When the number of pixels does not fit the number of pairs.
    pub fn to_examples(&self, number: NumberType) -> Examples {
        assert_eq!(self.pixels.len(), PAIR_PIXELS * self.digits.len(), "each pair has all of its pixels");
        let image = |index: usize| {
            let pixels = self.pixels.chunks(PAIR_PIXELS).flat_map(move |pair| {
                let (first, second) = pair.split_at(pair.len() / 2);
                [first, second][index].iter().copied()
            });
            let values = match number {
                NumberType::U8 => Values::from_u8(SIDE * SIDE, pixels.map(|pixel| pixel as u8).collect()),
                NumberType::F16 => Values::from_f32_as_f16(SIDE * SIDE, pixels),
                NumberType::F32 => Values::from_f32(SIDE * SIDE, pixels),
            };
            values.expect("both images of a pair have all of their pixels")
        };
        let digit = |index: usize| Labels::Classes(self.digits.iter().map(|pair| u32::from(pair[index])).collect());
        let comparisons = self.digits.iter().map(|[first, second]| u32::from(first <= second)).collect();
        Examples {
            inputs: [(INPUTS[0].to_owned(), image(0)), (INPUTS[1].to_owned(), image(1))].into(),
            targets: Targets {
                examples: self.digits.len(),
                labels: [
                    (COMPARISON.to_owned(), Labels::Classes(comparisons)),
                    (DIGIT_TARGETS[0].to_owned(), digit(0)),
                    (DIGIT_TARGETS[1].to_owned(), digit(1)),
                ]
                .into(),
                groups: None,
                folds: None,
            },
        }
    }
}

/// The schema of every data set of pairs.
pub fn schema() -> Schema {
    let image = Input { shape: vec![1, SIDE, SIDE], content: Content::Pixels };
    let digits = Target::Classes((0..DIGITS).map(|digit| digit.to_string()).collect());
    Schema {
        inputs: INPUTS.map(|name| (name.to_owned(), image.clone())).into(),
        targets: [
            (COMPARISON.to_owned(), Target::Classes(COMPARISON_CLASSES.map(str::to_owned).to_vec())),
            (DIGIT_TARGETS[0].to_owned(), digits.clone()),
            (DIGIT_TARGETS[1].to_owned(), digits),
        ]
        .into(),
        primary: COMPARISON.to_owned(),
        folds: FoldRule::Random,
        pooled: INPUTS.map(str::to_owned).to_vec(),
    }
}

/// The data set of these training pairs and test pairs, with pixels of this type.
///
/// # Panics
/// When the number of pixels does not fit the number of pairs.
pub fn dataset(title: &str, seed: u64, number: NumberType, [train, test]: [&Pairs; 2]) -> Dataset {
    let [train, test] = [train, test].map(|pairs| pairs.to_examples(number));
    Dataset { about: About { title: title.to_owned(), seed, schema: schema() }, train, test }
}
