//! The examples that a unit trains on, and those that it is scored on.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    dataset::{Labelled, Part, Targets},
    schema::{FoldRule, Schema},
};
use crate::{
    random::Stream,
    text::{agreeing, count},
    unit::Fold,
};

/// One unit's part of a data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Indices of the training examples that are trained on, ascending.
    pub train: Vec<u32>,
    /// The scored examples.
    pub scored: Scored,
}

/// The examples that a unit is scored on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scored {
    /// All test examples, in order.
    Test,
    /// Training examples that were not trained on, as ascending indices.
    Validation(Vec<u32>),
}

impl Scored {
    /// The part of the data set with these examples.
    pub fn part(&self) -> Part {
        match self {
            Self::Test => Part::Test,
            Self::Validation(_) => Part::Train,
        }
    }

    /// The examples' places in their part, ascending.
    pub fn places(&self, dataset: &impl Labelled) -> Vec<usize> {
        match self {
            Self::Test => (0..dataset.examples(Part::Test)).collect(),
            Self::Validation(examples) => examples.iter().map(|&example| example as usize).collect(),
        }
    }

    /// The class of each scored example for the primary target, in order; None where that has numbers.
    pub fn classes(&self, dataset: &impl Labelled) -> Option<Vec<u32>> {
        let classes = dataset.classes(self.part())?;
        Some(self.places(dataset).into_iter().map(|place| classes[place]).collect())
    }
}

/// The number of examples that a unit of this fold is scored on, where folds are random, in a data set of so many
/// examples.
pub fn scored_examples(fold: Fold, train: u32, test: u32) -> u32 {
    match fold {
        Fold::Holdout => test,
        // Examples are dealt to the folds in turn.
        Fold::Part { index, of } => train / of.max(1) + u32::from(index < train % of.max(1)),
    }
}

/// The reason why examples cannot be split into these folds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// Fewer than two folds.
    #[error("{} is not enough: at least 2 are needed", count(*.of, "fold"))]
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
        "{examples} {} cannot be split into {of} folds: use fewer folds or more examples",
        agreeing(*.examples, "training example")
    )]
    FewExamples {
        /// Number of training examples.
        examples: usize,
        /// Number of folds.
        of: u32,
    },
    /// A fold would miss one of the classes.
    #[error(
        "{members} {} of class {class:?} cannot be split into {of} folds: use fewer folds or more examples",
        agreeing(*.members, "training example")
    )]
    SmallClass {
        /// The class's name.
        class: String,
        /// Number of training examples of it.
        members: usize,
        /// Number of folds.
        of: u32,
    },
    /// There are fewer groups than folds.
    #[error("{groups} {} cannot be split into {of} folds: use fewer folds", agreeing(*.groups, "group"))]
    FewGroups {
        /// Number of groups of training examples.
        groups: usize,
        /// Number of folds.
        of: u32,
    },
    /// The examples name other folds.
    #[error("the data set's examples name {}, not {of}", count(*.found, "fold"))]
    OtherFolds {
        /// Number of folds that the examples name.
        found: usize,
        /// Number of folds that the unit asks for.
        of: u32,
    },
}

/// The examples that a unit of this fold trains on and is scored on. Cross-validation never uses the test examples.
///
/// - Random folds are drawn from the data seed. Where the primary target has classes, each class's examples are shuffled
///   and dealt to the folds in turn, the last class first, and the next class continues at the fold where the one before
///   ended. So neither the folds' sizes nor their numbers of each class differ by more than one. Numbers are dealt as
///   one class.
/// - Groups are shuffled, ordered by size, the largest first, and each goes to the fold where the sum over classes of
///   the squared number of examples, divided by the class's number, grows least; of equal ones,
///   to the smallest, then to the first. So no fold is empty.
/// - Predefined folds are those that the examples name.
///
/// The folds of one number of folds are a partition of the training examples.
///
/// # Errors
/// When the training examples cannot be split into so many folds.
pub fn split(dataset: &impl Labelled, fold: Fold) -> Result<Split, SplitError> {
    match fold {
        Fold::Holdout => Ok(Split { train: (0..).take(dataset.examples(Part::Train)).collect(), scored: Scored::Test }),
        Fold::Part { index, of } => {
            if of < 2 {
                return Err(SplitError::FewFolds { of });
            }
            if index >= of {
                return Err(SplitError::NoSuchFold { index, of });
            }
            let folds = folds(dataset, of)?;
            let indices = |of_fold: bool| {
                (0..)
                    .zip(&folds)
                    .filter(move |(_, fold)| (**fold == index) == of_fold)
                    .map(|(example, _)| example)
                    .collect()
            };
            Ok(Split { train: indices(false), scored: Scored::Validation(indices(true)) })
        }
    }
}

