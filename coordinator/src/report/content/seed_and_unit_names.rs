//! How seeds and units are named in sentences.

use crate::{
    aggregate::{UnitReport, report_json::ConfigurationReport},
    report::{
        document::{Notice, Weight},
        numbers::whole,
    },
    scheduler::unit_state::UnitState,
};

/// Most units that one notice names, and most notices of one weight in a stage; units.csv has all.
pub(super) const NAMED_MAX: usize = 12;

/// Most configurations whose units were cut short, or that were not trained at all, that are named one by one.
pub(super) const ALIKE_NAMED_MAX: usize = 3;

/// A notice about each of a few configurations, or one about all of many.
pub(super) fn each_or_all(
    weight: Weight,
    rows: &[&ConfigurationReport],
    each: impl Fn(&ConfigurationReport) -> String,
    all: impl FnOnce() -> String,
) -> Vec<Notice> {
    match rows.len() > ALIKE_NAMED_MAX {
        true => vec![Notice::new(weight, all())],
        false => rows.iter().map(|row| Notice::new(weight, each(row))).collect(),
    }
}

/// "1 to 10, 15".
pub(super) fn ranges(seeds: &[u64]) -> String {
    runs(seeds).map(|(text, _)| text).collect::<Vec<_>>().join(", ")
}

/// Each range of successive seeds, with their number.
fn runs(seeds: &[u64]) -> impl Iterator<Item = (String, usize)> {
    seeds.chunk_by(|a, b| a.checked_add(1) == Some(*b)).map(|run| match run {
        [first, .., last] if run.len() > 2 => (format!("{first} to {last}"), run.len()),
        _ => (run.iter().map(u64::to_string).collect::<Vec<_>>().join(", "), run.len()),
    })
}

/// Some of a configuration's units, those of each draw of the data by itself where it has several: "data seed 0: seeds 1, 2; data seed 1: seed 2".
pub(super) fn named(row: &ConfigurationReport, units: &[&UnitReport]) -> String {
    if row.draws.len() < 2 {
        return of_draw(units, NAMED_MAX);
    }
    let draws: Vec<&[&UnitReport]> = units.chunk_by(|a, b| a.data_seed == b.data_seed).collect();
    let of_each = (NAMED_MAX / draws.len().max(1)).max(1);
    let one = |units: &&[&UnitReport]| format!("data seed {}: {}", units[0].data_seed, of_draw(units, of_each));
    listed(draws.iter().map(one).collect(), NAMED_MAX, "; ")
}

/// "seeds 1 to 4, 9", or each unit where more than the seed must be said, of which at most `most` are named.
fn of_draw(units: &[&UnitReport], most: usize) -> String {
    let plain = units.iter().all(|unit| unit.fold.is_none() && unit.ending != UnitState::Diverged);
    if plain {
        let seeds: Vec<u64> = units.iter().map(|unit| unit.seed).collect();
        let mut ranges: Vec<String> = runs(&seeds).take(most).map(|(text, _)| text).collect();
        let more: usize = runs(&seeds).skip(most).map(|(_, seeds)| seeds).sum();
        ranges.extend((more > 0).then(|| more_in_units_csv(more)));
        return format!("{} {}", if seeds.len() == 1 { "seed" } else { "seeds" }, ranges.join(", "));
    }
    if units.iter().all(|unit| unit.ending != UnitState::Diverged) {
        let seeds: Vec<String> = units.chunk_by(|a, b| a.seed == b.seed).map(folds).collect();
        return listed(seeds, most, ", ");
    }
    listed(units.iter().map(|unit| name(unit)).collect(), most, ", ")
}

/// "seed 1 folds 2 to 10": of units with one seed.
fn folds(units: &[&UnitReport]) -> String {
    let folds: Vec<u64> = units.iter().filter_map(|unit| unit.fold.map(u64::from)).collect();
    let seed = units.first().map_or(0, |unit| unit.seed);
    format!("seed {seed} {} {}", if folds.len() == 1 { "fold" } else { "folds" }, ranges(&folds))
}

/// The first of these names, and how many there are beside them.
fn listed(mut names: Vec<String>, most: usize, separator: &str) -> String {
    let more = names.len().saturating_sub(most);
    names.truncate(most);
    if more > 0 {
        names.push(more_in_units_csv(more));
    }
    names.join(separator)
}

fn more_in_units_csv(more: usize) -> String {
    format!("and {} more in units.csv", whole(more))
}

fn name(unit: &UnitReport) -> String {
    let mut name = format!("seed {}", unit.seed);
    if let Some(fold) = unit.fold {
        name.push_str(&format!(" fold {fold}"));
    }
    if let (UnitState::Diverged, Some(epochs)) = (unit.ending, unit.epochs) {
        name.push_str(&format!(" in epoch {}", epochs + 1));
    }
    name
}
