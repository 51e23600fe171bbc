//! Areas under the curves with their intervals, in the words and cells that every form of the report shows.

use super::{
    numbers::{interval, rate, rate_spread},
    wording::unless_diverged,
};
use crate::aggregate::document::{ConfigurationReport, EvaluationReport, StageReport};

/// A table's header.
pub(super) const HEADER: [&str; 7] =
    ["Configuration", "AUC", "95 % interval", "AUC of single seeds", "AP", "95 % interval", "AP of single seeds"];

/// A configuration's cells below [`HEADER`].
pub(super) fn cells(row: &ConfigurationReport) -> [String; 7] {
    [
        row.heading(),
        unless_diverged(row, rate(row.roc.auc)),
        interval(row.roc.ci95),
        unless_diverged(row, rate_spread(&row.roc.seeds)),
        unless_diverged(row, rate(row.precision_recall.average_precision)),
        interval(row.precision_recall.ci95),
        unless_diverged(row, rate_spread(&row.precision_recall.seeds)),
    ]
}

/// What the columns mean.
pub(super) fn columns(stage: &StageReport) -> String {
    let pairs = match stage.evaluation {
        EvaluationReport::Holdout => "test pairs",
        EvaluationReport::Folds(_) => "training pairs, each scored by the network that was trained without it",
    };
    format!(
        "AUC and AP are those of the averaged prediction. The 95 % intervals are about the draw of the {pairs}: percentiles of \
         up to 10,000 resamples of them, for these trained networks. Single seeds: mean ± standard deviation of the areas under their own curves."
    )
}
