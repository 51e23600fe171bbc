//! The areas under the ROC and precision-recall curves of each class against the others.
//!
//! Every class ranks the examples by its own score, log p - log(1 - p) of its probability p
//! ([`Prediction::score`]). With two classes, both rankings are the same in opposite order: their ROC areas are equal,
//! and their average precisions are not.

use super::{
    input::ClassExamples,
    value::{Undefined, Value},
};
use crate::classification::Prediction;

/// The areas of each class against all others, and those of all together.
#[derive(Clone, Debug, PartialEq)]
pub struct RankingAreas {
    /// Each class's areas, in the order of the classes.
    pub classes: Vec<ClassAreas>,
    /// The area under the ROC curve: of class 1 with two classes; with more, the mean over the classes that have one.
    pub auc: Value,
    /// Average precision: of class 1 with two classes; with more, the mean over the classes that have one.
    pub average_precision: Value,
    /// The reasons of the classes that are not in the means, in the order of the classes.
    pub left_out: Vec<Undefined>,
}

/// The areas of one class against all others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassAreas {
    /// Area under the ROC curve: the share of the pairs of an example of the class and one of another class in which
    /// the first has the higher score, a tie counting half.
    pub auc: Value,
    /// Average precision: the sum over the distinct scores, descending, of the gain in recall times the precision.
    pub average_precision: Value,
}

impl RankingAreas {
    /// The areas of these examples.
    pub(super) fn new(examples: ClassExamples<'_>) -> Self {
        if let Some(class) = examples.only_class() {
            return Self::undefined(examples.classes(), class);
        }
        let mut supports = vec![0; examples.classes()];
        examples.iter().for_each(|(_, class)| supports[class] += 1);
        // One double for each output: with many examples, room to grow would be much.
        let ranking = |support: &usize| Ranking {
            of_class: Vec::with_capacity(*support),
            of_others: Vec::with_capacity(examples.len() - support),
        };
        let mut rankings: Vec<Ranking> = supports.iter().map(ranking).collect();
        for (logits, truth) in examples.iter() {
            let prediction = Prediction::from_logits(logits);
            for (class, ranking) in rankings.iter_mut().enumerate() {
                let scores = if class == truth { &mut ranking.of_class } else { &mut ranking.of_others };
                scores.push(sortable(prediction.score(class)));
            }
        }
        let areas: Vec<ClassAreas> = (0..).zip(rankings).map(|(class, ranking)| ranking.areas(class)).collect();
        if let [_, second] = areas[..] {
            // Both classes have examples.
            let ClassAreas { auc, average_precision } = second;
            return Self { auc, average_precision, left_out: Vec::new(), classes: areas };
        }
        let left_out = areas.iter().filter_map(|class| match class.auc {
            Value::Undefined(reason) => Some(reason),
            Value::Number(_) | Value::Diverged => None,
        });
        Self {
            auc: Value::mean_of_numbers(areas.iter().map(|class| class.auc)),
            average_precision: Value::mean_of_numbers(areas.iter().map(|class| class.average_precision)),
            left_out: left_out.collect(),
            classes: areas,
        }
    }

    /// Nothing can be told apart where every example is of one class.
    fn undefined(classes: usize, only: u32) -> Self {
        let reason = |class| match class == only {
            true => Undefined::OneClass { class },
            false => Undefined::MissingClass { class },
        };
        let reasons: Vec<Undefined> = (0..).take(classes).map(reason).collect();
        let areas = |reason| ClassAreas { auc: Value::Undefined(reason), average_precision: Value::Undefined(reason) };
        let all = areas(Undefined::OneClass { class: only });
        Self {
            classes: reasons.iter().map(|reason| areas(*reason)).collect(),
            auc: all.auc,
            average_precision: all.average_precision,
            left_out: reasons,
        }
    }
}

/// The scores of the examples of a class, and of those of all other classes, as [`sortable`] numbers.
#[derive(Debug)]
struct Ranking {
    of_class: Vec<u64>,
    of_others: Vec<u64>,
}

