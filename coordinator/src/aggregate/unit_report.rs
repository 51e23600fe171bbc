//! The numbers of single units. A study may have a million of them: they are rows of units.csv, and report.json has none.

use seedgrid_common::{
    training::{EpochMetrics, Scores},
    unit::{Fold, UnitId},
};

use super::{
    Ranking,
    scored_predictions::{Cell, Scored},
    split,
};
use crate::scheduler::unit_state::UnitState;

/// One unit of a configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitReport {
    /// The unit's id.
    pub unit: UnitId,
    /// The data seed of the unit's draw of the data.
    pub data_seed: u64,
    /// The unit's seed.
    pub seed: u64,
    /// The unit's fold, 1-based; None for the hold-out.
    pub fold: Option<u32>,
    /// The unit's state.
    pub ending: UnitState,
    /// Share of scored pairs classified wrongly; None unless done.
    pub error: Option<f64>,
    /// Area under the ROC curve of its own predictions; None unless done, or if undefined.
    pub auc: Option<f64>,
    /// Average precision of its own predictions, as for `auc`.
    pub average_precision: Option<f64>,
    /// The reason for which a done unit has neither: its scored pairs are of one class.
    pub areas_reason: Option<Box<str>>,
    /// Mean cross-entropy on the scored pairs; None unless done.
    pub loss: Option<f64>,
    /// The number of whole epochs; None without a result.
    pub epochs: Option<u32>,
    /// Whether the stopping rule ended training; None unless done.
    pub converged: Option<bool>,
    /// Whether the unit is untrained; None unless done, and if its training pairs are too few for a decision.
    pub untrained: Option<bool>,
    /// Whether the unit is stuck; None unless done, and with fewer than five seeds.
    pub stuck: Option<bool>,
    /// Training loss of its last whole epoch.
    pub train_loss: Option<f64>,
    /// Training error of its last whole epoch.
    pub train_error: Option<f64>,
    /// The whole epochs of a unit whose curve is drawn; empty for others, whose epochs only epochs.csv has.
    pub history: Vec<EpochMetrics>,
}

impl UnitReport {
    /// A unit with its numbers, without its history.
    pub(super) fn new(cell: &Cell<'_>, scored: &Scored) -> Self {
        let scores = cell.done().map(|(scores, _)| scores);
        let (ranking, areas_reason) = match scores {
            Some(_) => split(scored.ranking(cell)),
            None => (None, None),
        };
        let last = cell.epochs().and_then(<[EpochMetrics]>::last);
        Self {
            unit: cell.id,
            data_seed: cell.data_seed,
            seed: cell.unit.seed,
            fold: match cell.unit.fold {
                Fold::Holdout => None,
                Fold::Part { index, .. } => Some(index + 1),
            },
            ending: cell.state(),
            error: scores.map(Scores::error),
            auc: ranking.as_ref().map(Ranking::auc),
            average_precision: ranking.as_ref().map(Ranking::average_precision),
            areas_reason: areas_reason.map(String::into_boxed_str),
            loss: scores.map(|scores| scores.loss),
            epochs: cell.epochs().map(|epochs| epochs.len() as u32),
            converged: scores.map(|scores| scores.converged),
            untrained: cell.mark.untrained,
            stuck: cell.mark.stuck,
            train_loss: last.map(|metrics| metrics.train_loss),
            train_error: last.map(|metrics| metrics.train_error),
            history: Vec::new(),
        }
    }

    /// Whether the unit has a result.
    pub fn has_result(&self) -> bool {
        self.epochs.is_some()
    }

    /// Whether a loss of the unit became NaN or infinite.
    pub fn is_diverged(&self) -> bool {
        self.ending == UnitState::Diverged
    }
}
