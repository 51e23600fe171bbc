//! The pairs that a unit trains on, and those that it is scored on.

use super::{Labelled, Part, label};
use crate::{
    random::Stream,
    text::{agreeing, count},
    unit::Fold,
};

/// One unit's part of a data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Indices of the training pairs that are trained on, ascending.
    pub train: Vec<u32>,
    /// The scored pairs.
    pub scored: Scored,
}

/// The pairs that a unit is scored on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scored {
    /// All test pairs, in order.
    Test,
    /// Training pairs that were not trained on, as ascending indices.
    Validation(Vec<u32>),
}

impl Scored {
    /// The comparison's label of each scored pair, in order.
    pub fn labels(&self, dataset: &impl Labelled) -> Vec<u8> {
        match self {
            Self::Test => dataset.digits(Part::Test).iter().map(|digits| label(*digits)).collect(),
            Self::Validation(pairs) => {
                let train = dataset.digits(Part::Train);
                pairs.iter().map(|&pair| label(train[pair as usize])).collect()
            }
        }
    }
}

/// The number of pairs that a unit of this fold is scored on, in a data set of so many pairs.
pub fn scored_pairs(fold: Fold, train_pairs: u32, test_pairs: u32) -> u32 {
    match fold {
        Fold::Holdout => test_pairs,
        // Pairs are dealt to the folds in turn.
        Fold::Part { index, of } => train_pairs / of.max(1) + u32::from(index < train_pairs % of.max(1)),
    }
}

/// The reason why pairs cannot be split into these folds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// Fewer than two folds.
    #[error("{} is not enough: at least 2 are needed", count(of, "fold"))]
    FewFolds {
        /// Number of folds.
        of: u32,
    },
    /// A fold beyond the last.
    #[error("fold {index} (counted from 0) of {of} does not exist")]
    NoSuchFold {
        /// The fold's index, from 0.
        index: u32,
        /// Number of folds.
        of: u32,
    },
    /// A fold would be empty.
    #[error(
        "{pairs} {} cannot be split into {of} folds: use fewer folds or more pairs",
        agreeing(pairs, "training pair")
    )]
    FewPairs {
        /// Number of training pairs.
        pairs: usize,
        /// Number of folds.
        of: u32,
    },
    /// A fold would miss one of the two labels.
    #[error(
        "{members} {} with label {label} cannot be split into {of} folds: use fewer folds or more pairs",
        agreeing(members, "training pair")
    )]
    SmallClass {
        /// The comparison's label: 1 where the first digit is at most the second.
        label: u8,
        /// Number of training pairs that have it.
        members: usize,
        /// Number of folds.
        of: u32,
    },
}

/// The pairs that a unit of this fold trains on and is scored on. Cross-validation never uses the test pairs.
///
/// Folds are stratified by the comparison's label and drawn from the data seed: each label's pairs are shuffled and
/// dealt to the folds in turn, and the second label continues at the fold where the first ended. So the folds of one
/// number of folds are a partition of the training pairs, and neither their sizes nor their numbers of each label
/// differ by more than one.
pub fn split(dataset: &impl Labelled, fold: Fold) -> Result<Split, SplitError> {
    let train = dataset.digits(Part::Train);
    match fold {
        Fold::Holdout => Ok(Split { train: (0..).take(train.len()).collect(), scored: Scored::Test }),
        Fold::Part { index, of } => {
            if of < 2 {
                return Err(SplitError::FewFolds { of });
            }
            if index >= of {
                return Err(SplitError::NoSuchFold { index, of });
            }
            let folds = folds(train, dataset.seed(), of)?;
            let indices = |of_fold: bool| {
                (0..).zip(&folds).filter(move |(_, fold)| (**fold == index) == of_fold).map(|(pair, _)| pair).collect()
            };
            Ok(Split { train: indices(false), scored: Scored::Validation(indices(true)) })
        }
    }
}

