//! The names, shapes and kinds of a data set's inputs and targets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::text::count;

/// Most inputs of a data set, and most targets.
pub const NAMES_MAX: usize = 64;
/// Longest name of an input, a target, a column or a class, in bytes.
pub const NAME_BYTES_MAX: usize = 256;
/// Most classes of a target, and most categories of a column.
pub const CLASSES_MAX: usize = 65_536;
/// Most numbers of one example of an input.
pub const EXAMPLE_NUMBERS_MAX: usize = 1 << 24;

/// The content of a data set's examples.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// The inputs by name, at least one.
    pub inputs: BTreeMap<String, Input>,
    /// The targets by name, at least one.
    pub targets: BTreeMap<String, Target>,
    /// The target that networks' primary outputs learn.
    pub primary: String,
    /// The way in which folds are made.
    pub folds: FoldRule,
    /// Inputs that are taken from a pool of sources, such as the images of a pair: examples that share such an input are
    /// not independent.
    pub pooled: Vec<String>,
}

/// An input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// The shape of one example: (channels, height, width) of an image, (channels, length) of a signal, (width) of a
    /// row of numbers.
    pub shape: Vec<usize>,
    /// The meaning of its numbers.
    pub content: Content,
}

impl Input {
    /// The number of stored numbers of one example.
    pub fn numbers(&self) -> usize {
        self.shape.iter().product()
    }
}

/// The meaning of an input's numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    /// Grey values or colours, each 0..=255.
    Pixels,
    /// Any finite numbers.
    Numbers,
    /// Columns of a table, one number each: NaN is a missing value.
    Columns(Vec<Column>),
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Column {
    /// Numbers.
    Number {
        /// The column's name.
        name: String,
    },
    /// Categories, stored as places in the dictionary.
    Category {
        /// The column's name.
        name: String,
        /// The dictionary: every category of the whole column.
        categories: Vec<String>,
    },
}

impl Column {
    /// The column's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Number { name } | Self::Category { name, .. } => name,
        }
    }
}

/// A target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// Classes with these names, at least two, stored as places in this list.
    Classes(Vec<String>),
    /// This many numbers an example, at least one.
    Numbers(usize),
}

/// The way in which folds are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FoldRule {
    /// At random; each fold has about the same share of each class of the primary target, where that has classes.
    Random,
    /// As random as whole groups allow: no group is in two folds.
    Grouped,
    /// Each training example names its fold.
    Predefined,
}

/// A schema that describes no data set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// There are no inputs or too many; or no targets, or too many.
    #[error("the data set has {}; 1 to {NAMES_MAX} are allowed", count(*.found, .of))]
    Count {
        /// "input" or "target".
        of: &'static str,
        /// The number of them.
        found: usize,
    },
    /// A name is empty or too long, or has control characters.
    #[error("the {of} {name:?} has no usable name: 1 to {NAME_BYTES_MAX} bytes without control characters")]
    Name {
        /// "input", "target", "column", "category" or "class".
        of: &'static str,
        /// The name.
        name: String,
    },
    /// Two have the same name.
    #[error("two {of} of {within} are named {name:?}")]
    Twice {
        /// "columns", "categories" or "classes".
        of: &'static str,
        /// The input or target.
        within: String,
        /// The name.
        name: String,
    },
    /// An example of an input has no number, or too many.
    #[error("an example of the input {name:?} has shape {shape:?}; 1 to {EXAMPLE_NUMBERS_MAX} numbers are allowed")]
    Shape {
        /// The input.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
    },
    /// The columns do not match the shape.
    #[error("the input {name:?} has {} and shape {shape:?}", count(*.columns, "column"))]
    Columns {
        /// The input.
        name: String,
        /// The number of columns.
        columns: usize,
        /// Its shape.
        shape: Vec<usize>,
    },
    /// A target has too few or too many classes.
    #[error("the target {name:?} has {}; 2 to {CLASSES_MAX} are allowed", count(*.classes, "class"))]
    Classes {
        /// The target.
        name: String,
        /// The number of classes.
        classes: usize,
    },
    /// A target without numbers, or with too many.
    #[error("the target {name:?} has {} an example; 1 to {NAMES_MAX} are allowed", count(*.numbers, "number"))]
    Numbers {
        /// The target.
        name: String,
        /// The number of numbers.
        numbers: usize,
    },
    /// The primary target or a pooled input does not exist.
    #[error("there is no {of} {name:?}")]
    Unknown {
        /// "target" or "input".
        of: &'static str,
        /// The name.
        name: String,
    },
}

