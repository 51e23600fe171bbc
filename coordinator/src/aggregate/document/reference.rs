//! A stage's configurations next to values that others found.

use seedgrid_common::hyperparameters::Hyperparameters;
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
    /// Half the width of its 90 % interval, with which equivalence is tested at the level 0.05.
    pub uncertainty90: Option<f64>,
    /// Up to which difference the spec calls both equivalent.
    pub margin: Option<f64>,
    /// What can be said of the difference.
    pub verdict: Option<Verdict>,
    /// Why any of these is null, but for the margin.
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
    /// Standard error of the mean error, from seeds and draws together.
    pub standard_error: Option<f64>,
    /// The part of it from the draw of the scored pairs, where that is known by itself.
    pub draw_standard_error: Option<f64>,
}

/// What can be said of a difference from a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Chance does not explain it: it is larger than its uncertainty.
    Differs,
    /// It is smaller than the spec's margin beyond doubt: both one-sided tests against the margin reject at 0.05 (Schuirmann 1987).
    Equivalent,
    /// Chance explains it.
    Within,
    /// Chance explains it, but would also explain one as large as the margin; without a margin, as half of the reference's error.
    TooUncertain,
}

impl Verdict {
    /// As report.json and references.csv write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Differs => "differs",
            Self::Equivalent => "equivalent",
            Self::Within => "within",
            Self::TooUncertain => "too-uncertain",
        }
    }
}
