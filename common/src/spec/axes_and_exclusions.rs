//! The combinations of a row's settings: the product, with zipped, sampled and excluded settings.

use std::ops::Range;

use super::{
    Axis,
    cartesian_product::Settings,
    error::Problems,
    exclude, sample_count_and_seed,
    setting::{Setting, Written, distinct},
    toml_table::Table,
    zip::{self, Zip},
};

/// The axes and exclusions of a row.
pub(super) struct Combined {
    /// The settings as axes, in the order of the file; a joint axis takes the place of its first member. None once
    /// something was reported.
    pub(super) axes: Option<Vec<Axis>>,
    /// The exclusions, each with its place; None once something was reported.
    pub(super) exclude: Option<Vec<(Settings, Range<usize>)>>,
}

impl Combined {
    /// Reads `zip`, `exclude`, `samples` and `sample_seed`. `settings` are in the order of the file.
    pub(super) fn read(table: &mut Table<'_>, settings: &[Setting], problems: &mut Problems<'_>) -> Self {
        let zips = match table.optional("zip") {
            Some(entry) => zip::read(entry, settings, problems),
            None => Some(Vec::new()),
        };
        let exclude = match table.optional("exclude") {
            Some(entry) => exclude::read(entry, settings, problems),
            None => Some(Vec::new()),
        };
        let samples = sample_count_and_seed::read(table, settings, problems);
        let axes = zips.and_then(|zips| axes(settings, &zips, samples, problems));
        Self { axes, exclude }
    }
}

fn axes(
    settings: &[Setting],
    zips: &[Zip],
    mut samples: Option<Axis>,
    problems: &mut Problems<'_>,
) -> Option<Vec<Axis>> {
    let mut axes = Vec::new();
    let mut right = true;
    let mut sampled = false;
    for (index, setting) in settings.iter().enumerate() {
        let axis = match (&setting.written, zips.iter().find(|zip| zip.members.contains(&index))) {
            (Some(Written::One(value)), _) => Some(Axis::new(setting.name(), [value.clone()])),
            (Some(Written::Drawn(_)), _) if sampled => continue,
            (Some(Written::Drawn(_)), _) => {
                sampled = true;
                samples.take()
            }
            (Some(Written::Grid(values)), None) => {
                let values = distinct(setting.parameter, "grid", values, problems);
                values.map(|values| Axis { written: true, ..Axis::new(setting.name(), values) })
            }
            (Some(Written::Grid(_)), Some(zip)) if zip.members.first() != Some(&index) => continue,
            (Some(Written::Grid(_)), Some(zip)) => zip.join(settings, problems),
            (None, _) => None,
        };
        match axis {
            Some(axis) => axes.push(axis),
            None => right = false,
        }
    }
    right.then_some(axes)
}