/// The fold of each training example.
fn folds(dataset: &impl Labelled, of: u32) -> Result<Vec<u32>, SplitError> {
    let (about, targets) = (dataset.about(), dataset.targets(Part::Train));
    if targets.examples < of as usize {
        return Err(SplitError::FewExamples { examples: targets.examples, of });
    }
    let classes = dataset.classes(Part::Train);
    match (about.schema.folds, &targets.groups, &targets.folds) {
        (FoldRule::Grouped, Some(groups), _) => grouped(groups, classes, about.seed, of),
        (FoldRule::Predefined, _, Some(folds)) => predefined(folds, of),
        (FoldRule::Random | FoldRule::Grouped | FoldRule::Predefined, ..) => {
            random(&about.schema, targets, classes, about.seed, of)
        }
    }
}

fn random(
    schema: &Schema,
    targets: &Targets,
    classes: Option<&[u32]>,
    seed: u64,
    of: u32,
) -> Result<Vec<u32>, SplitError> {
    let mut stream = Stream::new(seed, &format!("folds/{of}"));
    let mut folds = vec![0; targets.examples];
    let mut turn = 0;
    let mut deal = |mut members: Vec<usize>| {
        stream.shuffle(&mut members);
        for example in members {
            folds[example] = turn;
            turn = (turn + 1) % of;
        }
    };
    let (Some(names), Some(classes)) = (schema.classes(), classes) else {
        deal((0..targets.examples).collect());
        return Ok(folds);
    };
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); names.len()];
    classes.iter().enumerate().for_each(|(example, &class)| members[class as usize].push(example));
    for (name, members) in names.iter().zip(members).rev() {
        if members.len() < of as usize {
            return Err(SplitError::SmallClass { class: name.clone(), members: members.len(), of });
        }
        deal(members);
    }
    Ok(folds)
}

fn grouped(groups: &[u32], classes: Option<&[u32]>, seed: u64, of: u32) -> Result<Vec<u32>, SplitError> {
    let class = |example: usize| classes.map_or(0, |classes| classes[example]);
    let mut totals: BTreeMap<u32, u64> = BTreeMap::new();
    let mut by_group: BTreeMap<u32, BTreeMap<u32, u64>> = BTreeMap::new();
    for (example, group) in groups.iter().enumerate() {
        *totals.entry(class(example)).or_default() += 1;
        *by_group.entry(*group).or_default().entry(class(example)).or_default() += 1;
    }
    if by_group.len() < of as usize {
        return Err(SplitError::FewGroups { groups: by_group.len(), of });
    }
    let mut order: Vec<u32> = by_group.keys().copied().collect();
    Stream::new(seed, &format!("folds/{of}")).shuffle(&mut order);
    let size = |group: &u32| by_group[group].values().sum::<u64>();
    order.sort_by_key(|group| std::cmp::Reverse(size(group)));
    let mut held: Vec<BTreeMap<u32, u64>> = vec![BTreeMap::new(); of as usize];
    let mut fold_of: BTreeMap<u32, u32> = BTreeMap::new();
    for group in order {
        // (n + g)^2 - n^2 for each class.
        let growth = |held: &BTreeMap<u32, u64>| -> f64 {
            let of_class = |(class, new): (&u32, &u64)| {
                let old = held.get(class).copied().unwrap_or_default();
                (new * (new + 2 * old)) as f64 / totals[class] as f64
            };
            by_group[&group].iter().map(of_class).sum()
        };
        let size = |held: &BTreeMap<u32, u64>| held.values().sum::<u64>();
        let (fold, held) = (0..)
            .zip(&mut held)
            .min_by(|(_, first), (_, second)| {
                growth(first).total_cmp(&growth(second)).then(size(first).cmp(&size(second)))
            })
            .expect("there are two folds or more");
        by_group[&group].iter().for_each(|(class, count)| *held.entry(*class).or_default() += count);
        fold_of.insert(group, fold);
    }
    Ok(groups.iter().map(|group| fold_of[group]).collect())
}

