//! What a race did to a stage.

use serde::{Deserialize, Serialize};

/// A stage's race.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RaceReport {
    /// As written in a spec: "friedman" or "halving".
    pub rule: String,
    /// After how many folds is decided first.
    pub first: u32,
    /// Friedman: the level of each test.
    pub alpha: Option<f64>,
    /// Halving: the share that stays.
    pub keep: Option<f64>,
    /// What it saved in this stage.
    pub saved: SavedReport,
    /// Each model of the stage, in order.
    pub models: Vec<ModelRace>,
}

/// What races saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SavedReport {
    /// Units that were skipped, each once.
    pub units: usize,
    /// What they would have taken, by an estimate: as many as their configuration's units took in the mean.
    pub epochs: f64,
}

/// One model's race.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelRace {
    /// The model's name.
    pub model: String,
    /// The model's title.
    pub title: String,
    /// Whether nothing is left to decide.
    pub ended: bool,
    /// The rungs that were decided, in order.
    pub rungs: Vec<RungReport>,
}

/// One rung: what was decided after some of the folds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RungReport {
    /// After how many folds.
    pub folds: u32,
    /// How many configurations had raced to it.
    pub entered: usize,
    /// How many raced on.
    pub stayed: usize,
    /// The test of whether any of them differ; null where the rule makes none.
    pub test: Option<RungTest>,
    /// Who left, in the order of the stage.
    pub left: Vec<LeaverReport>,
}

/// The test of whether any configurations differ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RungTest {
    /// "friedman", or "wilcoxon" of two.
    pub method: String,
    /// Friedman's chi-squared or Wilcoxon's smaller sum of ranks.
    pub statistic: Option<f64>,
    /// Degrees of freedom of Friedman's.
    pub freedom: Option<usize>,
    /// Two-sided.
    pub p: Option<f64>,
    /// Why these are null.
    pub reason: Option<String>,
}

/// A configuration that left a race.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeaverReport {
    /// Its number.
    pub configuration: usize,
    /// "outraced"; "diverged": more of its units had diverged than of another's; or "incomplete": one of its units had failed.
    pub why: String,
    /// Its mean error over the folds up to then; null where a unit had diverged or failed.
    pub error: Option<f64>,
    /// Its ranks in these folds added up; null where the rule does not go by ranks.
    pub rank_sum: Option<f64>,
    /// p of its comparison with the best; null where none was made.
    pub p: Option<f64>,
    /// How many of its units were skipped.
    pub skipped: usize,
}
