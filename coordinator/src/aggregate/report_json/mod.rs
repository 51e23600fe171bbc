//! report.json's fields as plain data. docs/report.md explains every field.
//!
//! Nothing here depends on when, where or in which order units were trained, except the texts of failures. A missing
//! number is `None`, with a reason in the next field.

mod comparison;
mod configuration;
mod race;
mod reference;

pub use comparison::{Against, AucTestReport, ComparisonReport, ComparisonsReport, McNemarReport, TTestReport};
pub(crate) use configuration::heading;
pub use configuration::{
    Averaged, BandReport, ConfigurationReport, DrawError, DrawReport, PrecisionRecallReport, RocReport,
};
pub use race::{LeaverReport, ModelRace, RaceReport, RungReport, RungTest, SavedReport};
pub use reference::{FoundError, ReferenceReport, Verdict};

use seedgrid_common::json;
use serde::{Deserialize, Serialize};

use crate::scheduler::unit_state::UnitState;

/// Value of [`Report::schema`]. The number grows when a field changes its meaning or goes away.
pub const SCHEMA: &str = "seedgrid.report/3";

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
    /// Units that are not trained yet: waiting, assigned, in training or held back.
    pub not_trained: usize,
    /// Quarantined units: every attempt failed.
    pub failed: usize,
    /// Units that a person cancelled.
    pub cancelled: usize,
    /// Units of configurations that left a race: not trained, and not missing.
    pub skipped: usize,
}

impl Counts {
    /// Counts one more unit.
    pub fn add(&mut self, state: UnitState) {
        self.planned += 1;
        *match state {
            UnitState::Done => &mut self.done,
            UnitState::Diverged => &mut self.diverged,
            UnitState::Waiting | UnitState::Assigned | UnitState::Training | UnitState::HeldBack => {
                &mut self.not_trained
            }
            UnitState::Quarantined => &mut self.failed,
            UnitState::Cancelled => &mut self.cancelled,
            UnitState::Skipped => &mut self.skipped,
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
