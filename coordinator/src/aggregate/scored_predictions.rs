//! The pairs that a stage scores, and the predictions on them: pooled over folds and draws of the data, averaged over
//! seeds. `classification` in `common` defines outputs and averages.

use std::collections::{BTreeMap, BTreeSet};

use seedgrid_common::{
    classification::Binary,
    data::{
        Labelled, Part,
        folds::{self, split},
    },
    spec::Evaluation,
    text::count,
    training::{Ending, EpochMetrics, Scores, UnitResult},
    unit::{Fold, Unit, UnitId},
};

use super::{
    Input, Ranking, shared_image_clusters,
    untrained_and_stuck::{Classes, Errors, Mark, stuck},
};
use crate::{
    plan::data_draws::DataDraw,
    scheduler::{ranking::Ended, unit_state::UnitState},
};

/// A planned unit with its outcome.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell<'a> {
    pub(super) id: UnitId,
    pub(super) unit: &'a Unit,
    /// The data seed of the unit's draw.
    pub(super) data_seed: u64,
    pub(super) outcome: UnitOutcome<'a>,
    /// The marks of a unit without learning.
    pub(super) mark: Mark,
}

/// The outcome of a unit.
#[derive(Clone, Copy, Debug)]
pub(super) enum UnitOutcome<'a> {
    Done {
        scores: &'a Scores,
        epochs: &'a [EpochMetrics],
    },
    Diverged {
        epochs: &'a [EpochMetrics],
    },
    /// The unit has no result.
    Missing(UnitState),
    /// The unit's configuration left a race before, and no other needs the unit.
    Skipped,
}

impl<'a> Cell<'a> {
    pub(super) fn new(id: UnitId, unit: &'a Unit, result: Option<&'a UnitResult>, input: &Input<'_>) -> Self {
        let outcome = match result {
            // A result from before the race is ignored like a missing one: reports do not depend on the order of runs.
            _ if input.track.is_skipped(id) => UnitOutcome::Skipped,
            Some(UnitResult { epochs, ending: Ending::Done(scores) }) => UnitOutcome::Done { scores, epochs },
            Some(UnitResult { epochs, ending: Ending::Diverged { .. } }) => UnitOutcome::Diverged { epochs },
            None => {
                let state = input.given_up.get(&id).copied().unwrap_or(UnitState::Waiting);
                UnitOutcome::Missing(input.track.state(id, state))
            }
        };
        // A plan is made of these draws' digests.
        let drawn = input.draws.iter().find(|(_, draw)| draw.digest == *unit.dataset_digest);
        let data_seed = drawn.map_or(input.draws.first().targets.about.seed, |(seed, _)| seed);
        Self { id, unit, data_seed, outcome, mark: Mark::default() }
    }

    pub(super) fn state(&self) -> UnitState {
        match self.outcome {
            UnitOutcome::Done { .. } => UnitState::Done,
            UnitOutcome::Diverged { .. } => UnitState::Diverged,
            UnitOutcome::Missing(state) => state,
            UnitOutcome::Skipped => UnitState::Skipped,
        }
    }

    pub(super) fn done(&self) -> Option<(&'a Scores, &'a [EpochMetrics])> {
        match self.outcome {
            UnitOutcome::Done { scores, epochs } => Some((scores, epochs)),
            UnitOutcome::Diverged { .. } | UnitOutcome::Missing(_) | UnitOutcome::Skipped => None,
        }
    }

    /// The outcome for ranking; None if it is unknown, or if the configuration left a race before the unit.
    pub(super) fn ended(&self) -> Option<Ended> {
        match self.outcome {
            UnitOutcome::Done { scores, .. } => Some(Ended::scored(scores)),
            UnitOutcome::Diverged { .. } => Some(Ended::Diverged),
            UnitOutcome::Missing(_) | UnitOutcome::Skipped => None,
        }
    }

    /// The share of its scored pairs that a done unit classifies wrongly.
    pub(super) fn error(&self) -> Option<f64> {
        self.done().map(|(scores, _)| scores.error())
    }

