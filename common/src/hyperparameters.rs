//! Values of hyper-parameters.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

/// One value of a hyper-parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A whole number.
    Integer(u64),
    /// A real number, always finite.
    Number(f64),
    /// A word.
    Text(String),
    /// A list of whole numbers, for example hidden widths.
    Integers(Vec<u64>),
    /// Yes or no.
    Flag(bool),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => write!(f, "{value}"),
            // 1e-5 and 1e20 rather than 0.00001 and a one with twenty zeros: labels stay short.
            Self::Number(value) if *value != 0.0 && !(1e-4..1e16).contains(&value.abs()) => write!(f, "{value:e}"),
            Self::Number(value) => write!(f, "{value}"),
            Self::Text(value) => f.write_str(value),
            Self::Integers(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{item}")?;
                }
                f.write_str("]")
            }
            Self::Flag(value) => write!(f, "{value}"),
        }
    }
}

/// Hyper-parameters by name: every one of the model's schema, with defaults filled in, each of the schema's kind.
pub type Hyperparameters = BTreeMap<String, Value>;
