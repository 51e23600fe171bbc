//! Reads `[[reference]]`: published values, which a report shows beside its own. Training does not depend on them.

use std::ops::Range;

use toml::de::DeTable;

use super::{
    ModelRow, Problem, Reference, SelectedRow, Stage,
    error::Problems,
    model_row,
    nearest_word::nearest,
    reference_problem::{ALTERNATIVES_MAX, ReferenceProblem},
    selection_candidates,
    size_limits::{REFERENCE_CHARS_MAX, REFERENCES_MAX},
    toml_table::{Entry, Table},
};
use crate::text::quoted;
use crate::{
    hyperparameters::{Hyperparameters, Value},
    model, text,
    unit::Configuration,
};

impl Reference {
    /// Whether the reference matches this configuration of its stage.
    pub fn is_for(&self, configuration: &Configuration) -> bool {
        self.model == configuration.model
            && self.given.iter().all(|(name, value)| configuration.hyperparameters.get(name) == Some(value))
    }
}

/// A reference with the places of the names in it.
pub(super) struct ReadReference {
    reference: Reference,
    model_at: Range<usize>,
    where_at: Range<usize>,
}

/// Reads the references; None once something was reported.
pub(super) fn read(
    entry: Option<Entry<'_>>,
    stages: Option<&[&str]>,
    problems: &mut Problems<'_>,
) -> Option<Vec<ReadReference>> {
    let Some(entry) = entry else { return Some(Vec::new()) };
    let tables = entry.tables("[[reference]]", problems)?;
    if tables.len() > REFERENCES_MAX {
        let (count, max) = (tables.len() as u128, REFERENCES_MAX as u128);
        problems.report(entry.at(), Problem::TooMany { what: "references", count, max });
        return None;
    }
    // Every table is read, so that all problems are reported at once.
    let read: Vec<_> = tables.into_iter().map(|(at, entries)| one(at, entries, stages, problems)).collect();
    read.into_iter().collect()
}

