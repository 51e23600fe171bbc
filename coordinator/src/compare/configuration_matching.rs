//! Matches the configurations of two runs by their content, never by their numbers. Pure.

use std::collections::BTreeMap;

use seedgrid_common::unit::Configuration;

use super::document::Setting;
use crate::aggregate::report_json::{ConfigurationReport, StageReport};

/// Two stages' configurations.
pub(super) struct Matched<'a> {
    /// Matched configurations, in the order of the first stage.
    pub(super) pairs: Vec<[&'a ConfigurationReport; 2]>,
    pub(super) only_first: Vec<&'a ConfigurationReport>,
    pub(super) only_second: Vec<&'a ConfigurationReport>,
}

/// Matches equal configurations. The remaining configurations are matched if only the stopping rule differs, and then
/// if each run has a single one of their model.
pub(super) fn matched(stages: [&StageReport; 2]) -> Matched<'_> {
    let mut left: [Vec<&ConfigurationReport>; 2] = stages.map(|stage| stage.configurations.iter().collect());
    let mut pairs = Vec::new();
    let trained_alike = |one: &ConfigurationReport, other: &ConfigurationReport| {
        one.model == other.model && one.hyperparameters == other.hyperparameters && one.normalize == other.normalize
    };
    take(&mut left, &mut pairs, |one, other| trained_alike(one, other) && one.stop == other.stop);
    take(&mut left, &mut pairs, trained_alike);
    let of_model = |rows: &[&ConfigurationReport], model: &str| rows.iter().filter(|row| row.model == model).count();
    let alone: Vec<String> = left[0]
        .iter()
        .map(|row| row.model.clone())
        .filter(|model| of_model(&left[0], model) == 1 && of_model(&left[1], model) == 1)
        .collect();
    take(&mut left, &mut pairs, |one, other| one.model == other.model && alone.contains(&one.model));
    pairs.sort_by_key(|[first, _]| first.number);
    let [only_first, only_second] = left;
    Matched { pairs, only_first, only_second }
}

/// Matches each remaining configuration of the first with the first suitable one of the second, and removes both.
fn take<'a>(
    left: &mut [Vec<&'a ConfigurationReport>; 2],
    pairs: &mut Vec<[&'a ConfigurationReport; 2]>,
    belong: impl Fn(&ConfigurationReport, &ConfigurationReport) -> bool,
) {
    let [first, second] = left;
    first.retain(|one| match second.iter().position(|other| belong(one, other)) {
        Some(place) => {
            pairs.push([*one, second.remove(place)]);
            false
        }
        None => true,
    });
}

/// The settings in which two configurations differ, by name.
pub(super) fn differences(rows: [&ConfigurationReport; 2]) -> Vec<Setting> {
    let [first, second] = rows.map(settings);
    let names = first.keys().chain(second.keys().filter(|name| !first.contains_key(*name)));
    let differing = names.filter(|name| first.get(*name) != second.get(*name));
    let mut found: Vec<Setting> = differing
        .map(|name| Setting { name: name.clone(), first: first.get(name).cloned(), second: second.get(name).cloned() })
        .collect();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    found
}

fn settings(row: &ConfigurationReport) -> BTreeMap<String, String> {
    let configuration = Configuration {
        model: row.model.clone(),
        hyperparameters: row.hyperparameters.clone(),
        stop: row.stop,
        normalize: row.normalize,
    };
    configuration.settings().into_iter().map(|(name, value)| (name, value.to_string())).collect()
}
