//! A report's files in RUN_DIR/report. What they say is in [`crate::aggregate`]; docs/report.md lists every file.
//!
//! Everything but provenance.json depends only on the aggregate, so equal results give equal bytes.

mod areas;
pub(crate) mod atomic;
mod compared;
mod csv;
mod figure;
mod html;
mod latex;
pub(crate) mod markdown;
mod notices;
pub(crate) mod numbers;
pub mod provenance;
mod referenced;
pub(crate) mod terminal;
mod wording;

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::Serialize;

pub(crate) use csv::push_cell as push_csv_cell;
pub use provenance::Provenance;
pub use terminal::terminal_table;

use crate::aggregate::{Aggregate, Report};

/// A report could not be written. The files that were written before are whole.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The folder cannot be made.
    #[error("cannot make the report's folder {}: {source}. Check that the run directory can be written to", folder.display())]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {}: {source}. Check free space and permissions, then run `seedgrid report` again", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A part of the report is not JSON.
    #[error("cannot write {file} as JSON: {source}. This is an error in Seedgrid")]
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
    let report = &aggregate.report;
    let files = [
        ("provenance.json", json("provenance.json", &provenance::Document::new(provenance))?),
        ("configurations.csv", csv::configurations(report)),
        ("units.csv", csv::units(report)),
        ("comparisons.csv", csv::comparisons(report)),
        ("references.csv", csv::references(report)),
        ("epochs.csv", csv::epochs(aggregate)),
        ("learning.csv", csv::learning(aggregate)),
        ("roc.csv", csv::roc(aggregate)),
        ("roc-band.csv", csv::roc_band(aggregate)),
        ("pr.csv", csv::precision_recall(aggregate)),
        ("pr-band.csv", csv::precision_recall_band(aggregate)),
        ("errors.svg", figure::file(aggregate, "error rates", figure::errors)),
        ("comparisons.svg", figure::file(aggregate, "differences of error rates", figure::comparisons)),
        ("roc.svg", figure::file(aggregate, "ROC curves", figure::roc)),
        ("pr.svg", figure::file(aggregate, "precision-recall curves", figure::precision_recall)),
        ("learning.svg", figure::file(aggregate, "learning curves", figure::learning)),
        ("report.md", markdown::page(report)),
        ("tables.tex", latex::tables(report)),
        ("report.html", html::page(aggregate)),
        ("report.json", report_json(report)?),
    ];
    for (name, content) in files {
        let path = folder.join(name);
        atomic::write(&path, content.as_bytes()).map_err(|source| ReportError::File { path, source })?;
    }
    Ok(())
}

/// report.json's content.
pub fn report_json(report: &Report) -> Result<String, ReportError> {
    json("report.json", report)
}

fn json(file: &'static str, content: &impl Serialize) -> Result<String, ReportError> {
    let mut text = serde_json::to_string_pretty(content).map_err(|source| ReportError::Json { file, source })?;
    text.push('\n');
    Ok(text)
}
