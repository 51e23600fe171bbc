//! A configuration's errors as a table: a row for each seed, and a column for each example, fold or draw of the data.

use std::collections::BTreeMap;

use seedgrid_common::spec::Evaluation;

use super::{
    report_json::IntervalMethod,
    scored_predictions::{Cell, Scored},
};
use crate::statistics::{
    crossed_standard_error::Table,
    exact::mean,
    paired_t_test::{self, Difference},
};

/// The complete seeds' values: a row for each seed, ascending, all with the same columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct BySeed {
    seeds: Vec<u64>,
    rows: Vec<Row>,
}

/// One seed's values.
#[derive(Clone, Debug, PartialEq)]
enum Row {
    Numbers(Vec<f64>),
    /// Values that are all 0 or 1: one bit each, as there may be ten thousand examples, and as many units.
    Marks {
        bits: Box<[u8]>,
        count: usize,
    },
}

impl Row {
    fn marks(marks: &[bool]) -> Self {
        let byte = |marks: &[bool]| marks.iter().rev().fold(0, |byte, &mark| byte << 1 | u8::from(mark));
        Self::Marks { bits: marks.chunks(8).map(byte).collect(), count: marks.len() }
    }

    fn values(&self) -> Vec<f64> {
        match self {
            Self::Numbers(values) => values.clone(),
            Self::Marks { bits, count } => {
                (0..*count).map(|place| f64::from(bits[place / 8] >> (place % 8) & 1)).collect()
            }
        }
    }
}

impl BySeed {
    /// Whether this seed is complete.
    pub(super) fn has(&self, seed: u64) -> bool {
        self.seeds.binary_search(&seed).is_ok()
    }

    /// The number of complete seeds.
    pub(super) fn seeds(&self) -> usize {
        self.seeds.len()
    }

    /// A row for each seed.
    pub(super) fn rows(&self) -> Vec<Vec<f64>> {
        self.rows.iter().map(Row::values).collect()
    }

    /// These values minus the other's, a row for each seed that both have.
    pub(super) fn minus(&self, other: &Self) -> Vec<Vec<f64>> {
        let own = self.seeds.iter().zip(&self.rows);
        let other_row = |seed: &u64| Some(&other.rows[other.seeds.binary_search(seed).ok()?]);
        own.filter_map(|(seed, row)| Some(minus(&row.values(), &other_row(seed)?.values()))).collect()
    }
}

/// The difference of two rows, element by element.
pub(super) fn minus(row: &[f64], other: &[f64]) -> Vec<f64> {
    row.iter().zip(other).map(|(value, other)| value - other).collect()
}

/// The sources of chance that an interval over the seeds alone covers, on one set of test pairs.
pub(super) const SEEDS_COVER: &str = "the choice of the seeds; not the draw of the test pairs or of the training pairs";

/// The mean of a table of differences.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Paired {
    /// The number of seeds that both have.
    pub(crate) seeds: usize,
    /// The mean over these seeds, even without a test; None without a seed.
    pub(crate) difference: Option<f64>,
    /// The test of whether the mean is 0, or the reason for a missing test.
    pub(crate) tested: Result<Difference, String>,
}

/// The second factor of a stage's errors beside the seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    evaluation: Evaluation,
    draws: usize,
}

impl Columns {
    /// The columns of a stage with this evaluation on this many draws of the data.
    pub(super) fn new(evaluation: Evaluation, draws: usize) -> Self {
        Self { evaluation, draws }
    }

    /// The method of an interval over seeds and these columns.
    pub(super) fn method(self) -> IntervalMethod {
        match self.evaluation {
            _ if self.draws > 1 => IntervalMethod::SeedsDraws,
            Evaluation::Holdout => IntervalMethod::SeedsExamples,
            Evaluation::Folds(_) => IntervalMethod::SeedsFolds,
        }
    }

