//! A data set in memory: its examples' inputs and targets, in a training part and a test part.

use std::collections::BTreeMap;

use super::{
    schema::{Content, FoldRule, Schema, SchemaError, Target},
    values::Values,
};
use crate::text::count;

/// Most examples of a part.
pub const EXAMPLES_MAX: usize = 10_000_000;
/// Longest title, in bytes.
pub const TITLE_BYTES_MAX: usize = 256;

/// A study's data: what it is, its training examples and its test examples.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// Title, seed and schema.
    pub about: About,
    /// The training part.
    pub train: Examples,
    /// The test part; it may be empty.
    pub test: Examples,
}

/// A data set without its inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct DatasetTargets {
    /// Title, seed and schema.
    pub about: About,
    /// The targets of the training part.
    pub train: Targets,
    /// The targets of the test part.
    pub test: Targets,
}

/// The facts about a data set as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The name of the data set in titles, for example "MNIST pairs".
    pub title: String,
    /// The data seed, from which folds are drawn too.
    pub seed: u64,
    /// The inputs and targets.
    pub schema: Schema,
}

/// The examples of a part.
#[derive(Clone, Debug, PartialEq)]
pub struct Examples {
    /// Each input's numbers, by its name.
    pub inputs: BTreeMap<String, Values>,
    /// Everything but the inputs.
    pub targets: Targets,
}

/// The targets, groups and folds of a part's examples.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Targets {
    /// Number of examples.
    pub examples: usize,
    /// Each target's labels, by its name.
    pub labels: BTreeMap<String, Labels>,
    /// Each example's group, where there are groups: examples of one group are not independent.
    pub groups: Option<Vec<u32>>,
    /// Each training example's fold, where folds are predefined.
    pub folds: Option<Vec<u32>>,
}

/// The labels of a part's examples for one target.
#[derive(Clone, Debug, PartialEq)]
pub enum Labels {
    /// Each example's class, as a place in the target's list.
    Classes(Vec<u32>),
    /// Finite numbers, example by example.
    Numbers(Vec<f32>),
}

/// A part of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The training examples.
    Train,
    /// The test examples.
    Test,
}

impl Part {
    /// Both parts, training first.
    pub const ALL: [Self; 2] = [Self::Train, Self::Test];

    /// "train" or "test".
    pub const fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "test",
        }
    }
}

/// A data set with or without its inputs.
pub trait Labelled {
    /// Title, seed and schema.
    fn about(&self) -> &About;

    /// The targets of a part.
    fn targets(&self, part: Part) -> &Targets;

    /// The number of examples of a part.
    fn examples(&self, part: Part) -> usize {
        self.targets(part).examples
    }

    /// Each example's class of the primary target; None where it has numbers.
    fn classes(&self, part: Part) -> Option<&[u32]> {
        match self.targets(part).labels.get(&self.about().schema.primary)? {
            Labels::Classes(classes) => Some(classes),
            Labels::Numbers(_) => None,
        }
    }
}

impl Labelled for Dataset {
    fn about(&self) -> &About {
        &self.about
    }

    fn targets(&self, part: Part) -> &Targets {
        &self.part(part).targets
    }
}

impl Labelled for DatasetTargets {
    fn about(&self) -> &About {
        &self.about
    }

    fn targets(&self, part: Part) -> &Targets {
        match part {
            Part::Train => &self.train,
            Part::Test => &self.test,
        }
    }
}

impl Targets {
    /// The labels of a target with classes; None if there is no such target.
    pub fn classes(&self, target: &str) -> Option<&[u32]> {
        match self.labels.get(target)? {
            Labels::Classes(classes) => Some(classes),
            Labels::Numbers(_) => None,
        }
    }
}

impl Dataset {
    /// The examples of a part.
    pub fn part(&self, part: Part) -> &Examples {
        match part {
            Part::Train => &self.train,
            Part::Test => &self.test,
        }
    }

    /// The data set without its inputs.
    pub fn to_targets(&self) -> DatasetTargets {
        DatasetTargets { about: self.about.clone(), train: self.train.targets.clone(), test: self.test.targets.clone() }
    }

