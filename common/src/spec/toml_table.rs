//! Reads TOML tables: keys are read by name, and all others are reported.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Elsewhere, Problem, error::Problems, nearest_word::nearest, tables_and_keys};
use crate::text::quoted;

/// A table that is being read.
pub(super) struct Table<'t> {
    /// The table's name in messages: "`[dataset]`".
    pub(super) place: String,
    /// The place of its header or braces; empty for the file as a whole.
    pub(super) at: Range<usize>,
    entries: &'t DeTable<'t>,
    known: Vec<&'static str>,
    /// Required keys that are missing, each with an example.
    missing: Vec<(&'static str, String)>,
}

/// A key with its value.
#[derive(Clone, Copy)]
pub(super) struct Entry<'t> {
    pub(super) key: &'static str,
    pub(super) value: &'t Spanned<DeValue<'t>>,
}

impl<'t> Table<'t> {
    pub(super) fn new(place: impl Into<String>, at: Range<usize>, entries: &'t DeTable<'t>) -> Self {
        Self { place: place.into(), at, entries, known: Vec::new(), missing: Vec::new() }
    }

    /// The value of `key`, which is optional.
    pub(super) fn optional(&mut self, key: &'static str) -> Option<Entry<'t>> {
        self.known.push(key);
        self.entries.get(key).map(|value| Entry { key, value })
    }

    /// The value of `key`, which is required; a missing one is reported at the end.
    pub(super) fn required(&mut self, key: &'static str, example: &str) -> Option<Entry<'t>> {
        let entry = self.optional(key);
        if entry.is_none() {
            self.missing(key, example);
        }
        entry
    }

    /// Notes that `key`, which was read, is required and missing.
    pub(super) fn missing(&mut self, key: &'static str, example: &str) {
        self.missing.push((key, example.to_owned()));
    }

    /// Reports missing keys and every key that was not read. Returns the keys that the unknown ones probably mean;
    /// these are not reported as missing as well.
    pub(super) fn finish(self, problems: &mut Problems<'_>) -> Vec<&'static str> {
        self.finish_knowing(problems, |_| Vec::new())
    }

    /// Like [`Self::finish`]; `models` gives the models that have a key.
    pub(super) fn finish_knowing(
        self,
        problems: &mut Problems<'_>,
        models: impl Fn(&str) -> Vec<&'static str>,
    ) -> Vec<&'static str> {
        let mut meant = Vec::new();
        for (key, _) in self.entries {
            let written: &str = key.get_ref();
            if self.known.contains(&written) {
                continue;
            }
            let suggestion = nearest(written, &self.known);
            meant.extend(suggestion);
            let models = models(written);
            // A key that belongs to another model, or probably means a key of this table, is not sent to another table.
            let exact = |elsewhere: &Elsewhere| models.is_empty() && elsewhere.key == written;
            let elsewhere = tables_and_keys::elsewhere(written, &self.known)
                .filter(|elsewhere| exact(elsewhere) || (suggestion.is_none() && !self.known.contains(&elsewhere.key)));
            let problem = Problem::UnknownKey {
                key: quoted(written),
                place: self.place.clone(),
                suggestion,
                known: self.known.clone(),
                elsewhere: elsewhere.filter(|_| models.is_empty()).map(Box::new),
                models,
            };
            problems.report(key.span(), problem);
        }
        self.report_missing(&meant, problems);
        meant
    }

    /// Reports missing keys, but no unknown ones: for a table whose valid keys are not known.
    pub(super) fn abandon(self, problems: &mut Problems<'_>) {
        self.report_missing(&[], problems);
    }

    fn report_missing(self, meant: &[&'static str], problems: &mut Problems<'_>) {
        for (key, example) in self.missing {
            if !meant.contains(&key) {
                problems.report(self.at.clone(), Problem::MissingKey { key, place: self.place.clone(), example });
            }
        }
    }
}

impl<'t> Entry<'t> {
    /// The place of the value.
    pub(super) fn at(&self) -> Range<usize> {
        self.value.span()
    }

    /// The one table under this key, written `[key]` or `key = { ... }`.
    pub(super) fn table(&self, header: &'static str, problems: &mut Problems<'_>) -> Option<Table<'t>> {
        match self.value.get_ref() {
            DeValue::Table(entries) => Some(Table::new(format!("`{}`", self.key), self.at(), entries)),
            // Its content is read anyway, so that all problems are reported at once.
            DeValue::Array(items) if matches!(items.first().map(Spanned::get_ref), Some(DeValue::Table(_))) => {
                problems.report(self.at(), Problem::Brackets { key: self.key.to_owned(), header });
                let first = items.first()?;
                let entries = first.get_ref().as_table()?;
                Some(Table::new(format!("`{}`", self.key), first.span(), entries))
            }
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_) => {
                self.wrong(format!("a table, written {header}"), problems);
                None
            }
        }
    }

    /// The tables under this key, written `[[key]]`; None after a report that leaves none to read.
    pub(super) fn tables(
        &self,
        header: &'static str,
        problems: &mut Problems<'_>,
    ) -> Option<Vec<(Range<usize>, &'t DeTable<'t>)>> {
        match self.value.get_ref() {
            DeValue::Array(items) => items
                .iter()
                .map(|item| match item.get_ref() {
                    DeValue::Table(entries) => Some((item.span(), entries)),
                    DeValue::String(_)
                    | DeValue::Integer(_)
                    | DeValue::Float(_)
                    | DeValue::Boolean(_)
                    | DeValue::Datetime(_)
                    | DeValue::Array(_) => {
                        Entry { key: self.key, value: item }
                            .wrong(format!("one table or more, each written {header}"), problems);
                        None
                    }
                })
                .collect(),
            DeValue::Table(entries) => {
                problems.report(self.at(), Problem::Brackets { key: self.key.to_owned(), header });
                Some(vec![(self.at(), entries)])
            }
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_) => {
                self.wrong(format!("one table or more, each written {header}"), problems);
                None
            }
        }
    }
}
