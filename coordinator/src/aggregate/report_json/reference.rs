//! A stage's configurations next to published values.

use seedgrid_common::hyperparameters::Hyperparameters;
use serde::{Deserialize, Serialize};

/// One configuration next to one reference of the spec.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReferenceReport {
    /// Number of the configuration.
    pub configuration: usize,
    /// The hyper-parameters that the reference names.
    #[serde(rename = "where")]
    #[cfg_attr(test, schemars(with = "crate::cli::schemas::Hyperparameters"))]
    pub given: Hyperparameters,
    /// The source of the reference.
    pub source: String,
    /// The error in this report.
    pub ours: FoundError,
    /// The error of the reference.
    pub theirs: FoundError,
    /// Our mean error minus theirs.
    pub difference: Option<f64>,
    /// Half the width of the difference's 95 % interval: seeds and draws of scored pairs on both sides together.
    pub uncertainty95: Option<f64>,
    /// Half the width of its 90 % interval, for the test of equivalence at the level 0.05.
    pub uncertainty90: Option<f64>,
    /// The largest difference that the spec calls equivalent.
    pub margin: Option<f64>,
    /// The verdict on the difference.
    pub verdict: Option<Verdict>,
    /// The reason for a null among these, except the margin.
    pub reason: Option<String>,
    /// The spec's note about the likely cause of a difference.
    pub note: Option<String>,
}

/// A mean error with its details.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FoundError {
    /// Mean error.
    pub error: Option<f64>,
    /// Sample standard deviation over the units.
    pub std: Option<f64>,
    /// The number of units.
    pub n: Option<usize>,
    /// Mean number of epochs.
    pub epochs: Option<f64>,
    /// The number of scored pairs.
    pub pairs: usize,
    /// Standard error of the mean error, from seeds and draws together.
    pub standard_error: Option<f64>,
    /// The part of it from the draw of the scored pairs, if that is known separately.
    pub draw_standard_error: Option<f64>,
}

/// The verdict on a difference from a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Chance does not explain the difference: it is larger than its uncertainty.
    Differs,
    /// The difference is smaller than the spec's margin: both one-sided tests against the margin reject at 0.05
    /// (Schuirmann 1987).
    Equivalent,
    /// Chance explains the difference.
    Within,
    /// Chance explains the difference, but would also explain one as large as the margin; without a margin, as half of
    /// the reference's error.
    TooUncertain,
}

impl Verdict {
    /// The verdict's name in report.json and references.csv.
    pub fn name(self) -> &'static str {
        match self {
            Self::Differs => "differs",
            Self::Equivalent => "equivalent",
            Self::Within => "within",
            Self::TooUncertain => "too-uncertain",
        }
    }
}
