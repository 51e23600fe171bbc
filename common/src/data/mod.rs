//! Data sets: pairs of 14x14 images of digits, and which of them a unit trains on and is scored on.
//!
//! [`build`] makes a data set from its spec, by its [`kind`]: MNIST's images ([`idx`], [`mnist_files`],
//! [`mnist_pairs`]; [`locate`] searches for the files, and [`looked`] describes a folder without them) or drawn digits
//! ([`glyph_pairs`]). [`encode`] gives its bytes and its digest, [`folds`] a unit's part of it, and [`normalize`] the
//! networks' inputs.

mod error;

pub mod encode;
pub mod folds;
pub mod glyph_pairs;
pub mod idx;
pub mod kind;
pub mod locate;
pub mod looked;
pub mod mnist_files;
pub mod mnist_pairs;
pub mod normalize;

use std::{collections::BTreeMap, path::PathBuf};

pub use error::DataError;
pub use kind::{DatasetKind, Supply};

use crate::model::SIDE;

/// Every kind of data set, in the order in which messages name them.
pub static ALL: &[&DatasetKind] = &[&mnist_pairs::KIND, &glyph_pairs::KIND];

/// The kind of data set with this name.
pub fn find(name: &str) -> Option<&'static DatasetKind> {
    ALL.iter().copied().find(|kind| kind.name == name)
}

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

    /// Whether there are no pairs.
    pub fn is_empty(&self) -> bool {
        self.digits.is_empty()
    }

    /// The [`label`] of a pair.
    pub fn label(&self, pair: usize) -> u8 {
        label(self.digits[pair])
    }
}

/// The comparison's label of a pair with these digits: 1 where the first is at most the second, else 0.
pub fn label([first, second]: [u8; 2]) -> u8 {
    u8::from(first <= second)
}

/// A study's data: the training pairs and the test pairs.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// The name of the data set in titles, for example "MNIST pairs".
    pub title: String,
    /// The data seed, from which folds are drawn too.
    pub seed: u64,
    /// Training pairs.
    pub train: Pairs,
    /// Test pairs, made from images that no training pair uses.
    pub test: Pairs,
}

/// A data set without its pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatasetDigits {
    /// As [`Dataset::title`].
    pub title: String,
    /// As [`Dataset::seed`].
    pub seed: u64,
    /// The digits of the training pairs.
    pub train: Vec<[u8; 2]>,
    /// The digits of the test pairs.
    pub test: Vec<[u8; 2]>,
}

impl Dataset {
    /// The data set without its pixels.
    pub fn to_digits(&self) -> DatasetDigits {
        DatasetDigits {
            title: self.title.clone(),
            seed: self.seed,
            train: self.train.digits.clone(),
            test: self.test.digits.clone(),
        }
    }
}

/// A part of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The training pairs.
    Train,
    /// The test pairs.
    Test,
}

/// Data with known labels: a data set, with or without its pixels.
pub trait Labelled {
    /// The data seed.
    fn seed(&self) -> u64;

    /// The digits of the pairs of a part.
    fn digits(&self, part: Part) -> &[[u8; 2]];
}

impl Labelled for Dataset {
    fn seed(&self) -> u64 {
        self.seed
    }

    fn digits(&self, part: Part) -> &[[u8; 2]] {
        match part {
            Part::Train => &self.train.digits,
            Part::Test => &self.test.digits,
        }
    }
}

impl Labelled for DatasetDigits {
    fn seed(&self) -> u64 {
        self.seed
    }

    fn digits(&self, part: Part) -> &[[u8; 2]] {
        match part {
            Part::Train => &self.train,
            Part::Test => &self.test,
        }
    }
}

/// Makes the data set that `spec` asks for. Its kind's files are searched for in `folders` (see [`locate::places`]).
pub fn build(spec: &DatasetSpec, folders: &[PathBuf]) -> Result<Dataset, DataError> {
    for (part, pairs) in [("training", spec.train_pairs), ("test", spec.test_pairs)] {
        if pairs > encode::PAIRS_MAX {
            return Err(DataError::ManyPairs { part, pairs });
        }
    }
    (spec.kind.draw)(spec, folders)
}

/// A data set's kind, sizes and seed.
#[derive(Clone, Debug, PartialEq)]
pub struct DatasetSpec {
    /// The source of the pairs.
    pub kind: &'static DatasetKind,
    /// Number of training pairs.
    pub train_pairs: u32,
    /// Number of test pairs.
    pub test_pairs: u32,
    /// The data seed, from which pairs and folds are drawn.
    pub seed: u64,
}

/// The digest of each encoded draw of the data set, by data seed.
pub type Digests = BTreeMap<u64, String>;
