//! What can go wrong with the store.

use std::path::{Path, PathBuf};

use seedgrid_common::{prose, unit::UnitId};

/// What can go wrong with the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be opened.
    #[error("cannot open the database {path}: {cause}\n  hint: check that the folder exists, is writable and has room")]
    Open {
        /// The database.
        path: PathBuf,
        /// Why.
        #[source]
        cause: rusqlite::Error,
    },
    /// Its folder cannot be made durable.
    #[error("cannot make the folder of {path} durable: {cause}\n  hint: check the disk and its mount options")]
    Folder {
        /// The database.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// Made by another version of Seedgrid.
    #[error(
        "the database {path} was made by another version of seedgrid: its schema is version {found}, and this seedgrid knows {expected}\n  \
         hint: it is as it was; use the seedgrid that made it, or run the study in a new run directory (--run-dir DIR)"
    )]
    Version {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The version that this program knows.
        expected: u32,
    },
    /// The file holds no study.
    #[error(
        "the database {path} is empty\n  hint: restore it from a backup (without study.db-wal and study.db-shm), or move the run directory away and run the study again"
    )]
    Empty {
        /// The database.
        path: PathBuf,
    },
    /// The file is no longer the one that was opened.
    #[error(
        "the database {path} {what} while it was in use\n  hint: what was acknowledged before is lost with the file unless there is a \
         backup; restore it, or move the run directory away and run the study again"
    )]
    Taken {
        /// The database.
        path: PathBuf,
        /// What became of it.
        what: &'static str,
    },
    /// It is damaged, and whoever only reads leaves it as it is.
    #[error(
        "the database {path} is damaged: {detail}\n  hint: run the study again, which saves what can be read and trains the rest; else \
         restore it from a backup (without study.db-wal and study.db-shm), or move the run directory away"
    )]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What the check said.
        detail: String,
    },
    /// It is damaged, and its owner found nothing to salvage in it.
    #[error(
        "the database {path} is damaged: {detail}. No unit and no result can be read in it\n  hint: restore it from a backup (without study.db-wal and study.db-shm), or move it \
         away and run the study again"
    )]
    Ruined {
        /// The database.
        path: PathBuf,
        /// What the check said.
        detail: String,
    },
    /// A damaged one cannot be saved into a new one.
    #[error(
        "cannot save what is left of the damaged database {path}: {cause}\n  hint: it is as it was; make room in the run directory, \
         then run the same command again"
    )]
    Salvage {
        /// The database.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// Another coordinator has taken it over.
    #[error(
        "the database {path} was taken over by {holder} while it was in use\n  hint: two coordinators cannot share a run directory; what was \
         acknowledged is safe, and the other one goes on with it"
    )]
    TakenOver {
        /// The database.
        path: PathBuf,
        /// Who has it.
        holder: String,
    },
    /// A result does not match its digest or cannot be decoded.
    #[error(
        "the stored result of unit {unit} in {path} is damaged\n  hint: run the study again, which trains this unit anew"
    )]
    DamagedResult {
        /// The database.
        path: PathBuf,
        /// The unit.
        unit: UnitId,
    },
    /// Reading failed.
    #[error("cannot read from the database {path}: {cause}")]
    Read {
        /// The database.
        path: PathBuf,
        /// Why.
        #[source]
        cause: rusqlite::Error,
    },
    /// Writing failed; nothing of the group was kept.
    #[error(
        "cannot write to the database {path}: {cause}\n  hint: everything acknowledged so far is safe; check the disk's room and \
         permissions, then run the same command again"
    )]
    Write {
        /// The database.
        path: PathBuf,
        /// Why.
        #[source]
        cause: rusqlite::Error,
    },
}

impl StoreError {
    pub(super) fn open(path: &Path, cause: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match cause.sqlite_error_code() {
            Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
                Self::Damaged { path, detail: prose::plain(&cause.to_string()) }
            }
            // What SQLite says of a statement that does not fit the tables: they are not what they were made as.
            Some(rusqlite::ErrorCode::Unknown) => Self::Damaged { path, detail: prose::plain(&cause.to_string()) },
            Some(_) | None => Self::Open { path, cause },
        }
    }
}
