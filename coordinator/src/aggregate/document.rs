//! report.json's schema as plain data. docs/report.md explains every field.
//!
//! Nothing here depends on when, where or in what order units were trained, but the texts of failures. A number that cannot be given is `None`, and a
//! reason stands beside it.

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
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// The study's name.
    pub study: String,
    /// What was trained on.
    pub dataset: DatasetSummary,
    /// Whether every planned unit has a result, or was skipped by a race. A diverged unit has one.
    pub complete: bool,
    /// Over all stages, a unit that several share counted once.
    pub counts: Counts,
    /// Results that are stored beside these, of units that the spec does not name.
    pub unnamed_results: usize,
    /// What races saved, a unit that several stages share counted once; null where no stage races.
    pub saved: Option<SavedReport>,
    /// In the order of the spec.
    pub stages: Vec<StageReport>,
}

/// What was trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatasetSummary {
    /// For titles: "MNIST pairs".
    pub title: String,
    /// As written in a spec: "mnist-pairs".
    pub kind: String,
    /// The draw that stands for all: the one with the data set's own seed, if a stage uses that.
    #[serde(flatten)]
    pub drawn: DrawSummary,
    /// Every draw that a stage uses, by data seed.
    pub draws: Vec<DrawSummary>,
}

/// One draw of the data set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrawSummary {
    /// Digest of the encoded data set, 64 hexadecimal digits.
    pub digest: String,
    /// From which pairs and folds are drawn.
    #[serde(deserialize_with = "json::whole")]
    pub seed: u64,
    /// Number of training pairs.
    pub train_pairs: usize,
    /// How many of them are of class 1 (first digit <= second).
    pub train_positives: usize,
    /// Number of test pairs.
    pub test_pairs: usize,
    /// How many of them are of class 1.
    pub test_positives: usize,
}

/// How many units ended in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// What the spec asks for; the sum of the others.
    pub planned: usize,
    /// Trained and scored: these, and only these, are in the means.
    pub done: usize,
    /// A loss became NaN or infinite.
    pub diverged: usize,
    /// Not trained (yet).
    pub not_trained: usize,
    /// Every attempt failed.
    pub failed: usize,
    /// Taken back by a person.
    pub cancelled: usize,
    /// Of configurations that left a race: not trained, and not missing.
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

/// Where a unit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnitEnding {
    /// Trained and scored.
    Done,
    /// A loss became NaN or infinite.
    Diverged,
    /// Not trained (yet).
    NotTrained,
    /// Every attempt failed.
    Failed,
    /// Taken back by a person.
    Cancelled,
    /// Its configuration left a race before.
    Skipped,
}

impl UnitEnding {
    /// As report.json and units.csv write it.
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
pub struct StageReport {
    /// Its name in the spec.
    pub name: String,
    /// How its configurations are scored.
    pub evaluation: EvaluationReport,
    /// Its seeds, ascending.
    #[serde(deserialize_with = "json::wholes")]
    pub seeds: Vec<u64>,
    /// Its draws of the data set, ascending.
    #[serde(deserialize_with = "json::wholes")]
    pub data_seeds: Vec<u64>,
    /// How many different configurations of the study, in this stage and others, are scored on the same test pairs; 0 with folds.
    pub scored_on_test: usize,
    /// Share of the scored images that more than one of the stage's draws of the data has; null of one draw.
    pub shared_images: Option<f64>,
    /// Over its configurations, a unit that several share counted once.
    pub counts: Counts,
    /// In the order of the plan.
    pub configurations: Vec<ConfigurationReport>,
    /// Between its configurations.
    pub comparisons: ComparisonsReport,
    /// Its configurations next to the spec's references, in the order of the spec; empty where there is none for it.
    pub references: Vec<ReferenceReport>,
    /// References that are for none of its configurations, since another was selected: model, values and source.
    pub idle_references: Vec<String>,
    /// What it selects for later stages; null where it selects nothing.
    pub selection: Option<SelectionReport>,
    /// How configurations raced for the selection; null where they did not.
    pub race: Option<RaceReport>,
    /// Rows that start from a selection that has not been made or came to nothing. Their units are counted as not trained.
    pub waiting: Vec<WaitingReport>,
}

/// What a stage selects for later stages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SelectionReport {
    /// As written in a spec: "lowest".
    pub rule: String,
    /// Each model of the stage, in order.
    pub models: Vec<ModelSelection>,
}

