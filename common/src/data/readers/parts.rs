//! The part of the examples that is kept for the test, and the values that mark it.

use std::collections::BTreeMap;

use super::{
    error::{Fault, Known},
    labels::Coded,
};
use crate::random::Stream;

/// The parts, groups and folds of a data set, as a spec asks for them.
#[derive(Clone, Debug, PartialEq)]
pub struct PartsSpec<S> {
    /// The test part.
    pub test: TestPart<S>,
    /// The groups of examples that are not independent.
    pub group: Option<Group>,
    /// The array or column that names each training example's fold.
    pub folds: Option<String>,
}

impl<S> Default for PartsSpec<S> {
    fn default() -> Self {
        Self { test: TestPart::None, group: None, folds: None }
    }
}

/// The test part: `S` tells where a separate one is.
#[derive(Clone, Debug, PartialEq)]
pub enum TestPart<S> {
    /// It has files or arrays of its own.
    Separate(S),
    /// The examples with this value in an array or column.
    Column {
        /// The array or column.
        name: String,
        /// The value, as text.
        value: String,
    },
    /// A share of all examples, drawn from the data seed.
    Fraction {
        /// The share, between 0 and 1.
        fraction: f64,
        /// How it is drawn; None is by group where there are groups, else by class where the primary target has classes.
        rule: Option<FractionRule>,
    },
    /// None: for cross-validation only.
    None,
}

/// The way in which a share of the examples is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FractionRule {
    /// At random.
    Random,
    /// With about the same share of each class of the primary target.
    Stratified,
    /// By whole groups.
    Grouped,
}

/// The groups of examples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Group {
    /// Examples with the same value in this array or column.
    Named(String),
    /// Examples whose inputs are identical.
    IdenticalRows,
}

/// The examples' properties that a draw keeps to.
#[derive(Clone, Copy, Debug)]
pub enum Draw<'a> {
    /// None.
    Random,
    /// Their classes.
    Stratified(&'a [u32]),
    /// Their groups, and their classes if they have any: no class goes to the test part as a whole.
    Grouped(&'a [u32], Option<&'a [u32]>),
}

/// Whether each of `examples` examples is in a test part of this share of them.
///
/// - At random: so many, rounded, and at least one.
/// - Stratified: each class gives its share, rounded down; the rest is taken from the classes with the largest
///   remainders. Each class keeps one training example at least.
/// - Grouped: groups are shuffled, and each is taken whose examples bring the part's size closer to its share, unless
///   a class would keep no training example.
///
/// # Errors
/// When the share is not between 0 and 1, or a part would be empty.
pub fn draw(examples: usize, fraction: f64, rule: Draw<'_>, seed: u64) -> Result<Vec<bool>, Fault> {
    if !(fraction > 0.0 && fraction < 1.0) {
        return Err(Fault::BadFraction { fraction });
    }
    let wanted = ((examples as f64 * fraction).round() as usize).clamp(1, examples.saturating_sub(1).max(1));
    let mut stream = Stream::new(seed, "test-part");
    let mut is_test = vec![false; examples];
    match rule {
        Draw::Random => {
            let mut order: Vec<usize> = (0..examples).collect();
            stream.shuffle(&mut order);
            order.iter().take(wanted).for_each(|example| is_test[*example] = true);
        }
        Draw::Stratified(classes) => {
            let mut members: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
            classes.iter().enumerate().for_each(|(example, class)| members.entry(*class).or_default().push(example));
            let shares = shares(&members.values().map(Vec::len).collect::<Vec<_>>(), wanted);
            for (members, share) in members.values_mut().zip(shares) {
                stream.shuffle(members);
                members.iter().take(share).for_each(|example| is_test[*example] = true);
            }
        }
        Draw::Grouped(groups, classes) => take_groups(&mut is_test, groups, classes, wanted, &mut stream),
    }
    let taken = is_test.iter().filter(|test| **test).count();
    match taken {
        0 => Err(Fault::EmptyPart { fraction, examples, part: "test" }),
        taken if taken == examples => Err(Fault::EmptyPart { fraction, examples, part: "training" }),
        _ => Ok(is_test),
    }
}

/// How many of each class are taken so that they are `wanted` together, where the classes allow it.
fn shares(sizes: &[usize], wanted: usize) -> Vec<usize> {
    let all: usize = sizes.iter().sum();
    let exact = |size: usize| (size as u128 * wanted as u128, all.max(1) as u128);
    let mut shares: Vec<usize> = sizes
        .iter()
        .map(|size| {
            let (share, of) = exact(*size);
            ((share / of) as usize).min(size.saturating_sub(1))
        })
        .collect();
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|class| {
        let (share, of) = exact(sizes[*class]);
        std::cmp::Reverse(share % of)
    });
    let mut missing = wanted.saturating_sub(shares.iter().sum());
    for class in order {
        if missing > 0 && shares[class] + 1 < sizes[class] {
            shares[class] += 1;
            missing -= 1;
        }
    }
    shares
}

