//! Reads one setting of a row, a hyper-parameter or `normalize`: a value, a grid of values or a distribution.

use std::ops::Range;

use toml::{Spanned, de::DeValue};

use super::{
    Problem,
    distribution::Distribution,
    error::{Earlier, Problems},
    size_limits::GRID_MAX,
    toml_table::Entry,
    training_part::TrainingPart,
};
use crate::{
    hyperparameters::Value,
    model::{Kind, Parameter},
    training::Normalize,
};

/// `normalize`, which a row may vary like a hyper-parameter.
pub(super) static NORMALIZE: Parameter = Parameter {
    name: "normalize",
    kind: Kind::Choice(&[Normalize::None.name(), Normalize::Scale.name(), Normalize::Standardize.name()]),
    default: None,
    meaning: "how pixels become inputs",
};

/// A value with its place.
pub(super) type Placed = (Value, Range<usize>);

/// A setting that a row writes.
pub(super) struct Setting {
    pub(super) parameter: &'static Parameter,
    /// The place of its value.
    pub(super) at: Range<usize>,
    /// The value or axis; None once something was reported.
    pub(super) written: Option<Written>,
}

/// The form of a setting.
pub(super) enum Written {
    /// One value.
    One(Value),
    /// An axis with its values. Where it varies alone, its values must be different.
    Grid(Vec<Placed>),
    /// An axis whose values are drawn.
    Drawn(Distribution),
}

/// The forms of an axis.
const FORMS: [&str; 4] = ["grid", "uniform", "log_uniform", "choice"];

impl Setting {
    /// Reads a setting.
    pub(super) fn read(
        parameter: &'static Parameter,
        entry: Entry<'_>,
        part: Option<TrainingPart>,
        problems: &mut Problems<'_>,
    ) -> Self {
        let written = match entry.value.get_ref() {
            DeValue::Table(_) => axis(parameter, entry, part, problems),
            DeValue::Array(items) if is_axis(parameter.kind, items) => {
                let (key, expected) = (parameter.name.to_owned(), parameter.kind.expectation());
                let lists = items.iter().any(|item| item.get_ref().is_array());
                let found = if lists { "a list of lists" } else { "a list" };
                problems.report(entry.at(), Problem::BareList { key, expected, found });
                None
            }
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_) => one(parameter, entry, part, problems).map(Written::One),
        };
        Self { parameter, at: entry.at(), written }
    }

    /// The setting's name.
    pub(super) fn name(&self) -> &'static str {
        self.parameter.name
    }

    /// Whether it is an axis; None where other problems hide that.
    pub(super) fn is_axis(&self) -> Option<bool> {
        self.written.as_ref().map(|written| match written {
            Written::One(_) => false,
            Written::Grid(_) | Written::Drawn(_) => true,
        })
    }
}

/// An example of a valid form of a hyper-parameter.
pub(super) fn example(parameter: &Parameter) -> String {
    let value = match parameter.kind {
        Kind::Positive => "0.1".to_owned(),
        Kind::NotNegative => "0".to_owned(),
        Kind::Count { .. } => "20".to_owned(),
        Kind::Fraction { .. } => "0.5".to_owned(),
        Kind::Widths { .. } => "[150, 50]".to_owned(),
        Kind::Choice(words) => format!("\"{}\"", words.first().copied().unwrap_or_default()),
    };
    format!("{} = {value}", parameter.name)
}

