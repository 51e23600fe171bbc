//! `[[stage.model]]`: a model with values and axes for its hyper-parameters.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    ModelRow, Problem,
    error::{Earlier, Problems},
    limits::GRID_MAX,
    scalar::{not_negative, real},
    stop::{self, StopKeys},
    table::{Entry, Table},
};
use crate::{
    model::{self, Kind, Parameter},
    training::{Normalize, StopRule},
    unit::Value,
};

/// What a row takes from its stage.
#[derive(Clone, Copy)]
pub(super) struct Inherited {
    pub(super) stop: StopKeys,
    pub(super) normalize: Normalize,
    /// What is trained on; None while it is not known because of other problems.
    pub(super) part: Option<TrainingPart>,
}

/// The pairs that a unit is trained on.
#[derive(Clone, Copy)]
pub(super) struct TrainingPart {
    /// In the smallest part.
    pub(super) pairs: u64,
    /// Number of folds; None for the hold-out.
    pub(super) folds: Option<u32>,
}

/// A row as far as it could be read.
pub(super) struct ReadRow {
    /// None once something was reported.
    pub(super) row: Option<ModelRow>,
    /// Required keys of `stop` that neither the row nor the stage has.
    pub(super) missing: Vec<(&'static str, &'static str)>,
}

/// Reads one row.
pub(super) fn read(
    at: Range<usize>,
    entries: &DeTable<'_>,
    inherited: Inherited,
    problems: &mut Problems<'_>,
) -> ReadRow {
    let mut table = Table::new("`[[stage.model]]`", at, entries);
    let model = table
        .required("model", r#"model = "cnn""#)
        .and_then(|entry| entry.word("model", &model::ALL.map(|model| (model.name, model)), problems));
    let (stop, missing) = row_stop(&mut table, inherited.stop, problems);
    let normalize = match table.optional("normalize") {
        Some(entry) => stop::normalize(entry, problems),
        None => Some(inherited.normalize),
    };
    // Without the model nobody knows which other keys are right.
    let Some(model) = model else {
        table.abandon(problems);
        return ReadRow { row: None, missing };
    };
    table.place = format!("model `{}`", model.name);
    let axes = axes(&mut table, model, inherited.part, problems);
    table.finish_knowing(problems, |key| {
        let has = |model: &&model::Model| model.parameters.iter().any(|parameter| parameter.name == key);
        model::ALL.into_iter().filter(has).map(|model| model.name).collect()
    });
    let row = || Some(ModelRow { model: model.name.to_owned(), axes: axes?, stop: stop?, normalize: normalize? });
    ReadRow { row: row(), missing }
}

/// The row's stopping rule, and which required keys neither it nor the stage has.
fn row_stop(
    table: &mut Table<'_>,
    stage: StopKeys,
    problems: &mut Problems<'_>,
) -> (Option<StopRule>, Vec<(&'static str, &'static str)>) {
    let entry = table.optional("stop");
    let own = entry.map(|entry| StopKeys::read(entry, problems)).unwrap_or_default();
    let keys = own.or(stage);
    let rule = keys.rule();
    if let (Some(entry), Some(rule)) = (entry, rule)
        && own.sets_epochs()
        && let Some(problem) = stop::late(&rule)
    {
        problems.report(entry.at(), problem);
    }
    (rule, keys.missing().collect())
}

/// Every hyper-parameter with its values: first those that are written, in their order, then the defaults.
fn axes(
    table: &mut Table<'_>,
    model: &'static model::Model,
    part: Option<TrainingPart>,
    problems: &mut Problems<'_>,
) -> Option<Vec<(String, Vec<Value>)>> {
    let mut written = Vec::new();
    let mut defaults = Vec::new();
    let mut complete = true;
    for parameter in model.parameters {
        let Some(entry) = table.optional(parameter.name) else {
            match parameter.default_value() {
                Some(value) => defaults.push((parameter.name.to_owned(), vec![value])),
                None => {
                    table.missing(parameter.name, &example(parameter));
                    complete = false;
                }
            }
            continue;
        };
        match values(parameter, entry, part, problems) {
            Some(values) => written.push((entry.at().start, parameter.name.to_owned(), values)),
            None => complete = false,
        }
    }
    written.sort_by_key(|(place, _, _)| *place);
    let written = written.into_iter().map(|(_, name, values)| (name, values));
    complete.then(|| written.chain(defaults).collect())
}

/// How a hyper-parameter may be written.
fn example(parameter: &Parameter) -> String {
    let value = match parameter.kind {
        Kind::Positive => "0.1".to_owned(),
        Kind::Count { .. } => "20".to_owned(),
        Kind::Fraction { .. } => "0.5".to_owned(),
        Kind::Widths { .. } => "[150, 50]".to_owned(),
        Kind::Choice(words) => format!("\"{}\"", words.first().copied().unwrap_or_default()),
    };
    format!("{} = {value}", parameter.name)
}

/// The values of one hyper-parameter: one, or those of a grid.
fn values<'t>(
    parameter: &'static Parameter,
    entry: Entry<'t>,
    part: Option<TrainingPart>,
    problems: &mut Problems<'_>,
) -> Option<Vec<Value>> {
    let items = match entry.value.get_ref() {
        DeValue::Table(_) => grid(entry, problems)?,
        DeValue::Array(items) if is_axis(parameter.kind, items) => {
            let (key, expected) = (parameter.name.to_owned(), parameter.kind.expectation());
            let lists = items.iter().any(|item| item.get_ref().is_array());
            let found = if lists { "a list of lists" } else { "a list" };
            problems.report(entry.at(), Problem::BareList { key, expected, found });
            return None;
        }
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Array(_) => vec![entry.value],
    };
    let mut values: Vec<(Value, Range<usize>)> = Vec::new();
    let mut right = true;
    for value in items {
        let item = Entry { key: parameter.name, value };
        let Some(value) = one(parameter, item, part, problems) else {
            right = false;
            continue;
        };
        match values.iter().find(|(other, _)| *other == value) {
            Some((_, first)) => {
                let problem = Problem::RepeatedValue { key: parameter.name.to_owned(), value: value.to_string() };
                problems.collision(item.at(), Earlier { span: first.clone(), what: "first here" }, problem);
                right = false;
            }
            None => values.push((value, item.at())),
        }
    }
    right.then(|| values.into_iter().map(|(value, _)| value).collect())
}

