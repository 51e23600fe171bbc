//! Comparisons between a stage's configurations.

use serde::{Deserialize, Serialize};

use super::IntervalMethod;

/// The compared configurations of a stage, with the results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ComparisonsReport {
    /// The kind of pairs.
    pub against: Against,
    /// The number of the configuration with the lowest mean error, if the others are compared with it alone.
    pub best: Option<usize>,
    /// The reason for missing pairs.
    pub reason: Option<String>,
    /// The pairs, in the order of the stage's table.
    pub pairs: Vec<ComparisonReport>,
}

/// The kind of compared pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Against {
    /// Every configuration with every other.
    EachOther,
    /// Every configuration with the one of the lowest mean error: there are too many for all pairs.
    Best,
}

/// Two configurations of one stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ComparisonReport {
    /// Number of the first configuration.
    pub first: usize,
    /// Number of the second; with many configurations, the best one's.
    pub second: usize,
    /// Mean error of the first minus that of the second, over the seeds with all units done in both.
    pub difference: Option<f64>,
    /// The difference in standard deviations of single units, corrected for the bias of small samples.
    pub hedges_g: Option<f64>,
    /// The reason for a missing `hedges_g`.
    pub hedges_g_reason: Option<String>,
    /// The test of whether the mean errors differ, for other seeds and other examples.
    pub t_test: TTestReport,
    /// The same test for other seeds on these test examples; its reason explains a missing test.
    pub seeds_test: TTestReport,
    /// The test of whether the averaged predictions err equally often.
    pub mcnemar: McNemarReport,
    /// The test of whether the averaged predictions' areas under the ROC curve differ.
    pub auc_test: AucTestReport,
}

/// A t test of the difference of two mean errors, paired by seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TTestReport {
    /// The method of the test.
    pub method: IntervalMethod,
    /// The number of seeds that both configurations have in it.
    pub seeds: usize,
    /// The t statistic, positive if the first errs more.
    pub t: Option<f64>,
    /// Degrees of freedom, possibly fractional.
    pub freedom: Option<f64>,
    /// The two-sided p-value.
    pub p: Option<f64>,
    /// `p` after Holm's correction over all of the stage's pairs with a `p`.
    pub p_holm: Option<f64>,
    /// Lower and upper end of the difference's 95 % interval, for this pair alone.
    pub ci95: Option<[f64; 2]>,
    /// As `ci95`, but all of the stage's intervals together contain their differences with 95 % (Bonferroni).
    pub ci95_simultaneous: Option<[f64; 2]>,
    /// The sources of chance that test and interval cover, and those that they do not cover.
    pub covers: String,
    /// The reason for a missing test.
    pub reason: Option<String>,
}

/// McNemar's exact test of two averaged predictions on the same test pairs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct McNemarReport {
    /// The number of test pairs that only the first classifies wrongly.
    pub first_only_wrong: Option<usize>,
    /// The number of test pairs that only the second classifies wrongly.
    pub second_only_wrong: Option<usize>,
    /// The two-sided, exact p-value.
    pub p: Option<f64>,
    /// `p` after Holm's correction over all of the stage's pairs with a `p`.
    pub p_holm: Option<f64>,
    /// The reason for a missing test.
    pub reason: Option<String>,
}

/// The test of DeLong, DeLong and Clarke-Pearson (1988) of two averaged predictions' areas on the same test pairs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AucTestReport {
    /// Area of the first minus that of the second.
    pub difference: Option<f64>,
    /// The standard error of the difference, for another draw of the test pairs.
    pub standard_error: Option<f64>,
    /// Lower and upper end of the difference's 95 % interval, for this pair alone.
    pub ci95: Option<[f64; 2]>,
    /// The two-sided p-value.
    pub p: Option<f64>,
    /// `p` after Holm's correction over all of the stage's pairs with a `p`.
    pub p_holm: Option<f64>,
    /// The reason for a missing test.
    pub reason: Option<String>,
}