fn one(
    at: Range<usize>,
    entries: &DeTable<'_>,
    stages: Option<&[&str]>,
    problems: &mut Problems<'_>,
) -> Option<ReadReference> {
    let mut table = Table::new("`[[reference]]`", at.clone(), entries);
    let stage = table.required("stage", r#"stage = "final""#).and_then(|entry| stage(entry, stages, problems));
    let model_entry = table.required("model", r#"model = "cnn""#);
    let model =
        model_entry.and_then(|entry| entry.word("model", &model::ALL.map(|model| (model.name, model)), problems));
    let where_entry = table.optional("where");
    let given = match (where_entry, model) {
        (Some(entry), Some(model)) => given(entry, model, problems),
        // Without the model its hyper-parameters are unknown.
        (Some(_), None) => None,
        (None, _) => Some(Hyperparameters::new()),
    };
    let error = table
        .required("error", "error = 0.1016")
        .and_then(|entry| entry.number("a number from 0 to 1", |error| (0.0..=1.0).contains(&error), problems));
    let std = optional(table.optional("std"), |entry| {
        entry.number("a finite number, 0 or above", |std| std.is_finite() && std >= 0.0, problems)
    });
    let n_entry = table.optional("n");
    let n = optional(n_entry, |entry| entry.whole(2..=1_000_000, problems));
    if n_entry.is_none() && std != Some(None) {
        table.missing("n", "n = 10, over how many values `std` is");
    }
    let epochs = optional(table.optional("epochs"), |entry| {
        entry.number("a finite number above 0", |epochs| epochs.is_finite() && epochs > 0.0, problems)
    });
    let pairs = optional(table.optional("pairs"), |entry| entry.whole(1..=1_000_000_000, problems));
    let margin = optional(table.optional("margin"), |entry| {
        entry.number("a number above 0, at most 1", |margin| margin > 0.0 && margin <= 1.0, problems)
    });
    let source = table.required("source", r#"source = "Table III of ...""#).and_then(|entry| text(entry, problems));
    let note = optional(table.optional("note"), |entry| text(entry, problems));
    table.finish(problems);
    let place = |entry: Option<Entry<'_>>| entry.map_or_else(|| at.clone(), |entry| entry.at());
    let (model_at, where_at) = (place(model_entry), place(where_entry));
    let reference = Reference {
        stage: stage?.to_owned(),
        model: model?.name.to_owned(),
        given: given?,
        error: error?,
        std: std?,
        n: n?,
        epochs: epochs?,
        pairs: pairs?,
        margin: margin?,
        source: source?,
        note: note?,
    };
    Some(ReadReference { reference, model_at, where_at })
}

/// Reads an optional entry. Returns None if it is there and its value is wrong.
fn optional<'t, T>(entry: Option<Entry<'t>>, read: impl FnOnce(Entry<'t>) -> Option<T>) -> Option<Option<T>> {
    match entry {
        Some(entry) => read(entry).map(Some),
        None => Some(None),
    }
}

/// The name of one of the spec's stages; None after a report, or while these are unknown.
fn stage<'t>(entry: Entry<'t>, stages: Option<&[&str]>, problems: &mut Problems<'_>) -> Option<&'t str> {
    let name = entry.text("the name of a stage in quotes", problems)?;
    let stages = stages?;
    if !stages.contains(&name) {
        let problem = ReferenceProblem::Stage {
            name: quoted(name),
            suggestion: nearest(name, stages).map(str::to_owned),
            known: stages.iter().map(|&known| known.to_owned()).collect(),
        };
        problems.report(entry.at(), problem.into());
        return None;
    }
    Some(name)
}

/// The hyper-parameters that tell the configuration from others, checked against the model's schema.
fn given(entry: Entry<'_>, model: &'static model::Model, problems: &mut Problems<'_>) -> Option<Hyperparameters> {
    let mut table = entry.table("where = { auxiliary_weight = 0.3 }", problems)?;
    table.place = format!("`where` of model `{}`", model.name);
    let mut given = Some(Hyperparameters::new());
    for parameter in model.parameters {
        let Some(entry) = table.optional(parameter.name) else { continue };
        match entry.plain().and_then(|value| parameter.check(value).ok()) {
            Some(value) => {
                given.as_mut().map(|given| given.insert(parameter.name.to_owned(), value));
            }
            None => {
                entry.wrong(parameter.kind.expectation(), problems);
                given = None;
            }
        }
    }
    table.finish_knowing(problems, model_row::models_with);
    given
}

/// A text for people: one line, not empty, bounded, without characters that steer a terminal.
fn text(entry: Entry<'_>, problems: &mut Problems<'_>) -> Option<String> {
    let expected = format!("one line of 1 to {REFERENCE_CHARS_MAX} characters in quotes, without control characters");
    let text = entry.text(&expected, problems)?;
    if text.trim().is_empty() || text.chars().count() > REFERENCE_CHARS_MAX || text.contains(text::steers) {
        entry.wrong(expected, problems);
        return None;
    }
    Some(text.to_owned())
}

/// The references; each that matches no configuration of its stage is reported. `stages` lacks unreadable stages, and
/// references to those pass.
pub(super) fn check(references: Vec<ReadReference>, stages: &[&Stage], problems: &mut Problems<'_>) -> Vec<Reference> {
    for stage in stages {
        let mut of_stage = references.iter().filter(|read| read.reference.stage == stage.name).peekable();
        if of_stage.peek().is_none() {
            continue;
        }
        let configurations = configurations(stage);
        for read in of_stage {
            if let Some((at, problem)) = astray(read, stage, stages, &configurations) {
                problems.report(at, problem.into());
            }
        }
    }
    references.into_iter().map(|read| read.reference).collect()
}

/// The reason why a reference matches no configuration of its stage, if it matches none.
fn astray(
    read: &ReadReference,
    stage: &Stage,
    stages: &[&Stage],
    configurations: &[Configuration],
) -> Option<(Range<usize>, ReferenceProblem)> {
    let Reference { model, given, .. } = &read.reference;
    if configurations.iter().any(|configuration| read.reference.is_for(configuration)) {
        return None;
    }
    let names: Vec<&str> = given.keys().map(String::as_str).collect();
    let mut selectable = Vec::new();
    for row in stage.selected.iter().filter(|row| row.model == *model) {
        // Unknown candidates may match.
        selectable.extend(selection_candidates::of_row(stages, row, &names)?);
    }
    if selectable.iter().any(|candidate| given.iter().all(|(name, value)| candidate.settings.get(name) == Some(value)))
    {
        return None;
    }
    let complete = stage.rows.iter().any(|row| row.model == *model);
    let stage = stage.name.clone();
    if !configurations.iter().any(|configuration| configuration.model == *model) {
        let known = few(configurations.iter().map(|configuration| configuration.model.clone()));
        return Some((read.model_at.clone(), ReferenceProblem::Model { model: model.clone(), stage, known }));
    }
    let of_model = configurations.iter().filter(|configuration| configuration.model == *model);
    // Candidates include the settings that selected rows write themselves.
    let of_model = of_model.filter(|_| complete).map(|configuration| {
        written(configuration.hyperparameters.iter().filter(|(name, _)| given.contains_key(*name)))
    });
    let known = few(of_model
        .chain(selectable.iter().map(|candidate| written(&candidate.settings)))
        .filter(|one| !one.is_empty()));
    let problem = ReferenceProblem::Values { values: written(given), model: model.clone(), stage, known };
    Some((read.where_at.clone(), problem))
}

fn written<'a>(values: impl IntoIterator<Item = (&'a String, &'a Value)>) -> String {
    values.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

/// The different alternatives, at most one more than the listed number.
fn few(alternatives: impl Iterator<Item = String>) -> Vec<String> {
    let mut few: Vec<String> = Vec::new();
    for alternative in alternatives {
        if few.len() <= ALTERNATIVES_MAX && !few.contains(&alternative) {
            few.push(alternative);
        }
    }
    few
}

/// A stage's configurations, as far as the spec gives them: those that start from a selection have only their row's
/// settings.
fn configurations(stage: &Stage) -> Vec<Configuration> {
    let selected: Vec<ModelRow> = stage.selected.iter().map(SelectedRow::alone).collect();
    let of_row = |row: &ModelRow| row.settings().map(|settings| row.configuration(settings)).collect::<Vec<_>>();
    stage.rows.iter().chain(&selected).flat_map(of_row).collect()
}
