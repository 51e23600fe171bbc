//! A report's files in RUN_DIR/report. What they say is in [`crate::aggregate`]; docs/report.md lists every file.
//!
//! Everything but provenance.json and attempts.csv depends only on the results, so equal results give equal bytes.

//!
//! [`content`] says what a report holds, as a [`document`]; [`render`] writes that as HTML, Markdown, LaTeX and text; [`folder`] puts the
//! files into place. Imports go that way alone.

mod content;
mod csv;
mod document;
mod error;
mod figure;
mod folder;
pub mod network_layers;
pub(crate) mod numbers;
pub mod provenance;
mod render;
mod shown_and_best_rows;
mod streamed_rows;
pub(crate) mod text_table;
mod trained_networks;

use std::path::Path;

use serde::Serialize;

pub(crate) use content::data_seeds;
pub(crate) use csv::{number as csv_number, push_cell as push_csv_cell};
pub use error::ReportError;
pub use figure::PaintError;
pub use folder::{State, Written};
#[cfg(test)]
pub(crate) use provenance::Document;
pub use provenance::Provenance;
pub(crate) use render::markdown;
pub use streamed_rows::Rows;

use crate::aggregate::{Aggregate, Report};
use folder::{File, Place};

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
    rows: &dyn Rows,
    present: impl FnOnce() -> Option<State>,
) -> Result<Written, ReportError> {
    Place::new(folder)?.replace(&files(aggregate, provenance, rows)?, &provenance.state, present)
}

/// Names and contents, in the order in which they are written.
pub(crate) fn files<'a>(
    aggregate: &'a Aggregate,
    provenance: &'a Provenance,
    rows: &'a dyn Rows,
) -> Result<Vec<File<'a>>, ReportError> {
    let report = &aggregate.report;
    let document = content::document(aggregate, true);
    let mut files = csv::files(aggregate, provenance, rows);
    let mut add = |name: String, content: Vec<u8>| files.push(File::whole(name, content));
    for figure in document.figures() {
        let title = format!("{}: {}", document.title(), figure.title);
        add(format!("{}.svg", figure.file), figure.drawing.file(&title).into());
        let file = format!("{}.png", figure.file);
        let painted = figure.drawing.png().map_err(|source| ReportError::Figure { file: file.clone(), source })?;
        add(file, painted);
    }
    render::latex::files(&document).for_each(|(name, text)| add(name, text.into()));
    add("report.md".to_owned(), render::markdown::page(&document).into());
    add("report.html".to_owned(), render::html::page(&document).into());
    add("report.json".to_owned(), report_json(report)?.into());
    let names = files.iter().map(|file| file.name.as_str()).chain(["provenance.json"]).collect();
    let document = json("provenance.json", &provenance::Document::new(provenance, names))?;
    // First: what is left of a folder can be told from it.
    files.insert(0, File::whole("provenance.json", document));
    Ok(files)
}

/// A report as plain text of so many columns.
pub fn terminal_table(aggregate: &Aggregate, width: usize) -> String {
    render::terminal::text(&content::document(aggregate, false), width)
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
