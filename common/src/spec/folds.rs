//! Errors of folds that only the data shows, at their places in the spec.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::{Problem, SpecErrors, error::Problems};
use crate::data::folds::SplitError;

/// The folds of a stage that a draw of the data does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfoldable {
    /// The stage's index in the study, from 0.
    pub stage: usize,
    /// The draw's data seed.
    pub data_seed: u64,
    /// The cause.
    pub cause: SplitError,
}

/// These as errors of the spec `text` from `source_name`, each at its stage's `evaluation`; None if there are none.
pub fn unfoldable(source_name: &str, text: &str, found: Vec<Unfoldable>) -> Option<SpecErrors> {
    let mut problems = Problems::new(text);
    for Unfoldable { stage, data_seed, cause } in found {
        // The text was parsed before, so it has these stages.
        let at = evaluation(text, stage).unwrap_or(0..0);
        problems.report(at, Problem::Unfoldable { data_seed, cause });
    }
    problems.finish(source_name)
}

/// The place of `evaluation` in the stage of this number.
fn evaluation(text: &str, stage: usize) -> Option<Range<usize>> {
    let document = DeTable::parse(text).ok()?;
    let DeValue::Array(stages) = document.get_ref().get("stage")?.get_ref() else { return None };
    let DeValue::Table(stage) = stages.get(stage)?.get_ref() else { return None };
    Some(stage.get("evaluation")?.span())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stands_at_the_evaluation_of_its_stage() {
        let text = "[[stage]]\nevaluation = \"holdout\"\n[[stage]]\n  evaluation = { folds = 10 }\n";
        let cause = SplitError::SmallClass { class: "0".to_owned(), members: 3, of: 10 };
        let errors = unfoldable("spec.toml", text, vec![Unfoldable { stage: 1, data_seed: 7, cause }]).unwrap();
        assert_eq!(
            errors.to_string(),
            "spec.toml:4:16: data seed 7 draws 3 training examples of class \"0\", too few for 10 folds (use at most 3 folds, or more `train_pairs`)"
        );
        assert!(unfoldable("spec.toml", text, Vec::new()).is_none());
    }
}
