//! A configuration's errors as a table: a row for each seed, a column for each example, fold or draw of the data.

use std::collections::BTreeMap;

use seedgrid_common::spec::Evaluation;

use super::{
    comparison::{Difference, paired},
    crossed::Table,
    document::IntervalMethod,
    scored::{Cell, Scored},
    spread::mean,
};

/// The complete seeds' values: a row for each seed, ascending, with the same columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct BySeed {
    seeds: Vec<u64>,
    pub(super) rows: Vec<Vec<f64>>,
}

impl BySeed {
    /// Whether this seed is complete.
    pub(super) fn has(&self, seed: u64) -> bool {
        self.seeds.binary_search(&seed).is_ok()
    }

    /// These values minus the other's, a row for each seed that both have.
    pub(super) fn minus(&self, other: &Self) -> Vec<Vec<f64>> {
        let own = self.seeds.iter().zip(&self.rows);
        own.filter_map(|(seed, row)| Some(minus(row, &other.rows[other.seeds.binary_search(seed).ok()?]))).collect()
    }
}

/// Each value minus the other row's in its place.
pub(super) fn minus(row: &[f64], other: &[f64]) -> Vec<f64> {
    row.iter().zip(other).map(|(value, other)| value - other).collect()
}

/// What a stage's errors vary with beside the seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    evaluation: Evaluation,
    draws: usize,
}

impl Columns {
    /// Of a stage that is evaluated so on so many draws of the data.
    pub(super) fn new(evaluation: Evaluation, draws: usize) -> Self {
        Self { evaluation, draws }
    }

    /// How an interval over seeds and these columns is made.
    pub(super) fn method(self) -> IntervalMethod {
        match self.evaluation {
            _ if self.draws > 1 => IntervalMethod::SeedsDraws,
            Evaluation::Holdout => IntervalMethod::SeedsExamples,
            Evaluation::Folds(_) => IntervalMethod::SeedsFolds,
        }
    }

    /// The values of these units, by data seed, seed and then fold. Seeds without a result in one of their units are left out.
    pub(super) fn values(self, cells: &[Cell<'_>], scored: &Scored) -> BySeed {
        let mut seeds: BTreeMap<u64, Vec<&Cell<'_>>> = BTreeMap::new();
        cells.iter().for_each(|cell| seeds.entry(cell.unit.seed).or_default().push(cell));
        let complete = seeds.into_iter().filter_map(|(seed, cells)| Some((seed, self.row(&cells, scored)?)));
        let (seeds, rows) = complete.unzip();
        BySeed { seeds, rows }
    }

    fn row(self, cells: &[&Cell<'_>], scored: &Scored) -> Option<Vec<f64>> {
        let errors: Option<Vec<f64>> = cells.iter().map(|cell| cell.error()).collect();
        match self.method() {
            IntervalMethod::SeedsDraws => {
                errors?;
                let draws = cells.chunk_by(|a, b| a.data_seed == b.data_seed);
                draws.map(|draw| mean(&draw.iter().filter_map(|cell| cell.error()).collect::<Vec<_>>())).collect()
            }
            IntervalMethod::SeedsFolds => errors,
            IntervalMethod::SeedsExamples | IntervalMethod::Seeds => {
                let wrong = scored.wrong(cells.first()?)?;
                Some(wrong.into_iter().map(|wrong| f64::from(u8::from(wrong))).collect())
            }
        }
    }

    /// A table of these rows; `clusters` are those of the examples.
    pub(super) fn table<'t>(self, rows: &'t [Vec<f64>], clusters: Option<&'t [usize]>) -> Table<'t> {
        match (self.method(), self.evaluation) {
            (IntervalMethod::SeedsFolds, Evaluation::Folds(folds)) => Table::of_folds(rows, folds),
            (IntervalMethod::SeedsExamples, _) => Table { clusters, ..Table::independent(rows) },
            _ => Table::independent(rows),
        }
    }

    /// Whether the mean of these rows of differences is 0.
    pub(super) fn paired(self, rows: &[Vec<f64>], clusters: Option<&[usize]>) -> Result<Difference, String> {
        paired(self.table(rows, clusters), self.method().columns())
    }
}

/// The errors of a stage's configurations, with what they vary with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StageErrors {
    pub(super) columns: Columns,
    /// Of the scored examples.
    pub(super) clusters: Option<Vec<usize>>,
    /// Of each configuration, in the order of the stage.
    pub(super) by_configuration: Vec<BySeed>,
}

impl StageErrors {
    /// Tests the mean error of the configuration at `place` minus that of `other`'s at `other_place`, seed by seed. Both must have scored the
    /// same examples in the same way. Also says by how many seeds.
    pub(crate) fn paired(&self, place: usize, other: &Self, other_place: usize) -> (usize, Result<Difference, String>) {
        let nothing = BySeed::default();
        let first = self.by_configuration.get(place).unwrap_or(&nothing);
        let rows = first.minus(other.by_configuration.get(other_place).unwrap_or(&nothing));
        (rows.len(), self.columns.paired(&rows, self.clusters.as_deref()))
    }

    /// How a paired test is made.
    pub(crate) fn method(&self) -> IntervalMethod {
        self.columns.method()
    }
}
