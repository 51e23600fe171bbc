//! Reads TOML tables: keys are read by name, and all others are reported.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    error::{Problems, Span},
    parameter::{Kind, Parameter},
    problem::Problem,
};
use crate::{
    nearest_word::nearest,
    text::{QUOTED_CHARS_MAX, quoted, steers},
};

/// The word for the width of an output's target.
pub(super) const TARGET: &str = "target";

/// The text that is read, its problems, and the names that are known at the current place.
pub(super) struct Reader<'t> {
    pub(super) text: &'t str,
    pub(super) problems: Problems,
    pub(super) parameters: Vec<Known>,
    /// The variables of the repeats around the current place.
    pub(super) loops: Vec<String>,
    /// Whether the current place belongs to an output.
    pub(super) in_output: bool,
}

/// A parameter that can be used.
pub(super) struct Known {
    pub(super) parameter: Parameter,
    pub(super) at: Span,
    pub(super) used: bool,
    /// Whether its words follow from their first use.
    pub(super) words_follow: bool,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, problems: Problems::default(), parameters: Vec::new(), loops: Vec::new(), in_output: false }
    }

    /// A piece of the text, safe to repeat in a message of one line: cut, and with control characters escaped.
    pub(super) fn shown(&self, text: &str) -> String {
        quoted(text)
    }

    /// Marks the parameter with this name as used. Reports a name that is none, or of another kind.
    pub(super) fn use_name(&mut self, name: &str, at: &Span, needed: Needed) -> Option<()> {
        if matches!(needed, Needed::Whole | Needed::Number)
            && (self.loops.iter().any(|known| known == name) || self.in_output && name == TARGET)
        {
            return Some(());
        }
        let Some(known) = self.parameters.iter_mut().find(|known| known.parameter.name == name) else {
            let mut known: Vec<&str> = self.parameters.iter().map(|known| known.parameter.name.as_str()).collect();
            known.extend(self.loops.iter().map(String::as_str));
            known.extend(self.in_output.then_some(TARGET));
            let problem = unknown("parameter", name, &known);
            self.problems.report(at, problem);
            return None;
        };
        known.used = true;
        let kind = &known.parameter.kind;
        if needed.allows(kind) {
            return Some(());
        }
        let (name, kind) = (name.to_owned(), kind.to_string());
        self.problems.report(at, Problem::ParameterKind { name, kind, needed: needed.text() });
        None
    }

    /// The words of a parameter; empty for a flag.
    pub(super) fn words(&self, name: &str) -> Option<&Known> {
        self.parameters.iter().find(|known| known.parameter.name == name)
    }

    /// Gives a parameter the words of its first use, where its definition lists none.
    pub(super) fn follow_words(&mut self, name: &str, words: &[String]) {
        for known in self.parameters.iter_mut().filter(|known| known.words_follow && known.parameter.name == name) {
            known.words_follow = false;
            known.parameter.kind = Kind::Word(words.to_vec());
        }
    }
}

/// The problem of a name that is none of the known ones.
pub(super) fn unknown(what: &'static str, word: &str, known: &[&str]) -> Problem {
    Problem::Unknown {
        what,
        word: quoted(word),
        suggestion: nearest(word, known).map(str::to_owned),
        known: known.iter().map(|&known| known.to_owned()).collect(),
    }
}

/// A table that is being read.
pub(super) struct Table<'t> {
    /// The table's name in messages.
    pub(super) place: String,
    pub(super) at: Span,
    entries: &'t DeTable<'t>,
    known: Vec<String>,
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(super) struct Entry<'t> {
    pub(super) key: String,
    pub(super) key_at: Span,
    pub(super) value: &'t Spanned<DeValue<'t>>,
}

impl<'t> Table<'t> {
    pub(super) fn new(place: impl Into<String>, at: Span, entries: &'t DeTable<'t>) -> Self {
        Self { place: place.into(), at, entries, known: Vec::new() }
    }

    /// The value of `key`, which is optional.
    pub(super) fn optional(&mut self, key: &str) -> Option<Entry<'t>> {
        self.known.push(key.to_owned());
        let (written, value) = self.entries.get_key_value(key)?;
        Some(Entry { key: key.to_owned(), key_at: written.span(), value })
    }

    /// The value of `key`, which is required; a missing one is reported.
    pub(super) fn required(
        &mut self,
        key: &'static str,
        example: &'static str,
        reader: &mut Reader<'_>,
    ) -> Option<Entry<'t>> {
        let entry = self.optional(key);
        // A misspelt key is reported as unknown instead.
        let misspelt = self.entries.keys().any(|written| nearest(written.get_ref(), &[key]).is_some());
        if entry.is_none() && !misspelt {
            let place = self.place.clone();
            reader.problems.report(&self.at, Problem::MissingKey { key, place, example });
        }
        entry
    }

    /// Every entry, in the order of the text.
    pub(super) fn entries(&self) -> Vec<Entry<'t>> {
        let mut entries: Vec<Entry<'t>> = self
            .entries
            .iter()
            .map(|(key, value)| Entry { key: key.get_ref().clone().into_owned(), key_at: key.span(), value })
            .collect();
        entries.sort_by_key(|entry| entry.key_at.start);
        entries
    }

    /// Reports every key that was not read.
    pub(super) fn finish(self, reader: &mut Reader<'_>) {
        let known: Vec<&str> = self.known.iter().map(String::as_str).collect();
        for entry in self.entries() {
            if !known.contains(&entry.key.as_str()) {
                let problem = Problem::UnknownKey {
                    key: quoted(&entry.key),
                    place: self.place.clone(),
                    suggestion: nearest(&entry.key, &known).map(str::to_owned),
                    known: self.known.clone(),
                };
                reader.problems.report(&entry.key_at, problem);
            }
        }
    }
}

