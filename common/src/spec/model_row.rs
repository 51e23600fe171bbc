//! Reads `[[stage.model]]`: a model with values and axes for its hyper-parameters.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::{
    Axis, ModelRow, Problem, SelectedRow,
    axes_and_exclusions::Combined,
    error::Problems,
    exclude,
    setting::{self, NORMALIZE, Setting},
    size_limits::CONFIGURATIONS_MAX,
    stop_rule::{self, StopKeys},
    study_and_stage_names,
    toml_table::Table,
    training_part::TrainingPart,
};
use crate::{
    model::{self, Model, Optimiser, UnusedMomentum},
    training::Normalize,
};

/// The settings that a row takes from its stage.
#[derive(Clone, Copy)]
pub(super) struct Inherited<'s> {
    pub(super) stop: StopKeys,
    pub(super) normalize: Option<Normalize>,
    /// The stage from whose selection rows start.
    pub(super) from: Option<&'s From>,
    /// The training pairs; None where other problems hide them.
    pub(super) part: Option<TrainingPart>,
}

/// The name of a selecting stage, and its place in the spec.
#[derive(Clone)]
pub(super) struct From {
    pub(super) stage: String,
    pub(super) at: Range<usize>,
}

/// A row in the spec: complete, or on top of a selection.
pub(super) enum Row {
    Whole(ModelRow),
    Selected(SelectedRow, From),
}

/// The readable part of a row.
pub(super) struct ReadRow {
    /// The checked row; None once something was reported.
    pub(super) row: Option<Row>,
    /// Required keys of `stop` that neither the row nor the stage has.
    pub(super) missing: Vec<(&'static str, &'static str)>,
}

/// Reads one row.
pub(super) fn read(
    at: Range<usize>,
    entries: &DeTable<'_>,
    inherited: Inherited<'_>,
    problems: &mut Problems<'_>,
) -> ReadRow {
    let mut table = Table::new("`[[stage.model]]`", at.clone(), entries);
    let model = table
        .required("model", r#"model = "cnn""#)
        .and_then(|entry| entry.word("model", &model::ALL.map(|model| (model.name, model)), problems));
    let own_from = table.optional("from");
    let from = match own_from {
        Some(entry) => study_and_stage_names::read(entry, problems).map(|stage| From { stage, at: entry.at() }),
        None => inherited.from.cloned(),
    };
    let selects = own_from.is_some() || from.is_some();
    let (stop, missing) = row_stop(&mut table, inherited.stop, selects, problems);
    let (normalize, varied) = row_normalize(&mut table, inherited.normalize, problems);
    // Without the model its other keys are unknown.
    let Some(model) = model else {
        table.abandon(problems);
        return ReadRow { row: None, missing };
    };
    table.place = format!("model `{}`", model.name);
    let (settings, defaults) = settings(&mut table, model, inherited.part, varied, selects, problems);
    let combined = Combined::read(&mut table, &settings, problems);
    table.finish_knowing(problems, models_with);
    let row = || {
        let axes = combined.axes?.into_iter().chain(defaults?).collect();
        let (exclude, places): (Vec<_>, Vec<_>) = combined.exclude?.into_iter().unzip();
        let (model, normalize) = (model.name.to_owned(), normalize?);
        if selects {
            let from = from?;
            let row = SelectedRow { model, from: from.stage.clone(), axes, exclude, stop, normalize };
            few_configurations(&row.alone(), &at, problems)?;
            exclude::check(&row.alone(), &places, problems);
            return Some(Row::Selected(row, from));
        }
        let normalize = normalize.unwrap_or(Normalize::Standardize);
        let row = ModelRow { model, axes, exclude, stop: stop.rule()?, normalize };
        few_configurations(&row, &at, problems)?;
        exclude::check(&row, &places, problems);
        let momentum = settings.iter().find(|setting| setting.name() == "momentum");
        consistent(&row, momentum.map_or(at, |setting| setting.at.clone()), problems);
        Some(Row::Whole(row))
    };
    ReadRow { row: row(), missing }
}

/// The models that have this hyper-parameter.
pub(super) fn models_with(key: &str) -> Vec<&'static str> {
    let has = |model: &&Model| model.parameters.iter().any(|parameter| parameter.name == key);
    model::ALL.into_iter().filter(has).map(|model| model.name).collect()
}

