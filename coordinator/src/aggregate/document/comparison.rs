//! Comparisons between a stage's configurations.

use serde::{Deserialize, Serialize};

use super::IntervalMethod;

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
    /// Mean error of the first minus that of the second, over the seeds of which both have all units done.
    pub difference: Option<f64>,
    /// The difference in standard deviations of single units, without the bias of small samples.
    pub hedges_g: Option<f64>,
    /// Why `hedges_g` is null.
    pub hedges_g_reason: Option<String>,
    /// Whether the mean errors differ, for other seeds and other examples.
    pub t_test: TTestReport,
    /// Whether they differ for other seeds on these very test examples; its reason says why there is none elsewhere.
    pub seeds_test: TTestReport,
    /// Whether the averaged predictions err equally often.
    pub mcnemar: McNemarReport,
    /// Whether the averaged predictions' areas under the ROC curve differ.
    pub auc_test: AucTestReport,
}

/// A t test of the difference of two mean errors, paired by seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TTestReport {
    /// Which test.
    pub method: IntervalMethod,
    /// Seeds that both configurations have in it.
    pub seeds: usize,
    /// Positive where the first errs more.
    pub t: Option<f64>,
    /// Degrees of freedom, not always whole.
    pub freedom: Option<f64>,
    /// Two-sided.
    pub p: Option<f64>,
    /// `p` after Holm's correction over the stage's pairs that have one.
    pub p_holm: Option<f64>,
    /// Lower and upper end of the difference's 95 % interval, for this pair by itself.
    pub ci95: Option<[f64; 2]>,
    /// As `ci95`, but all of the stage's intervals together hold their differences with 95 % (Bonferroni).
    pub ci95_simultaneous: Option<[f64; 2]>,
    /// What may be drawn anew so that test and interval still hold their promise, and what may not.
    pub covers: String,
    /// Why there is no test.
    pub reason: Option<String>,
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

/// The test of DeLong, DeLong and Clarke-Pearson (1988) of two averaged predictions' areas on the same test pairs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AucTestReport {
    /// Area of the first minus that of the second.
    pub difference: Option<f64>,
    /// Of the difference, for another draw of the test pairs.
    pub standard_error: Option<f64>,
    /// Lower and upper end of the difference's 95 % interval, for this pair by itself.
    pub ci95: Option<[f64; 2]>,
    /// Two-sided.
    pub p: Option<f64>,
    /// `p` after Holm's correction over the stage's pairs that have one.
    pub p_holm: Option<f64>,
    /// Why there is no test.
    pub reason: Option<String>,
}
