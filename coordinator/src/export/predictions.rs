//! The tables of epochs and predictions. Both name the unit, by which they join the table of units.

use std::{collections::BTreeMap, rc::Rc};

use seedgrid_common::{
    classification::{Binary, CLASSES},
    data::{
        DatasetTargets, Labelled as _, Part,
        folds::split,
        pairs::{COMPARISON, DIGIT_TARGETS},
    },
    training::{EpochMetrics, Scores},
    unit::{Fold, UnitId},
};

use super::{
    ExportError,
    table::{Cell, Column, Kind},
};

/// Columns of the table of epochs: one row for each epoch of a unit with a result.
pub(super) fn epoch_columns() -> Vec<Column> {
    vec![
        Column::full("unit", Kind::Text),
        Column::full("epoch", Kind::Integer),
        Column::full("train_loss", Kind::Number),
        Column::full("train_error", Kind::Number),
        Column::optional("validation_error", Kind::Number),
    ]
}

/// A row with [`epoch_columns`].
pub(super) fn epoch_row<'a>(unit: &'a str, metrics: &EpochMetrics) -> [Cell<'a>; 5] {
    [
        Cell::text(unit),
        Cell::count(metrics.epoch),
        Cell::Number(metrics.train_loss),
        Cell::Number(metrics.train_error),
        Cell::optional(metrics.validation_error, Cell::Number),
    ]
}

/// Columns of the table of predictions: one row for each scored pair of a done unit.
pub(super) fn prediction_columns() -> Vec<Column> {
    vec![
        Column::full("unit", Kind::Text),
        Column::full("part", Kind::Text),
        Column::full("pair", Kind::Integer),
        Column::full("first_digit", Kind::Integer),
        Column::full("second_digit", Kind::Integer),
        Column::full("label", Kind::Integer),
        Column::full("output_0", Kind::Single),
        Column::full("output_1", Kind::Single),
        Column::full("score", Kind::Number),
        Column::full("probability", Kind::Number),
        Column::full("predicted", Kind::Integer),
    ]
}

/// The scored pairs of units of one fold, in the order of their predictions.
#[derive(Debug)]
struct ScoredPairs {
    /// The part of the data set with these pairs.
    part: Part,
    /// The pairs' places in that part, 0-based.
    pairs: Vec<usize>,
}

/// The scored pairs by fold; each fold is drawn once.
#[derive(Debug)]
pub(super) struct Scoring<'a> {
    dataset: &'a DatasetTargets,
    folds: BTreeMap<Fold, Rc<ScoredPairs>>,
}

impl<'a> Scoring<'a> {
    pub(super) fn new(dataset: &'a DatasetTargets) -> Self {
        Self { dataset, folds: BTreeMap::new() }
    }

