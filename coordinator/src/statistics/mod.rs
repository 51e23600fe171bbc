//! Statistics on plain numbers: exact sums, distributions, intervals and tests, independent of studies and units.

pub(crate) mod bootstrap;
pub(crate) mod crossed_standard_error;
pub(crate) mod delong;
pub(crate) mod effect_size;
pub(crate) mod exact;
#[cfg(test)]
mod fixtures;
pub(crate) mod friedman;
pub(crate) mod holm;
pub(crate) mod mcnemar;
pub(crate) mod mean_error;
pub(crate) mod paired_t_test;
pub mod roc_and_precision_recall;
pub(crate) mod student_t;
pub(crate) mod variance_components;
pub(crate) mod wilcoxon;
pub(crate) mod wilson_interval;
