//! The ensemble: the averaged prediction of a configuration's seeds, apart from single networks, in the words and cells that every form of
//! the report shows.

use super::{
    numbers::{count, interval, rate},
    wording::{self, unless_diverged, where_none},
};
use crate::aggregate::document::{ConfigurationReport, EvaluationReport, StageReport};

/// A table's title.
pub(super) const TITLE: &str = "Ensembles: predictions averaged over the seeds";

/// Its header.
pub(super) const HEADER: [&str; 7] =
    ["Configuration", "Networks", "Ensemble error", "Ensemble AUC", "95 % interval", "Ensemble AP", "95 % interval"];

/// A configuration's cells below [`HEADER`].
pub(super) fn cells(row: &ConfigurationReport) -> [String; 7] {
    [
        row.heading(),
        row.averaged.seeds.len().to_string(),
        unless_diverged(row, rate(row.averaged.error)),
        unless_diverged(row, rate(row.roc.auc)),
        interval(row.roc.ci95),
        unless_diverged(row, rate(row.precision_recall.average_precision)),
        interval(row.precision_recall.ci95),
    ]
}

/// The ensembles of the configurations that a short table shows, where there are any, as a sentence.
pub(super) fn sentence(stage: &StageReport) -> Option<String> {
    let shown = wording::shown(stage).into_iter().filter(|row| row.averaged.seeds.len() > 1);
    let named: Vec<String> = shown
        .map(|row| {
            format!(
                "{} ({}) error {}, AUC {}, AP {}",
                row.heading(),
                count(row.averaged.seeds.len(), "network"),
                rate(row.averaged.error),
                rate(row.roc.auc),
                rate(row.precision_recall.average_precision)
            )
        })
        .collect();
    (!named.is_empty()).then(|| format!("Ensembles (predictions averaged over the seeds): {}.", named.join("; ")))
}

/// What the columns mean.
pub(super) fn columns(stage: &StageReport) -> String {
    let pairs = match stage.evaluation {
        EvaluationReport::Holdout => "test pairs",
        EvaluationReport::Folds(_) => "training pairs, each scored by the network that was trained without it",
    };
    let without = stage.configurations.iter().filter(|row| row.roc.auc.is_some() && row.roc.ci95.is_none());
    let reasons = where_none("interval", without.filter_map(|row| row.roc.ci95_reason.as_deref()));
    let intervals = match stage.configurations.iter().any(|row| row.roc.ci95.is_some()) || reasons.is_empty() {
        true => format!(
            " The 95 % intervals are about the draw of the {pairs}: percentiles of up to 10,000 resamples of them, for these trained networks."
        ),
        false => String::new(),
    };
    format!(
        "An ensemble predicts a pair by the probabilities of all seeds, averaged, as in the paper. It is usually better than its networks, and \
         says nothing about one of them: do not compare these columns with those of single networks. AUC and AP: area under the ROC curve and \
         average precision of the averaged prediction.{intervals}{reasons}"
    )
}
