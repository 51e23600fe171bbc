//! Checks a run directory against its own digests without any change: the database, the data sets, the kept weights,
//! the checkpoints, and the report against the store.

use std::{collections::BTreeSet, fs, io, path::Path};

use seedgrid_common::{unit::UnitId, wire::blob::BlobDigest};
use serde::Serialize;

use crate::{
    plan::{Planned, PrepareError},
    report::{self, ReportError, numbers::count as counted},
    run_directory::RunDirectory,
    store::{
        Store, StoreError,
        blobs::{BlobError, BlobFolder},
    },
    views::{
        recorded_files::{Finding, Part, RecordedFile, unreadable},
        report_inputs,
    },
};

/// The reason for which a check ended early.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum CheckError {
    /// The database cannot be opened, for another reason than damage.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] StoreError),
    /// The study cannot be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Prepare(#[from] PrepareError),
    /// The run directory's files cannot be listed.
    #[error("{0}")]
    #[diagnostic(help("check the permissions of the run directory and of what is in it"))]
    Blob(#[from] BlobError),
    /// The report for the comparison cannot be made.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Report(#[from] ReportError),
}

/// The result of a check: the schema of `seedgrid check --format json`, described in docs/cli.md.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Checked {
    /// The schema's name and version.
    pub schema: &'static str,
    /// The study's name; None if the database does not have it.
    pub study: Option<String>,
    /// Whether a coordinator runs on the directory.
    pub running: bool,
    /// Whether every unit of the plan has a result.
    pub complete: bool,
    /// The numbers of checked items.
    pub checked: Counts,
    /// Items that do not match their digest.
    pub damage: Vec<Finding>,
    /// Other findings, which are no damage.
    pub notes: Vec<Finding>,
    /// Whether no unit of the plan is left to train.
    #[serde(skip)]
    ended: bool,
}

/// The numbers of checked items by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Counts {
    /// Units of the plan, as far as selections have been made.
    pub units: usize,
    /// Stored results, including those of earlier specs.
    pub results: usize,
    /// Encoded data sets.
    pub datasets: usize,
    /// Files of weights.
    pub weights: usize,
    /// Checkpoints; none is checked while the study runs and replaces them.
    pub checkpoints: usize,
    /// Files of the report.
    pub report_files: usize,
}

/// Checks a run directory, also while a coordinator runs on it.
///
/// # Errors
/// When the directory cannot be read, for another reason than damage.
pub fn check(directory: &RunDirectory) -> Result<Checked, CheckError> {
    let (store, faults) = Store::inspect(&directory.database())?;
    let mut checked = Checked {
        schema: "seedgrid.check/1",
        study: None,
        running: directory.is_owned(),
        complete: false,
        checked: Counts::default(),
        damage: faults.into_iter().map(Finding::from).collect(),
        notes: Vec::new(),
        ended: false,
    };
    let Some(store) = store else { return Ok(checked) };
    checked.study = store.fact("study")?;
    checked.rows_aside(&store)?;
    checked.weights(directory, &store)?;
    checked.checkpoints(directory, &store)?;
    checked.datasets(directory, &store)?;
    // The next checks use rows, and then data sets, which must be intact.
    let is_right = |checked: &Checked, part: Part| checked.damage.iter().all(|found| found.part != part);
    if is_right(&checked, Part::Database) {
        checked.plan(directory, &store)?;
        if is_right(&checked, Part::Dataset) {
            checked.report(directory, &store)?;
        }
    }
    Ok(checked)
}

impl Checked {
    fn rows_aside(&mut self, store: &Store) -> Result<(), StoreError> {
        self.checked.results = store.count_results()? as usize;
        let aside = store.moved_aside()? as usize;
        if aside > 0 {
            let what = format!("{} found damaged at a start, and moved aside to it", counted(aside, "row"));
            self.notes.push(Finding::new(Part::Database, what).at("table damaged"));
        }
        Ok(())
    }

    fn datasets(&mut self, directory: &RunDirectory, store: &Store) -> Result<(), StoreError> {
        for file in RecordedFile::datasets(store)? {
            self.checked.datasets += 1;
            let found = file_digest(&directory.dataset(&file.digest));
            self.damage.extend(file.damage(found.map_err(|cause| unreadable(&cause))));
        }
        Ok(())
    }

