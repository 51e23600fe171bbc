//! report.json's schema as plain data. docs/report.md explains every field.
//!
//! Nothing here depends on when, where or in which order units were trained, except the texts of failures. A missing
//! number is `None`, with a reason in the next field.

mod comparison;
mod race;
mod reference;

pub use comparison::{Against, AucTestReport, ComparisonReport, ComparisonsReport, McNemarReport, TTestReport};
pub use race::{LeaverReport, ModelRace, RaceReport, RungReport, RungTest, SavedReport};
pub use reference::{FoundError, ReferenceReport, Verdict};

use seedgrid_common::{
    hyperparameters::Hyperparameters,
    json,
    training::{Normalize, StopRule},
};
use serde::{Deserialize, Serialize};

/// Value of [`Report::schema`]. The number grows when a field changes its meaning or goes away.
pub const SCHEMA: &str = "seedgrid.report/2";

/// A study's results: report.json.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// The study's name.
    pub study: String,
    /// The data set of the study.
    pub dataset: DatasetSummary,
    /// Whether every planned unit has a result, or was skipped by a race. A diverged unit has one.
    pub complete: bool,
    /// The counts over all stages; a unit that several stages share counts once.
    pub counts: Counts,
    /// The number of stored results of units that the spec does not name.
    pub unnamed_results: usize,
    /// The savings of races; a unit that several stages share counts once. Null where no stage races.
    pub saved: Option<SavedReport>,
    /// The stages, in the order of the spec.
    pub stages: Vec<StageReport>,
}

/// The data set of a study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DatasetSummary {
    /// The title: "MNIST pairs".
    pub title: String,
    /// The name in a spec: "mnist-pairs".
    pub kind: String,
    /// The draw that represents all: the one with the data set's own seed, if a stage uses that.
    #[serde(flatten)]
    pub drawn: DrawSummary,
    /// Every draw that a stage uses, by data seed.
    pub draws: Vec<DrawSummary>,
}

/// One draw of the data set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DrawSummary {
    /// Digest of the encoded data set, 64 hexadecimal digits.
    pub digest: String,
    /// The seed of the draw of pairs and folds.
    #[serde(deserialize_with = "json::whole")]
    pub seed: u64,
    /// Number of training pairs.
    pub train_pairs: usize,
    /// The number of training pairs of class 1 (first digit <= second).
    pub train_positives: usize,
    /// Number of test pairs.
    pub test_pairs: usize,
    /// The number of test pairs of class 1.
    pub test_positives: usize,
}

/// The numbers of units by ending.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Counts {
    /// Units that the spec asks for: the sum of the others.
    pub planned: usize,
    /// Units that were trained and scored; the means contain exactly these.
    pub done: usize,
    /// Units with a loss that became NaN or infinite.
    pub diverged: usize,
    /// Units that are not trained (yet).
    pub not_trained: usize,
    /// Units of which every attempt failed.
    pub failed: usize,
    /// Units that a person cancelled.
    pub cancelled: usize,
    /// Units of configurations that left a race: not trained, and not missing.
    pub skipped: usize,
}

impl Counts {
    /// Counts one more unit.
    pub fn add(&mut self, ending: UnitEnding) {
        self.planned += 1;
        *match ending {
            UnitEnding::Done => &mut self.done,
            UnitEnding::Diverged => &mut self.diverged,
            UnitEnding::NotTrained => &mut self.not_trained,
            UnitEnding::Failed => &mut self.failed,
            UnitEnding::Cancelled => &mut self.cancelled,
            UnitEnding::Skipped => &mut self.skipped,
        } += 1;
    }

    /// Counts units that are not known yet.
    pub fn add_untrained(&mut self, units: usize) {
        self.planned += units;
        self.not_trained += units;
    }

    /// Units without any result.
    pub fn missing(&self) -> usize {
        self.not_trained + self.failed + self.cancelled
    }
}

/// The state of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum UnitEnding {
    /// The unit was trained and scored.
    Done,
    /// A loss of the unit became NaN or infinite.
    Diverged,
    /// The unit is not trained (yet).
    NotTrained,
    /// Every attempt of the unit failed.
    Failed,
    /// A person cancelled the unit.
    Cancelled,
    /// The unit's configuration left a race before.
    Skipped,
}

impl UnitEnding {
    /// The ending's name in report.json and units.csv.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Diverged => "diverged",
            Self::NotTrained => "not-trained",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
        }
    }
}