impl<'t> Entry<'t> {
    /// The place of the value.
    pub(super) fn at(&self) -> Span {
        self.value.span()
    }

    /// Reports a value that is not an expected one.
    pub(super) fn wrong(&self, expected: impl Into<String>, reader: &mut Reader<'_>) {
        let at = self.at();
        let written = reader.text.get(at.clone()).unwrap_or_default();
        let short = written.chars().count() <= QUOTED_CHARS_MAX && !written.contains(steers);
        let found = match self.value.get_ref() {
            DeValue::Table(_) if !short || !written.starts_with('{') => "a table",
            DeValue::Array(_) if !short || !written.starts_with('[') => "a list",
            _ if short => written,
            DeValue::String(_) => "a text",
            _ => "a long value",
        };
        let problem = Problem::Value { key: quoted(&self.key), expected: expected.into(), found: found.to_owned() };
        reader.problems.report(&at, problem);
    }

    /// Reads a text.
    pub(super) fn text(&self, expected: &str, reader: &mut Reader<'_>) -> Option<String> {
        let text = self.value.get_ref().as_str();
        if text.is_none() {
            self.wrong(expected, reader);
        }
        text.map(str::to_owned)
    }

    /// Reads one of the known words.
    pub(super) fn word<T: Copy>(
        &self,
        what: &'static str,
        known: &[(&'static str, T)],
        reader: &mut Reader<'_>,
    ) -> Option<T> {
        let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
        let written = self.text(&format!("one of \"{}\"", words.join("\", \"")), reader)?;
        let meaning = known.iter().find(|(word, _)| *word == written).map(|(_, meaning)| *meaning);
        if meaning.is_none() {
            reader.problems.report(&self.at(), unknown(what, &written, &words));
        }
        meaning
    }

    /// The items of a list.
    pub(super) fn list(&self, expected: &str, reader: &mut Reader<'_>) -> Option<&'t [Spanned<DeValue<'t>>]> {
        match self.value.get_ref() {
            DeValue::Array(items) => Some(items),
            _ => {
                self.wrong(expected, reader);
                None
            }
        }
    }

    /// The tables under this key, written `[[key]]`.
    pub(super) fn tables(&self, header: &str, reader: &mut Reader<'_>) -> Vec<(Span, &'t DeTable<'t>)> {
        let expected = format!("one table or more, each written {header}");
        let Some(items) = self.list(&expected, reader) else { return Vec::new() };
        let mut tables = Vec::new();
        for item in items {
            match item.get_ref() {
                DeValue::Table(entries) => tables.push((item.span(), entries)),
                _ => Entry { key: self.key.clone(), key_at: self.key_at.clone(), value: item }.wrong(&expected, reader),
            }
        }
        tables
    }
}

/// The integer, if the value is one in 0..=2^63-1.
pub(super) fn whole(value: &DeValue<'_>) -> Option<u64> {
    let number = value.as_integer()?;
    i64::from_str_radix(number.as_str(), number.radix()).ok().and_then(|number| u64::try_from(number).ok())
}

/// The number, with a negative zero read as zero; it may be infinite or NaN.
pub(super) fn decimal(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Float(number) => number.as_str().parse::<f64>().ok().map(|number| number + 0.0),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).ok().map(|number| number as f64)
        }
        _ => None,
    }
}

/// The kind of parameter that a place needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needed {
    Whole,
    Number,
    Flag,
    /// A whole number or a list of them.
    Repeat,
    /// A word or a flag.
    Choice,
    /// A word that is an activation.
    Activation,
}

impl Needed {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Whole => "a whole number",
            Self::Number => "a number",
            Self::Flag => "a flag",
            Self::Repeat => "a whole number or a list of them",
            Self::Choice => "a word or a flag",
            Self::Activation => "a word",
        }
    }

    pub(super) fn allows(self, kind: &Kind) -> bool {
        match self {
            Self::Whole => matches!(kind, Kind::Whole { .. }),
            Self::Number => matches!(kind, Kind::Number { .. } | Kind::Whole { .. }),
            Self::Flag => matches!(kind, Kind::Flag),
            Self::Repeat => matches!(kind, Kind::Whole { .. } | Kind::Wholes { .. }),
            Self::Choice => matches!(kind, Kind::Word(_) | Kind::Flag),
            Self::Activation => matches!(kind, Kind::Word(_)),
        }
    }
}
