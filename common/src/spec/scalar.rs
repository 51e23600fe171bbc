//! Reads single values: words, whole numbers, numbers.

use std::ops::RangeInclusive;

use toml::de::{DeFloat, DeInteger, DeValue};

use super::{Problem, error::Problems, nearest_word::nearest, toml_table::Entry};
use crate::{
    hyperparameters::Value,
    text::{QUOTED_CHARS_MAX, quoted, steers},
};

impl<'t> Entry<'t> {
    /// Reports a value that is not an expected one.
    pub(super) fn wrong(&self, expected: impl Into<String>, problems: &mut Problems<'_>) {
        let found = self.found(problems);
        problems.report(self.at(), Problem::Value { key: self.key.to_owned(), expected: expected.into(), found });
    }

    /// The value as written if it is short, else its type.
    fn found(&self, problems: &Problems<'_>) -> String {
        let written = problems.written(self.at());
        // The place of a table or list may be its header, which does not show its content.
        let whole = match self.value.get_ref() {
            DeValue::Table(_) => written.starts_with('{'),
            DeValue::Array(items) => written.starts_with('[') && !items.iter().any(|item| item.get_ref().is_table()),
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_) => true,
        };
        if whole && written.chars().count() <= QUOTED_CHARS_MAX && !written.contains(steers) {
            return written.to_owned();
        }
        match self.value.get_ref() {
            DeValue::Table(_) => "a table",
            DeValue::Array(_) => "a list",
            DeValue::String(_) => "a text",
            DeValue::Integer(_) | DeValue::Float(_) => "a number of many digits",
            DeValue::Boolean(_) => "a flag",
            DeValue::Datetime(_) => "a date",
        }
        .to_owned()
    }

    /// The value in the form that a model's schema reads; None for a type that no schema allows.
    pub(super) fn plain(&self) -> Option<Value> {
        match self.value.get_ref() {
            DeValue::Integer(number) => not_negative(number).map(Value::Integer),
            DeValue::Float(number) => real(number).map(Value::Number),
            DeValue::String(text) => Some(Value::Text(text.clone().into_owned())),
            DeValue::Boolean(flag) => Some(Value::Flag(*flag)),
            DeValue::Array(items) => items
                .iter()
                .map(|item| item.get_ref().as_integer().and_then(not_negative))
                .collect::<Option<_>>()
                .map(Value::Integers),
            DeValue::Datetime(_) | DeValue::Table(_) => None,
        }
    }

    /// Reads a string.
    pub(super) fn text(&self, expected: &str, problems: &mut Problems<'_>) -> Option<&'t str> {
        let text = self.value.get_ref().as_str();
        if text.is_none() {
            self.wrong(expected, problems);
        }
        text
    }

    /// Reads one of the `known` words, and returns its value.
    pub(super) fn word<T: Copy>(
        &self,
        what: &'static str,
        known: &[(&'static str, T)],
        problems: &mut Problems<'_>,
    ) -> Option<T> {
        let words: Vec<_> = known.iter().map(|(word, _)| *word).collect();
        let expected = format!("one of \"{}\"", words.join("\", \""));
        let written = self.text(&expected, problems)?;
        let meaning = known.iter().find(|(word, _)| *word == written).map(|(_, meaning)| *meaning);
        if meaning.is_none() {
            let suggestion = nearest(written, &words);
            problems.report(self.at(), Problem::UnknownWord { what, word: quoted(written), suggestion, known: words });
        }
        meaning
    }

    /// Reads a flag.
    pub(super) fn flag(&self, problems: &mut Problems<'_>) -> Option<bool> {
        let flag = self.value.get_ref().as_bool();
        if flag.is_none() {
            self.wrong("true or false", problems);
        }
        flag
    }

    /// Reads a whole number in this range.
    pub(super) fn whole(&self, range: RangeInclusive<u64>, problems: &mut Problems<'_>) -> Option<u64> {
        let number = self.value.get_ref().as_integer().and_then(not_negative).filter(|number| range.contains(number));
        if number.is_none() {
            self.wrong(format!("a whole number from {} to {}", range.start(), range.end()), problems);
        }
        number
    }

    /// Reads a number that `allowed` accepts. A whole number is also valid.
    pub(super) fn number(
        &self,
        expected: &str,
        allowed: impl Fn(f64) -> bool,
        problems: &mut Problems<'_>,
    ) -> Option<f64> {
        let number = match self.value.get_ref() {
            DeValue::Float(number) => real(number),
            DeValue::Integer(number) => not_negative(number).map(|whole| whole as f64),
            DeValue::String(_) | DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => {
                None
            }
        };
        let number = number.filter(|&number| allowed(number));
        if number.is_none() {
            self.wrong(expected, problems);
        }
        number
    }
}

/// The integer, if it is in 0..=2^63-1, TOML's range.
pub(super) fn not_negative(number: &DeInteger<'_>) -> Option<u64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok().and_then(|number| u64::try_from(number).ok())
}

/// The float, with a negative zero read as zero; it may be infinite or NaN.
pub(super) fn real(number: &DeFloat<'_>) -> Option<f64> {
    // -0.0 + 0.0 is 0.0: both are one value and must have one canonical form.
    number.as_str().parse::<f64>().ok().map(|number| number + 0.0)
}