/// A number whose order is that of the scores, which are finite and not -0.
fn sortable(score: f64) -> u64 {
    const SIGN: u64 = 1 << 63;
    let bits = score.to_bits();
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

impl Ranking {
    /// The class's areas. There is an example of the class, or there are others.
    fn areas(mut self, class: u32) -> ClassAreas {
        if self.of_class.is_empty() {
            let missing = Value::Undefined(Undefined::MissingClass { class });
            return ClassAreas { auc: missing, average_precision: missing };
        }
        self.of_class.sort_unstable();
        self.of_others.sort_unstable();
        let (positives, negatives) = (self.of_class.len() as u64, self.of_others.len() as u64);
        let (mut of_class, mut of_others) = (self.of_class.as_slice(), self.of_others.as_slice());
        let (mut true_positives, mut false_positives) = (0_u64, 0_u64);
        // In whole numbers, divided once.
        let mut twice_area = 0_u128;
        let (mut recall, mut precision_area) = (0.0, 0.0);
        // From the highest score down; equal scores pass together.
        while let Some(score) = of_class.last().max(of_others.last()).copied() {
            let (passed, wrongly) = (pop(&mut of_class, score), pop(&mut of_others, score));
            twice_area += u128::from(wrongly) * u128::from(2 * true_positives + passed);
            true_positives += passed;
            false_positives += wrongly;
            if passed > 0 {
                let reached = true_positives as f64 / positives as f64;
                let precision = true_positives as f64 / (true_positives + false_positives) as f64;
                precision_area += (reached - recall) * precision;
                recall = reached;
            }
        }
        ClassAreas {
            auc: Value::Number(twice_area as f64 / (2 * u128::from(positives) * u128::from(negatives)) as f64),
            // Rounding can raise the sum of a perfect ranking above 1.
            average_precision: Value::Number(f64::min(precision_area, 1.0)),
        }
    }
}

/// Takes the scores that are equal to this one, the highest, and returns their number.
fn pop(scores: &mut &[u64], score: u64) -> u64 {
    let kept = scores.iter().rposition(|other| *other != score).map_or(0, |last| last + 1);
    let passed = scores.len() - kept;
    *scores = &scores[..kept];
    passed as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network_outputs::Outputs;

    fn areas(columns: usize, logits: &[f32], classes: &[u32]) -> RankingAreas {
        let outputs = Outputs::new(columns, logits.to_vec()).unwrap();
        RankingAreas::new(ClassExamples::new(&outputs, classes).unwrap())
    }

    #[test]
    fn two_classes_have_the_areas_of_class_1() {
        // Scores 1, 2, 2, -1 of the classes 1, 1, 0, 0.
        let found = areas(2, &[0.0, 1.0, 0.0, 2.0, 1.0, 3.0, 1.0, 0.0], &[1, 1, 0, 0]);
        // Of four pairs, one is right twice, one wrong, one tied: (1 over -1, 2 over -1, 2 = 2, 1 under 2).
        assert_eq!(found.auc, Value::Number(2.5 / 4.0));
        assert_eq!(found.classes[0].auc, found.auc, "the same pairs in opposite order");
        assert_eq!(found.average_precision, Value::Number(0.5 * 0.5 + 0.5 * 2.0 / 3.0));
        assert_eq!(found.average_precision, found.classes[1].average_precision);
        assert_eq!(found.classes[0].average_precision, Value::Number(0.5 + 0.5 * 0.5));
        assert!(found.left_out.is_empty());
    }

    #[test]
    fn a_missing_class_is_left_out_of_the_means_with_a_reason() {
        let missing = Undefined::MissingClass { class: 1 };
        let found = areas(3, &[2.0, 0.0, 0.0, 0.0, 0.0, 1.0], &[0, 2]);
        assert_eq!((found.auc, found.average_precision), (Value::Number(1.0), Value::Number(1.0)));
        assert_eq!(found.classes[1].auc, Value::Undefined(missing));
        assert_eq!(found.left_out, [missing]);
    }

    #[test]
    fn one_class_has_no_areas() {
        for columns in [2, 3] {
            let found = areas(columns, &vec![0.5; 2 * columns], &[1, 1]);
            let reason = Value::Undefined(Undefined::OneClass { class: 1 });
            assert_eq!((found.auc, found.average_precision), (reason, reason));
            assert_eq!(found.classes[1].auc, reason);
            assert_eq!(found.classes[0].average_precision, Value::Undefined(Undefined::MissingClass { class: 0 }));
            assert_eq!(found.left_out.len(), columns);
        }
    }

    #[test]
    fn scores_that_no_probability_holds_are_ranked() {
        let found = areas(2, &[0.0, 50.0, 0.0, 60.0, 0.0, 70.0], &[0, 1, 1]);
        assert_eq!(found.auc, Value::Number(1.0));
        let mut scores = [-1e30, -2.0, -1e-300, 0.0, 1e-300, 2.0, 1e30].map(sortable);
        assert!(scores.is_sorted());
        scores.reverse();
        assert!(!scores.is_sorted());
    }
}
