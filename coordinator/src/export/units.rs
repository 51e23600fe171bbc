//! The table of units: one row for every place of a unit in the plan, that is for each stage and configuration with it.

use seedgrid_common::{
    matrix::{Plan, PlannedStage},
    model,
    spec::Evaluation,
    training::{Ending, EpochMetrics, Scores, StopLoss, UnitResult},
    unit::{Configuration, Fold, Unit},
};

use super::table::{Cell, Column, Kind, kind_of};
use crate::{
    aggregate::untrained_and_stuck::Mark,
    scheduler::unit_state::UnitState,
    store::{TrainedBy, TrainedRecord},
};

/// A unit in one place of the plan, with its outcome.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) stage: &'a PlannedStage,
    /// The configuration's number in the stage, 1-based.
    pub(super) configuration: usize,
    /// The difference of the configuration from the stage's others of its model.
    pub(super) variant: &'a str,
    /// The unit's id.
    pub(super) id: &'a str,
    pub(super) unit: &'a Unit,
    /// The data seed of the unit's draw.
    pub(super) data_seed: u64,
    /// The number of the unit's places.
    pub(super) places: usize,
    pub(super) state: UnitState,
    /// The marks of a unit without learning.
    pub(super) mark: Mark,
    pub(super) result: Option<&'a UnitResult>,
    pub(super) trained: Option<&'a TrainedRecord>,
    /// The number of attempts that were given out.
    pub(super) attempts: u32,
}

/// Every hyper-parameter of the plan's models, sorted by name, including those of rows that wait for a selection, so
/// that a run's columns stay the same to its end.
pub(super) fn hyperparameters(plan: &Plan) -> Vec<Column> {
    let models = plan.stages.iter().flat_map(PlannedStage::models).filter_map(model::find);
    let mut columns: Vec<Column> = models
        .flat_map(|model| model.parameters)
        .map(|parameter| Column::optional(parameter.name, kind_of(parameter)))
        .collect();
    columns.sort_by(|one, other| one.name.cmp(&other.name));
    columns.dedup();
    columns
}

/// The first columns, for any plan.
pub(super) const KEYS: [Column; 6] = [
    Column::full("stage", Kind::Text),
    Column::full("configuration", Kind::Integer),
    Column::full("model", Kind::Text),
    Column::full("variant", Kind::Text),
    Column::full("unit", Kind::Text),
    Column::full("places", Kind::Integer),
];

/// The table's columns, including these hyper-parameters.
pub(super) fn columns(hyperparameters: &[Column]) -> Vec<Column> {
    let rest = [
        Column::full("normalize", Kind::Text),
        Column::full("stop_loss_delta", Kind::Number),
        Column::full("stop_max_epochs", Kind::Integer),
        Column::full("stop_min_epochs", Kind::Integer),
        Column::full("stop_patience", Kind::Integer),
        Column::full("stop_loss_drop", Kind::Number),
        Column::full("stop_loss", Kind::Text),
        Column::full("dataset", Kind::Text),
        Column::full("data_seed", Kind::Integer),
        Column::full("evaluation", Kind::Text),
        Column::optional("folds", Kind::Integer),
        Column::optional("fold", Kind::Integer),
        Column::full("seed", Kind::Integer),
        Column::full("ending", Kind::Text),
        Column::optional("error", Kind::Number),
        Column::optional("wrong", Kind::Integer),
        Column::optional("scored", Kind::Integer),
        Column::optional("loss", Kind::Number),
        Column::optional("epochs", Kind::Integer),
        Column::optional("converged", Kind::Flag),
        Column::optional("untrained", Kind::Flag),
        Column::optional("stuck", Kind::Flag),
        Column::optional("train_loss", Kind::Number),
        Column::optional("train_error", Kind::Number),
        Column::full("attempts", Kind::Integer),
        Column::optional("attempt", Kind::Integer),
        Column::optional("train_seconds", Kind::Number),
        Column::optional("host", Kind::Text),
        Column::optional("place", Kind::Text),
        Column::optional("device", Kind::Text),
        Column::optional("isa", Kind::Text),
        Column::optional("numerics_class", Kind::Text),
        Column::optional("version", Kind::Text),
    ];
    KEYS.into_iter().chain(hyperparameters.iter().cloned()).chain(rest).collect()
}