    /// The sources of chance that an interval over this many seeds and these columns covers, as a clause after "it
    /// covers".
    pub(super) fn covers(self, seeds: usize) -> String {
        let (covered, mut not) = match (self.method(), self.evaluation) {
            (IntervalMethod::SeedsDraws, Evaluation::Holdout) => ("the draw of the training and test pairs", vec![]),
            (IntervalMethod::SeedsDraws, Evaluation::Folds(_)) => {
                ("the draw of the training pairs, of which the folds are made", vec![])
            }
            (IntervalMethod::SeedsFolds, _) => {
                ("the draw of the pairs, that of the training pairs by an approximation", vec![])
            }
            (IntervalMethod::SeedsExamples | IntervalMethod::Seeds, _) => {
                ("the draw of the test pairs", vec!["the draw of the training pairs"])
            }
        };
        let seeds = match seeds {
            1 => {
                not.push("the choice of the seed, as there is one seed");
                ""
            }
            _ => "the choice of the seeds and ",
        };
        let not = if not.is_empty() { String::new() } else { format!("; not {}", not.join(", and not ")) };
        format!("{seeds}{covered}{not}")
    }

    /// The values of these units, which are sorted by data seed, seed and fold. Seeds with a unit without a result are
    /// left out.
    pub(super) fn values(self, cells: &[Cell<'_>], scored: &Scored) -> BySeed {
        let mut seeds: BTreeMap<u64, Vec<&Cell<'_>>> = BTreeMap::new();
        cells.iter().for_each(|cell| seeds.entry(cell.unit.seed).or_default().push(cell));
        let complete = seeds.into_iter().filter_map(|(seed, cells)| Some((seed, self.row(&cells, scored)?)));
        let (seeds, rows) = complete.unzip();
        BySeed { seeds, rows }
    }

    fn row(self, cells: &[&Cell<'_>], scored: &Scored) -> Option<Row> {
        let errors: Option<Vec<f64>> = cells.iter().map(|cell| cell.error()).collect();
        match self.method() {
            IntervalMethod::SeedsDraws => {
                errors?;
                let draws = cells.chunk_by(|a, b| a.data_seed == b.data_seed);
                let means = draws.map(|draw| mean(&draw.iter().filter_map(|cell| cell.error()).collect::<Vec<_>>()));
                means.collect::<Option<_>>().map(Row::Numbers)
            }
            IntervalMethod::SeedsFolds => errors.map(Row::Numbers),
            IntervalMethod::SeedsExamples | IntervalMethod::Seeds => Some(Row::marks(&scored.wrong(cells.first()?)?)),
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

    /// The mean of these rows of differences, a row for each seed, and the test of whether it is 0.
    pub(super) fn paired(self, rows: &[Vec<f64>], clusters: Option<&[usize]>) -> Paired {
        let tested = paired_t_test::paired(self.table(rows, clusters), self.method().columns());
        let untested = || mean(&rows.iter().filter_map(|row| mean(row)).collect::<Vec<_>>());
        let difference = tested.as_ref().ok().map(|test| test.difference).or_else(untested);
        Paired { seeds: rows.len(), difference, tested }
    }
}

/// The errors of a stage's configurations, with their second factor.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StageErrors {
    pub(super) columns: Columns,
    /// The clusters of the scored examples.
    pub(super) clusters: Option<Vec<usize>>,
    /// The errors of each configuration, in the order of the stage.
    pub(super) by_configuration: Vec<BySeed>,
}

impl StageErrors {
    /// The mean error of the configuration at `place` minus that of `other`'s at `other_place`, seed by seed. Both must
    /// have scored the same examples in the same way.
    pub(crate) fn paired(&self, place: usize, other: &Self, other_place: usize) -> Paired {
        let nothing = BySeed::default();
        let first = self.by_configuration.get(place).unwrap_or(&nothing);
        let rows = first.minus(other.by_configuration.get(other_place).unwrap_or(&nothing));
        self.columns.paired(&rows, self.clusters.as_deref())
    }

    /// The sources of chance that an interval over this many seeds covers.
    pub(crate) fn covers(&self, seeds: usize) -> String {
        self.columns.covers(seeds)
    }

    /// The method of a paired test.
    pub(crate) fn method(&self) -> IntervalMethod {
        self.columns.method()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Row;

    proptest! {
        #[test]
        fn marks_are_read_back_as_numbers(marks in proptest::collection::vec(any::<bool>(), 0..40)) {
            let numbers: Vec<f64> = marks.iter().map(|&mark| f64::from(u8::from(mark))).collect();
            prop_assert_eq!(Row::marks(&marks).values(), numbers);
        }
    }
}
