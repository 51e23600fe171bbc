//! A network's raw values of the primary output, for the scored examples.
//!
//! Only [`classification`](crate::classification) interprets them.

use serde::Serialize;

/// The raw values of a primary output: a row for each scored example, a column for each class (logits).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outputs {
    columns: usize,
    /// The values, row by row; all finite.
    values: Vec<f32>,
}

/// The reason why values are no outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutputsError {
    /// There is no row or no column.
    #[error("must have a row and a column, and has {values} values in {columns} columns")]
    Empty {
        /// The number of values.
        values: usize,
        /// The number of columns.
        columns: usize,
    },
    /// The last row is incomplete.
    #[error("must have whole rows, and has {values} values in {columns} columns")]
    Ragged {
        /// The number of values.
        values: usize,
        /// The number of columns.
        columns: usize,
    },
    /// A value is NaN or infinite.
    #[error("must hold finite values")]
    NotFinite,
}

impl Outputs {
    /// The outputs with these values, row by row, in so many columns.
    ///
    /// # Errors
    /// When the values make no complete rows, or one of them is not finite.
    pub fn new(columns: usize, values: Vec<f32>) -> Result<Self, OutputsError> {
        let count = values.len();
        if count == 0 || columns == 0 {
            return Err(OutputsError::Empty { values: count, columns });
        }
        if !count.is_multiple_of(columns) {
            return Err(OutputsError::Ragged { values: count, columns });
        }
        if values.iter().any(|value| !value.is_finite()) {
            return Err(OutputsError::NotFinite);
        }
        Ok(Self { columns, values })
    }

    /// Number of scored examples.
    pub fn rows(&self) -> usize {
        self.values.len() / self.columns
    }

    /// Number of values of each example.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Each example's values, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.columns)
    }

    /// All values, row by row.
    pub fn values(&self) -> &[f32] {
        &self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_make_whole_rows_of_finite_numbers() {
        let outputs = Outputs::new(3, vec![1.0, 2.0, 3.0, 4.0, 5.0, -0.0]).unwrap();
        assert_eq!((outputs.rows(), outputs.columns()), (2, 3));
        assert_eq!(outputs.iter().map(|row| row[0]).collect::<Vec<_>>(), [1.0, 4.0]);
        assert_eq!(Outputs::new(3, vec![]), Err(OutputsError::Empty { values: 0, columns: 3 }));
        assert_eq!(Outputs::new(0, vec![1.0]), Err(OutputsError::Empty { values: 1, columns: 0 }));
        assert_eq!(Outputs::new(2, vec![1.0; 3]), Err(OutputsError::Ragged { values: 3, columns: 2 }));
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert_eq!(Outputs::new(1, vec![0.0, value]), Err(OutputsError::NotFinite));
        }
    }
}
