//! Hyper-parameter schemas: which names a model knows, what values they take and what they mean.

use crate::hyperparameters::{Hyperparameters, Value};

/// One hyper-parameter of a model.
#[derive(Debug)]
pub struct Parameter {
    /// As written in a spec.
    pub name: &'static str,
    /// Which values it takes.
    pub kind: Kind,
    /// Its value where the spec is silent; None: the spec must say.
    pub default: Option<Default>,
    /// One sentence.
    pub meaning: &'static str,
}

/// Which values a hyper-parameter takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A finite number above 0.
    Positive,
    /// A finite number, 0 or above.
    NotNegative,
    /// A number in `0..below` or, with `inclusive`, `0..=below`.
    Fraction {
        /// The upper end.
        below: f64,
        /// Whether the upper end itself is allowed.
        inclusive: bool,
    },
    /// A whole number in `1..=max`.
    Count {
        /// The largest.
        max: u64,
    },
    /// A list of `1..=longest` whole numbers, each in `1..=widest`.
    Widths {
        /// The longest list.
        longest: usize,
        /// The largest member.
        widest: u64,
    },
    /// One of these words.
    Choice(&'static [&'static str]),
}

/// A default, in a form that can be a constant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Default {
    /// A number.
    Number(f64),
    /// A whole number.
    Integer(u64),
    /// A list.
    Integers(&'static [u64]),
    /// A word.
    Text(&'static str),
}

/// A value that the schema does not allow.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("`{name}` must be {expected}, not {found}")]
pub struct ParameterError {
    /// The hyper-parameter.
    pub name: &'static str,
    /// What is allowed, for people.
    pub expected: String,
    /// What was written.
    pub found: String,
}

impl Parameter {
    /// The default, if there is one.
    pub fn default_value(&self) -> Option<Value> {
        self.default.map(|default| match default {
            Default::Number(value) => Value::Number(value),
            Default::Integer(value) => Value::Integer(value),
            Default::Integers(items) => Value::Integers(items.to_vec()),
            Default::Text(word) => Value::Text(word.to_owned()),
        })
    }

    /// The value in the kind that the schema says (a whole number may stand for a real one), or what is wrong with it.
    pub fn check(&self, value: Value) -> Result<Value, ParameterError> {
        let wrong = |found: &Value| {
            Err(ParameterError { name: self.name, expected: self.kind.expectation(), found: found.to_string() })
        };
        let value = match (self.kind, value) {
            // Beyond 2^53 the conversion would not be exact, and no hyper-parameter is that large.
            (Kind::Positive | Kind::NotNegative | Kind::Fraction { .. }, Value::Integer(whole))
                if whole < (1 << 53) =>
            {
                Value::Number(whole as f64)
            }
            // Makes a negative zero zero: equal values must have one canonical form.
            (Kind::Positive | Kind::NotNegative | Kind::Fraction { .. }, Value::Number(number)) => {
                Value::Number(number + 0.0)
            }
            (_, value) => value,
        };
        let allowed = match (self.kind, &value) {
            (Kind::Positive, Value::Number(number)) => number.is_finite() && *number > 0.0,
            (Kind::NotNegative, Value::Number(number)) => number.is_finite() && *number >= 0.0,
            (Kind::Fraction { below, inclusive }, Value::Number(number)) => {
                *number >= 0.0 && (*number < below || inclusive && *number == below)
            }
            (Kind::Count { max }, Value::Integer(count)) => (1..=max).contains(count),
            (Kind::Widths { longest, widest }, Value::Integers(items)) => {
                (1..=longest).contains(&items.len()) && items.iter().all(|item| (1..=widest).contains(item))
            }
            (Kind::Choice(words), Value::Text(word)) => words.contains(&word.as_str()),
            _ => false,
        };
        if allowed { Ok(value) } else { wrong(&value) }
    }
}

impl Kind {
    /// What values are allowed, for people: "a number above 0".
    pub fn expectation(&self) -> String {
        match self {
            Self::Positive => "a finite number above 0".to_owned(),
            Self::NotNegative => "a finite number, 0 or above".to_owned(),
            Self::Fraction { below, inclusive: false } => format!("a number from 0 to below {below}"),
            Self::Fraction { below, inclusive: true } => format!("a number from 0 to {below}"),
            Self::Count { max } => format!("a whole number from 1 to {max}"),
            Self::Widths { longest, widest } => {
                format!("a list of 1 to {longest} whole numbers, each from 1 to {widest}")
            }
            Self::Choice(words) => format!("one of {}", words.join(", ")),
        }
    }
}

/// The learning rate; for plain SGD the paper's lambda.
pub(super) const LEARNING_RATE: Parameter = Parameter {
    name: "learning_rate",
    kind: Kind::Positive,
    default: None,
    meaning: "step size of the optimiser (for sgd, the paper's lambda)",
};

/// Pairs in a batch.
pub(super) const BATCH_SIZE: Parameter = Parameter {
    name: "batch_size",
    kind: Kind::Count { max: 65_536 },
    default: None,
    meaning: "pairs in a batch; the last batch of an epoch may be smaller and is used",
};

/// Weight `a` of the auxiliary loss.
pub(super) const AUXILIARY_WEIGHT: Parameter = Parameter {
    name: "auxiliary_weight",
    kind: Kind::Fraction { below: 1.0, inclusive: true },
    default: Some(Default::Number(0.3)),
    meaning: "a in total = (1 - a) * comparison + a * auxiliary, the auxiliary loss being the sum of both digits' cross-entropies",
};

/// A dropout probability with this default.
pub(super) const fn dropout(default: f64) -> Parameter {
    Parameter {
        name: "dropout",
        kind: Kind::Fraction { below: 1.0, inclusive: false },
        default: Some(Default::Number(default)),
        meaning: "probability with which dropout sets a hidden value to 0 in training",
    }
}

/// On which side of the 128 -> 100 layer dropout acts. Table I writes p = 0.5 beside that layer and leaves it open.
pub(super) const DROPOUT_AT: Parameter = Parameter {
    name: "dropout_at",
    kind: Kind::Choice(&["input", "output", "both"]),
    default: Some(Default::Text("output")),
    meaning: "on which side of the 128 -> 100 layer dropout acts: its input, its output (after ReLU) or both",
};

/// What the tower's 10 outputs go through before anything reads them.
pub(super) const TOWER_END: Parameter = Parameter {
    name: "tower_end",
    kind: Kind::Choice(&["linear", "relu"]),
    default: Some(Default::Text("linear")),
    meaning: "what the tower's 10 outputs go through before the comparison (and the digits' losses) read them: nothing, or ReLU",
};

/// How far from 0 weights begin.
pub(super) const INITIAL_SCALE: Parameter = Parameter {
    name: "initial_scale",
    kind: Kind::Positive,
    default: Some(Default::Number(1.0)),
    meaning: "factor on the range from which initial weights and biases are drawn; 1 is PyTorch's default range",
};

/// A word that the schema guarantees to be there.
///
/// # Panics
/// When the hyper-parameters were not checked against the schema.
pub(super) fn word<'a>(given: &'a Hyperparameters, name: &str) -> &'a str {
    match given.get(name) {
        Some(Value::Text(word)) => word,
        other => panic!("hyper-parameter `{name}` must be a checked word, is {other:?}"),
    }
}

/// A number that the schema guarantees to be there.
///
/// # Panics
/// When the hyper-parameters were not checked against the schema.
pub(super) fn number(given: &Hyperparameters, name: &str) -> f64 {
    match given.get(name) {
        Some(Value::Number(value)) => *value,
        other => panic!("hyper-parameter `{name}` must be a checked number, is {other:?}"),
    }
}

/// A list that the schema guarantees to be there.
///
/// # Panics
/// When the hyper-parameters were not checked against the schema.
pub(super) fn widths(given: &Hyperparameters, name: &str) -> Vec<usize> {
    match given.get(name) {
        Some(Value::Integers(items)) => {
            items.iter().map(|&item| usize::try_from(item).expect("the schema bounds widths")).collect()
        }
        other => panic!("hyper-parameter `{name}` must be a checked list, is {other:?}"),
    }
}
