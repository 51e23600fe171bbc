//! `[dataset]`.

use super::{
    DatasetKind, DatasetSpec, Problem,
    error::Problems,
    limits::{GLYPH_PAIRS_MAX, MNIST_TEST_IMAGES, MNIST_TRAIN_IMAGES},
    table::{Entry, Table},
};

/// How `kind` may be written.
const KINDS: [(&str, DatasetKind); 2] =
    [("mnist-pairs", DatasetKind::MnistPairs), ("glyph-pairs", DatasetKind::GlyphPairs)];

/// The table as far as it could be read.
#[derive(Default)]
pub(super) struct ReadDataset {
    /// None once something was reported.
    pub(super) dataset: Option<DatasetSpec>,
    /// Known even if other keys are wrong: stages are checked against it.
    pub(super) train_pairs: Option<u32>,
    /// The data seed of stages that name none; 0 where it is not known because of other problems.
    pub(super) seed: u64,
}

/// Reads the table.
pub(super) fn read(entry: Entry<'_>, problems: &mut Problems<'_>) -> ReadDataset {
    let Some(mut table) = entry.table("[dataset]", problems) else { return ReadDataset::default() };
    let kind = table
        .required("kind", r#"kind = "mnist-pairs""#)
        .and_then(|entry| entry.word("data set kind", &KINDS, problems));
    let train_pairs =
        pairs(&mut table, "train_pairs", "train_pairs = 1000", kind, (MNIST_TRAIN_IMAGES, "training"), problems);
    let test_pairs = pairs(&mut table, "test_pairs", "test_pairs = 1000", kind, (MNIST_TEST_IMAGES, "test"), problems);
    let seed = table.optional("seed").map_or(Some(0), |entry| entry.whole(0..=i64::MAX as u64, problems));
    table.finish(problems);
    let dataset = || Some(DatasetSpec { kind: kind?, train_pairs: train_pairs?, test_pairs: test_pairs?, seed: seed? });
    ReadDataset { dataset: dataset(), train_pairs, seed: seed.unwrap_or_default() }
}

/// A number of pairs that this kind of data set can give; MNIST's `part` has so many images, and a pair takes two.
fn pairs(
    table: &mut Table<'_>,
    key: &'static str,
    example: &'static str,
    kind: Option<DatasetKind>,
    (images, part): (u64, &'static str),
    problems: &mut Problems<'_>,
) -> Option<u32> {
    let entry = table.required(key, example)?;
    let pairs = entry.whole(1..=GLYPH_PAIRS_MAX, problems)?;
    let max = images / 2;
    if kind == Some(DatasetKind::MnistPairs) && pairs > max {
        problems.report(entry.at(), Problem::TooManyPairs { key, pairs, max, images, part });
        return None;
    }
    u32::try_from(pairs).ok()
}
