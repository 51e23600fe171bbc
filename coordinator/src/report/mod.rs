//! A report's files in RUN_DIR/report. What they say is in [`crate::aggregate`]; docs/report.md lists every file.
//!
//! Everything but provenance.json depends only on the aggregate, so equal results give equal bytes.

mod areas;
mod compared;
mod csv;
mod doubtful;
mod draws;
mod figure;
mod folder;
mod html;
mod latex;
pub(crate) mod markdown;
pub mod network_layers;
mod networks;
mod notices;
pub(crate) mod numbers;
pub mod provenance;
mod raced;
mod referenced;
pub(crate) mod terminal;
pub(crate) mod text_table;
mod wording;

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::Serialize;

pub(crate) use csv::{number as csv_number, push_cell as push_csv_cell};
pub use figure::PaintError;
pub use folder::{State, Written};
pub use provenance::Provenance;
pub use terminal::terminal_table;
pub(crate) use wording::data_seeds;

use crate::aggregate::{Aggregate, Report};
use folder::Place;

/// A report could not be written. The one that was there before is still there.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The folder cannot be made.
    #[error("cannot put the report into {}: {source}\n  hint: check that the folder that it is in can be written to, or choose another place with `seedgrid report RUN_DIR --output DIR`", folder.display())]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The folder holds something else.
    #[error("{} is not empty and holds no report\n  hint: choose an empty or new folder with --output DIR", folder.display())]
    Foreign {
        /// Which.
        folder: PathBuf,
    },
    /// A file cannot be written.
    #[error("cannot write {}: {source}\n  hint: check free space and permissions, then run `seedgrid report` again", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A figure cannot be painted.
    #[error(
        "cannot paint {file}: {source}\n  hint: this is a bug; every result is safe, and `seedgrid export` writes them as tables"
    )]
    Figure {
        /// Which file.
        file: String,
        /// Why.
        source: PaintError,
    },
    /// A part of the report is not JSON.
    #[error(
        "cannot write {file} as JSON: {source}\n  hint: this is a bug; every result is safe, and `seedgrid export` writes them as tables"
    )]
    Json {
        /// Which file.
        file: &'static str,
        /// Why.
        source: serde_json::Error,
    },
}

/// Fails where a report that is to be in `folder` would stand in for something else.
///
/// # Errors
/// When the folder is not empty and holds no report.
pub fn check_place(folder: &Path) -> Result<(), ReportError> {
    match Place::new(folder)?.is_foreign() {
        true => Err(ReportError::Foreign { folder: folder.to_owned() }),
        false => Ok(()),
    }
}

/// Replaces `folder` as a whole by the files of a report, unless one of a later state of the run is there by now. `present`: the state that the run
/// is in now, if that is to be known.
///
/// # Errors
/// When they cannot be made or written; what was there before is still there then.
pub fn write(
    folder: &Path,
    aggregate: &Aggregate,
    provenance: &Provenance,
    present: impl FnOnce() -> Option<State>,
) -> Result<Written, ReportError> {
    Place::new(folder)?.replace(&files(aggregate, provenance)?, &provenance.state, present)
}

/// Names and contents, in the order in which they are written.
pub(crate) fn files(aggregate: &Aggregate, provenance: &Provenance) -> Result<Vec<(String, Vec<u8>)>, ReportError> {
    let report = &aggregate.report;
    let trained = networks::trained(report);
    let mut files = Vec::new();
    let mut add = |name: &str, content: Vec<u8>| files.push((name.to_owned(), content));
    add("configurations.csv", csv::configurations(report).into());
    add("units.csv", csv::units(report).into());
    add("comparisons.csv", csv::comparisons(report).into());
    add("references.csv", csv::references(report).into());
    add("epochs.csv", csv::epochs(aggregate).into());
    add("learning.csv", csv::learning(aggregate).into());
    add("roc.csv", csv::roc(aggregate).into());
    add("roc-band.csv", csv::roc_band(aggregate).into());
    add("pr.csv", csv::precision_recall(aggregate).into());
    add("pr-band.csv", csv::precision_recall_band(aggregate).into());
    for sheet in figure::sheets(aggregate, &trained) {
        add(&format!("{}.svg", sheet.name), sheet.drawing.document(&sheet.title).into());
        let file = format!("{}.png", sheet.name);
        let painted = sheet.drawing.png().map_err(|source| ReportError::Figure { file: file.clone(), source })?;
        add(&file, painted);
    }
    add("report.md", markdown::page(report, &trained).into());
    add("tables.tex", latex::tables(report, &trained).into());
    add("report.html", html::page(aggregate, &trained).into());
    add("report.json", report_json(report)?.into());
    let names = files.iter().map(|(name, _)| name.as_str()).chain(["provenance.json"]).collect();
    let document = json("provenance.json", &provenance::Document::new(provenance, names))?;
    // First: what is left of a folder can be told from it.
    files.insert(0, ("provenance.json".to_owned(), document.into()));
    Ok(files)
}

/// report.json's content.
pub fn report_json(report: &Report) -> Result<String, ReportError> {
    json("report.json", report)
}

fn json(file: &'static str, content: &impl Serialize) -> Result<String, ReportError> {
    let mut text = seedgrid_common::json::pretty(content).map_err(|source| ReportError::Json { file, source })?;
    text.push('\n');
    Ok(text)
}