/// The fold of each pair.
fn folds(pairs: &[[u8; 2]], seed: u64, of: u32) -> Result<Vec<u32>, SplitError> {
    if pairs.len() < of as usize {
        return Err(SplitError::FewPairs { pairs: pairs.len(), of });
    }
    let mut stream = Stream::new(seed, &format!("folds/{of}"));
    let mut folds = vec![0; pairs.len()];
    let mut turn = 0;
    for class in [1, 0] {
        let mut members: Vec<usize> = (0..pairs.len()).filter(|&pair| label(pairs[pair]) == class).collect();
        if members.len() < of as usize {
            return Err(SplitError::SmallClass { label: class, members: members.len(), of });
        }
        stream.shuffle(&mut members);
        for pair in members {
            folds[pair] = turn;
            turn = (turn + 1) % of;
        }
    }
    Ok(folds)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::data::{Dataset, Pairs};

    /// Training pairs with these labels, and one test pair.
    fn dataset(labels: &[bool], seed: u64) -> Dataset {
        let pairs =
            |digits: Vec<[u8; 2]>| Pairs { pixels: vec![0.0; digits.len() * super::super::PAIR_PIXELS], digits };
        let train = pairs(labels.iter().map(|&label| if label { [3, 3] } else { [4, 3] }).collect());
        Dataset { title: "test".to_owned(), seed, train, test: pairs(vec![[1, 2]]) }
    }

    fn validation(split: &Split) -> &[u32] {
        match &split.scored {
            Scored::Validation(pairs) => pairs,
            Scored::Test => panic!("a fold is scored on training pairs"),
        }
    }

    #[test]
    fn the_hold_out_trains_on_everything() {
        let dataset = dataset(&[true, false, true], 0);
        let split = split(&dataset, Fold::Holdout).unwrap();
        assert_eq!(split, Split { train: vec![0, 1, 2], scored: Scored::Test });
        assert_eq!(split.scored.labels(&dataset), [1]);
    }

    #[test]
    fn impossible_folds_are_refused() {
        let labels = [true, true, true, true, false, false];
        let of = |index, of| split(&dataset(&labels, 0), Fold::Part { index, of }).unwrap_err();
        assert_eq!(of(0, 0), SplitError::FewFolds { of: 0 });
        assert_eq!(of(0, 1), SplitError::FewFolds { of: 1 });
        assert_eq!(of(2, 2), SplitError::NoSuchFold { index: 2, of: 2 });
        assert_eq!(of(0, 7), SplitError::FewPairs { pairs: 6, of: 7 });
        assert_eq!(of(0, 3), SplitError::SmallClass { label: 0, members: 2, of: 3 });
    }

    #[test]
    fn other_seeds_draw_other_folds() {
        let labels: Vec<bool> = (0..40).map(|pair| pair % 3 == 0).collect();
        let of = |seed| split(&dataset(&labels, seed), Fold::Part { index: 0, of: 4 }).unwrap();
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
    }

    proptest! {
        #[test]
        fn folds_are_a_stratified_partition(
            labels in proptest::collection::vec(any::<bool>(), 4..120), of in 2_u32..12, seed: u64,
        ) {
            let dataset = dataset(&labels, seed);
            let ones = labels.iter().filter(|label| **label).count();
            let possible = ones.min(labels.len() - ones) >= of as usize;
            let splits: Result<Vec<Split>, SplitError> =
                (0..of).map(|index| split(&dataset, Fold::Part { index, of })).collect();
            prop_assert_eq!(splits.is_ok(), possible);
            let Ok(splits) = splits else { return Ok(()) };
            let mut seen = BTreeSet::new();
            let (mut sizes, mut ones) = (Vec::new(), Vec::new());
            for split in &splits {
                let validation = validation(split);
                let fold = Fold::Part { index: sizes.len() as u32, of };
                prop_assert_eq!(scored_pairs(fold, labels.len() as u32, 1), validation.len() as u32);
                prop_assert!(validation.is_sorted() && split.train.is_sorted());
                for pair in validation {
                    prop_assert!(seen.insert(*pair), "pair {} is in two folds", pair);
                }
                let together: BTreeSet<u32> = split.train.iter().chain(validation).copied().collect();
                prop_assert_eq!(split.train.len() + validation.len(), labels.len());
                prop_assert_eq!(together.len(), labels.len());
                sizes.push(validation.len());
                ones.push(split.scored.labels(&dataset).iter().filter(|label| **label == 1).count());
            }
            prop_assert_eq!(seen.len(), labels.len());
            let zeros: Vec<usize> = sizes.iter().zip(&ones).map(|(size, ones)| size - ones).collect();
            for counts in [&sizes, &ones, &zeros] {
                let (low, high) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
                prop_assert!(high - low <= 1, "{:?}", counts);
            }
        }
    }
}
