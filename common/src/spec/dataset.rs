//! Reads `[dataset]`.

use super::{
    DatasetKind, Problem,
    error::Problems,
    toml_table::{Entry, Table},
};
use crate::data::DatasetSpec;
use crate::data::{self, Supply};

/// The readable part of the table.
#[derive(Default)]
pub(super) struct ReadDataset {
    /// The checked table; None once something was reported.
    pub(super) dataset: Option<DatasetSpec>,
    /// The number of training pairs, for checking stages. Known even if other keys are wrong.
    pub(super) train_pairs: Option<u32>,
    /// The data seed of stages that name none; 0 where other problems hide it.
    pub(super) seed: u64,
}

/// A kind of data set that is made from a user's own files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FilesKind {
    Arrays,
    Table,
    Images,
}

impl FilesKind {
    /// Every kind.
    const ALL: [Self; 3] = [Self::Arrays, Self::Table, Self::Images];

    /// The name in a spec.
    const fn name(self) -> &'static str {
        match self {
            Self::Arrays => "arrays",
            Self::Table => "table",
            Self::Images => "images",
        }
    }
}

/// The kind of a data set from files; None where the table names no such kind.
pub(super) fn files_kind(entry: &Entry<'_>) -> Option<FilesKind> {
    let written = entry.value.get_ref().as_table()?.get("kind")?.get_ref().as_str();
    FilesKind::ALL.into_iter().find(|kind| Some(kind.name()) == written)
}

/// Reads the table.
pub(super) fn read(entry: Entry<'_>, problems: &mut Problems<'_>) -> ReadDataset {
    if let Some(kind) = files_kind(&entry) {
        problems.report(entry.at(), Problem::DescribedOnly { kind: kind.name() });
        return ReadDataset::default();
    }
    let Some(mut table) = entry.table("[dataset]", problems) else { return ReadDataset::default() };
    // The kinds that are made from files were handled before; their names help with a misspelt one.
    let drawn = data::ALL.iter().map(|&kind| (kind.name, Some(kind)));
    let kinds: Vec<_> = drawn.chain(FilesKind::ALL.map(|kind| (kind.name(), None))).collect();
    let kind = table
        .required("kind", r#"kind = "mnist-pairs""#)
        .and_then(|entry| entry.word("data set kind", &kinds, problems)?);
    let train_pairs = pairs(&mut table, "train_pairs", "train_pairs = 1000", kind, |kind| kind.train, problems);
    let test_pairs = pairs(&mut table, "test_pairs", "test_pairs = 1000", kind, |kind| kind.test, problems);
    let seed = table.optional("seed").map_or(Some(0), |entry| entry.whole(0..=i64::MAX as u64, problems));
    table.finish(problems);
    let dataset = || Some(DatasetSpec { kind: kind?, train_pairs: train_pairs?, test_pairs: test_pairs?, seed: seed? });
    ReadDataset { dataset: dataset(), train_pairs, seed: seed.unwrap_or_default() }
}

/// A number of pairs that this kind of data set has; any number where the kind is unknown.
fn pairs(
    table: &mut Table<'_>,
    key: &'static str,
    example: &'static str,
    kind: Option<&DatasetKind>,
    supply: impl Fn(&DatasetKind) -> Supply,
    problems: &mut Problems<'_>,
) -> Option<u32> {
    let entry = table.required(key, example)?;
    let any = data::ALL.iter().map(|kind| supply(kind).pairs_max).max().unwrap_or_default();
    let supply = kind.map_or(Supply { pairs_max: any, because: None }, supply);
    let max = u64::from(supply.pairs_max);
    let pairs = entry.whole(1..=supply.because.map_or(max, |_| u64::from(any)), problems)?;
    if let Some(because) = supply.because
        && pairs > max
    {
        problems.report(entry.at(), Problem::TooManyPairs { key, pairs, max, because });
        return None;
    }
    u32::try_from(pairs).ok()
}
