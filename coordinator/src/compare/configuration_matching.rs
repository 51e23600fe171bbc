//! Matches the configurations of two runs by their content, never by their numbers. Pure.

use std::collections::{BTreeMap, VecDeque};

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
    take(&mut left, &mut pairs, |row| Some((row.model.clone(), settings(row))));
    take(&mut left, &mut pairs, |row| {
        let mut settings = settings(row);
        settings.retain(|name, _| !name.starts_with("stop."));
        Some((row.model.clone(), settings))
    });
    let mut of_model: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    for (run, rows) in left.iter().enumerate() {
        rows.iter().for_each(|&row| of_model.entry(row.model.as_str()).or_default()[run] += 1);
    }
    take(&mut left, &mut pairs, |row| (of_model.get(row.model.as_str()) == Some(&[1, 1])).then_some(row.model.clone()));
    pairs.sort_by_key(|[first, _]| first.number);
    let [only_first, only_second] = left;
    Matched { pairs, only_first, only_second }
}

/// Matches each remaining configuration of the first with the first one of the second that has the same key, and removes both.
fn take<'a, K: Ord>(
    left: &mut [Vec<&'a ConfigurationReport>; 2],
    pairs: &mut Vec<[&'a ConfigurationReport; 2]>,
    key: impl Fn(&ConfigurationReport) -> Option<K>,
) {
    let [first, second] = left;
    let mut places: BTreeMap<K, VecDeque<usize>> = BTreeMap::new();
    for (place, row) in second.iter().enumerate() {
        if let Some(key) = key(row) {
            places.entry(key).or_default().push_back(place);
        }
    }
    let mut rest: Vec<Option<&ConfigurationReport>> = second.iter().copied().map(Some).collect();
    first.retain(|one| {
        let place = key(one).and_then(|key| places.get_mut(&key)?.pop_front());
        let other = place.and_then(|place| rest[place].take());
        pairs.extend(other.map(|other| [*one, other]));
        other.is_none()
    });
    *second = rest.into_iter().flatten().collect();
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
