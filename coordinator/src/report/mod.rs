//! A report's files in RUN_DIR/report. What they say is in [`crate::aggregate`]; docs/report.md lists every file.
//!
//! Everything but provenance.json depends only on the aggregate, so equal results give equal bytes.

mod areas;
mod compared;
mod csv;
mod doubtful;
mod draws;
mod figure;
mod html;
mod latex;
pub(crate) mod markdown;
mod networks;
mod notices;
pub(crate) mod numbers;
pub mod provenance;
mod raced;
mod referenced;
pub(crate) mod terminal;
mod wording;

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::Serialize;

pub(crate) use csv::{number as csv_number, push_cell as push_csv_cell};
pub use figure::PaintError;
pub use provenance::Provenance;
pub use terminal::terminal_table;

use crate::{
    aggregate::{Aggregate, Report},
    atomic,
};

/// A report could not be written. The files that were written before are whole.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The folder cannot be made.
    #[error("cannot make the report's folder {}: {source}\n  hint: check that the run directory can be written to, then run `seedgrid report` again", folder.display())]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why.
        source: io::Error,
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

/// Writes every file of a report into `folder`, which is made if need be. Each file is replaced as a whole; report.json comes
/// last, so that a new one never stands beside old figures.
pub fn write(folder: &Path, aggregate: &Aggregate, provenance: &Provenance) -> Result<(), ReportError> {
    atomic::make_folder(folder).map_err(|source| ReportError::Folder { folder: folder.to_owned(), source })?;
    for (name, content) in files(aggregate, provenance)? {
        let path = folder.join(name);
        atomic::write(&path, &content).map_err(|source| ReportError::File { path, source })?;
    }
    Ok(())
}

/// Names and contents, in the order in which they are written.
pub(crate) fn files(aggregate: &Aggregate, provenance: &Provenance) -> Result<Vec<(String, Vec<u8>)>, ReportError> {
    let report = &aggregate.report;
    let trained = networks::trained(report);
    let mut files = Vec::new();
    let mut add = |name: &str, content: Vec<u8>| files.push((name.to_owned(), content));
    add("provenance.json", json("provenance.json", &provenance::Document::new(provenance))?.into());
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
