//! The truth that predictions are compared with, and its faults.

use super::{description::TargetKind, metric::Metric};
use crate::{network_outputs::Outputs, text::count};

/// The truth of the examples that a network predicted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Truth<'a> {
    /// The class of each example: the column of its logit.
    Classes(&'a [u32]),
    /// The numbers of each example, row by row, in as many columns as the outputs have.
    Numbers(&'a [f32]),
}

impl Truth<'_> {
    /// The kind of target.
    pub fn kind(self) -> TargetKind {
        match self {
            Self::Classes(_) => TargetKind::Classes,
            Self::Numbers(_) => TargetKind::Numbers,
        }
    }

    /// Checks that this is the truth of the outputs' examples.
    ///
    /// # Errors
    /// When it is not.
    pub fn check(self, outputs: &Outputs) -> Result<(), InputError> {
        match self {
            Self::Classes(classes) => ClassExamples::new(outputs, classes).map(drop),
            Self::Numbers(numbers) => check_numbers(outputs, numbers),
        }
    }
}

/// The reason why outputs cannot be measured. Rows, columns and folds are counted from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum InputError {
    /// The numbers of outputs and of true classes or numbers differ.
    #[error("there are {} and {}", count(*outputs, "predicted row"), count(*truth, "true row"))]
    #[diagnostic(help("give the truth of exactly the predicted examples, in their order"))]
    Rows {
        /// Number of predicted rows.
        outputs: usize,
        /// Number of true classes.
        truth: usize,
    },
    /// The numbers of predicted and of true numbers differ.
    #[error("there are {} and {} in {}", count(*outputs, "predicted number"), count(*truth, "true number"), count(*columns, "column"))]
    #[diagnostic(help("give the truth of exactly the predicted examples, in their order, with every column"))]
    Numbers {
        /// Number of predicted numbers.
        outputs: usize,
        /// Number of true numbers.
        truth: usize,
        /// Number of columns.
        columns: usize,
    },
    /// There is only one class.
    #[error("the outputs have one column, and classes need at least two")]
    #[diagnostic(help("a network for classes has one logit for each class"))]
    OneColumn,
    /// A class without a column.
    #[error("row {row} has the class {class}, but there are {}", count(*classes, "class"))]
    #[diagnostic(help("classes are numbered from 0, as the columns of the outputs are"))]
    NoSuchClass {
        /// The row.
        row: usize,
        /// The class.
        class: u32,
        /// Number of classes.
        classes: usize,
    },
    /// A true number is NaN or infinite.
    #[error("the true number in row {row}, column {column} is not finite")]
    #[diagnostic(help("remove the example, or replace the number"))]
    NotFinite {
        /// The row.
        row: usize,
        /// The column.
        column: usize,
    },
    /// The metric is of another kind of target.
    #[error("the metric {metric} is for {}, and the target has {kind}", metric.kind())]
    #[diagnostic(help("metrics for {kind}: {}", Metric::for_kind(*kind).map(Metric::name).collect::<Vec<_>>().join(", ")))]
    OtherKind {
        /// The metric.
        metric: Metric,
        /// The kind of the target.
        kind: TargetKind,
    },
    /// A fold's outputs have other columns than the first fold's.
    #[error("the outputs have {}, and those of fold 0 have {first}", count(*columns, "column"))]
    #[diagnostic(help("pool the folds of one configuration"))]
    OtherColumns {
        /// Number of columns.
        columns: usize,
        /// Number of columns of the first fold.
        first: usize,
    },
    /// A fold cannot be measured.
    #[error("fold {fold}: {cause}")]
    #[diagnostic(help("{}", help(cause)))]
    Fold {
        /// The fold.
        fold: usize,
        /// The fault.
        cause: Box<InputError>,
    },
}

fn help(error: &InputError) -> String {
    miette::Diagnostic::help(error).map(|help| help.to_string()).unwrap_or_default()
}

/// Outputs with the true class of each row.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClassExamples<'a> {
    outputs: &'a Outputs,
    classes: &'a [u32],
}

impl<'a> ClassExamples<'a> {
    /// Puts outputs and classes together.
    ///
    /// # Errors
    /// When these are no classes of the outputs' examples.
    pub(super) fn new(outputs: &'a Outputs, classes: &'a [u32]) -> Result<Self, InputError> {
        if outputs.rows() != classes.len() {
            return Err(InputError::Rows { outputs: outputs.rows(), truth: classes.len() });
        }
        if outputs.columns() < 2 {
            return Err(InputError::OneColumn);
        }
        check_codes(classes, outputs.columns())?;
        Ok(Self { outputs, classes })
    }

    /// The number of classes.
    pub(super) fn classes(self) -> usize {
        self.outputs.columns()
    }

    /// The number of examples, at least one.
    pub(super) fn len(self) -> usize {
        self.classes.len()
    }

    /// The class of every example, if that is one.
    pub(super) fn only_class(self) -> Option<u32> {
        let first = *self.classes.first()?;
        self.classes.iter().all(|class| *class == first).then_some(first)
    }

    /// Each example's logits and true class.
    pub(super) fn iter(self) -> impl Iterator<Item = (&'a [f32], usize)> {
        self.outputs.iter().zip(self.classes).map(|(logits, class)| (logits, *class as usize))
    }
}

/// Checks that each class is one of so many.
///
/// # Errors
/// When one is not.
pub(super) fn check_codes(labels: &[u32], classes: usize) -> Result<(), InputError> {
    match labels.iter().position(|class| *class as usize >= classes) {
        Some(row) => Err(InputError::NoSuchClass { row, class: labels[row], classes }),
        None => Ok(()),
    }
}

/// Checks that these are true numbers of the outputs' examples.
///
/// # Errors
/// When they are not.
pub(super) fn check_numbers(outputs: &Outputs, numbers: &[f32]) -> Result<(), InputError> {
    let columns = outputs.columns();
    if outputs.values().len() != numbers.len() {
        return Err(InputError::Numbers { outputs: outputs.values().len(), truth: numbers.len(), columns });
    }
    match numbers.iter().position(|number| !number.is_finite()) {
        Some(at) => Err(InputError::NotFinite { row: at / columns, column: at % columns }),
        None => Ok(()),
    }
}
