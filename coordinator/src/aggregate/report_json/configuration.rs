//! A configuration of a stage, with its seeds and units.

use seedgrid_common::{
    hyperparameters::Hyperparameters,
    json,
    training::{Normalize, StopRule},
};
use serde::{Deserialize, Serialize};

use super::{Counts, Estimate, Spread, UnitsMetric};

/// One row of a result table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ConfigurationReport {
    /// The number, 1-based in the order of the stage's plan; `configuration` in the CSV files.
    pub number: usize,
    /// The model's name.
    pub model: String,
    /// The model's title.
    pub title: String,
    /// The place among the stage's configurations, 1 being the best. Those with a unit without a result come last,
    /// before them those that left a race, and before these those with a diverged unit. Of equal ones the first in the
    /// order of the plan comes first.
    pub rank: usize,
    /// Whether it is complete with at least one done unit, which the best of a stage must be.
    pub can_be_best: bool,
    /// The difference from the stage's other configurations of the same model: "batch_size=20 learning_rate=0.1", or
    /// nothing.
    pub variant: String,
    /// All hyper-parameters.
    #[cfg_attr(test, schemars(with = "crate::cli::schemas::Hyperparameters"))]
    pub hyperparameters: Hyperparameters,
    /// The stopping rule of training.
    #[cfg_attr(test, schemars(with = "crate::cli::schemas::StopRule"))]
    pub stop: StopRule,
    /// The conversion of pixels to inputs.
    #[cfg_attr(test, schemars(with = "crate::cli::schemas::Normalize"))]
    pub normalize: Normalize,
    /// The number of units in the means: `counts.done`.
    pub n: usize,
    /// The number of seeds with a unit in the means; seeds.csv has each seed.
    pub done_seeds: usize,
    /// The endings of all of its units.
    pub counts: Counts,
    /// Messages of its quarantined units, each text once: the first of them.
    pub failures: Vec<String>,
    /// The number of texts beside these; attempts.csv has all.
    pub more_failures: usize,
    /// Share of scored pairs classified wrongly, over the done units (draws of the data x seeds x folds). Null if a
    /// unit diverged, which ranks after every error.
    pub error: Estimate,
    /// If a unit diverged, the errors of the done units, which do not measure the configuration. Null otherwise.
    pub error_of_done: Option<Spread>,
    /// Area under the ROC curve of single networks, each on its scored pairs, over the done units.
    pub auc: UnitsMetric,
    /// Average precision of single networks, as for `auc`.
    pub average_precision: UnitsMetric,
    /// The dependence of the mean error on the draw of the pairs.
    pub draw: DrawReport,
    /// The error on each draw of the data, by data seed.
    pub draws: Vec<DrawError>,
    /// The number of trained epochs, over the done units.
    pub epochs: Spread,
    /// The number of done units that the stopping rule ended; `max_epochs` ended the others.
    pub converged: usize,
    /// The number of untrained done units: their training error is not below that of always predicting the commonest
    /// class of their training pairs by two binomial standard errors. They are in the means, converged or not.
    pub untrained: usize,
    /// The number of stuck done units: their error is far above that of the other seeds. They are in the means.
    pub stuck: usize,
    /// Mean cross-entropy of the comparison on the scored pairs, over the done units; as for `error` if a unit
    /// diverged.
    pub loss: Spread,
    /// Training loss of the last epoch, as for `loss`.
    pub train_loss: Spread,
    /// Training error of the last epoch, as for `loss`.
    pub train_error: Spread,
    /// The averaged prediction, an ensemble of the seeds: the mean over seeds of each scored pair's predicted
    /// probability. If a unit diverged, this prediction, the curves and the means of areas are missing.
    pub averaged: Averaged,
    /// ROC curve of the averaged prediction, and so of the ensemble.
    pub roc: RocReport,
    /// Precision-recall curve of the averaged prediction, and so of the ensemble.
    pub precision_recall: PrecisionRecallReport,
}

impl ConfigurationReport {
    /// Whether one of its units diverged, so that means over all of them are missing.
    pub fn diverged(&self) -> bool {
        self.counts.diverged > 0
    }

    /// The model's title with the variant.
    pub fn heading(&self) -> String {
        heading(&self.title, &self.variant)
    }
}

/// A model's title with the variant of one of its configurations: "FC Network (learning_rate=0.1)".
pub(crate) fn heading(title: &str, variant: &str) -> String {
    if variant.is_empty() { title.to_owned() } else { format!("{title} ({variant})") }
}

/// The contribution of the draw of the data to a mean error's uncertainty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DrawReport {
    /// The number of pairs that the done units scored, over all draws; the same for every seed.
    pub pairs: usize,
    /// The part of `error.interval.standard_error` that comes from the draw of the test pairs: the variation of their
    /// shares of wrong seeds.
    pub standard_error: Option<f64>,
    /// The reason for a missing standard error.
    pub reason: Option<String>,
    /// Standard deviation of the error over draws of the data, without the part of the seeds. Also null if draws differ
    /// no more than their seeds make them differ.
    pub draws_std: Option<f64>,
    /// Standard deviation of the error over the seeds of one draw.
    pub seeds_std: Option<f64>,
    /// The reason for a null in either of these two.
    pub components_reason: Option<String>,
}

/// The error on one draw of the data of a configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DrawError {
    /// The data seed of the draw.
    #[serde(deserialize_with = "json::whole")]
    pub data_seed: u64,
    /// The number of units in its mean.
    pub n: usize,
    /// The number of planned units.
    pub planned: usize,
    /// The mean error over its done units; null if one diverged.
    pub error: Option<f64>,
    /// Sample standard deviation over its seeds, where each seed's error is its mean over folds.
    pub std: Option<f64>,
}

/// The averaged prediction of the seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Averaged {
    /// The number of seeds in the average: those with every fold done.
    pub seeds: usize,
    /// The share of scored pairs that it classifies wrongly (class 1 above 0.5).
    pub error: Option<f64>,
    /// The reason for a missing error.
    pub reason: Option<String>,
}

/// An ROC curve. Its points are in roc.csv.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RocReport {
    /// Area under the curve of the averaged prediction.
    pub auc: Option<f64>,
    /// The reason for a missing curve.
    pub reason: Option<String>,
    /// Lower and upper end of the 95 % bootstrap interval of `auc`, over draws of the scored pairs.
    pub ci95: Option<[f64; 2]>,
    /// The reason for a missing interval.
    pub ci95_reason: Option<String>,
    /// Area under each single seed's curve.
    pub seeds: Spread,
    /// The mean of the single seeds' curves.
    pub band: BandReport,
}

/// The mean of the single seeds' curves with their deviation at each point. Its points are in roc-band.csv or
/// pr-band.csv.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BandReport {
    /// The number of curves.
    pub curves: usize,
    /// The reason for a missing mean.
    pub reason: Option<String>,
}

/// A precision-recall curve. Its points are in pr.csv.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PrecisionRecallReport {
    /// Average precision of the averaged prediction.
    pub average_precision: Option<f64>,
    /// The reason for a missing curve.
    pub reason: Option<String>,
    /// Lower and upper end of the 95 % bootstrap interval of `average_precision`, over draws of the scored pairs.
    pub ci95: Option<[f64; 2]>,
    /// The reason for a missing interval.
    pub ci95_reason: Option<String>,
    /// Average precision of each single seed.
    pub seeds: Spread,
    /// The mean of the single seeds' curves.
    pub band: BandReport,
}