/// Whether a list under this hyper-parameter can only be meant as an axis.
fn is_axis(kind: Kind, items: &[Spanned<DeValue<'_>>]) -> bool {
    match kind {
        Kind::Widths { .. } => items.iter().any(|item| item.get_ref().is_array()),
        Kind::Positive | Kind::Fraction { .. } | Kind::Count { .. } | Kind::Choice(_) => true,
    }
}

/// The items of `{ grid = [...] }`.
fn grid<'t>(entry: Entry<'t>, problems: &mut Problems<'_>) -> Option<Vec<&'t Spanned<DeValue<'t>>>> {
    let mut table = entry.table("{ grid = [...] }", problems)?;
    let list = table.required("grid", "{ grid = [0.1, 0.01] }");
    table.finish(problems);
    let list = list?;
    let DeValue::Array(items) = list.value.get_ref() else {
        list.wrong("a list of values", problems);
        return None;
    };
    let key = entry.key.to_owned();
    if items.is_empty() {
        problems.report(list.at(), Problem::EmptyGrid { key });
        return None;
    }
    if items.len() > GRID_MAX {
        let count = items.len() as u128;
        problems.report(list.at(), Problem::TooMany { what: "values in one grid", count, max: GRID_MAX as u128 });
        return None;
    }
    Some(items.iter().collect())
}

/// One value, checked against the schema and, for the batch size, against the data.
fn one(
    parameter: &'static Parameter,
    item: Entry<'_>,
    part: Option<TrainingPart>,
    problems: &mut Problems<'_>,
) -> Option<Value> {
    let Some(value) = plain(item.value.get_ref()).and_then(|value| parameter.check(value).ok()) else {
        item.wrong(parameter.kind.expectation(), problems);
        return None;
    };
    if let ("batch_size", Value::Integer(batch), Some(part)) = (parameter.name, &value, part)
        && *batch > part.pairs
    {
        problems.report(item.at(), Problem::LargeBatch { batch: *batch, available: part.pairs, folds: part.folds });
        return None;
    }
    Some(value)
}

/// The value as the schema's check takes it; None for what no schema allows.
fn plain(value: &DeValue<'_>) -> Option<Value> {
    match value {
        DeValue::Integer(number) => not_negative(number).map(Value::Integer),
        DeValue::Float(number) => real(number).map(Value::Number),
        DeValue::String(text) => Some(Value::Text(text.clone().into_owned())),
        DeValue::Boolean(flag) => Some(Value::Flag(*flag)),
        DeValue::Array(items) => items
            .iter()
            .map(|item| item.get_ref().as_integer().and_then(not_negative))
            .collect::<Option<_>>()
            .map(Value::Integers),
        DeValue::Datetime(_) | DeValue::Table(_) => None,
    }
}