/// What a stage selects for one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelSelection {
    /// The model's name.
    pub model: String,
    /// The model's title.
    pub title: String,
    /// Whether the selection has been made: once every unit of the model has ended.
    pub made: bool,
    /// The number of the configuration that was selected; null where the selection has not been made, or nothing was left.
    pub selected: Option<usize>,
    /// Numbers of configurations that lack a result and were therefore not considered.
    pub incomplete: Vec<usize>,
}

/// A row that starts from a selection that has not been made or came to nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WaitingReport {
    /// The model's name.
    pub model: String,
    /// The model's title.
    pub title: String,
    /// The stage that selects.
    pub from: String,
    /// How many configurations the row stands for.
    pub configurations: usize,
    /// How many units these have.
    pub units: usize,
    /// Whether the selection came to nothing, so that these units will never be trained.
    pub unreachable: bool,
}

/// How a stage's configurations are scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvaluationReport {
    /// Trained on all training pairs, scored once on the test pairs.
    Holdout,
    /// k-fold cross-validation on the training pairs.
    Folds(u32),
}

/// One row of a result table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfigurationReport {
    /// 1-based, in the order of the stage's plan; `configuration` in the CSV files.
    pub number: usize,
    /// The model's name.
    pub model: String,
    /// The model's title.
    pub title: String,
    /// Its place among the stage's configurations, 1 being the best: those of which a unit has no result come last, before them those
    /// that left a race, and then those with a diverged unit. Of equal ones the first in the order of the plan comes first.
    pub rank: usize,
    /// Whether it is complete and one of its units is done: only then can it be the best of its stage.
    pub can_be_best: bool,
    /// What tells it from the stage's other configurations of the same model: "batch_size=20 learning_rate=0.1", or nothing.
    pub variant: String,
    /// Complete.
    pub hyperparameters: Hyperparameters,
    /// When training ends.
    pub stop: StopRule,
    /// How pixels become inputs.
    pub normalize: Normalize,
    /// How many units are in the means: `counts.done`.
    pub n: usize,
    /// How all of its units ended.
    pub counts: Counts,
    /// What is said of its failed units: the first line of each one's last failure, each text once, sorted.
    pub failures: Vec<String>,
    /// Share of scored pairs classified wrongly, over the done units (draws of the data x seeds x folds). Null where a unit diverged: that one
    /// comes after every error.
    pub error: Estimate,
    /// Where a unit diverged, the errors of the units that are done: they do not say how good the configuration is. Null elsewhere.
    pub error_of_done: Option<Spread>,
    /// Area under the ROC curve of single networks, each on the pairs that it scores, over the done units.
    pub auc: UnitsMetric,
    /// Average precision of single networks, as `auc`.
    pub average_precision: UnitsMetric,
    /// How much the mean error depends on which pairs were drawn.
    pub draw: DrawReport,
    /// Each draw of the data, by data seed.
    pub draws: Vec<DrawError>,
    /// Number of epochs that were trained, over the done units.
    pub epochs: Spread,
    /// How many done units the stopping rule ended; `max_epochs` ended the others.
    pub converged: usize,
    /// How many done units are untrained: their training error is not below that of always predicting the commonest class of their training
    /// pairs by two binomial standard errors. They are in the means, converged or not.
    pub untrained: usize,
    /// How many done units are stuck: their error is far above that of the other seeds. They are in the means.
    pub stuck: usize,
    /// Mean cross-entropy of the comparison on the scored pairs, over the done units; as `error` where a unit diverged.
    pub loss: Spread,
    /// Training loss of the last epoch, likewise.
    pub train_loss: Spread,
    /// Training error of the last epoch, likewise.
    pub train_error: Spread,
    /// The averaged prediction, an ensemble of the seeds: the mean over seeds of each scored pair's predicted probability. There is none where a unit diverged, and no
    /// curve and no mean of areas either.
    pub averaged: Averaged,
    /// ROC curve of the averaged prediction, and so of the ensemble.
    pub roc: RocReport,
    /// Precision-recall curve of the averaged prediction, and so of the ensemble.
    pub precision_recall: PrecisionRecallReport,
    /// Each planned seed, ascending.
    pub seeds: Vec<SeedReport>,
    /// Each planned unit, by data seed, seed and then fold.
    pub units: Vec<UnitReport>,
}

