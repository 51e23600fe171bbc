//! The value of a metric, or the reason why it has none.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::exact_sum::sum;

/// The value of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// A finite number.
    Number(f64),
    /// The metric has no value on these examples.
    Undefined(Undefined),
    /// Training diverged: the network gave no finite outputs.
    Diverged,
}

impl Value {
    /// The number, where there is one; it is finite.
    pub fn number(self) -> Option<f64> {
        match self {
            Self::Number(number) if number.is_finite() => Some(number),
            Self::Number(_) | Self::Undefined(_) | Self::Diverged => None,
        }
    }

    /// The mean of the numbers among these values, whatever their order; undefined where there is none.
    pub(super) fn mean_of_numbers(values: impl Iterator<Item = Self>) -> Self {
        let numbers: Vec<f64> = values.filter_map(Self::number).collect();
        match numbers.len() {
            0 => Self::Undefined(Undefined::Empty),
            n => Self::Number(sum(numbers) / n as f64),
        }
    }
}

impl fmt::Display for Value {
    /// The number with every digit, "undefined: " with the reason, or "diverged".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Undefined(reason) => write!(f, "undefined: {reason}"),
            Self::Diverged => f.write_str("diverged"),
        }
    }
}

/// The reason why a metric is undefined. Classes are named by their codes, columns and folds counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Undefined {
    /// Every example is of this class, so there is nothing to tell apart.
    OneClass {
        /// The class.
        class: u32,
    },
    /// No example is of this class.
    MissingClass {
        /// The class.
        class: u32,
    },
    /// No example is predicted to be of this class.
    NeverPredicted {
        /// The class.
        class: u32,
    },
    /// No example is of this class, and none is predicted to be.
    UnusedClass {
        /// The class.
        class: u32,
    },
    /// There is only one example.
    OneExample,
    /// The true numbers of this column are all equal.
    ConstantTarget {
        /// The column.
        column: u32,
    },
    /// There is nothing to take the mean of.
    Empty,
}

impl Undefined {
    /// The reason in words: a clause without a full stop. `class_name` gives the name of a class, such as "class 3".
    pub fn in_words(self, class_name: impl Fn(u32) -> String) -> String {
        match self {
            Self::OneClass { class } => {
                format!("every example is of {}, so there is nothing to tell apart", class_name(class))
            }
            Self::MissingClass { class } => format!("no example is of {}", class_name(class)),
            Self::NeverPredicted { class } => format!("no example is predicted to be of {}", class_name(class)),
            Self::UnusedClass { class } => {
                format!("no example is of {}, and none is predicted to be", class_name(class))
            }
            Self::OneExample => "there is only one example".to_owned(),
            Self::ConstantTarget { column } => format!("the true numbers of column {column} are all equal"),
            Self::Empty => "there are no values".to_owned(),
        }
    }
}

impl fmt::Display for Undefined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_words(|class| format!("class {class}")))
    }
}

impl std::error::Error for Undefined {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_kept_as_json_to_the_bit() {
        for value in [
            Value::Number(0.1 + 0.2),
            Value::Number(-0.0),
            Value::Undefined(Undefined::MissingClass { class: 3 }),
            Value::Undefined(Undefined::OneExample),
            Value::Diverged,
        ] {
            let text = serde_json::to_string(&value).unwrap();
            let read: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(read, value, "{text}");
            assert_eq!(read.number().map(f64::to_bits), value.number().map(f64::to_bits));
        }
        assert_eq!(
            serde_json::to_string(&Value::Undefined(Undefined::OneClass { class: 1 })).unwrap(),
            r#"{"undefined":{"one-class":{"class":1}}}"#
        );
    }

    #[test]
    fn only_finite_numbers_are_numbers() {
        assert_eq!(Value::Number(2.5).number(), Some(2.5));
        for value in [Value::Number(f64::NAN), Value::Number(f64::INFINITY), Value::Diverged] {
            assert_eq!(value.number(), None);
        }
    }

    #[test]
    fn reasons_are_words_with_the_names_of_classes() {
        assert_eq!(
            Value::Undefined(Undefined::OneClass { class: 2 }).to_string(),
            "undefined: every example is of class 2, so there is nothing to tell apart"
        );
        assert_eq!(
            Undefined::UnusedClass { class: 0 }.in_words(|_| "\"cat\"".to_owned()),
            "no example is of \"cat\", and none is predicted to be"
        );
        assert_eq!(Value::Number(0.25).to_string(), "0.25");
    }
}
