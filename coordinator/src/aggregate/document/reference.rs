//! A stage's configurations next to values that others found.

use seedgrid_common::unit::Hyperparameters;
use serde::{Deserialize, Serialize};

/// One configuration next to one reference of the spec.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReferenceReport {
    /// Number of the configuration.
    pub configuration: usize,
    /// The hyper-parameters that the reference names.
    #[serde(rename = "where")]
    pub given: Hyperparameters,
    /// Where the reference comes from.
    pub source: String,
    /// What this report found.
    pub ours: FoundError,
    /// What the reference says.
    pub theirs: FoundError,
    /// Our mean error minus theirs.
    pub difference: Option<f64>,
    /// Half the width of the difference's 95 % interval: seeds and draws of scored pairs on both sides together.
    pub uncertainty95: Option<f64>,
    /// Whether the difference lies within it.
    pub verdict: Option<Verdict>,
    /// Why any of the three is null.
    pub reason: Option<String>,
    /// What the spec says about the likely cause of a difference.
    pub note: Option<String>,
}

/// A mean error with what is known about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoundError {
    /// Mean error.
    pub error: Option<f64>,
    /// Sample standard deviation over the units.
    pub std: Option<f64>,
    /// How many units.
    pub n: Option<usize>,
    /// Mean number of epochs.
    pub epochs: Option<f64>,
    /// How many pairs were scored.
    pub pairs: usize,
    /// Standard error of the mean error from the choice of the seeds (with folds: of the folds, too).
    pub units_standard_error: Option<f64>,
    /// Standard error from the draw of the scored pairs; null where `units_standard_error` has it.
    pub draw_standard_error: Option<f64>,
}

/// Whether a difference can be explained by what was drawn at random.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It lies within the uncertainty.
    Within,
    /// It does not.
    Differs,
}