impl ConfigurationReport {
    /// Whether one of its units diverged, so that means over all of them are no numbers.
    pub fn diverged(&self) -> bool {
        self.counts.diverged > 0
    }

    /// How many seeds have a unit in the means.
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
pub struct Spread {
    /// How many numbers.
    pub n: usize,
    /// Their arithmetic mean.
    pub mean: Option<f64>,
    /// Their sample standard deviation (divided by n - 1).
    pub std: Option<f64>,
    /// The smallest.
    pub min: Option<f64>,
    /// The largest.
    pub max: Option<f64>,
    /// Why any of these is null.
    pub reason: Option<String>,
}

impl Spread {
    /// Of `n` numbers whose location and spread cannot be given.
    pub(crate) fn none(n: usize, reason: String) -> Self {
        Self { n, mean: None, std: None, min: None, max: None, reason: Some(reason) }
    }
}

/// A metric of single networks that some of them may not have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnitsMetric {
    /// Location and spread over the done units that have it.
    #[serde(flatten)]
    pub spread: Spread,
    /// How many done units do not have it.
    pub undefined: usize,
    /// Why the first of these does not.
    pub undefined_reason: Option<String>,
}

/// Mean error with its spread and the intervals of the mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Location and spread.
    #[serde(flatten)]
    pub spread: Spread,
    /// The interval of the mean for another draw of the seeds and of what was scored.
    pub interval: Interval,
    /// The narrower one for other seeds on these very test examples; null in cross-validation and on several draws of the data.
    pub given_examples: Option<Interval>,
}

/// A 95 % interval of a mean error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Standard error of the mean.
    pub standard_error: Option<f64>,
    /// Degrees of freedom of the standard error.
    pub freedom: Option<f64>,
    /// Lower and upper end, within 0..1.
    pub ci95: Option<[f64; 2]>,
    /// How it was made.
    pub method: IntervalMethod,
    /// What may be drawn anew so that the interval still holds its promise, and what may not.
    pub covers: String,
    /// Why it is null.
    pub reason: Option<String>,
}

impl Interval {
    /// No interval, for this reason.
    pub(super) fn none(method: IntervalMethod, covers: String, reason: String) -> Self {
        Self { standard_error: None, freedom: None, ci95: None, method, covers, reason: Some(reason) }
    }
}

/// How a confidence interval was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IntervalMethod {
    /// Crossed random effects of seeds and scored examples.
    SeedsExamples,
    /// Crossed random effects of seeds and folds, with Nadeau and Bengio's correction for what folds share.
    SeedsFolds,
    /// Crossed random effects of seeds and draws of the data.
    SeedsDraws,
    /// Student's t over the seeds, on one set of examples.
    Seeds,
}

impl IntervalMethod {
    /// As report.json and the CSV files write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::SeedsExamples => "seeds-examples",
            Self::SeedsFolds => "seeds-folds",
            Self::SeedsDraws => "seeds-draws",
            Self::Seeds => "seeds",
        }
    }

    /// What is drawn beside the seeds.
    pub(super) fn columns(self) -> &'static str {
        match self {
            Self::SeedsExamples | Self::Seeds => "examples",
            Self::SeedsFolds => "folds",
            Self::SeedsDraws => "draws of the data",
        }
    }
}

/// What the draw of the data adds to a mean error's uncertainty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DrawReport {
    /// How many pairs the done units scored, over all draws; the same for every seed.
    pub pairs: usize,
    /// The part of `error.interval.standard_error` that comes from the draw of the test pairs: how much their own shares of wrong seeds
    /// vary.
    pub standard_error: Option<f64>,
    /// Why it is null.
    pub reason: Option<String>,
    /// Standard deviation of the error over draws of the data, without that over seeds. Null also where draws differ no more than their
    /// seeds make them differ.
    pub draws_std: Option<f64>,
    /// Standard deviation of the error over the seeds of one draw.
    pub seeds_std: Option<f64>,
    /// Why either of these two is null.
    pub components_reason: Option<String>,
}