fn predefined(folds: &[u32], of: u32) -> Result<Vec<u32>, SplitError> {
    let names: BTreeSet<u32> = folds.iter().copied().collect();
    let numbered: BTreeMap<u32, u32> = names.iter().copied().zip(0..).collect();
    match names.len() {
        found if found == of as usize => Ok(folds.iter().map(|fold| numbered[fold]).collect()),
        found => Err(SplitError::OtherFolds { found, of }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::data::{
        dataset::{About, DatasetTargets, Labels},
        schema::{Content, Input, Target},
    };

    /// Training examples of these classes, and two test examples of class 1.
    fn dataset(classes: &[u32], names: usize, seed: u64) -> DatasetTargets {
        let targets = |classes: &[u32]| Targets {
            examples: classes.len(),
            labels: [("kind".to_owned(), Labels::Classes(classes.to_vec()))].into(),
            groups: None,
            folds: None,
        };
        let schema = Schema {
            inputs: [("x".to_owned(), Input { shape: vec![1], content: Content::Numbers })].into(),
            targets: [("kind".to_owned(), Target::Classes((0..names).map(|name| format!("c{name}")).collect()))].into(),
            primary: "kind".to_owned(),
            folds: FoldRule::Random,
            pooled: Vec::new(),
        };
        let about = About { title: "test".to_owned(), seed, schema };
        DatasetTargets { about, train: targets(classes), test: targets(&[1, 1]) }
    }

    fn numbers(examples: usize, seed: u64) -> DatasetTargets {
        let mut dataset = dataset(&vec![0; examples], 2, seed);
        dataset.about.schema.targets.insert("kind".to_owned(), Target::Numbers(1));
        dataset.train.labels.insert("kind".to_owned(), Labels::Numbers(vec![0.5; examples]));
        dataset
    }

    fn grouped(groups: &[u32], classes: &[u32], seed: u64) -> DatasetTargets {
        let mut dataset = dataset(classes, 2, seed);
        dataset.about.schema.folds = FoldRule::Grouped;
        dataset.train.groups = Some(groups.to_vec());
        dataset
    }

    fn validation(split: &Split) -> &[u32] {
        match &split.scored {
            Scored::Validation(examples) => examples,
            Scored::Test => panic!("a fold is scored on training examples"),
        }
    }

    #[test]
    fn the_hold_out_trains_on_everything() {
        let dataset = dataset(&[1, 0, 1], 2, 0);
        let split = split(&dataset, Fold::Holdout).unwrap();
        assert_eq!(split, Split { train: vec![0, 1, 2], scored: Scored::Test });
        assert_eq!(split.scored.classes(&dataset), Some(vec![1, 1]));
    }

    #[test]
    fn impossible_folds_are_refused() {
        let classes = [1, 1, 1, 1, 0, 0];
        let of = |index, of| split(&dataset(&classes, 2, 0), Fold::Part { index, of }).unwrap_err();
        assert_eq!(of(0, 0), SplitError::FewFolds { of: 0 });
        assert_eq!(of(0, 1), SplitError::FewFolds { of: 1 });
        assert_eq!(of(2, 2), SplitError::NoSuchFold { index: 2, of: 2 });
        assert_eq!(of(0, 7), SplitError::FewExamples { examples: 6, of: 7 });
        assert_eq!(of(0, 3), SplitError::SmallClass { class: "c0".to_owned(), members: 2, of: 3 });
        let groups = grouped(&[7, 7, 7, 9, 9, 9], &classes, 0);
        assert_eq!(split(&groups, Fold::Part { index: 0, of: 3 }), Err(SplitError::FewGroups { groups: 2, of: 3 }));
    }

    #[test]
    fn predefined_folds_are_taken_as_they_are() {
        let mut dataset = dataset(&[0, 1, 0, 1], 2, 0);
        dataset.about.schema.folds = FoldRule::Predefined;
        dataset.train.folds = Some(vec![5, 2, 5, 2]);
        let fold = |index, of| split(&dataset, Fold::Part { index, of });
        assert_eq!(validation(&fold(0, 2).unwrap()), [1, 3]);
        assert_eq!(validation(&fold(1, 2).unwrap()), [0, 2]);
        assert_eq!(fold(0, 3), Err(SplitError::OtherFolds { found: 2, of: 3 }));
    }

    #[test]
    fn other_seeds_draw_other_folds() {
        let classes: Vec<u32> = (0..40).map(|example| u32::from(example % 3 == 0)).collect();
        let of = |seed| split(&dataset(&classes, 2, seed), Fold::Part { index: 0, of: 4 }).unwrap();
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
    }

    /// The folds are a partition of the training examples. Returns each fold's numbers of examples of each class.
    fn partition(dataset: &DatasetTargets, of: u32) -> Result<Vec<Vec<usize>>, SplitError> {
        let all = dataset.train.examples;
        let mut seen = BTreeSet::new();
        let mut counts = Vec::new();
        for index in 0..of {
            let split = split(dataset, Fold::Part { index, of })?;
            let scored = validation(&split);
            assert!(scored.is_sorted() && split.train.is_sorted());
            assert!(scored.iter().all(|example| seen.insert(*example)), "an example is in two folds");
            let together: BTreeSet<u32> = split.train.iter().chain(scored).copied().collect();
            assert_eq!((split.train.len() + scored.len(), together.len()), (all, all));
            let classes = split.scored.classes(dataset).unwrap_or(vec![0; scored.len()]);
            let most = dataset.about.schema.classes().map_or(1, <[String]>::len) as u32;
            let fold = Fold::Part { index, of };
            if dataset.about.schema.folds == FoldRule::Random {
                assert_eq!(scored_examples(fold, all as u32, 2), scored.len() as u32);
            }
            counts.push((0..most).map(|class| classes.iter().filter(|found| **found == class).count()).collect());
        }
        assert_eq!(seen.len(), all);
        Ok(counts)
    }

    fn differ_by_one(counts: impl Iterator<Item = usize> + Clone) -> bool {
        counts.clone().max().zip(counts.min()).is_some_and(|(high, low)| high - low <= 1)
    }

    proptest! {
        #[test]
        fn random_folds_are_a_stratified_partition(
            classes in proptest::collection::vec(0_u32..4, 8..120), of in 2_u32..8, seed: u64,
        ) {
            let dataset = dataset(&classes, 4, seed);
            let members = (0..4).map(|class| classes.iter().filter(|found| **found == class).count());
            let possible = classes.len() >= of as usize && members.clone().all(|members| members >= of as usize);
            let counts = partition(&dataset, of);
            prop_assert_eq!(counts.is_ok(), possible);
            let Ok(counts) = counts else { return Ok(()) };
            prop_assert!(differ_by_one(counts.iter().map(|fold| fold.iter().sum())));
            for class in 0..4 {
                prop_assert!(differ_by_one(counts.iter().map(|fold| fold[class])));
            }
        }

        #[test]
        fn folds_of_numbers_are_a_partition_of_equal_sizes(examples in 2_usize..90, of in 2_u32..8, seed: u64) {
            prop_assume!(examples >= of as usize);
            let counts = partition(&numbers(examples, seed), of).unwrap();
            prop_assert!(differ_by_one(counts.iter().map(|fold| fold[0])));
        }

        #[test]
        fn no_group_is_in_two_folds(
            members in proptest::collection::vec((0_u32..12, 0_u32..2), 12..120), of in 2_u32..5, seed: u64,
        ) {
            let (groups, classes): (Vec<u32>, Vec<u32>) = members.into_iter().unzip();
            let dataset = grouped(&groups, &classes, seed);
            let different = groups.iter().collect::<BTreeSet<_>>().len();
            prop_assume!(different >= of as usize);
            partition(&dataset, of).unwrap();
            let mut fold_of: BTreeMap<u32, u32> = BTreeMap::new();
            for index in 0..of {
                let split = split(&dataset, Fold::Part { index, of }).unwrap();
                prop_assert!(!validation(&split).is_empty(), "each fold has a group");
                for example in validation(&split) {
                    prop_assert_eq!(*fold_of.entry(groups[*example as usize]).or_insert(index), index);
                }
            }
        }
    }

    #[test]
    fn equal_groups_are_dealt_evenly() {
        let groups: Vec<u32> = (0..40).map(|example| example / 4).collect();
        let classes: Vec<u32> = (0..40).map(|example| example / 20).collect();
        let counts = partition(&grouped(&groups, &classes, 3), 5).unwrap();
        assert_eq!(counts, vec![vec![4, 4]; 5]);
    }
}
