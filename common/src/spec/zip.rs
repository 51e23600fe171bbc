//! Reads `zip`: axes that vary together.

use std::ops::Range;

use toml::de::DeValue;

use super::{
    Axis, Problem,
    error::{Earlier, Problems},
    nearest_word::nearest,
    setting::{Placed, Setting, Written},
    toml_table::Entry,
};
use crate::hyperparameters::Value;
use crate::text::quoted;

/// The valid forms, for messages.
const EXPECTED: &str = r#"a list of lists of axes, such as [["learning_rate", "batch_size"]]"#;

/// Grids that vary together.
pub(super) struct Zip {
    /// The indices of the grids among the row's settings, ascending.
    pub(super) members: Vec<usize>,
    at: Range<usize>,
}

/// The grids that vary together; None once something was reported.
pub(super) fn read(entry: Entry<'_>, settings: &[Setting], problems: &mut Problems<'_>) -> Option<Vec<Zip>> {
    let DeValue::Array(lists) = entry.value.get_ref() else {
        entry.wrong(EXPECTED, problems);
        return None;
    };
    let mut zips = Vec::new();
    let mut named: Vec<(usize, Range<usize>)> = Vec::new();
    let mut right = true;
    for list in lists {
        let list = Entry { key: entry.key, value: list };
        let DeValue::Array(names) = list.value.get_ref() else {
            entry.wrong(EXPECTED, problems);
            return None;
        };
        if names.len() < 2 {
            problems.report(list.at(), Problem::ShortZip { count: names.len() });
            right = false;
        }
        let mut members = Vec::new();
        for name in names {
            let name = Entry { key: entry.key, value: name };
            let Some(setting) = member(name, settings, problems) else {
                right = false;
                continue;
            };
            if let Some((_, first)) = named.iter().find(|(other, _)| *other == setting) {
                let earlier = Earlier { span: first.clone(), what: "first here" };
                problems.collision(name.at(), earlier, Problem::ZippedTwice { key: settings[setting].name() });
                right = false;
                continue;
            }
            named.push((setting, name.at()));
            members.push(setting);
        }
        members.sort_unstable();
        zips.push(Zip { members, at: list.at() });
    }
    right.then_some(zips)
}

/// The index of the named grid; None once something was reported.
fn member(name: Entry<'_>, settings: &[Setting], problems: &mut Problems<'_>) -> Option<usize> {
    let written = name.text("the names of axes, in quotes", problems)?;
    let found = settings.iter().position(|setting| setting.name() == written);
    let Some(index) = found else {
        let known: Vec<&'static str> =
            settings.iter().filter(|setting| setting.is_axis() == Some(true)).map(Setting::name).collect();
        let suggestion = nearest(written, &known);
        problems.report(name.at(), Problem::UnknownAxis { name: quoted(written), suggestion, known });
        return None;
    };
    let key = settings[index].name();
    match &settings[index].written {
        Some(Written::Grid(_)) => Some(index),
        Some(Written::One(_)) => {
            problems.report(name.at(), Problem::NotAnAxis { key });
            None
        }
        Some(Written::Drawn(_)) => {
            problems.report(name.at(), Problem::ZippedDraws { key });
            None
        }
        // The setting was reported at its own place.
        None => None,
    }
}

impl Zip {
    /// The grids as one axis; None once something was reported.
    pub(super) fn join(&self, settings: &[Setting], problems: &mut Problems<'_>) -> Option<Axis> {
        let grids: Vec<(&str, &[Placed])> = self
            .members
            .iter()
            .filter_map(|&member| match settings[member].written.as_ref()? {
                Written::Grid(values) => Some((settings[member].name(), values.as_slice())),
                Written::One(_) | Written::Drawn(_) => None,
            })
            .collect();
        let count = grids.first()?.1.len();
        if grids.iter().any(|(_, values)| values.len() != count) {
            let lengths = grids.iter().map(|(name, values)| (*name, values.len())).collect();
            problems.report(self.at.clone(), Problem::UnequalZip { lengths });
            return None;
        }
        let points: Vec<Vec<Value>> =
            (0..count).map(|index| grids.iter().map(|(_, values)| values[index].0.clone()).collect()).collect();
        if let Some(index) = (0..count).find(|&index| points[..index].contains(&points[index])) {
            let values: Vec<String> =
                grids.iter().zip(&points[index]).map(|((name, _), value)| format!("{name} = {value}")).collect();
            problems.report(self.at.clone(), Problem::RepeatedPoint { values: values.join(", ") });
            return None;
        }
        Some(Axis { names: grids.iter().map(|(name, _)| (*name).to_owned()).collect(), points, written: true })
    }
}