/// One stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StageReport {
    /// The stage's name in the spec.
    pub name: String,
    /// The scoring of its configurations.
    pub evaluation: EvaluationReport,
    /// The stage's seeds, ascending.
    #[serde(deserialize_with = "json::wholes")]
    pub seeds: Vec<u64>,
    /// The data seeds of its draws of the data set, ascending.
    #[serde(deserialize_with = "json::wholes")]
    pub data_seeds: Vec<u64>,
    /// The number of different configurations of the study, in this stage and others, that are scored on the same test
    /// pairs; 0 with folds.
    pub scored_on_test: usize,
    /// The share of the scored images that more than one of the stage's draws of the data has; null for one draw.
    pub shared_images: Option<f64>,
    /// The counts over its configurations; a unit that several share counts once.
    pub counts: Counts,
    /// The configurations, in the order of the plan.
    pub configurations: Vec<ConfigurationReport>,
    /// The comparisons between its configurations.
    pub comparisons: ComparisonsReport,
    /// The stage's configurations next to the spec's references, in the order of the spec; empty without a reference.
    pub references: Vec<ReferenceReport>,
    /// References that match none of its configurations, since another was selected: model, values and source.
    pub idle_references: Vec<String>,
    /// The stage's selection for later stages; null if it selects nothing.
    pub selection: Option<SelectionReport>,
    /// The race of its configurations before the selection; null without a race.
    pub race: Option<RaceReport>,
    /// Rows that start from a selection that has not been made or had no result. Their units are counted as not
    /// trained.
    pub waiting: Vec<WaitingReport>,
}

/// The selection of a stage for later stages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SelectionReport {
    /// The rule's name in a spec: "lowest".
    pub rule: String,
    /// The selection for each model of the stage, in order.
    pub models: Vec<ModelSelection>,
}

/// The selection of a stage for one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ModelSelection {
    /// The model's name.
    pub model: String,
    /// The model's title.
    pub title: String,
    /// Whether the selection has been made, which happens after every unit of the model has ended.
    pub made: bool,
    /// The number of the selected configuration; null if the selection has not been made or no configuration was left.
    pub selected: Option<usize>,
    /// Numbers of configurations that lack a result and were therefore not considered.
    pub incomplete: Vec<usize>,
}

/// A row that starts from a selection that has not been made or had no result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct WaitingReport {
    /// The model's name.
    pub model: String,
    /// The model's title.
    pub title: String,
    /// The selecting stage.
    pub from: String,
    /// The number of the row's configurations.
    pub configurations: usize,
    /// The number of their units.
    pub units: usize,
    /// Whether the selection had no result, so that these units will never be trained.
    pub unreachable: bool,
}

/// The scoring of a stage's configurations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum EvaluationReport {
    /// Trained on all training pairs, and scored once on the test pairs.
    Holdout,
    /// k-fold cross-validation on the training pairs.
    Folds(u32),
}

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
    /// The endings of all of its units.
    pub counts: Counts,
    /// The failures of its units: the first line of each one's last failure, each text once, sorted.
    pub failures: Vec<String>,
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
    /// The planned seeds, ascending.
    pub seeds: Vec<SeedReport>,
    /// The planned units, by data seed, seed and then fold.
    pub units: Vec<UnitReport>,
}

impl ConfigurationReport {
    /// Whether one of its units diverged, so that means over all of them are missing.
    pub fn diverged(&self) -> bool {
        self.counts.diverged > 0
    }

    /// The number of seeds with a unit in the means.
    pub fn done_seeds(&self) -> usize {
        self.seeds.iter().filter(|seed| seed.n > 0).count()
    }

    /// The model's title with the variant: "FC Network (learning_rate=0.1)".
    pub fn heading(&self) -> String {
        if self.variant.is_empty() { self.title.clone() } else { format!("{} ({})", self.title, self.variant) }
    }
}

/// Location and spread of some numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Spread {
    /// The number of values.
    pub n: usize,
    /// The arithmetic mean.
    pub mean: Option<f64>,
    /// The sample standard deviation (divided by n - 1).
    pub std: Option<f64>,
    /// The smallest value.
    pub min: Option<f64>,
    /// The largest value.
    pub max: Option<f64>,
    /// The reason for a null among these.
    pub reason: Option<String>,
}

impl Spread {
    /// The spread of `n` numbers without a known location.
    pub(crate) fn none(n: usize, reason: String) -> Self {
        Self { n, mean: None, std: None, min: None, max: None, reason: Some(reason) }
    }
}

/// A metric of single networks that may be undefined for some.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct UnitsMetric {
    /// Location and spread over the done units with the metric.
    #[serde(flatten)]
    pub spread: Spread,
    /// The number of done units without the metric.
    pub undefined: usize,
    /// The reason for the first of these.
    pub undefined_reason: Option<String>,
}

