//! The parameters of a network: their names, values and meaning.

use std::fmt;

use crate::hyperparameters::Value;

/// One parameter of a network. Rows of a spec set it, and may make an axis of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// As written in a spec.
    pub name: String,
    /// Which values it takes.
    pub kind: Kind,
    /// Its value where the spec is silent; None: the spec must say.
    pub default: Option<Value>,
    /// One sentence; may be empty.
    pub meaning: String,
}

/// Which values a parameter takes.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A finite number between these ends.
    Number {
        /// The lower end.
        low: Option<End>,
        /// The upper end.
        high: Option<End>,
    },
    /// A whole number in `minimum..=maximum`.
    Whole {
        /// The smallest.
        minimum: u64,
        /// The largest.
        maximum: u64,
    },
    /// A list of `1..=longest` whole numbers, each in `minimum..=maximum`.
    Wholes {
        /// The longest list.
        longest: usize,
        /// The smallest member.
        minimum: u64,
        /// The largest member.
        maximum: u64,
    },
    /// One of these words.
    Word(Vec<String>),
    /// Yes or no.
    Flag,
}

/// An end of a range of numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct End {
    /// The number.
    pub at: f64,
    /// Whether the number itself is allowed.
    pub inclusive: bool,
}

/// A value that a parameter does not take.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("`{name}` must be {expected}, not {found}")]
pub struct ParameterError {
    /// The parameter.
    pub name: String,
    /// The allowed values, for people.
    pub expected: String,
    /// The given value.
    pub found: String,
}

impl Parameter {
    /// The value in the kind that the parameter has (a whole number may stand for a real one).
    ///
    /// # Errors
    /// When the parameter does not take the value.
    pub fn check(&self, value: Value) -> Result<Value, ParameterError> {
        let value = match (&self.kind, value) {
            // Beyond 2^53 the conversion would not be exact, and no parameter is that large.
            (Kind::Number { .. }, Value::Integer(whole)) if whole < (1 << 53) => Value::Number(whole as f64),
            // Makes a negative zero zero: equal values must have one canonical form.
            (Kind::Number { .. }, Value::Number(number)) => Value::Number(number + 0.0),
            (_, value) => value,
        };
        if self.kind.takes(&value) {
            return Ok(value);
        }
        Err(ParameterError { name: self.name.clone(), expected: self.kind.expectation(), found: value.to_string() })
    }
}

impl Kind {
    fn takes(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Number { low, high }, Value::Number(number)) => {
                number.is_finite()
                    && low.is_none_or(|low| *number > low.at || low.inclusive && *number == low.at)
                    && high.is_none_or(|high| *number < high.at || high.inclusive && *number == high.at)
            }
            (Self::Whole { minimum, maximum }, Value::Integer(whole)) => (minimum..=maximum).contains(&whole),
            (Self::Wholes { longest, minimum, maximum }, Value::Integers(items)) => {
                (1..=*longest).contains(&items.len()) && items.iter().all(|item| (minimum..=maximum).contains(&item))
            }
            (Self::Word(words), Value::Text(word)) => words.contains(word),
            (Self::Flag, Value::Flag(_)) => true,
            (Self::Number { .. } | Self::Whole { .. } | Self::Wholes { .. } | Self::Word(_) | Self::Flag, _) => false,
        }
    }

    /// Which values are allowed, for people: "a number from 0 to below 1".
    pub fn expectation(&self) -> String {
        let end = |end: &End| Value::Number(end.at).to_string();
        match self {
            Self::Number { low: None, high: None } => "a finite number".to_owned(),
            Self::Number { low: Some(low), high: None } if low.inclusive => {
                format!("a finite number, {} or above", end(low))
            }
            Self::Number { low: Some(low), high: None } => format!("a finite number above {}", end(low)),
            Self::Number { low: None, high: Some(high) } if high.inclusive => {
                format!("a finite number, {} or below", end(high))
            }
            Self::Number { low: None, high: Some(high) } => format!("a finite number below {}", end(high)),
            Self::Number { low: Some(low), high: Some(high) } => {
                let above = if low.inclusive { "" } else { "above " };
                let below = if high.inclusive { "" } else { "below " };
                format!("a number from {above}{} to {below}{}", end(low), end(high))
            }
            Self::Whole { minimum, maximum } => format!("a whole number from {minimum} to {maximum}"),
            Self::Wholes { longest, minimum, maximum } => {
                format!("a list of 1 to {longest} whole numbers, each from {minimum} to {maximum}")
            }
            Self::Word(words) => format!("one of {}", words.join(", ")),
            Self::Flag => "true or false".to_owned(),
        }
    }
}

impl fmt::Display for Kind {
    /// The kind without its range: "a whole number".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Number { .. } => "a number",
            Self::Whole { .. } => "a whole number",
            Self::Wholes { .. } => "a list of whole numbers",
            Self::Word(_) => "a word",
            Self::Flag => "a flag",
        })
    }
}
