//! The content of `seedgrid compare --format json` as plain data, described in docs/cli.md. The number of the schema
//! grows when a field changes its meaning or is removed.

use std::path::PathBuf;

use seedgrid_common::hyperparameters::Hyperparameters;
use serde::Serialize;

use crate::aggregate::report_json::{
    ConfigurationReport, Counts, DatasetSummary, Estimate, EvaluationReport, Spread, heading,
};

/// Value of [`Comparison::schema`].
pub const SCHEMA: &str = "seedgrid.compare/2";

/// The comparison of two runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Comparison {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The run that was named first, A.
    pub first: RunSummary,
    /// The run that was named second, B.
    pub second: RunSummary,
    /// Whether every common stage was trained and scored on the same bytes; without common stages, whether all draws
    /// are the same.
    pub same_dataset: bool,
    /// Every key of the specs with different values.
    pub spec_differences: Vec<Setting>,
    /// The comparison of the results of common units.
    pub units: ComparedUnits,
    /// The stages that both runs have, in the order of the first.
    pub stages: Vec<ComparedStage>,
    /// Names of stages that only the first run has.
    pub only_first: Vec<String>,
    /// Names of stages that only the second run has.
    pub only_second: Vec<String>,
}

/// One of the runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RunSummary {
    /// The run directory, as it was named.
    pub path: PathBuf,
    /// The study's name.
    pub study: String,
    /// The study's data set.
    pub dataset: DatasetSummary,
    /// The counts of units over all stages.
    pub units: Counts,
    /// Whether every planned unit has a result.
    pub complete: bool,
    /// Versions of Seedgrid that computed its results.
    pub versions: Vec<String>,
    /// Numerics classes of its results.
    pub numerics_classes: Vec<String>,
}

/// A setting and its value in each run; null for a missing one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Setting {
    /// The setting's name; for a spec's setting, with its tables.
    pub name: String,
    /// The value in the first run.
    pub first: Option<String>,
    /// The value in the second run.
    pub second: Option<String>,
}

/// Units by id: equal ids mean equal work on equal data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ComparedUnits {
    /// Units planned in both runs.
    pub shared: usize,
    /// Shared units with a result in both runs.
    pub trained: usize,
    /// Trained units with bit-identical results.
    pub identical: usize,
    /// Units with different results of different numerics classes, which may differ.
    pub other_class: usize,
    /// Units with different results of one numerics class, which must not differ.
    pub contradicting: Vec<Contradiction>,
    /// Units planned in the first run only.
    pub only_first: usize,
    /// Units planned in the second run only.
    pub only_second: usize,
}

/// A unit with two different results that should be equal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Contradiction {
    /// The unit's id.
    pub unit: String,
    /// The unit's label.
    pub label: String,
    /// The numerics class of both results.
    pub numerics_class: String,
}

/// A stage that both runs have.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ComparedStage {
    /// The stage's name.
    pub name: String,
    /// The scoring of configurations in the first run and in the second.
    pub evaluations: [EvaluationReport; 2],
    /// The stage's data.
    pub data: StageData,
    /// Matched configurations, in the order of the first run.
    pub configurations: Vec<ComparedConfiguration>,
    /// Configurations that only the first run has.
    pub only_first: Vec<Lone>,
    /// Configurations that only the second run has.
    pub only_second: Vec<Lone>,
}

/// The training and test data of a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StageData {
    /// Whether the draws have the same seeds and digests in both runs.
    pub same: bool,
    /// The data in the first run, as text for people.
    pub first: String,
    /// The data in the second run, as text for people.
    pub second: String,
}

/// One configuration, or two matched ones.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ComparedConfiguration {
    /// The model's name.
    pub model: String,
    /// The model's title.
    pub title: String,
    /// The difference from other configurations of its model.
    pub variant: String,
    /// The settings that differ between the two; empty for one configuration.
    pub settings: Vec<Setting>,
    /// The results in the first run.
    pub first: Found,
    /// The results in the second run.
    pub second: Found,
    /// The second's mean error minus the first's.
    pub difference: Difference,
    /// The units that both runs have, by id.
    pub units: SharedUnits,
}

impl ComparedConfiguration {
    /// The number of seeds in the difference, if it is smaller than that of one of the two means.
    pub fn common_seeds(&self) -> Option<usize> {
        let Self { difference, first, second, .. } = self;
        let paired = difference.method != Method::Independent && difference.mean.is_some();
        (paired && difference.seeds_first < first.seeds.max(second.seeds)).then_some(difference.seeds_first)
    }

