//! Metrics of predictions: [`measure`] gives one of them, [`measure_all`] every one; [`ClassMetrics`] and
//! [`NumberMetrics`] give also the parts for tables and figures. [`mean_over_folds`] and [`pooled`] make one value of several
//! folds.
//!
//! Everything is pure. Numbers are doubles; logarithms and exponentials are `libm`'s, sums are exact and rounded once.
//! So the values are the same to the bit on every machine, and the order of the examples does not matter. docs/metrics.md
//! defines each metric, and tells when one is undefined.

mod calibration;
mod class_metrics;
mod class_weights;
mod confusion_matrix;
mod description;
#[cfg(test)]
mod fixtures;
mod folds;
mod input;
mod measure;
mod metric;
mod number_metrics;
mod probability_scores;
#[cfg(test)]
mod properties;
mod ranking;
mod value;

pub use calibration::{BINS, Bin, Calibration};
pub use class_metrics::ClassMetrics;
pub use class_weights::balanced_class_weights;
pub use confusion_matrix::{ClassScores, ConfusionMatrix};
pub use description::{Description, Direction, Range, TargetKind, Unit};
pub use folds::{OverFolds, mean_over_folds, pooled};
pub use input::{InputError, Truth};
pub use measure::{measure, measure_all};
pub use metric::{Metric, UnknownMetric};
pub use number_metrics::{ColumnMetrics, NumberMetrics};
pub use ranking::{ClassAreas, RankingAreas};
pub use value::{Undefined, Value};
