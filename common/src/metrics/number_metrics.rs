//! The metrics of predicted numbers.

use super::{
    input::{InputError, check_numbers},
    metric::Metric,
    value::{Undefined, Value},
};
use crate::{
    exact_sum::{ExactSum, sum},
    network_outputs::Outputs,
};

/// The metrics of predicted numbers. With several columns, each metric is the mean of the columns' values
/// (scikit-learn's `multioutput="uniform_average"`).
#[derive(Clone, Debug, PartialEq)]
pub struct NumberMetrics {
    /// The number of examples.
    pub examples: usize,
    /// Each column's metrics.
    pub columns: Vec<ColumnMetrics>,
}

/// The metrics of one column of numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ColumnMetrics {
    /// The square root of the mean squared difference.
    pub rmse: f64,
    /// The mean absolute difference.
    pub mae: f64,
    /// 1 - sum (true - predicted)^2 / sum (true - mean)^2. Undefined where there is one example, or the true numbers
    /// are all equal.
    pub r2: Value,
}

impl NumberMetrics {
    /// The metrics of these examples, whose true numbers come row by row as the outputs do.
    ///
    /// # Errors
    /// When these are no numbers of the outputs' examples.
    pub fn new(outputs: &Outputs, numbers: &[f32]) -> Result<Self, InputError> {
        check_numbers(outputs, numbers)?;
        let columns = (0..outputs.columns()).map(|column| ColumnMetrics::new(outputs, numbers, column));
        Ok(Self { examples: outputs.rows(), columns: columns.collect() })
    }

    /// The value of a metric: the mean of the columns' values, or the reason of the first column without one. None
    /// where the metric is for classes.
    pub fn value(&self, metric: Metric) -> Option<Value> {
        let value = |column: &ColumnMetrics| match metric {
            Metric::Rmse => Some(Value::Number(column.rmse)),
            Metric::Mae => Some(Value::Number(column.mae)),
            Metric::R2 => Some(column.r2),
            _ => None,
        };
        let values: Vec<Value> = self.columns.iter().map(value).collect::<Option<_>>()?;
        let without = values.iter().find(|value| value.number().is_none()).copied();
        Some(without.unwrap_or_else(|| Value::mean_of_numbers(values.into_iter())))
    }
}

impl ColumnMetrics {
    fn new(outputs: &Outputs, numbers: &[f32], column: usize) -> Self {
        let of_column = |values: &'_ [f32]| -> Vec<f64> {
            values.iter().skip(column).step_by(outputs.columns()).map(|value| f64::from(*value)).collect()
        };
        let (predicted, truth) = (of_column(outputs.values()), of_column(numbers));
        let n = truth.len() as f64;
        let (mut squares, mut absolute) = (ExactSum::default(), ExactSum::default());
        for (predicted, truth) in predicted.iter().zip(&truth) {
            let difference = predicted - truth;
            squares.add(difference * difference);
            absolute.add(difference.abs());
        }
        let column = u32::try_from(column).unwrap_or(u32::MAX);
        let r2 = if truth.len() < 2 {
            Value::Undefined(Undefined::OneExample)
        } else if truth.iter().all(|number| *number == truth[0]) {
            Value::Undefined(Undefined::ConstantTarget { column })
        } else {
            let mean = sum(truth.iter().copied()) / n;
            let spread = sum(truth.iter().map(|number| (number - mean) * (number - mean)));
            Value::Number(1.0 - squares.rounded() / spread)
        };
        Self { rmse: libm::sqrt(squares.rounded() / n), mae: absolute.rounded() / n, r2 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(columns: usize, predicted: &[f32], truth: &[f32]) -> NumberMetrics {
        NumberMetrics::new(&Outputs::new(columns, predicted.to_vec()).unwrap(), truth).unwrap()
    }

    #[test]
    fn several_columns_have_the_mean_of_their_values() {
        // Differences 3 and 3 in the first column, 4 and 0 in the second.
        let found = metrics(2, &[3.0, 4.0, 4.0, 1.0], &[0.0, 0.0, 1.0, 1.0]);
        assert_eq!((found.columns[0].rmse, found.columns[1].rmse), (3.0, 8.0_f64.sqrt()));
        assert_eq!(found.value(Metric::Rmse), Some(Value::Number((3.0 + 8.0_f64.sqrt()) / 2.0)));
        assert_eq!(found.value(Metric::Mae), Some(Value::Number(2.5)));
        assert_eq!(found.value(Metric::R2), Some(Value::Number((1.0 - 18.0 / 0.5 + 1.0 - 16.0 / 0.5) / 2.0)));
        assert_eq!(found.value(Metric::Error), None);
    }

    #[test]
    fn r2_needs_a_spread() {
        assert_eq!(metrics(1, &[1.0], &[1.0]).columns[0].r2, Value::Undefined(Undefined::OneExample));
        let constant = metrics(2, &[1.0, 0.1, 2.0, 0.1, 3.0, 0.1], &[1.0, 0.1, 2.0, 0.1, 3.0, 0.1]);
        let reason = Value::Undefined(Undefined::ConstantTarget { column: 1 });
        assert_eq!((constant.columns[0].r2, constant.columns[1].r2), (Value::Number(1.0), reason));
        assert_eq!(constant.value(Metric::R2), Some(reason));
        assert_eq!(constant.value(Metric::Mae), Some(Value::Number(0.0)));
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        let found = metrics(1, &[f32::MAX, f32::MIN], &[f32::MIN, f32::MAX]);
        assert_eq!(found.columns[0].mae, 2.0 * f64::from(f32::MAX));
        assert_eq!(found.columns[0].rmse, found.columns[0].mae);
        assert_eq!(found.columns[0].r2, Value::Number(-3.0));
        let least = f32::from_bits(1);
        assert_eq!(metrics(1, &[0.0, 0.0], &[0.0, least]).columns[0].r2, Value::Number(-1.0));
    }
}