/// Whether a list under this hyper-parameter can only be meant as an axis.
fn is_axis(kind: Kind, items: &[Spanned<DeValue<'_>>]) -> bool {
    match kind {
        Kind::Widths { .. } => items.iter().any(|item| item.get_ref().is_array()),
        Kind::Positive | Kind::NotNegative | Kind::Fraction { .. } | Kind::Count { .. } | Kind::Choice(_) => true,
    }
}

/// Reads an axis in one of its forms.
fn axis(
    parameter: &'static Parameter,
    entry: Entry<'_>,
    part: Option<TrainingPart>,
    problems: &mut Problems<'_>,
) -> Option<Written> {
    let mut table = entry.table("{ grid = [...] }", problems)?;
    let forms: Vec<Entry<'_>> = FORMS.into_iter().filter_map(|form| table.optional(form)).collect();
    if forms.is_empty() {
        table.missing("grid", "{ grid = [0.1, 0.01] }");
    }
    table.finish(problems);
    if let [first, second, ..] = forms[..] {
        let problem = Problem::TwoForms { key: entry.key.to_owned(), first: first.key, second: second.key };
        problems.collision(second.at(), Earlier { span: first.at(), what: "first here" }, problem);
        return None;
    }
    let form = *forms.first()?;
    match form.key {
        "grid" => values(parameter, form, part, problems).map(Written::Grid),
        "choice" => {
            let values = distinct(parameter, form.key, &values(parameter, form, part, problems)?, problems)?;
            Some(Written::Drawn(Distribution::Choice(values)))
        }
        _ => range(parameter, form, part, problems).map(Written::Drawn),
    }
}

/// Reads the items of a list of values.
fn values(
    parameter: &'static Parameter,
    list: Entry<'_>,
    part: Option<TrainingPart>,
    problems: &mut Problems<'_>,
) -> Option<Vec<Placed>> {
    let DeValue::Array(items) = list.value.get_ref() else {
        list.wrong("a list of values", problems);
        return None;
    };
    if items.is_empty() {
        problems.report(list.at(), Problem::EmptyAxis { key: parameter.name.to_owned(), form: list.key });
        return None;
    }
    if items.len() > GRID_MAX {
        let count = items.len() as u128;
        problems.report(list.at(), Problem::TooMany { what: "values in one axis", count, max: GRID_MAX as u128 });
        return None;
    }
    let read: Vec<Option<_>> = items
        .iter()
        .map(|value| {
            let item = Entry { key: parameter.name, value };
            one(parameter, item, part, problems).map(|value| (value, item.at()))
        })
        .collect();
    read.into_iter().collect()
}

/// The values, if all of them are different.
pub(super) fn distinct(
    parameter: &'static Parameter,
    form: &'static str,
    values: &[Placed],
    problems: &mut Problems<'_>,
) -> Option<Vec<Value>> {
    let mut right = true;
    for (index, (value, at)) in values.iter().enumerate() {
        if let Some((_, first)) = values[..index].iter().find(|(other, _)| other == value) {
            let (key, value) = (parameter.name.to_owned(), value.to_string());
            let earlier = Earlier { span: first.clone(), what: "first here" };
            problems.collision(at.clone(), earlier, Problem::RepeatedValue { key, form, value });
            right = false;
        }
    }
    right.then(|| values.iter().map(|(value, _)| value.clone()).collect())
}

/// Reads `uniform` or `log_uniform`: a lowest and a highest value.
fn range(
    parameter: &'static Parameter,
    form: Entry<'_>,
    part: Option<TrainingPart>,
    problems: &mut Problems<'_>,
) -> Option<Distribution> {
    match parameter.kind {
        Kind::Positive | Kind::NotNegative | Kind::Fraction { .. } | Kind::Count { .. } => {}
        Kind::Widths { .. } | Kind::Choice(_) => {
            problems.report(form.at(), Problem::NoRange { key: parameter.name, form: form.key });
            return None;
        }
    }
    let ends = match form.value.get_ref() {
        DeValue::Array(items) => items.get(..).and_then(|items| <&[_; 2]>::try_from(items).ok()),
        _ => None,
    };
    let Some(ends) = ends else {
        form.wrong("a list of two numbers, the lowest and the highest", problems);
        return None;
    };
    let [low, high] = ends.each_ref().map(|value| one(parameter, Entry { key: parameter.name, value }, part, problems));
    let distribution = match (low?, high?) {
        (Value::Number(low), Value::Number(high)) if low < high => match form.key {
            "uniform" => Distribution::Uniform { low, high },
            _ if low > 0.0 => Distribution::LogUniform { low, high },
            _ => {
                form.wrong("a range that begins above 0", problems);
                return None;
            }
        },
        (Value::Integer(low), Value::Integer(high)) if low < high => match form.key {
            "uniform" => Distribution::Whole { low, high },
            _ => Distribution::LogWhole { low, high },
        },
        (low, high) => {
            let (low, high) = (low.to_string(), high.to_string());
            problems.report(form.at(), Problem::EmptyRange { key: parameter.name, form: form.key, low, high });
            return None;
        }
    };
    Some(distribution)
}

/// One value, checked against the schema and, for the batch size, against the data.
pub(super) fn one(
    parameter: &'static Parameter,
    item: Entry<'_>,
    part: Option<TrainingPart>,
    problems: &mut Problems<'_>,
) -> Option<Value> {
    let Some(value) = item.plain().and_then(|value| parameter.check(value).ok()) else {
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