    /// The model's title with the variant.
    pub fn heading(&self) -> String {
        heading(&self.title, &self.variant)
    }
}

/// The results of a configuration in one run.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Found {
    /// The configuration's number in the run's report.
    pub number: usize,
    /// The number of units in the means.
    pub n: usize,
    /// The number of planned units.
    pub planned: usize,
    /// The number of seeds of the units in the means.
    pub seeds: usize,
    /// The number of untrained units among them; see report.json.
    pub untrained: usize,
    /// The number of stuck units among them.
    pub stuck: usize,
    /// The number of diverged units; with any, there is no mean error.
    pub diverged: usize,
    /// The place among the configurations of its stage, 1 being the best.
    pub rank: usize,
    /// Whether it is complete, and so may be the best.
    pub can_be_best: bool,
    /// Share of scored pairs classified wrongly, over the done units.
    pub error: Estimate,
    /// The number of trained epochs, over the done units.
    pub epochs: Spread,
    /// Mean area under the ROC curves of single networks, over the done units with one; null without any.
    pub auc: Option<f64>,
}

impl Found {
    pub(super) fn from_row(row: &ConfigurationReport) -> Self {
        Self {
            number: row.number,
            n: row.n,
            planned: row.counts.planned,
            seeds: row.done_seeds,
            untrained: row.untrained,
            stuck: row.stuck,
            diverged: row.counts.diverged,
            rank: row.rank,
            can_be_best: row.can_be_best,
            error: row.error.clone(),
            epochs: row.epochs.clone(),
            auc: row.auc.spread.mean,
        }
    }
}

/// A difference of two mean errors.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Difference {
    /// The second's mean error minus the first's; for a paired method, over the common seeds.
    pub mean: Option<f64>,
    /// The difference's 95 % interval.
    pub ci95: Option<[f64; 2]>,
    /// The method of both.
    pub method: Method,
    /// The number of seeds of the first run in the difference; for a paired method equal to that of the second.
    pub seeds_first: usize,
    /// The number of seeds of the second run.
    pub seeds_second: usize,
    /// The sources of chance that the interval covers.
    pub covers: String,
    /// The reason for a missing interval.
    pub reason: Option<String>,
}

/// The method of a difference's interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Crossed random effects of the shared seeds and the test examples.
    PairedExamples,
    /// Crossed random effects of the shared seeds and the folds, with Nadeau and Bengio's correction.
    PairedFolds,
    /// Crossed random effects of the shared seeds and the draws of the data.
    PairedDraws,
    /// Each run's own standard error with Welch and Satterthwaite's degrees of freedom: they have no common seeds, or
    /// different data.
    Independent,
}

impl Method {
    /// The method in a few words.
    pub fn words(self) -> &'static str {
        match self {
            Self::PairedExamples => "paired by seed and test pair",
            Self::PairedFolds => "paired by seed and fold",
            Self::PairedDraws => "paired by seed and draw of the data",
            Self::Independent => "not paired",
        }
    }
}

/// Units of a configuration that both runs have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SharedUnits {
    /// Common units with a result in both runs.
    pub trained: usize,
    /// Trained units with bit-identical results.
    pub identical: usize,
}

/// A configuration that only one of the runs has.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Lone {
    /// The configuration's number in the run's report.
    pub number: usize,
    /// The model's name.
    pub model: String,
    /// The model's title with the difference from others.
    pub heading: String,
    /// All hyper-parameters.
    #[cfg_attr(test, schemars(with = "crate::cli::schemas::Hyperparameters"))]
    pub hyperparameters: Hyperparameters,
    /// The number of its untrained done units.
    pub untrained: usize,
    /// The number of its stuck done units.
    pub stuck: usize,
    /// The number of its diverged units; with any, there is no mean error.
    pub diverged: usize,
    /// Share of scored pairs classified wrongly, over the done units.
    pub error: Estimate,
}

impl Lone {
    pub(super) fn from_row(row: &ConfigurationReport) -> Self {
        Self {
            number: row.number,
            model: row.model.clone(),
            heading: row.heading(),
            hyperparameters: row.hyperparameters.clone(),
            untrained: row.untrained,
            stuck: row.stuck,
            diverged: row.counts.diverged,
            error: row.error.clone(),
        }
    }
}
