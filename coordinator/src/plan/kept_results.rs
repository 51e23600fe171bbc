//! The relation of a spec to the results in a run directory: results of units that it does not name are kept, and are
//! in none of its reports.

use std::{collections::BTreeMap, path::PathBuf};

use seedgrid_common::{
    text::{count, shell, whole},
    unit::UnitId,
};
use serde::Serialize;

use super::{Planned, PrepareError, Prepared};
use crate::{
    run_directory::RunDirectory,
    store::{Store, StoreError, StoredUnit},
};

/// The numbers of stored results that a spec names and does not name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Overlap {
    /// The number of stored results.
    pub stored: usize,
    /// The number of them that the spec names, as far as selections have been made.
    pub named: usize,
    /// The number of the others.
    pub unnamed: usize,
    /// The number of the run directory's newest spec; null if there is none.
    pub newest_spec: Option<u32>,
    /// Whether the spec differs from the newest one.
    pub changed: bool,
    /// The number of units of rows that wait for a selection; these may name further results.
    #[serde(skip)]
    to_come: usize,
    /// The run directory.
    #[serde(skip)]
    directory: PathBuf,
    /// The report that would be replaced, if there is one.
    #[serde(skip)]
    report: Option<PathBuf>,
}

/// The number of these results whose units the plan does not name.
pub(crate) fn unnamed<'a>(planned: &Planned, known: impl IntoIterator<Item = (&'a UnitId, &'a StoredUnit)>) -> usize {
    let units = planned.plan.units();
    known.into_iter().filter(|(id, unit)| unit.result.is_some() && !units.contains_key(*id)).count()
}

impl Overlap {
    /// Compares `prepared` with the results in `store`, if there is one.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn count(
        prepared: &Prepared,
        directory: &RunDirectory,
        store: Option<&Store>,
        known: &BTreeMap<UnitId, StoredUnit>,
    ) -> Result<Self, StoreError> {
        let newest = store.map_or(Ok(None), |store| Ok(store.specs()?.pop()))?;
        let stored = known.values().filter(|unit| unit.result.is_some()).count();
        let unnamed = unnamed(prepared, known);
        let report = directory.report();
        Ok(Self {
            stored,
            named: stored - unnamed,
            unnamed,
            newest_spec: newest.as_ref().map(|newest| newest.number),
            changed: newest.is_some_and(|newest| newest.text != prepared.spec.text),
            to_come: prepared.to_come().waiting,
            directory: directory.root().to_owned(),
            report: report.join("report.json").is_file().then_some(report),
        })
    }

    /// Refuses stored results without any of the spec's, unless `replace` is set.
    ///
    /// # Errors
    /// When the results are refused.
    pub fn allows(&self, replace: bool) -> Result<(), PrepareError> {
        match self.stored > 0 && self.named == 0 && !replace {
            true => Err(PrepareError::NothingNamed {
                path: self.directory.clone(),
                stored: count(self.stored, "result"),
                spec: self.newest_spec.unwrap_or_default(),
            }),
            false => Ok(()),
        }
    }

    /// Notes about the results for people, one line each.
    pub fn notes(&self) -> Vec<String> {
        let path = self.directory.display();
        let mut notes = Vec::new();
        if self.unnamed > 0 {
            let verb = if self.unnamed == 1 { "is" } else { "are" };
            let waiting = match self.to_come {
                0 => String::new(),
                1 => " (1 unit waits for a selection, and may name some of them)".to_owned(),
                units => format!(" ({} units wait for a selection, and may name some of them)", whole(units)),
            };
            notes.push(format!(
                "{} of the {} in {path} {verb} of units that this spec does not name{waiting}: they are kept, and are in no listing and no report of it",
                whole(self.unnamed),
                count(self.stored, "result"),
            ));
        }
        if let (true, Some(newest)) = (self.changed, self.newest_spec) {
            let again = format!("`seedgrid report {} --spec {newest}`", shell(&self.directory));
            let then = match &self.report {
                Some(report) => format!(
                    ": running it replaces the report in {}, which is of an earlier one; {again} makes one of that again",
                    report.display()
                ),
                None => format!("; {again} reports that one"),
            };
            notes.push(format!("this spec differs from spec {newest}, the last that {path} was run with{then}"));
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_spec_is_told_in_whole_sentences_with_and_without_a_report() {
        let said = |report: Option<&str>| {
            let changed = Overlap {
                newest_spec: Some(1),
                changed: true,
                directory: PathBuf::from("runs/a"),
                report: report.map(PathBuf::from),
                ..Overlap::default()
            };
            changed.notes().join("\n")
        };
        assert_eq!(
            said(None),
            "this spec differs from spec 1, the last that runs/a was run with; `seedgrid report runs/a --spec 1` reports that one"
        );
        assert_eq!(
            said(Some("runs/a/report")),
            "this spec differs from spec 1, the last that runs/a was run with: running it replaces the report in runs/a/report, which is of an \
             earlier one; `seedgrid report runs/a --spec 1` makes one of that again"
        );
    }

    #[test]
    fn all_numbers_of_results_have_their_commas() {
        let many = Overlap { stored: 5000, named: 3791, unnamed: 1209, ..Overlap::default() };
        assert!(many.notes()[0].starts_with("1,209 of the 5,000 results in "), "{:?}", many.notes());
    }
}
