//! The summary of a stage's race.

use serde::{Deserialize, Serialize};

use crate::scheduler::race::LeaveReason;

/// A stage's race.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RaceReport {
    /// The rule's name in a spec: "friedman" or "halving".
    pub rule: String,
    /// The number of folds before the first decision.
    pub first: u32,
    /// The level of each test, for Friedman's rule.
    pub alpha: Option<f64>,
    /// The share that stays, for halving.
    pub keep: Option<f64>,
    /// The race's savings in this stage.
    pub saved: SavedReport,
    /// The race of each model of the stage, in order.
    pub models: Vec<ModelRace>,
}

/// The savings of races.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SavedReport {
    /// The number of skipped units, each counted once.
    pub units: usize,
    /// The estimated epochs of the skipped units: the mean of their configuration's trained units for each.
    pub epochs: f64,
}

/// One model's race.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ModelRace {
    /// The model's name.
    pub model: String,
    /// The model's title.
    pub title: String,
    /// Whether no decision is left.
    pub ended: bool,
    /// The decided rungs, in order.
    pub rungs: Vec<RungReport>,
}

/// One rung: the decision after some of the folds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RungReport {
    /// The number of folds before the rung.
    pub folds: u32,
    /// The number of configurations that reached the rung.
    pub entered: usize,
    /// The number of configurations that stayed in the race.
    pub stayed: usize,
    /// The test of whether any of them differ; null if the rule has no test.
    pub test: Option<RungTest>,
    /// The leavers, in the order of the stage.
    pub left: Vec<LeaverReport>,
}

/// The test of whether any configurations differ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RungTest {
    /// "friedman", or "wilcoxon" of two.
    pub method: String,
    /// Friedman's chi-squared or Wilcoxon's smaller sum of ranks.
    pub statistic: Option<f64>,
    /// Degrees of freedom of Friedman's test.
    pub freedom: Option<usize>,
    /// The two-sided p-value.
    pub p: Option<f64>,
    /// The reason for a null among these.
    pub reason: Option<String>,
}

/// A configuration that left a race.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LeaverReport {
    /// The configuration's number.
    pub configuration: usize,
    /// The reason.
    pub why: LeaveReason,
    /// The mean error over the folds before the rung; null if a unit had diverged or failed.
    pub error: Option<f64>,
    /// The sum of its ranks in these folds; null if the rule does not use ranks.
    pub rank_sum: Option<f64>,
    /// The p-value of its comparison with the best; null without a comparison.
    pub p: Option<f64>,
    /// The number of its skipped units.
    pub skipped: usize,
}