/// A row with [`columns`].
pub(super) fn row<'a>(place: &Place<'a>, hyperparameters: &[Column]) -> Vec<Cell<'a>> {
    let Place { stage, unit, trained, .. } = *place;
    let Configuration { model, hyperparameters: given, stop, normalize } = &*unit.configuration;
    let (evaluation, folds) = match stage.evaluation {
        Evaluation::Holdout => ("holdout", None),
        Evaluation::Folds(of) => ("folds", Some(of)),
    };
    let fold = match unit.fold {
        Fold::Holdout => None,
        Fold::Part { index, .. } => Some(index + 1),
    };
    let stop_loss = match stop.loss {
        StopLoss::Mean => "mean",
        StopLoss::BatchSum => "batch-sum",
    };
    let scores = place.result.and_then(|result| match &result.ending {
        Ending::Done(scores) => Some(scores),
        Ending::Diverged { .. } => None,
    });
    let last = place.result.and_then(|result| result.epochs.last());
    let by = trained.and_then(|trained| trained.worker.as_ref());
    let mut cells = vec![
        Cell::text(&stage.name),
        Cell::count(place.configuration),
        Cell::text(model),
        Cell::text(place.variant),
        Cell::text(place.id),
        Cell::count(place.places),
    ];
    cells.extend(hyperparameters.iter().map(|column| Cell::optional(given.get(&*column.name), Cell::value)));
    cells.extend([
        Cell::text(normalize.name()),
        Cell::Number(stop.loss_delta),
        Cell::count(stop.max_epochs),
        Cell::count(stop.min_epochs),
        Cell::count(stop.patience),
        Cell::Number(stop.loss_drop),
        Cell::text(stop_loss),
        Cell::text(&unit.dataset_digest),
        Cell::count(place.data_seed),
        Cell::text(evaluation),
        Cell::optional(folds, Cell::count),
        Cell::optional(fold, Cell::count),
        Cell::count(unit.seed),
        Cell::text(place.state.name()),
        Cell::optional(scores.map(Scores::error), Cell::Number),
        Cell::optional(scores.map(|scores| scores.wrong), Cell::count),
        Cell::optional(scores.map(|scores| scores.outputs.rows()), Cell::count),
        Cell::optional(scores.map(|scores| scores.loss), Cell::Number),
        Cell::optional(place.result.map(|result| result.epochs.len()), Cell::count),
        Cell::optional(scores.map(|scores| scores.converged), Cell::Flag),
        Cell::optional(place.mark.untrained, Cell::Flag),
        Cell::optional(place.mark.stuck, Cell::Flag),
        Cell::optional(last.map(|metrics: &EpochMetrics| metrics.train_loss), Cell::Number),
        Cell::optional(last.map(|metrics| metrics.train_error), Cell::Number),
        Cell::count(place.attempts),
        Cell::optional(trained.map(|trained| trained.attempt), Cell::count),
        Cell::optional(trained.and_then(|trained| trained.train_seconds), Cell::Number),
    ]);
    let described = |text: fn(&'a TrainedBy) -> &'a str| Cell::optional(by.map(text), Cell::text);
    cells.extend([
        described(|by| &by.host),
        described(|by| &by.place),
        described(|by| &by.device),
        described(|by| &by.isa),
        Cell::optional(trained.map(|trained| trained.numerics_class.as_str()), Cell::text),
        described(|by| &by.version),
    ]);
    cells
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// A new model's hyper-parameter must not have the name of another column, nor different kinds in different models.
    #[test]
    fn no_two_columns_have_one_name() {
        let mut all: Vec<Column> = model::ALL
            .iter()
            .flat_map(|model| model.parameters)
            .map(|parameter| Column::optional(parameter.name, kind_of(parameter)))
            .collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all.dedup();
        let columns = columns(&all);
        let names: BTreeSet<&str> = columns.iter().map(|column| &*column.name).collect();
        assert_eq!(names.len(), columns.len());
        assert!(names.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')));
    }
}