fn take_groups(is_test: &mut [bool], groups: &[u32], classes: Option<&[u32]>, wanted: usize, stream: &mut Stream) {
    let mut members: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    groups.iter().enumerate().for_each(|(example, group)| members.entry(*group).or_default().push(example));
    let mut left: BTreeMap<u32, usize> = BTreeMap::new();
    classes.into_iter().flatten().for_each(|class| *left.entry(*class).or_default() += 1);
    let mut order: Vec<u32> = members.keys().copied().collect();
    stream.shuffle(&mut order);
    let (mut taken, mut groups_left) = (0_usize, order.len());
    for group in order {
        let members = &members[&group];
        let closer = (taken + members.len()).abs_diff(wanted) < taken.abs_diff(wanted);
        let mut of_class: BTreeMap<u32, usize> = BTreeMap::new();
        if let Some(classes) = classes {
            members.iter().for_each(|example| *of_class.entry(classes[*example]).or_default() += 1);
        }
        let keeps_classes = of_class.iter().all(|(class, count)| left[class] > *count);
        if closer && keeps_classes && groups_left > 1 {
            members.iter().for_each(|example| is_test[*example] = true);
            of_class.iter().for_each(|(class, count)| *left.entry(*class).or_default() -= count);
            taken += members.len();
            groups_left -= 1;
        }
    }
}

/// Whether each example has the value that marks the test part.
///
/// # Errors
/// When none has.
pub fn marked(values: &Coded, value: &str) -> Result<Vec<bool>, Fault> {
    let number = match value {
        "true" | "True" => Some(1.0),
        "false" | "False" => Some(0.0),
        _ => value.parse::<f64>().ok(),
    };
    let by_number = values.numbers.as_ref().and_then(|numbers| numbers.iter().position(|known| Some(*known) == number));
    let Some(place) = by_number.or_else(|| values.names.iter().position(|name| name == value)) else {
        return Err(Fault::NoTestValue { value: value.to_owned(), known: Known::to(value, &values.names) });
    };
    Ok(values.codes.iter().map(|code| *code as usize == place).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of<T: PartialEq>(values: &[T], is_test: &[bool], value: &T) -> [usize; 2] {
        let count =
            |part: bool| values.iter().zip(is_test).filter(|(known, test)| *known == value && **test == part).count();
        [count(false), count(true)]
    }

    #[test]
    fn each_class_gives_its_share() {
        let classes: Vec<u32> = (0..100).map(|example| u32::from(example % 10 == 0)).collect();
        let is_test = draw(100, 0.2, Draw::Stratified(&classes), 3).unwrap();
        assert_eq!([of(&classes, &is_test, &0), of(&classes, &is_test, &1)], [[72, 18], [8, 2]]);
        assert_eq!(draw(100, 0.2, Draw::Stratified(&classes), 3).unwrap(), is_test);
        assert_ne!(draw(100, 0.2, Draw::Stratified(&classes), 4).unwrap(), is_test);
    }

    #[test]
    fn a_class_of_one_stays_in_training() {
        let is_test = draw(5, 0.6, Draw::Stratified(&[0, 0, 0, 0, 1]), 0).unwrap();
        assert_eq!((is_test[4], is_test.iter().filter(|test| **test).count()), (false, 3));
        assert!(matches!(draw(2, 0.5, Draw::Stratified(&[0, 1]), 0), Err(Fault::EmptyPart { part: "test", .. })));
    }

    #[test]
    fn fractions_that_are_none_are_refused() {
        for fraction in [0.0, 1.0, -0.5, f64::NAN, 20.0] {
            assert!(matches!(draw(10, fraction, Draw::Random, 0), Err(Fault::BadFraction { .. })), "{fraction}");
        }
        assert!(draw(1, 0.5, Draw::Random, 0).is_err());
        assert!(draw(3, 0.5, Draw::Grouped(&[0, 0, 0], None), 0).is_err());
    }

    #[test]
    fn a_value_marks_the_test_part() {
        let texts = Coded::each_text(["train", "test", "train"].map(str::to_owned));
        assert_eq!(marked(&texts, "test").unwrap(), [false, true, false]);
        let Err(Fault::NoTestValue { known, .. }) = marked(&texts, "tests") else { panic!() };
        assert_eq!(known.nearest.unwrap(), "test");
        assert_eq!(marked(&Coded::numbers(&[0.0, 1.0]), "true").unwrap(), [false, true]);
    }

    proptest! {
        #[test]
        fn no_group_is_torn_and_no_class_is_lost(
            groups in prop::collection::vec(0_u32..12, 2..80),
            seed in 0_u64..4,
            fraction in 0.05_f64..0.95,
        ) {
            let classes: Vec<u32> = groups.iter().enumerate().map(|(example, group)| (example as u32 + group) % 3).collect();
            if let Ok(is_test) = draw(groups.len(), fraction, Draw::Grouped(&groups, Some(&classes)), seed) {
                for group in &groups {
                    prop_assert!(of(&groups, &is_test, group).contains(&0));
                }
                for class in &classes {
                    prop_assert!(of(&classes, &is_test, class)[0] > 0);
                }
            }
            let is_test = draw(groups.len(), fraction, Draw::Random, seed).unwrap();
            let wanted = (groups.len() as f64 * fraction).round().clamp(1.0, groups.len() as f64 - 1.0);
            prop_assert_eq!(is_test.iter().filter(|test| **test).count() as f64, wanted);
        }
    }
}