impl Schema {
    /// The primary target.
    ///
    /// # Panics
    /// When the schema was not [checked](Self::check).
    pub fn primary_target(&self) -> &Target {
        &self.targets[&self.primary]
    }

    /// The names of the primary target's classes; None where it has numbers.
    pub fn classes(&self) -> Option<&[String]> {
        match self.targets.get(&self.primary)? {
            Target::Classes(names) => Some(names),
            Target::Numbers(_) => None,
        }
    }

    /// Checks names, shapes and counts.
    ///
    /// # Errors
    /// The first fault.
    pub fn check(&self) -> Result<(), SchemaError> {
        for (of, found) in [("input", self.inputs.len()), ("target", self.targets.len())] {
            if !(1..=NAMES_MAX).contains(&found) {
                return Err(SchemaError::Count { of, found });
            }
        }
        for (name, input) in &self.inputs {
            usable("input", name)?;
            check_input(name, input)?;
        }
        for (name, target) in &self.targets {
            usable("target", name)?;
            match target {
                Target::Classes(classes) if !(2..=CLASSES_MAX).contains(&classes.len()) => {
                    return Err(SchemaError::Classes { name: name.clone(), classes: classes.len() });
                }
                Target::Classes(classes) => distinct(["class", "classes"], name, classes.iter().map(String::as_str))?,
                Target::Numbers(numbers) if !(1..=NAMES_MAX).contains(numbers) => {
                    return Err(SchemaError::Numbers { name: name.clone(), numbers: *numbers });
                }
                Target::Numbers(_) => {}
            }
        }
        if !self.targets.contains_key(&self.primary) {
            return Err(SchemaError::Unknown { of: "target", name: self.primary.clone() });
        }
        match self.pooled.iter().find(|name| !self.inputs.contains_key(*name)) {
            Some(name) => Err(SchemaError::Unknown { of: "input", name: name.clone() }),
            None => Ok(()),
        }
    }
}

fn check_input(name: &str, input: &Input) -> Result<(), SchemaError> {
    let numbers = input.shape.iter().try_fold(1_usize, |product, size| product.checked_mul(*size));
    if !numbers.is_some_and(|numbers| (1..=EXAMPLE_NUMBERS_MAX).contains(&numbers)) {
        return Err(SchemaError::Shape { name: name.to_owned(), shape: input.shape.clone() });
    }
    let Content::Columns(columns) = &input.content else { return Ok(()) };
    if input.shape != [columns.len()] {
        let shape = input.shape.clone();
        return Err(SchemaError::Columns { name: name.to_owned(), columns: columns.len(), shape });
    }
    distinct(["column", "columns"], name, columns.iter().map(Column::name))?;
    for column in columns {
        if let Column::Category { name, categories } = column {
            distinct(["category", "categories"], name, categories.iter().map(String::as_str))?;
        }
    }
    Ok(())
}

fn usable(of: &'static str, name: &str) -> Result<(), SchemaError> {
    let usable = (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.chars().any(char::is_control);
    if usable { Ok(()) } else { Err(SchemaError::Name { of, name: name.to_owned() }) }
}

/// Checks that these names are usable and all different.
fn distinct<'a>(
    [one, many]: [&'static str; 2],
    within: &str,
    names: impl Iterator<Item = &'a str>,
) -> Result<(), SchemaError> {
    let mut seen = std::collections::HashSet::new();
    for name in names {
        usable(one, name)?;
        if !seen.insert(name) {
            return Err(SchemaError::Twice { of: many, within: within.to_owned(), name: name.to_owned() });
        }
    }
    Ok(())
}
