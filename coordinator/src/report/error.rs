//! Why there is no report.

use std::{io, path::PathBuf};

use super::figure::PaintError;

/// A report could not be written. The one that was there before is still there.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ReportError {
    /// The folder cannot be made.
    #[error("cannot put the report into {}: {source}", folder.display())]
    #[diagnostic(help(
        "check that the folder that it is in can be written to, or choose another place with `seedgrid report RUN_DIR --output DIR`"
    ))]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The folder holds something else.
    #[error("{} is not empty and holds no report", folder.display())]
    #[diagnostic(help("choose an empty or new folder with --output DIR"))]
    Foreign {
        /// Which.
        folder: PathBuf,
    },
    /// A file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    #[diagnostic(help("check free space and permissions, then run `seedgrid report` again"))]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A figure cannot be painted.
    #[error("cannot paint {file}: {source}")]
    #[diagnostic(help("this is a bug; every result is safe, and `seedgrid export` writes them as tables"))]
    Figure {
        /// Which file.
        file: String,
        /// Why.
        source: PaintError,
    },
    /// A part of the report is not JSON.
    #[error("cannot write {file} as JSON: {source}")]
    #[diagnostic(help("this is a bug; every result is safe, and `seedgrid export` writes them as tables"))]
    Json {
        /// Which file.
        file: &'static str,
        /// Why.
        source: serde_json::Error,
    },
}
