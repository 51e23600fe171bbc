//! Comparisons between a stage's configurations.

use serde::{Deserialize, Serialize};

/// Which configurations of a stage are compared, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComparisonsReport {
    /// Which pairs are compared.
    pub against: Against,
    /// Number of the configuration of the lowest mean error, where the others are compared with it alone.
    pub best: Option<usize>,
    /// Why there are no pairs.
    pub reason: Option<String>,
    /// In the order of the stage's table.
    pub pairs: Vec<ComparisonReport>,
}

/// Which pairs of a stage's configurations are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Against {
    /// Every configuration with every other.
    EachOther,
    /// Every configuration with the one of the lowest mean error: there are too many for all pairs.
    Best,
}

/// Two configurations of one stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComparisonReport {
    /// Number of the first configuration.
    pub first: usize,
    /// Number of the second; where there are many configurations, the best one's.
    pub second: usize,
    /// Mean error of the first minus that of the second, over the units that `t_test` is made of.
    pub difference: Option<f64>,
    /// Lower and upper end of the difference's 95 % interval, by the same method as `t_test`.
    pub ci95: Option<[f64; 2]>,
    /// The difference in standard deviations of single units, without the bias of small samples.
    pub hedges_g: Option<f64>,
    /// Why `hedges_g` is null. That `difference` or `ci95` is null has the reason of `t_test`.
    pub hedges_g_reason: Option<String>,
    /// Whether the mean errors differ.
    pub t_test: TTestReport,
    /// Whether the averaged predictions err equally often.
    pub mcnemar: McNemarReport,
}

/// A t test of two mean errors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TTestReport {
    /// Which test.
    pub method: TTestMethod,
    /// Values of the first configuration.
    pub n_first: usize,
    /// Values of the second; of a paired test as many.
    pub n_second: usize,
    /// Positive where the first errs more.
    pub t: Option<f64>,
    /// Degrees of freedom, not always whole.
    pub freedom: Option<f64>,
    /// Two-sided.
    pub p: Option<f64>,
    /// `p` after Holm's correction over the stage's pairs that have one.
    pub p_holm: Option<f64>,
    /// Why there is no test.
    pub reason: Option<String>,
}

/// Which t test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TTestMethod {
    /// Welch's, over seeds.
    Welch,
    /// Nadeau and Bengio's corrected resampled test, paired over (fold, seed).
    CorrectedResampled,
    /// Student's, paired over draws of the data.
    PairedDraws,
}

/// McNemar's exact test of two averaged predictions on the same test pairs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct McNemarReport {
    /// Test pairs that only the first classifies wrongly.
    pub first_only_wrong: Option<usize>,
    /// Test pairs that only the second classifies wrongly.
    pub second_only_wrong: Option<usize>,
    /// Two-sided, exact.
    pub p: Option<f64>,
    /// `p` after Holm's correction over the stage's pairs that have one.
    pub p_holm: Option<f64>,
    /// Why there is no test.
    pub reason: Option<String>,
}