/// One draw of the data of a configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DrawError {
    /// Its data seed.
    #[serde(deserialize_with = "json::whole")]
    pub data_seed: u64,
    /// Units in its mean.
    pub n: usize,
    /// Units that the plan has.
    pub planned: usize,
    /// Mean error over its done units; null where one diverged.
    pub error: Option<f64>,
    /// Sample standard deviation over its seeds, each seed's error being its mean over folds.
    pub std: Option<f64>,
}

/// The averaged prediction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Averaged {
    /// The seeds whose predictions are in it: those with every fold done.
    #[serde(deserialize_with = "json::wholes")]
    pub seeds: Vec<u64>,
    /// Share of scored pairs that it classifies wrongly (class 1 above 0.5).
    pub error: Option<f64>,
    /// Why the error is null.
    pub reason: Option<String>,
}

/// ROC curve. Its points are in roc.csv.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RocReport {
    /// Area under the curve of the averaged prediction.
    pub auc: Option<f64>,
    /// Why there is no curve.
    pub reason: Option<String>,
    /// Lower and upper end of the 95 % bootstrap interval of `auc`, over draws of the scored pairs.
    pub ci95: Option<[f64; 2]>,
    /// Why the interval is null.
    pub ci95_reason: Option<String>,
    /// Area under each single seed's curve.
    pub seeds: Spread,
    /// The mean of the single seeds' curves.
    pub band: BandReport,
}

/// The mean of the single seeds' curves, with their deviation at each point. Its points are in roc-band.csv or pr-band.csv.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BandReport {
    /// How many curves are in it.
    pub curves: usize,
    /// Why there is none.
    pub reason: Option<String>,
}

/// Precision-recall curve. Its points are in pr.csv.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrecisionRecallReport {
    /// Average precision of the averaged prediction.
    pub average_precision: Option<f64>,
    /// Why there is no curve.
    pub reason: Option<String>,
    /// Lower and upper end of the 95 % bootstrap interval of `average_precision`, over draws of the scored pairs.
    pub ci95: Option<[f64; 2]>,
    /// Why the interval is null.
    pub ci95_reason: Option<String>,
    /// Average precision of each single seed.
    pub seeds: Spread,
    /// The mean of the single seeds' curves.
    pub band: BandReport,
}

/// One seed of a configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeedReport {
    /// The seed.
    #[serde(deserialize_with = "json::whole")]
    pub seed: u64,
    /// Units in its means.
    pub n: usize,
    /// Units that the plan has: the number of folds (1 for the hold-out) on each draw of the data.
    pub planned: usize,
    /// Mean over its done units; null where one diverged.
    pub error: Option<f64>,
    /// Mean over its done units.
    pub epochs: Option<f64>,
    /// Of its predictions; with folds or several draws of the data, of the predictions pooled over them.
    pub auc: Option<f64>,
    /// As `auc`.
    pub average_precision: Option<f64>,
    /// Why any of these is null.
    pub reason: Option<String>,
}

/// One unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnitReport {
    /// Its id, 32 hexadecimal digits.
    pub unit: String,
    /// The data seed of the draw that it was trained on.
    #[serde(deserialize_with = "json::whole")]
    pub data_seed: u64,
    /// Its seed.
    #[serde(deserialize_with = "json::whole")]
    pub seed: u64,
    /// Its fold, 1-based; null for the hold-out.
    pub fold: Option<u32>,
    /// Where it stands.
    pub ending: UnitEnding,
    /// Share of scored pairs classified wrongly; null unless done.
    pub error: Option<f64>,
    /// Area under the ROC curve of its own predictions; null unless done, or where that is undefined.
    pub auc: Option<f64>,
    /// Average precision of its own predictions, as `auc`.
    pub average_precision: Option<f64>,
    /// Why a done unit has neither: the pairs that it scored are of one class.
    pub areas_reason: Option<String>,
    /// Mean cross-entropy on the scored pairs; null unless done.
    pub loss: Option<f64>,
    /// Whole epochs trained; null without a result.
    pub epochs: Option<usize>,
    /// Whether the stopping rule ended training; null unless done.
    pub converged: Option<bool>,
    /// Whether it is untrained; null unless done, and where its training pairs are too few to tell.
    pub untrained: Option<bool>,
    /// Whether it is stuck; null unless done, and with fewer than five seeds.
    pub stuck: Option<bool>,
    /// Training loss of its last whole epoch.
    pub train_loss: Option<f64>,
    /// Training error of its last whole epoch.
    pub train_error: Option<f64>,
}
