//! Several draws of the data, in the words and cells that every form of the report shows.

use super::{
    numbers::{interval, rate, rate_spread},
    wording::unless_diverged,
};
use crate::aggregate::document::{ConfigurationReport, StageReport};

/// A table's header.
pub(super) const HEADER: [&str; 6] =
    ["Configuration", "Error", "95 % interval", "Std over draws", "Std over seeds", "Means of single draws"];

/// Whether a stage has more than one draw, and so this table.
pub(super) fn are_several(stage: &StageReport) -> bool {
    stage.data_seeds.len() > 1
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
pub(super) const COLUMNS: &str = "Error: mean ± standard deviation over draws and seeds together. The interval covers the draw of training and \
     test pairs, and the choice of the seeds. Std over draws: how much the draw of the data alone moves an error; none where draws differ no more \
     than their seeds make them differ. Std over seeds: how much the seed moves it on one draw. Means of single draws: the lowest and the highest.";
