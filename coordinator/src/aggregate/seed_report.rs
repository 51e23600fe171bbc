//! The numbers of single seeds: the rows of seeds.csv.

/// One seed of a configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct SeedReport {
    /// The seed.
    pub seed: u64,
    /// The number of units in its means.
    pub n: usize,
    /// The number of planned units: the number of folds (1 for the hold-out) on each draw of the data.
    pub planned: usize,
    /// Whether its predictions are in the averaged prediction of its configuration.
    pub averaged: bool,
    /// The mean error over its done units; None if one diverged.
    pub error: Option<f64>,
    /// The mean number of epochs over its done units.
    pub epochs: Option<f64>,
    /// Area under the ROC curve of its predictions; with folds or several draws of the data, of the pooled predictions.
    pub auc: Option<f64>,
    /// Average precision, as for `auc`.
    pub average_precision: Option<f64>,
    /// The reason for a missing area.
    pub reason: Option<Box<str>>,
}
