//! Metrics of predictions: [`measure`] gives one of them, [`measure_all`] every one; [`ClassMetrics`] and
//! [`NumberMetrics`] give also the parts for tables and figures.
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
mod input;
mod metric;
mod number_metrics;
mod probability_scores;
#[cfg(test)]
mod properties;
mod ranking;
mod value;

use std::collections::BTreeMap;

pub use calibration::{BINS, Bin, Calibration};
pub use class_metrics::ClassMetrics;
pub use class_weights::balanced_class_weights;
pub use confusion_matrix::{ClassScores, ConfusionMatrix};
pub use description::{Description, Direction, Range, TargetKind, Unit};
pub use input::{InputError, Truth};
pub use metric::{Metric, UnknownMetric};
pub use number_metrics::{ColumnMetrics, NumberMetrics};
pub use ranking::{ClassAreas, RankingAreas};
pub use value::{Undefined, Value};

use crate::network_outputs::Outputs;

/// The value of one metric of these outputs; nothing else is computed.
///
/// # Errors
/// When the truth is not that of the outputs' examples, or the metric is for another kind of target.
pub fn measure(metric: Metric, outputs: &Outputs, truth: Truth<'_>) -> Result<Value, InputError> {
    let value = match truth {
        Truth::Classes(classes) => ClassMetrics::new(outputs, classes)?.value(metric),
        Truth::Numbers(numbers) => NumberMetrics::new(outputs, numbers)?.value(metric),
    };
    value.ok_or(InputError::OtherKind { metric, kind: truth.kind() })
}

/// The values of all metrics of this kind of target.
///
/// # Errors
/// When the truth is not that of the outputs' examples.
pub fn measure_all(outputs: &Outputs, truth: Truth<'_>) -> Result<BTreeMap<Metric, Value>, InputError> {
    let values = |value: &dyn Fn(Metric) -> Option<Value>| {
        Metric::ALL.into_iter().filter_map(|metric| Some((metric, value(metric)?))).collect()
    };
    Ok(match truth {
        Truth::Classes(classes) => {
            let metrics = ClassMetrics::new(outputs, classes)?;
            values(&|metric| metrics.value(metric))
        }
        Truth::Numbers(numbers) => {
            let metrics = NumberMetrics::new(outputs, numbers)?;
            values(&|metric| metrics.value(metric))
        }
    })
}