    /// Calls `write` for each row with [`prediction_columns`] of a done unit, in the order of the scored pairs.
    pub(super) fn rows(
        &mut self,
        id: UnitId,
        fold: Fold,
        scores: &Scores,
        mut write: impl FnMut(&[Cell<'_>]) -> Result<(), ExportError>,
    ) -> Result<(), ExportError> {
        let scored = self.scored(fold);
        let expected = [scored.pairs.len(), CLASSES];
        let found = [scores.outputs.rows(), scores.outputs.columns()];
        if expected != found {
            return Err(ExportError::Misfit { unit: id, expected, found });
        }
        let targets = self.dataset.targets(scored.part);
        let [comparisons, first, second] =
            [COMPARISON, DIGIT_TARGETS[0], DIGIT_TARGETS[1]].map(|name| targets.classes(name).unwrap_or_default());
        let unit = id.to_string();
        for (&pair, outputs) in scored.pairs.iter().zip(scores.outputs.values().as_chunks::<CLASSES>().0) {
            let prediction = Binary::from_logits(*outputs);
            write(&[
                Cell::text(&unit),
                Cell::text(scored.part.name()),
                Cell::count(pair),
                Cell::count(first[pair]),
                Cell::count(second[pair]),
                Cell::count(comparisons[pair]),
                Cell::Single(outputs[0]),
                Cell::Single(outputs[1]),
                Cell::Number(prediction.score()),
                Cell::Number(prediction.probability()),
                Cell::count(prediction.class()),
            ])?;
        }
        Ok(())
    }

    fn scored(&mut self, fold: Fold) -> Rc<ScoredPairs> {
        let dataset = self.dataset;
        let known = self.folds.entry(fold).or_insert_with(|| {
            let scored = match split(dataset, fold).map(|split| split.scored) {
                Ok(scored) => ScoredPairs { part: scored.part(), pairs: scored.places(dataset) },
                // These pairs are too few for this many folds, so a stored result of such a fold does not fit.
                Err(_) => ScoredPairs { part: Part::Train, pairs: Vec::new() },
            };
            Rc::new(scored)
        });
        Rc::clone(known)
    }
}

#[cfg(test)]
mod tests {
    use seedgrid_common::{
        data::{
            pairs::{self, PAIR_PIXELS, Pairs},
            values::NumberType,
        },
        network_outputs::Outputs,
    };

    use super::*;

    fn dataset() -> DatasetTargets {
        let pairs =
            |digits: &[[u8; 2]]| Pairs { pixels: vec![0.0; digits.len() * PAIR_PIXELS], digits: digits.to_vec() };
        let train = pairs(&[[0, 1], [1, 0], [2, 3], [3, 2], [4, 5], [5, 4]]);
        pairs::dataset("tiny", 3, NumberType::U8, [&train, &pairs(&[[7, 7], [9, 8]])]).to_targets()
    }

    fn scores(outputs: &[f32]) -> Scores {
        Scores { converged: true, outputs: Outputs::new(2, outputs.to_vec()).unwrap(), wrong: 0, loss: 0.0 }
    }

    fn collected(fold: Fold, outputs: &[f32]) -> Result<Vec<Vec<String>>, ExportError> {
        let dataset = dataset();
        let mut rows = Vec::new();
        Scoring::new(&dataset).rows(UnitId([1; 16]), fold, &scores(outputs), |cells| {
            rows.push(cells.iter().map(|cell| format!("{cell:?}")).collect());
            Ok(())
        })?;
        Ok(rows)
    }

    #[test]
    fn the_hold_outs_pairs_are_the_test_pairs() {
        let rows = collected(Fold::Holdout, &[-40.0, 40.0, 1.5, 1.5]).unwrap();
        let of = |row: &[String]| row[2..].join(" ");
        assert_eq!(
            of(&rows[0]),
            "Integer(0) Integer(7) Integer(7) Integer(1) Single(-40.0) Single(40.0) Number(80.0) Number(1.0) Integer(1)"
        );
        assert_eq!(
            of(&rows[1]),
            "Integer(1) Integer(9) Integer(8) Integer(0) Single(1.5) Single(1.5) Number(0.0) Number(0.5) Integer(0)",
            "a tie is class 0"
        );
    }

    #[test]
    fn folds_name_the_training_pairs_that_they_score() {
        let mut seen = Vec::new();
        for index in 0..3 {
            for row in collected(Fold::Part { index, of: 3 }, &[0.0, 0.1, 0.9, 0.0]).unwrap() {
                let label = if row[2].trim_matches(|c: char| !c.is_ascii_digit()).parse::<u32>().unwrap() % 2 == 0 {
                    "Integer(1)"
                } else {
                    "Integer(0)"
                };
                assert_eq!(row[5], label, "even pairs of this data set are of class 1");
                seen.push(row[2].clone());
            }
        }
        seen.sort();
        assert_eq!(seen, (0..6).map(|pair| format!("Integer({pair})")).collect::<Vec<_>>());
    }

    #[test]
    fn a_result_that_does_not_fit_is_named() {
        let error = collected(Fold::Holdout, &[0.1, 0.2]).unwrap_err();
        assert!(error.to_string().contains("1x2 outputs where 2x2"), "{error}");
        assert!(collected(Fold::Part { index: 0, of: 60 }, &[0.1, 0.2]).is_err());
    }
}