    /// The whole epochs of a result.
    pub(super) fn epochs(&self) -> Option<&'a [EpochMetrics]> {
        match self.outcome {
            UnitOutcome::Done { epochs, .. } | UnitOutcome::Diverged { epochs } => Some(epochs),
            UnitOutcome::Missing(_) | UnitOutcome::Skipped => None,
        }
    }

    pub(super) fn is_diverged(&self) -> bool {
        matches!(self.outcome, UnitOutcome::Diverged { .. })
    }

    pub(super) fn is_skipped(&self) -> bool {
        matches!(self.outcome, UnitOutcome::Skipped)
    }
}

/// The pairs that a stage scores: those of all of its draws of the data, one draw after the other.
#[derive(Clone, Debug)]
pub(super) struct Scored {
    /// Whether each pair is of class 1.
    pub(super) labels: Vec<bool>,
    /// Each pair's cluster, if some pairs share an image with the same bytes: such pairs are not independent. None
    /// without shared images, and for several draws of the data.
    pub(super) clusters: Option<Vec<usize>>,
    /// The pairs that each fold of each draw scores, ascending; one fold of all pairs for the hold-out.
    parts: BTreeMap<(u64, u32), Vec<usize>>,
}

impl Scored {
    pub(super) fn new<'d>(draws: impl Iterator<Item = (u64, &'d DataDraw)>, evaluation: Evaluation) -> Self {
        let mut scored = Self { labels: Vec::new(), clusters: None, parts: BTreeMap::new() };
        for (data_seed, draw) in draws {
            scored.clusters = match evaluation {
                Evaluation::Holdout if scored.labels.is_empty() => shared_image_clusters::find(draw.pooled(Part::Test)),
                Evaluation::Holdout | Evaluation::Folds(_) => None,
            };
            let before = scored.labels.len();
            let part = scored_part(evaluation);
            let folds: Vec<Vec<usize>> = match evaluation {
                Evaluation::Holdout => vec![(0..draw.targets.examples(part)).collect()],
                Evaluation::Folds(of) => (0..of).map(|index| validation(&draw.targets, index, of)).collect(),
            };
            scored.labels.extend(draw.targets.classes(part).unwrap_or_default().iter().map(|class| *class == 1));
            let placed = (0..).zip(folds).map(|(index, mut pairs)| {
                pairs.iter_mut().for_each(|pair| *pair += before);
                ((data_seed, index), pairs)
            });
            scored.parts.extend(placed);
        }
        scored
    }

    /// One seed's prediction for every pair, from all of its units, or the reason for missing ones.
    pub(super) fn pool(&self, cells: &[Cell<'_>]) -> Result<Vec<Binary>, String> {
        let done = cells.iter().filter(|cell| cell.done().is_some()).count();
        if done < cells.len() {
            return Err(if cells.len() == 1 {
                "the unit has no scores".to_owned()
            } else {
                let one_draw = cells.windows(2).all(|pair| pair[0].data_seed == pair[1].data_seed);
                format!("only {done} of {} {} have scores", cells.len(), if one_draw { "folds" } else { "units" })
            });
        }
        let mut pooled = vec![None; self.labels.len()];
        for cell in cells {
            let (pairs, predictions) = self.predictions(cell)?;
            for (&pair, prediction) in pairs.iter().zip(predictions) {
                pooled[pair] = Some(prediction);
            }
        }
        pooled.into_iter().collect::<Option<_>>().ok_or_else(|| "not every pair was scored".to_owned())
    }

    /// The pairs that a unit scores with its predictions, or the reason for missing ones.
    fn predictions(&self, cell: &Cell<'_>) -> Result<(&[usize], Vec<Binary>), String> {
        let (scores, _) = cell.done().ok_or_else(|| "the unit has no scores".to_owned())?;
        let pairs = self.parts.get(&part(cell)).map_or(&[][..], Vec::as_slice);
        let (rows, columns) = (scores.outputs.rows(), scores.outputs.columns());
        if rows != pairs.len() {
            let scored = count(rows, "pair");
            return Err(format!("unit {} scored {scored} where {} were to be scored", cell.id, pairs.len()));
        }
        let predictions = Binary::all(&scores.outputs);
        Ok((
            pairs,
            predictions.ok_or_else(|| format!("unit {} has outputs of {columns} columns, not of two", cell.id))?,
        ))
    }

    /// Marks of the pairs that a unit classifies wrongly; None if it has no scores for them.
    pub(super) fn wrong(&self, cell: &Cell<'_>) -> Option<Vec<bool>> {
        let (pairs, predictions) = self.predictions(cell).ok()?;
        let labels: Vec<bool> = pairs.iter().map(|pair| self.labels[*pair]).collect();
        Some(wrong(&predictions, &labels))
    }

    /// The ranking of a unit's own predictions, or the reason for a missing one.
    pub(super) fn ranking(&self, cell: &Cell<'_>) -> Result<Ranking, String> {
        let (pairs, predictions) = self.predictions(cell)?;
        let labels: Vec<bool> = pairs.iter().map(|&pair| self.labels[pair]).collect();
        Ranking::new(&scores(&predictions), &labels).map_err(|reason| reason.to_string())
    }

    /// The number of different pairs that these units have scored.
    pub(super) fn pairs(&self, cells: &[Cell<'_>]) -> usize {
        let done: BTreeSet<(u64, u32)> = cells.iter().filter(|cell| cell.done().is_some()).map(part).collect();
        done.into_iter().filter_map(|part| self.parts.get(&part)).map(Vec::len).sum()
    }
}

/// The part of a draw with the pairs that a stage scores.
pub(super) fn scored_part(evaluation: Evaluation) -> Part {
    match evaluation {
        Evaluation::Holdout => Part::Test,
        Evaluation::Folds(_) => Part::Train,
    }
}

/// The part of the stage's data that a unit scores.
fn part(cell: &Cell<'_>) -> (u64, u32) {
    match cell.unit.fold {
        Fold::Holdout => (cell.data_seed, 0),
        Fold::Part { index, .. } => (cell.data_seed, index),
    }
}

/// The training pairs that a fold scores, ascending. Empty if there are too few pairs for this many folds: no unit can
/// have been trained then, and a stored result is found not to fit.
fn validation(dataset: &impl Labelled, index: u32, of: u32) -> Vec<usize> {
    match split(dataset, Fold::Part { index, of }).map(|split| split.scored) {
        Ok(folds::Scored::Validation(pairs)) => pairs.into_iter().map(|pair| pair as usize).collect(),
        Ok(folds::Scored::Test) | Err(_) => Vec::new(),
    }
}

/// Each pair's average over seeds; None without seeds.
pub(super) fn average(seeds: &[&[Binary]]) -> Option<Vec<Binary>> {
    let pairs = seeds.first()?.len();
    (0..pairs).map(|pair| Binary::average(&seeds.iter().map(|seed| seed[pair]).collect::<Vec<_>>())).collect()
}

/// Marks of the pairs that these predictions classify wrongly.
pub(super) fn wrong(predictions: &[Binary], labels: &[bool]) -> Vec<bool> {
    predictions.iter().zip(labels).map(|(prediction, label)| (prediction.class() == 1) != *label).collect()
}

/// The scores by which pairs are ranked.
pub(super) fn scores(predictions: &[Binary]) -> Vec<f64> {
    predictions.iter().map(Binary::score).collect()
}

/// The share of true values. There must be at least one value.
pub(super) fn share(flags: &[bool]) -> f64 {
    flags.iter().filter(|flag| **flag).count() as f64 / flags.len() as f64
}
/// Marks the units of one configuration.
pub(super) fn mark(cells: &mut [Cell<'_>], input: &Input<'_>, classes: &mut Classes) {
    let errors = |cell: &Cell<'_>| {
        let (scores, _) = cell.done()?;
        Some(Errors { wrong: scores.wrong, scored: scores.outputs.rows() })
    };
    let stuck = stuck(&cells.iter().map(|cell| ((cell.data_seed, cell.unit.fold), errors(cell))).collect::<Vec<_>>());
    for (cell, stuck) in cells.iter_mut().zip(stuck) {
        let Some((_, epochs)) = cell.done() else { continue };
        let draw = input.draws.get(cell.data_seed);
        let untrained = draw.and_then(|draw| classes.is_untrained(cell.unit, &draw.targets, epochs));
        cell.mark = Mark { untrained, stuck };
    }
}
