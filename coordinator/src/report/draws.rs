//! Several draws of the data, in the words and cells that every form of the report shows.

use super::{
    numbers::{interval, rate, rate_spread},
    wording::{covers, unless_diverged, where_none},
};
use crate::aggregate::document::{ConfigurationReport, StageReport, UnitReport};

/// A table's header.
pub(super) const HEADER: [&str; 6] =
    ["Configuration", "Error", "95 % interval", "Std over draws", "Std over seeds", "Means of single draws"];

/// Whether a stage has more than one draw, and so this table.
pub(super) fn are_several(stage: &StageReport) -> bool {
    stage.data_seeds.len() > 1
}

/// A unit among those of its configuration: "data seed 0, seed 1, fold 2".
pub(super) fn place(stage: &StageReport, unit: &UnitReport) -> String {
    let data_seed = if are_several(stage) { format!("data seed {}, ", unit.data_seed) } else { String::new() };
    let fold = unit.fold.map_or_else(String::new, |fold| format!(", fold {fold}"));
    format!("{data_seed}seed {}{fold}", unit.seed)
}

/// A configuration's cells below [`HEADER`].
pub(super) fn cells(row: &ConfigurationReport) -> [String; 6] {
    let means = || row.draws.iter().filter_map(|draw| draw.error);
    let ends = means().reduce(f64::min).zip(means().reduce(f64::max)).map(|(low, high)| [low, high]);
    [
        row.heading(),
        unless_diverged(row, rate_spread(&row.error.spread)),
        interval(row.error.interval.ci95),
        rate(row.draw.draws_std),
        rate(row.draw.seeds_std),
        interval(ends),
    ]
}

/// What the columns mean.
pub(super) fn columns(stage: &StageReport) -> String {
    let rows = stage.configurations.iter().filter(|row| row.n > 0 && !row.diverged());
    let reasons = where_none("deviation", rows.filter_map(|row| row.draw.components_reason.as_deref()));
    format!(
        "Error: mean ± standard deviation over draws and seeds together. The 95 % interval of the mean {}. Std over draws: how much the draw of the \
         data alone moves an error. Std over seeds: how much the seed moves it on one draw.{reasons} Means of single draws: the lowest and the \
         highest.",
        covers(stage)
    )
}
