//! One value of a metric for several folds: the mean of the folds' values, or the value of their pooled predictions.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    description::TargetKind,
    input::{InputError, Truth},
    measure::measure,
    metric::Metric,
    value::{Undefined, Value},
};
use crate::network_outputs::Outputs;

/// How one value is made of several folds. A report says which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OverFolds {
    /// The mean of the folds' values, each fold counting the same.
    Mean,
    /// The value of all folds' predictions together, each example counting the same.
    Pooled,
}

impl fmt::Display for OverFolds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mean => "mean over folds",
            Self::Pooled => "pooled",
        })
    }
}

/// The mean of the folds' values. Diverged where one fold is; else undefined where one fold is, for the first such fold's
/// reason, or where there is no fold.
pub fn mean_over_folds(values: &[Value]) -> Value {
    let without = |value: &&Value| value.number().is_none();
    match values.iter().filter(without).find(|value| !matches!(value, Value::Undefined(_))) {
        Some(_) => Value::Diverged,
        None => match values.iter().find(without) {
            Some(undefined) => *undefined,
            None => Value::mean_of_numbers(values.iter().copied()),
        },
    }
}

/// The value of all folds' predictions together; undefined without folds.
///
/// # Errors
/// When the truth of a fold is not that of its outputs' examples, the metric is for another kind of target, or folds have
/// different numbers of columns.
pub fn pooled(metric: Metric, folds: &[(&Outputs, Truth<'_>)]) -> Result<Value, InputError> {
    let Some((first, _)) = folds.first() else { return Ok(Value::Undefined(Undefined::Empty)) };
    let columns = first.columns();
    let (mut classes, mut numbers) = (Vec::new(), Vec::new());
    for (fold, (outputs, truth)) in folds.iter().enumerate() {
        let at_fold = |cause| InputError::Fold { fold, cause: Box::new(cause) };
        if truth.kind() != metric.kind() {
            return Err(at_fold(InputError::OtherKind { metric, kind: truth.kind() }));
        }
        if outputs.columns() != columns {
            return Err(at_fold(InputError::OtherColumns { columns: outputs.columns(), first: columns }));
        }
        truth.check(outputs).map_err(at_fold)?;
        match truth {
            Truth::Classes(truth) => classes.extend_from_slice(truth),
            Truth::Numbers(truth) => numbers.extend_from_slice(truth),
        }
    }
    let outputs: Vec<&[f32]> = folds.iter().map(|(outputs, _)| outputs.values()).collect();
    // Whole rows of finite values, of at least one fold.
    let Ok(outputs) = Outputs::new(columns, outputs.concat()) else { return Ok(Value::Undefined(Undefined::Empty)) };
    let truth = match metric.kind() {
        TargetKind::Classes => Truth::Classes(&classes),
        TargetKind::Numbers => Truth::Numbers(&numbers),
    };
    measure(metric, &outputs, truth)
}

#[cfg(test)]
mod tests {
    use super::{super::measure_all, *};

    #[test]
    fn a_mean_needs_a_number_of_every_fold() {
        let missing = Value::Undefined(Undefined::MissingClass { class: 1 });
        let [low, high] = [0.25, 0.5].map(Value::Number);
        assert_eq!(mean_over_folds(&[low, high]), Value::Number(0.375));
        assert_eq!(mean_over_folds(&[low, missing, Value::Undefined(Undefined::OneExample)]), missing);
        assert_eq!(mean_over_folds(&[missing, Value::Diverged, low]), Value::Diverged);
        assert_eq!(mean_over_folds(&[Value::Number(f64::NAN), low]), Value::Diverged);
        assert_eq!(mean_over_folds(&[]), Value::Undefined(Undefined::Empty));
        assert_eq!(OverFolds::Mean.to_string() + ", " + &OverFolds::Pooled.to_string(), "mean over folds, pooled");
    }

    #[test]
    fn pooled_predictions_are_measured_as_one() {
        let logits: Vec<f32> = (0..60).map(|at| ((at * 37) % 23) as f32 / 4.0).collect();
        let classes: Vec<u32> = (0..20).map(|at| (at * 7) % 3).collect();
        let fold =
            |rows: std::ops::Range<usize>| Outputs::new(3, logits[3 * rows.start..3 * rows.end].to_vec()).unwrap();
        let all = fold(0..20);
        let parts = [fold(0..4), fold(4..5), fold(5..20)];
        let folds = [
            (&parts[0], Truth::Classes(&classes[..4])),
            (&parts[1], Truth::Classes(&classes[4..5])),
            (&parts[2], Truth::Classes(&classes[5..])),
        ];
        for (metric, value) in measure_all(&all, Truth::Classes(&classes)).unwrap() {
            assert_eq!(pooled(metric, &folds), Ok(value), "{metric}");
            let values: Vec<Value> =
                folds.iter().map(|(outputs, truth)| measure(metric, outputs, *truth).unwrap()).collect();
            assert_ne!(mean_over_folds(&values), value, "{metric}: folds of different sizes");
        }
        let folds = folds.map(|(outputs, _)| (outputs, Truth::Numbers(outputs.values())));
        assert_eq!(pooled(Metric::Rmse, &folds), Ok(Value::Number(0.0)));
        assert_eq!(pooled(Metric::R2, &folds), Ok(Value::Number(1.0)));
        assert_eq!(pooled(Metric::R2, &[]), Ok(Value::Undefined(Undefined::Empty)));
    }

    #[test]
    fn a_wrong_fold_is_named() {
        let [two, three] = [2, 3].map(|columns| Outputs::new(columns, vec![0.0; 6]).unwrap());
        let error =
            |second| pooled(Metric::Error, &[(&two, Truth::Classes(&[0, 1, 0])), second]).unwrap_err().to_string();
        assert_eq!(
            error((&three, Truth::Classes(&[0, 1]))),
            "fold 1: the outputs have 3 columns, and those of fold 0 have 2"
        );
        assert_eq!(error((&two, Truth::Classes(&[0, 1]))), "fold 1: there are 3 predicted rows and 2 true rows");
        assert_eq!(
            error((&two, Truth::Numbers(&[0.0; 6]))),
            "fold 1: the metric error is for classes, and the target has numbers"
        );
    }
}
