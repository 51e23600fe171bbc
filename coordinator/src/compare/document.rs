//! `seedgrid compare --format json`, as plain data; docs/cli.md describes it. The number of the schema grows when a field changes its
//! meaning or goes away.

use std::path::PathBuf;

use seedgrid_common::hyperparameters::Hyperparameters;
use serde::Serialize;

use crate::aggregate::document::{ConfigurationReport, Counts, DatasetSummary, Estimate, EvaluationReport, Spread};

/// Value of [`Comparison::schema`].
pub const SCHEMA: &str = "seedgrid.compare/2";

/// Two runs side by side.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The run that was named first: A.
    pub first: RunSummary,
    /// The run that was named second: B.
    pub second: RunSummary,
    /// Whether every stage that both have was trained and scored on the same bytes; where they have none in common, whether all draws
    /// are the same.
    pub same_dataset: bool,
    /// Every key of the specs whose value differs.
    pub spec_differences: Vec<Setting>,
    /// Whether units that both have came out the same.
    pub units: ComparedUnits,
    /// The stages that both have, in the order of the first.
    pub stages: Vec<ComparedStage>,
    /// Names of stages that only the first has.
    pub only_first: Vec<String>,
    /// Names of stages that only the second has.
    pub only_second: Vec<String>,
}

/// One of the runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunSummary {
    /// As it was named.
    pub path: PathBuf,
    /// The study's name.
    pub study: String,
    /// What was trained on.
    pub dataset: DatasetSummary,
    /// Over all stages.
    pub units: Counts,
    /// Whether every planned unit has a result.
    pub complete: bool,
    /// Versions of Seedgrid that gave its results.
    pub versions: Vec<String>,
    /// Numerics classes of its results.
    pub numerics_classes: Vec<String>,
}

/// A setting and its value in each run; null where it has none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// Its name; of a spec's setting, with the tables that it is in.
    pub name: String,
    /// In the first run.
    pub first: Option<String>,
    /// In the second run.
    pub second: Option<String>,
}

/// Units by id: equal ids are equal work on equal data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ComparedUnits {
    /// Planned in both runs.
    pub shared: usize,
    /// Of these, with a result in both.
    pub trained: usize,
    /// Of these, with bit-identical results.
    pub identical: usize,
    /// With different results of different numerics classes, which may differ.
    pub other_class: usize,
    /// With different results of one numerics class, which must not differ.
    pub contradicting: Vec<Contradiction>,
    /// Planned in the first run only.
    pub only_first: usize,
    /// Planned in the second run only.
    pub only_second: usize,
}

/// A unit with two results that should be one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Contradiction {
    /// Its id.
    pub unit: String,
    /// What it is.
    pub label: String,
    /// Of both results.
    pub numerics_class: String,
}

/// A stage that both runs have.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComparedStage {
    /// Its name.
    pub name: String,
    /// How configurations are scored in the first run and in the second.
    pub evaluations: [EvaluationReport; 2],
    /// What it is trained and scored on.
    pub data: StageData,
    /// Configurations that belong together, in the order of the first.
    pub configurations: Vec<ComparedConfiguration>,
    /// Configurations that only the first has.
    pub only_first: Vec<Lone>,
    /// Configurations that only the second has.
    pub only_second: Vec<Lone>,
}

/// What a stage is trained and scored on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StageData {
    /// Whether its draws have the same seeds and digests in both runs.
    pub same: bool,
    /// In the first run, for people.
    pub first: String,
    /// In the second run.
    pub second: String,
}

/// One configuration, or two that belong together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComparedConfiguration {
    /// Its model.
    pub model: String,
    /// The model's title.
    pub title: String,
    /// What tells it from others of its model.
    pub variant: String,
    /// The settings that differ between the two; empty where they are one configuration.
    pub settings: Vec<Setting>,
    /// In the first run.
    pub first: Found,
    /// In the second run.
    pub second: Found,
    /// The second's mean error minus the first's.
    pub difference: Difference,
    /// Of its units, those that both runs have by id.
    pub units: SharedUnits,
}

impl ComparedConfiguration {
    /// How many seeds the difference is over, where these are fewer than those of one of the two means.
    pub fn common_seeds(&self) -> Option<usize> {
        let Self { difference, first, second, .. } = self;
        let paired = difference.method != Method::Independent && difference.mean.is_some();
        (paired && difference.seeds_first < first.seeds.max(second.seeds)).then_some(difference.seeds_first)
    }

    /// The model's title with the variant.
    pub fn heading(&self) -> String {
        if self.variant.is_empty() { self.title.clone() } else { format!("{} ({})", self.title, self.variant) }
    }
}

/// What a run found of a configuration.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// Its number in the run's report.
    pub number: usize,
    /// How many units are in the means.
    pub n: usize,
    /// How many there should be.
    pub planned: usize,
    /// How many seeds the units in the means are of.
    pub seeds: usize,
    /// How many of these units are untrained; see report.json.
    pub untrained: usize,
    /// How many of these units are stuck.
    pub stuck: usize,
    /// How many diverged: then there is no mean error.
    pub diverged: usize,
    /// Its place among the configurations of its stage, 1 being the best.
    pub rank: usize,
    /// Whether it is complete, and so can be the best one.
    pub can_be_best: bool,
    /// Share of scored pairs classified wrongly, over the done units.
    pub error: Estimate,
    /// Epochs that were trained, over the done units.
    pub epochs: Spread,
    /// Mean area under the ROC curves of single networks, over the done units that have one; null without any.
    pub auc: Option<f64>,
}

impl Found {
    pub(super) fn of(row: &ConfigurationReport) -> Self {
        Self {
            number: row.number,
            n: row.n,
            planned: row.counts.planned,
            seeds: row.done_seeds(),
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
pub struct Difference {
    /// The second's mean error minus the first's; of a paired method, over what both have.
    pub mean: Option<f64>,
    /// Its 95 % interval.
    pub ci95: Option<[f64; 2]>,
    /// How they were made.
    pub method: Method,
    /// Seeds of the first run that they are made of; of a paired method as many as of the second.
    pub seeds_first: usize,
    /// Seeds of the second run.
    pub seeds_second: usize,
    /// What may be drawn anew so that the interval still holds its promise.
    pub covers: String,
    /// Why there is no interval.
    pub reason: Option<String>,
}

/// How a difference's interval was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Crossed random effects of the shared seeds and the test examples.
    PairedExamples,
    /// Crossed random effects of the shared seeds and the folds, with Nadeau and Bengio's correction.
    PairedFolds,
    /// Crossed random effects of the shared seeds and the draws of the data.
    PairedDraws,
    /// Each run's own standard error, and Welch and Satterthwaite's degrees of freedom: they share no seeds, or not their data.
    Independent,
}

impl Method {
    /// In a few words.
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
pub struct SharedUnits {
    /// With a result in both.
    pub trained: usize,
    /// Of these, with bit-identical results.
    pub identical: usize,
}

/// A configuration that only one of the runs has.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lone {
    /// Its number in the run's report.
    pub number: usize,
    /// Its model.
    pub model: String,
    /// The model's title with what tells it from others.
    pub heading: String,
    /// All of them.
    pub hyperparameters: Hyperparameters,
    /// How many of its done units are untrained.
    pub untrained: usize,
    /// How many of its done units are stuck.
    pub stuck: usize,
    /// How many of its units diverged: then there is no mean error.
    pub diverged: usize,
    /// Share of scored pairs classified wrongly, over the done units.
    pub error: Estimate,
}

impl Lone {
    pub(super) fn of(row: &ConfigurationReport) -> Self {
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