    /// Checks that schema and examples fit together.
    ///
    /// # Errors
    /// The first fault.
    pub fn check(&self) -> Result<(), DatasetError> {
        let About { title, schema, .. } = &self.about;
        if title.len() > TITLE_BYTES_MAX {
            return Err(DatasetError::LongTitle { bytes: title.len() });
        }
        schema.check()?;
        if self.train.targets.examples == 0 {
            return Err(DatasetError::NoExamples);
        }
        Part::ALL.into_iter().try_for_each(|part| check_part(schema, part, self.part(part)))
    }
}

/// Examples that do not fit a schema.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DatasetError {
    /// The title is too long.
    #[error("the title has {bytes} bytes, more than {TITLE_BYTES_MAX}")]
    LongTitle {
        /// The title's length.
        bytes: usize,
    },
    /// The schema describes no data set.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The training part is empty.
    #[error("the data set has no training examples")]
    NoExamples,
    /// Too many examples.
    #[error("{} are more than {EXAMPLES_MAX}", count(*.examples, &format!("{} example", part.name())))]
    ManyExamples {
        /// The part.
        part: Part,
        /// The number of examples.
        examples: usize,
    },
    /// The names of a part's inputs or targets are not the schema's.
    #[error("the {} part has the {of} {found:?} instead of {expected:?}", part.name())]
    Names {
        /// The part.
        part: Part,
        /// "inputs" or "targets".
        of: &'static str,
        /// Their names.
        found: Vec<String>,
        /// The schema's names.
        expected: Vec<String>,
    },
    /// An array of another length.
    #[error("{of} of the {} part has {found} values instead of {expected}", part.name())]
    Length {
        /// The part.
        part: Part,
        /// The array, for people: "input `image`".
        of: String,
        /// The number of values.
        found: usize,
        /// The number that the examples and the schema ask for.
        expected: usize,
    },
    /// Labels of the other kind.
    #[error("the target `{target}` of the {} part has labels of another kind than the schema says", part.name())]
    Kind {
        /// The part.
        part: Part,
        /// The target.
        target: String,
    },
    /// A class or category that the schema does not name.
    #[error("{} example {example} has number {code} of {of}, which has only {known}", part.name())]
    Code {
        /// The part.
        part: Part,
        /// The example, from 0.
        example: usize,
        /// The target or column, for people.
        of: String,
        /// The code.
        code: f64,
        /// The number of known classes or categories.
        known: usize,
    },
    /// A number that is NaN or infinite where that is not allowed.
    #[error("{} example {example} has the value {value} in {of}", part.name())]
    NotFinite {
        /// The part.
        part: Part,
        /// The example, from 0.
        example: usize,
        /// The input or target, for people.
        of: String,
        /// The value.
        value: f32,
    },
    /// A pixel outside of 0..=255.
    #[error("{} example {example} has a pixel of value {value} in input `{input}`, not in 0..=255", part.name())]
    Pixel {
        /// The part.
        part: Part,
        /// The example, from 0.
        example: usize,
        /// The input.
        input: String,
        /// The value.
        value: f32,
    },
    /// The rule for folds needs groups or folds that the examples do not have.
    #[error("the examples have no {of}, which the data set's folds need")]
    FoldRule {
        /// "groups" or "folds".
        of: &'static str,
    },
}

