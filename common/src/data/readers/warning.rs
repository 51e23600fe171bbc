//! Facts about a data set that its user should know, and that do not stop a study.

use std::fmt;

use crate::text::{count, plain, whole};

/// A warning of a reader.
#[derive(Clone, Debug, PartialEq)]
pub enum Warning {
    /// Numbers that 32 bits do not hold exactly.
    Rounded {
        /// The array or column, for people: "array `x`".
        of: String,
        /// How many were rounded.
        rounded: u64,
        /// How many there are.
        numbers: u64,
    },
    /// Labels that do not count from 0 without a gap: each value is a class, and no class stands for a missing value.
    ClassValues {
        /// The target.
        target: String,
        /// The values, in order.
        values: Vec<String>,
    },
    /// A named class without examples.
    AbsentClass {
        /// The target.
        target: String,
        /// The class.
        class: String,
    },
    /// Test examples whose inputs are those of a training example.
    SharedRows {
        /// How many test examples.
        test: usize,
        /// How many test examples there are.
        of: usize,
    },
    /// A column whose categories are almost as many as its rows.
    ManyCategories {
        /// The column.
        column: String,
        /// How many categories.
        categories: usize,
        /// How many rows.
        rows: usize,
    },
    /// A column without values.
    EmptyColumn {
        /// The column.
        column: String,
    },
    /// Images whose pixels were converted.
    Converted {
        /// How many images.
        images: usize,
        /// The conversion, for people: "16 bits were reduced to 8".
        how: &'static str,
    },
    /// Files of a folder of images that are no images.
    Skipped {
        /// How many.
        files: usize,
        /// One of them.
        example: String,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rounded { of, rounded, numbers } => write!(
                f,
                "{of}: {} of {} {} rounded to 32 bits",
                whole(rounded),
                count(numbers, "number"),
                if *rounded == 1 { "was" } else { "were" }
            ),
            Self::ClassValues { target, values } => {
                let shown = values.iter().take(12).map(|value| plain(value)).collect::<Vec<_>>().join(", ");
                let more = values.len().saturating_sub(12);
                let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
                write!(
                    f,
                    "target `{}`: the labels are not 0, 1, 2, ...: each value is a class ({shown}{rest})",
                    plain(target)
                )
            }
            Self::AbsentClass { target, class } => {
                write!(f, "target `{}`: the class `{}` has no examples", plain(target), plain(class))
            }
            Self::SharedRows { test, of } => write!(
                f,
                "{} of {} {} the same inputs as a training example: `group = \"identical-rows\"` keeps such examples in one part",
                whole(test),
                count(of, "test example"),
                if *test == 1 { "has" } else { "have" }
            ),
            Self::ManyCategories { column, categories, rows } => write!(
                f,
                "column `{}`: {} in {}: is it an identifier? `ignore` leaves it out",
                plain(column),
                count(categories, "category"),
                count(rows, "row")
            ),
            Self::EmptyColumn { column } => {
                write!(f, "column `{}` has no values: `ignore` leaves it out", plain(column))
            }
            Self::Converted { images, how } => write!(f, "{}: {how}", count(images, "image")),
            Self::Skipped { files, example } => {
                write!(f, "{} that are no images were left out, such as {}", count(files, "file"), plain(example))
            }
        }
    }
}
