//! Reads `exclude`: combinations of a row's axes that are left out.

use std::ops::Range;

use toml::{Spanned, de::DeValue};

use super::{
    ModelRow, Problem,
    cartesian_product::{Settings, matches},
    error::Problems,
    nearest_word::nearest,
    setting::{Setting, one},
    size_limits::EXCLUSIONS_MAX,
    toml_table::Entry,
};
use crate::text::quoted;

/// The valid forms, for messages.
const EXPECTED: &str = "a list of tables, such as [{ learning_rate = 1.0, batch_size = 10 }]";

/// The exclusions, each with its place; None once something was reported.
pub(super) fn read(
    entry: Entry<'_>,
    settings: &[Setting],
    problems: &mut Problems<'_>,
) -> Option<Vec<(Settings, Range<usize>)>> {
    let DeValue::Array(items) = entry.value.get_ref() else {
        entry.wrong(EXPECTED, problems);
        return None;
    };
    if items.len() > EXCLUSIONS_MAX {
        let (count, max) = (items.len() as u128, EXCLUSIONS_MAX as u128);
        problems.report(entry.at(), Problem::TooMany { what: "exclusions in one row", count, max });
        return None;
    }
    let read: Vec<Option<_>> = items.iter().map(|item| exclusion(entry, item, settings, problems)).collect();
    read.into_iter().collect()
}

fn exclusion<'t>(
    entry: Entry<'t>,
    item: &'t Spanned<DeValue<'t>>,
    settings: &[Setting],
    problems: &mut Problems<'_>,
) -> Option<(Settings, Range<usize>)> {
    let DeValue::Table(keys) = item.get_ref() else {
        Entry { key: entry.key, value: item }.wrong(EXPECTED, problems);
        return None;
    };
    if keys.is_empty() {
        problems.report(item.span(), Problem::EmptyExclusion);
        return None;
    }
    let mut excluded = Settings::new();
    let mut right = true;
    for (key, value) in keys {
        let written: &str = key.get_ref();
        let Some(setting) = settings.iter().find(|setting| setting.name() == written) else {
            let known: Vec<&'static str> =
                settings.iter().filter(|setting| setting.is_axis() == Some(true)).map(Setting::name).collect();
            let suggestion = nearest(written, &known);
            problems.report(key.span(), Problem::UnknownAxis { name: quoted(written), suggestion, known });
            right = false;
            continue;
        };
        if setting.is_axis() == Some(false) {
            problems.report(key.span(), Problem::NotAnAxis { key: setting.name() });
            right = false;
            continue;
        }
        match one(setting.parameter, Entry { key: setting.name(), value }, None, problems) {
            Some(value) => excluded.extend([(setting.name().to_owned(), value)]),
            None => right = false,
        }
    }
    right.then(|| (excluded, item.span()))
}

/// Reports exclusions of the row, at their `places`, that match nothing, and exclusions that leave nothing.
pub(super) fn check(row: &ModelRow, places: &[Range<usize>], problems: &mut Problems<'_>) {
    let mut idle: Vec<(&Settings, &Range<usize>)> = row.exclude.iter().zip(places).collect();
    for settings in row.combinations() {
        idle.retain(|(excluded, _)| !matches(excluded, &settings));
        if idle.is_empty() {
            break;
        }
    }
    for (excluded, at) in idle {
        let values: Vec<String> = excluded.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        problems.report(at.clone(), Problem::IdleExclusion { values: values.join(", ") });
    }
    if let (Some(last), None) = (places.last(), row.settings().next()) {
        problems.report(last.clone(), Problem::NothingLeft);
    }
}