fn check_part(schema: &Schema, part: Part, examples: &Examples) -> Result<(), DatasetError> {
    let targets = &examples.targets;
    if targets.examples > EXAMPLES_MAX {
        return Err(DatasetError::ManyExamples { part, examples: targets.examples });
    }
    same_names(part, "inputs", examples.inputs.keys(), schema.inputs.keys())?;
    same_names(part, "targets", targets.labels.keys(), schema.targets.keys())?;
    let length = |of: String, found: usize, expected: usize| {
        if found == expected { Ok(()) } else { Err(DatasetError::Length { part, of, found, expected }) }
    };
    for (name, input) in &schema.inputs {
        let values = &examples.inputs[name];
        length(format!("an example of input `{name}`"), values.width(), input.numbers())?;
        length(format!("input `{name}`"), values.examples(), targets.examples)?;
        check_values(part, name, &input.content, values)?;
    }
    for (name, target) in &schema.targets {
        match (target, &targets.labels[name]) {
            (Target::Classes(names), Labels::Classes(classes)) => {
                length(format!("target `{name}`"), classes.len(), targets.examples)?;
                if let Some(example) = classes.iter().position(|&class| class as usize >= names.len()) {
                    let (of, code) = (format!("target `{name}`"), f64::from(classes[example]));
                    return Err(DatasetError::Code { part, example, of, code, known: names.len() });
                }
            }
            (Target::Numbers(columns), Labels::Numbers(numbers)) => {
                length(format!("target `{name}`"), numbers.len(), columns * targets.examples)?;
                if let Some(place) = numbers.iter().position(|number| !number.is_finite()) {
                    let (example, of) = (place / columns, format!("target `{name}`"));
                    return Err(DatasetError::NotFinite { part, example, of, value: numbers[place] });
                }
            }
            (Target::Classes(_), Labels::Numbers(_)) | (Target::Numbers(_), Labels::Classes(_)) => {
                return Err(DatasetError::Kind { part, target: name.clone() });
            }
        }
    }
    for (of, codes) in [("groups", &targets.groups), ("folds", &targets.folds)] {
        if let Some(codes) = codes {
            length(of.to_owned(), codes.len(), targets.examples)?;
        }
    }
    match (schema.folds, part) {
        (FoldRule::Grouped, _) if targets.groups.is_none() => Err(DatasetError::FoldRule { of: "groups" }),
        (FoldRule::Predefined, Part::Train) if targets.folds.is_none() => Err(DatasetError::FoldRule { of: "folds" }),
        (FoldRule::Random | FoldRule::Grouped | FoldRule::Predefined, _) => Ok(()),
    }
}

fn same_names<'a>(
    part: Part,
    of: &'static str,
    found: impl Iterator<Item = &'a String> + Clone,
    expected: impl Iterator<Item = &'a String> + Clone,
) -> Result<(), DatasetError> {
    if found.clone().eq(expected.clone()) {
        return Ok(());
    }
    let [found, expected] = [found.cloned().collect(), expected.cloned().collect()];
    Err(DatasetError::Names { part, of, found, expected })
}

/// Checks every number of an input.
fn check_values(part: Part, name: &str, content: &Content, values: &Values) -> Result<(), DatasetError> {
    // Every byte is a pixel, and none is missing.
    if values.number() == super::values::NumberType::U8 && !matches!(content, Content::Columns(_)) {
        return Ok(());
    }
    let of = || format!("input `{name}`");
    let mut fault = Ok(());
    for example in 0..values.examples() {
        let mut place = 0;
        values.for_each(example, |value| {
            if fault.is_ok() {
                fault = check_value(content, place, value).map_err(|wrong| match wrong {
                    Wrong::NotFinite => DatasetError::NotFinite { part, example, of: of(), value },
                    Wrong::Pixel => DatasetError::Pixel { part, example, input: name.to_owned(), value },
                    Wrong::Code { column, known } => {
                        let of = format!("column `{column}` of input `{name}`");
                        DatasetError::Code { part, example, of, code: f64::from(value), known }
                    }
                });
            }
            place += 1;
        });
        if fault.is_err() {
            break;
        }
    }
    fault
}

enum Wrong<'a> {
    NotFinite,
    Pixel,
    Code { column: &'a str, known: usize },
}

fn check_value(content: &Content, place: usize, value: f32) -> Result<(), Wrong<'_>> {
    use super::schema::Column;
    match content {
        Content::Pixels if (0.0..=255.0).contains(&value) => Ok(()),
        Content::Pixels => Err(Wrong::Pixel),
        Content::Numbers if value.is_finite() => Ok(()),
        Content::Numbers => Err(Wrong::NotFinite),
        Content::Columns(_) if value.is_nan() => Ok(()),
        Content::Columns(columns) => match &columns[place] {
            Column::Number { .. } if value.is_finite() => Ok(()),
            Column::Number { .. } => Err(Wrong::NotFinite),
            Column::Category { name, categories } => {
                let is_code = value >= 0.0 && value.fract() == 0.0 && (value as usize) < categories.len();
                if is_code { Ok(()) } else { Err(Wrong::Code { column: name, known: categories.len() }) }
            }
        },
    }
}