/// The row's stopping rule, and the required keys that neither it nor the stage has; a row that starts from a selection
/// needs none.
fn row_stop(
    table: &mut Table<'_>,
    stage: StopKeys,
    selects: bool,
    problems: &mut Problems<'_>,
) -> (StopKeys, Vec<(&'static str, &'static str)>) {
    let entry = table.optional("stop");
    let own = entry.map(|entry| StopKeys::read(entry, problems)).unwrap_or_default();
    let keys = own.or(stage);
    if let (Some(entry), Some(rule)) = (entry, keys.rule())
        && own.sets_epochs()
        && let Some(problem) = stop_rule::late(&rule)
    {
        problems.report(entry.at(), problem);
    }
    (keys, if selects { Vec::new() } else { keys.missing().collect() })
}

/// The row's normalisation, or the axis `normalize`.
fn row_normalize(
    table: &mut Table<'_>,
    stage: Option<Normalize>,
    problems: &mut Problems<'_>,
) -> (Option<Option<Normalize>>, Option<Setting>) {
    match table.optional(NORMALIZE.name) {
        None => (Some(stage), None),
        Some(entry) if matches!(entry.value.get_ref(), DeValue::Table(_) | DeValue::Array(_)) => {
            (Some(stage), Some(Setting::read(&NORMALIZE, entry, None, problems)))
        }
        Some(entry) => (stop_rule::normalize(entry, problems).map(Some), None),
    }
}

/// The written hyper-parameters in the order of the file, and axes for the others (none if the row starts from a
/// selection). The settings are None if one without a default is missing.
fn settings(
    table: &mut Table<'_>,
    model: &'static Model,
    part: Option<TrainingPart>,
    normalize: Option<Setting>,
    selects: bool,
    problems: &mut Problems<'_>,
) -> (Vec<Setting>, Option<Vec<Axis>>) {
    let mut written = Vec::from_iter(normalize);
    let mut defaults = Some(Vec::new());
    for parameter in model.parameters {
        match (table.optional(parameter.name), parameter.default_value()) {
            (Some(entry), _) => written.push(Setting::read(parameter, entry, part, problems)),
            // The selected configuration provides it.
            (None, _) if selects => {}
            (None, Some(value)) => {
                if let Some(defaults) = &mut defaults {
                    defaults.push(Axis::new(parameter.name, [value]));
                }
            }
            (None, None) => {
                table.missing(parameter.name, &setting::example(parameter));
                defaults = None;
            }
        }
    }
    written.sort_by_key(|setting| setting.at.start);
    (written, defaults)
}

/// Reports a row of too many configurations, before anything expands them.
fn few_configurations(row: &ModelRow, at: &Range<usize>, problems: &mut Problems<'_>) -> Option<()> {
    let (count, max) = (row.product(), CONFIGURATIONS_MAX);
    if count > max {
        problems.report(at.clone(), Problem::TooMany { what: "configurations in one row", count, max });
        return None;
    }
    Some(())
}

/// Reports the first configuration whose hyper-parameters contradict each other, at the place of `momentum`.
fn consistent(row: &ModelRow, momentum: Range<usize>, problems: &mut Problems<'_>) {
    let configurations = row.settings().map(|settings| row.configuration(settings));
    let unused = configurations
        .map(|configuration| Optimiser::from_hyperparameters(&configuration.hyperparameters))
        .find_map(Result::err);
    if let Some(UnusedMomentum { momentum: value }) = unused {
        problems.report(momentum, Problem::UnusedMomentum { momentum: value });
    }
}