/// A mean error with its spread and the intervals of the mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Estimate {
    /// Location and spread.
    #[serde(flatten)]
    pub spread: Spread,
    /// The interval of the mean for another draw of the seeds and of the scored pairs.
    pub interval: Interval,
    /// The narrower interval for other seeds on these test examples; null in cross-validation and on several draws of
    /// the data.
    pub given_examples: Option<Interval>,
}

/// A 95 % interval of a mean error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Interval {
    /// Standard error of the mean.
    pub standard_error: Option<f64>,
    /// Degrees of freedom of the standard error.
    pub freedom: Option<f64>,
    /// Lower and upper end, within 0..1.
    pub ci95: Option<[f64; 2]>,
    /// The method of the interval.
    pub method: IntervalMethod,
    /// The sources of chance that the interval covers, and those that it does not cover.
    pub covers: String,
    /// The reason for a missing interval.
    pub reason: Option<String>,
}

impl Interval {
    /// A missing interval with this reason.
    pub(super) fn none(method: IntervalMethod, covers: String, reason: String) -> Self {
        Self { standard_error: None, freedom: None, ci95: None, method, covers, reason: Some(reason) }
    }
}

/// The method of a confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum IntervalMethod {
    /// Crossed random effects of seeds and scored examples.
    SeedsExamples,
    /// Crossed random effects of seeds and folds, with Nadeau and Bengio's correction for the overlap of folds.
    SeedsFolds,
    /// Crossed random effects of seeds and draws of the data.
    SeedsDraws,
    /// Student's t over the seeds, on one set of examples.
    Seeds,
}

impl IntervalMethod {
    /// The method's name in report.json and the CSV files.
    pub fn name(self) -> &'static str {
        match self {
            Self::SeedsExamples => "seeds-examples",
            Self::SeedsFolds => "seeds-folds",
            Self::SeedsDraws => "seeds-draws",
            Self::Seeds => "seeds",
        }
    }

    /// The second source of chance, beside the seeds.
    pub(super) fn columns(self) -> &'static str {
        match self {
            Self::SeedsExamples | Self::Seeds => "examples",
            Self::SeedsFolds => "folds",
            Self::SeedsDraws => "draws of the data",
        }
    }
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
    /// The seeds in the average: those with every fold done.
    #[serde(deserialize_with = "json::wholes")]
    pub seeds: Vec<u64>,
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

/// One seed of a configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SeedReport {
    /// The seed.
    #[serde(deserialize_with = "json::whole")]
    pub seed: u64,
    /// The number of units in its means.
    pub n: usize,
    /// The number of planned units: the number of folds (1 for the hold-out) on each draw of the data.
    pub planned: usize,
    /// The mean error over its done units; null if one diverged.
    pub error: Option<f64>,
    /// The mean number of epochs over its done units.
    pub epochs: Option<f64>,
    /// Area under the ROC curve of its predictions; with folds or several draws of the data, of the pooled predictions.
    pub auc: Option<f64>,
    /// Average precision, as for `auc`.
    pub average_precision: Option<f64>,
    /// The reason for a null among these.
    pub reason: Option<String>,
}

/// One unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct UnitReport {
    /// The unit's id, 32 hexadecimal digits.
    pub unit: String,
    /// The data seed of the unit's draw.
    #[serde(deserialize_with = "json::whole")]
    pub data_seed: u64,
    /// The unit's seed.
    #[serde(deserialize_with = "json::whole")]
    pub seed: u64,
    /// The unit's fold, 1-based; null for the hold-out.
    pub fold: Option<u32>,
    /// The unit's state.
    pub ending: UnitEnding,
    /// Share of scored pairs classified wrongly; null unless done.
    pub error: Option<f64>,
    /// Area under the ROC curve of its own predictions; null unless done, or if undefined.
    pub auc: Option<f64>,
    /// Average precision of its own predictions, as for `auc`.
    pub average_precision: Option<f64>,
    /// The reason for which a done unit has neither: its scored pairs are of one class.
    pub areas_reason: Option<String>,
    /// Mean cross-entropy on the scored pairs; null unless done.
    pub loss: Option<f64>,
    /// The number of whole epochs; null without a result.
    pub epochs: Option<usize>,
    /// Whether the stopping rule ended training; null unless done.
    pub converged: Option<bool>,
    /// Whether the unit is untrained; null unless done, and if its training pairs are too few for a decision.
    pub untrained: Option<bool>,
    /// Whether the unit is stuck; null unless done, and with fewer than five seeds.
    pub stuck: Option<bool>,
    /// Training loss of its last whole epoch.
    pub train_loss: Option<f64>,
    /// Training error of its last whole epoch.
    pub train_error: Option<f64>,
}
