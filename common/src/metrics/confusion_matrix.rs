//! Counts of true and predicted classes, and the metrics that follow from these counts alone.

use std::collections::BTreeMap;

use super::{
    input::ClassExamples,
    value::{Undefined, Value},
};
use crate::classification;

/// The number of examples of each true class that are predicted to be of each class.
///
/// Only counts above 0 are stored, so that many classes need no more memory than their examples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionMatrix {
    classes: usize,
    /// By true and predicted class.
    counts: BTreeMap<(usize, usize), u64>,
    /// By class: rightly predicted examples, examples, predictions.
    totals: Vec<Totals>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Totals {
    right: u64,
    support: u64,
    predicted: u64,
}

/// One class's counts and scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassScores {
    /// The number of examples of the class.
    pub support: u64,
    /// The share of the examples of the class among those that are predicted to be.
    pub precision: Value,
    /// The share of the class's examples that are predicted to be of it.
    pub recall: Value,
    /// The harmonic mean of precision and recall.
    pub f1: Value,
}

impl ConfusionMatrix {
    /// The counts of these examples. The predicted class is that of the largest logit, and of equal ones the first.
    pub(super) fn new(examples: ClassExamples<'_>) -> Self {
        let classes = examples.classes();
        let mut matrix = Self { classes, counts: BTreeMap::new(), totals: vec![Totals::default(); classes] };
        for (logits, class) in examples.iter() {
            matrix.add(class, classification::class(logits), 1);
        }
        matrix
    }

    fn add(&mut self, class: usize, predicted: usize, count: u64) {
        *self.counts.entry((class, predicted)).or_default() += count;
        self.totals[class].support += count;
        self.totals[predicted].predicted += count;
        if class == predicted {
            self.totals[class].right += count;
        }
    }

    /// The counts of this matrix and of another one of as many classes, as of several folds or seeds; None where the
    /// numbers of classes differ.
    pub fn merged(mut self, other: &Self) -> Option<Self> {
        if self.classes != other.classes {
            return None;
        }
        for ((class, predicted), count) in &other.counts {
            self.add(*class, *predicted, *count);
        }
        Some(self)
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The number of examples.
    pub fn examples(&self) -> u64 {
        self.totals.iter().map(|class| class.support).sum()
    }

    /// The number of examples of a class that are predicted to be of `predicted`.
    pub fn count(&self, class: usize, predicted: usize) -> u64 {
        self.counts.get(&(class, predicted)).copied().unwrap_or(0)
    }

    /// The counts above 0, each with the true and the predicted class, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = (usize, usize, u64)> {
        self.counts.iter().map(|((class, predicted), count)| (*class, *predicted, *count))
    }

    /// The share of the examples that are predicted wrongly.
    pub fn error(&self) -> Value {
        let (right, examples) = self.right();
        share(examples - right, examples, Undefined::Empty)
    }

    /// The share of the examples that are predicted rightly.
    pub fn accuracy(&self) -> Value {
        let (right, examples) = self.right();
        share(right, examples, Undefined::Empty)
    }

    fn right(&self) -> (u64, u64) {
        (self.totals.iter().map(|class| class.right).sum(), self.examples())
    }

    /// The mean recall of the classes that examples have: classes without examples do not count.
    pub fn balanced_accuracy(&self) -> Value {
        Value::mean_of_numbers(self.scores().map(|class| class.recall))
    }

    /// The mean F1 of the classes. A class that no example has and that none is predicted to be of does not count; a
    /// class that is only predicted counts as 0.
    pub fn macro_f1(&self) -> Value {
        Value::mean_of_numbers(self.scores().map(|class| class.f1))
    }

    /// Each class's counts and scores, in the order of the classes.
    pub fn scores(&self) -> impl Iterator<Item = ClassScores> {
        (0..).zip(&self.totals).map(|(class, totals)| ClassScores {
            support: totals.support,
            precision: share(totals.right, totals.predicted, Undefined::NeverPredicted { class }),
            recall: share(totals.right, totals.support, Undefined::MissingClass { class }),
            f1: share(2 * totals.right, totals.predicted + totals.support, Undefined::UnusedClass { class }),
        })
    }
}

fn share(part: u64, whole: u64, otherwise: Undefined) -> Value {
    match whole {
        0 => Value::Undefined(otherwise),
        _ => Value::Number(part as f64 / whole as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network_outputs::Outputs;

    fn matrix() -> ConfusionMatrix {
        // Predicted: 0, 0 (a tie), 1, 3, 0.
        let logits = [[1, 0, 0, 0], [2, 2, 1, 2], [0, 1, 0, 0], [0, 0, 0, 5], [3, 0, 1, 2]];
        let outputs = Outputs::new(4, logits.as_flattened().iter().map(|logit| *logit as f32).collect()).unwrap();
        ConfusionMatrix::new(ClassExamples::new(&outputs, &[0, 1, 1, 1, 0]).unwrap())
    }

    #[test]
    fn rows_are_true_classes_and_columns_predicted_ones() {
        let matrix = matrix();
        assert_eq!(Vec::from_iter(matrix.iter()), [(0, 0, 2), (1, 0, 1), (1, 1, 1), (1, 3, 1)]);
        assert_eq!((matrix.count(1, 3), matrix.count(3, 1), matrix.classes(), matrix.examples()), (1, 0, 4, 5));
        assert_eq!((matrix.error(), matrix.accuracy()), (Value::Number(0.4), Value::Number(0.6)));
    }

    #[test]
    fn classes_without_examples_or_predictions_have_reasons() {
        let scores: Vec<ClassScores> = matrix().scores().collect();
        let third = 1.0 / 3.0;
        assert_eq!(
            scores[1],
            ClassScores {
                support: 3,
                precision: Value::Number(1.0),
                recall: Value::Number(third),
                f1: Value::Number(0.5)
            }
        );
        assert_eq!(
            scores[2],
            ClassScores {
                support: 0,
                precision: Value::Undefined(Undefined::NeverPredicted { class: 2 }),
                recall: Value::Undefined(Undefined::MissingClass { class: 2 }),
                f1: Value::Undefined(Undefined::UnusedClass { class: 2 }),
            }
        );
        assert_eq!(
            (scores[3].precision, scores[3].recall, scores[3].f1),
            (Value::Number(0.0), Value::Undefined(Undefined::MissingClass { class: 3 }), Value::Number(0.0))
        );
        assert_eq!(matrix().balanced_accuracy(), Value::Number((1.0 + third) / 2.0));
        assert_eq!(matrix().macro_f1(), Value::Number((0.8 + 0.5 + 0.0) / 3.0), "class 2 does not count");
    }

    #[test]
    fn counts_of_several_folds_add_up() {
        let both = matrix().merged(&matrix()).unwrap();
        assert_eq!((both.examples(), both.count(0, 0), both.error()), (10, 4, matrix().error()));
        assert_eq!(both.scores().map(|class| class.support).collect::<Vec<_>>(), [4, 6, 0, 0]);
        let outputs = Outputs::new(2, vec![0.0, 1.0]).unwrap();
        let two = ConfusionMatrix::new(ClassExamples::new(&outputs, &[1]).unwrap());
        assert_eq!(two.merged(&both), None);
    }
}