    fn weights(&mut self, directory: &RunDirectory, store: &Store) -> Result<(), CheckError> {
        let folder = BlobFolder::weights(directory.root());
        let kept = store.weights()?;
        // While the study runs, a file may have been added after the database was read.
        let strays = if self.running { Vec::new() } else { folder.units()? };
        for unit in strays.into_iter().filter(|unit| !kept.contains_key(unit)) {
            let note = Finding::new(Part::Weights, "belongs to no result that is stored");
            self.notes.push(note.at(format!("weights/{unit}.safetensors")).about(unit));
        }
        for (unit, kept) in kept {
            self.checked.weights += 1;
            let file = RecordedFile::weights(unit, kept.digest, kept.bytes);
            match file_digest(&folder.committed(unit, kept.digest)) {
                Err(cause) if cause.kind() == io::ErrorKind::NotFound && self.running => {
                    // The file is between the commit and its final name.
                    self.notes.push(Finding::new(Part::Weights, "is not there yet").about(unit));
                }
                found => self.damage.extend(file.damage(found.map_err(|cause| unreadable(&cause)))),
            }
        }
        Ok(())
    }

    /// Checks the checkpoints of unfinished units. A running study replaces them, so that they cannot be compared with
    /// an earlier reading of the database.
    fn checkpoints(&mut self, directory: &RunDirectory, store: &Store) -> Result<(), CheckError> {
        if self.running {
            return Ok(());
        }
        let folder = BlobFolder::checkpoints(directory.root());
        let kept = store.checkpoints()?;
        let units: BTreeSet<UnitId> = folder.units()?.into_iter().chain(kept.keys().copied()).collect();
        for unit in units {
            let at = |finding: Finding| finding.at(format!("checkpoints/{unit}.safetensors")).about(unit);
            let Some(kept) = kept.get(&unit) else {
                // A killed coordinator could not remove the file; the next one does.
                self.notes.push(at(Finding::new(Part::Checkpoint, "is of no use any more: the next run removes it")));
                continue;
            };
            self.checked.checkpoints += 1;
            let (digest, bytes) = (kept.reference.digest, kept.reference.bytes);
            let found = file_digest(&folder.committed(unit, digest)).map_err(|cause| unreadable(&cause));
            self.damage.extend(RecordedFile::checkpoint(unit, digest, bytes).damage(found));
        }
        Ok(())
    }

    /// Checks that each planned unit has a result, or a reason for a missing one.
    fn plan(&mut self, directory: &RunDirectory, store: &Store) -> Result<(), CheckError> {
        let study = Planned::stored(directory, store)?;
        let (known, given_up) = (store.units()?, report_inputs::given_up(store)?);
        let planned = study.plan.units();
        self.checked.units = planned.len();
        let mut left = study.to_come().units();
        let mut without = 0;
        for id in planned.keys().filter(|id| study.track.is_released(**id)) {
            let has_result = known.get(id).is_some_and(|unit| unit.result.is_some());
            match given_up.get(id) {
                _ if has_result => {}
                Some(_) => without += 1,
                None => left += 1,
            }
        }
        self.complete = left + without == 0;
        self.ended = left == 0;
        if left > 0 {
            let what =
                format!("{} without a result yet, those that wait for selections among them", counted(left, "unit"));
            self.notes.push(Finding::new(Part::Plan, what));
        }
        if without > 0 {
            let what = format!("{} ended without a result; the report says why", counted(without, "unit"));
            self.notes.push(Finding::new(Part::Plan, what));
        }
        Ok(())
    }

    /// Compares the report's files with the store's content. provenance.json and attempts.csv contain times, and
    /// are not compared.
    fn report(&mut self, directory: &RunDirectory, store: &Store) -> Result<(), CheckError> {
        if !directory.report().join("report.json").is_file() {
            let what = "there is none yet: `seedgrid report` makes it";
            self.notes.push(Finding::new(Part::Report, what).at("report/report.json"));
            return Ok(());
        }
        let (aggregate, provenance) = report_inputs::of_store(directory, store, None)?;
        let rows = report_inputs::StoredRows::new(store, &aggregate)?;
        for file in report::files(&aggregate, &provenance, &rows)? {
            let name = &file.name;
            if ["provenance.json", "attempts.csv"].contains(&name.as_str()) {
                continue;
            }
            self.checked.report_files += 1;
            let found = match file.is_at(&directory.report().join(name)) {
                Ok(true) => continue,
                Ok(false) => "is not what the store gives: `seedgrid report` writes it anew",
                Err(_) => "cannot be read: `seedgrid report` writes it anew",
            };
            let finding = Finding::new(Part::Report, found).at(format!("report/{name}"));
            // Results that were added after the report, or will be, are no damage.
            if self.ended { self.damage.push(finding) } else { self.notes.push(finding) }
        }
        Ok(())
    }
}

/// A file's digest and length.
fn file_digest(path: &Path) -> io::Result<(BlobDigest, u64)> {
    let bytes = read(path)?;
    Ok((BlobDigest::compute(&bytes), bytes.len() as u64))
}

/// A file's content. Other entries than plain files are refused, because they may have no end.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    match fs::metadata(path)?.is_file() {
        true => fs::read(path),
        false => Err(io::Error::other("it is no plain file")),
    }
}
