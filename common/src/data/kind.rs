//! Kinds of data sets as plain data: one file each beside this one, and one line in [`ALL`](super::ALL).

use std::{fmt, path::PathBuf};

use super::{dataset::Dataset, error::DataError};

/// Most pairs of a part of a data set of pairs.
pub const PAIRS_MAX: u32 = 1_000_000;

/// A kind of data set: the source and the number of its pairs.
pub struct DatasetKind {
    /// The name in a spec.
    pub name: &'static str,
    /// A summary in one sentence.
    pub summary: &'static str,
    /// The number of training pairs that a spec may ask for.
    pub train: Supply,
    /// The number of test pairs that a spec may ask for.
    pub test: Supply,
    /// Whether the kind needs files, which `--data` may name; otherwise it draws everything itself.
    pub reads_files: bool,
    /// Makes the data set that a spec asks for, always the same one. Files are searched for in the folders.
    pub draw: fn(&DatasetSpec, &[PathBuf]) -> Result<Dataset, DataError>,
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

/// The number of available pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Supply {
    /// Most pairs: [`PAIRS_MAX`] or fewer.
    pub pairs_max: u32,
    /// The reason for the limit, for people: "MNIST has ..."; None where Seedgrid sets the limit.
    pub because: Option<&'static str>,
}

impl PartialEq for DatasetKind {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for DatasetKind {}

impl fmt::Debug for DatasetKind {
    /// The name as one word, `GlyphPairs`: run directories store the kind under it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.split('-').try_for_each(|word| {
            let (first, rest) = word.split_at(1.min(word.len()));
            write!(f, "{}{rest}", first.to_ascii_uppercase())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{ALL, find},
        PAIRS_MAX,
    };

    #[test]
    fn run_directories_know_their_data_sets_by_these_words() {
        assert_eq!(format!("{:?}", find("mnist-pairs").unwrap()), "MnistPairs");
        assert_eq!(format!("{:?}", find("glyph-pairs").unwrap()), "GlyphPairs");
    }

    #[test]
    fn kinds_have_names_of_their_own_and_promise_no_more_than_can_be_encoded() {
        for (index, kind) in ALL.iter().enumerate() {
            assert!(ALL[index + 1..].iter().all(|other| other != kind), "{kind:?}");
            assert!(kind.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{kind:?}");
            for supply in [kind.train, kind.test] {
                assert!((1..=PAIRS_MAX).contains(&supply.pairs_max), "{kind:?}");
            }
        }
    }
}
