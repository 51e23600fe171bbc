//! One metric, or every metric of a kind of target.

use std::collections::BTreeMap;

use super::{
    class_metrics::ClassMetrics,
    input::{InputError, Truth},
    metric::Metric,
    number_metrics::NumberMetrics,
    value::Value,
};
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
