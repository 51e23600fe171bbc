//! What can go wrong with the store.

use std::path::{Path, PathBuf};

use seedgrid_common::unit::UnitId;

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
    /// One of an earlier version cannot be brought to this one.
    #[error(
        "cannot bring the database {path} from schema version {found} to {wanted}: {cause}\n  hint: it is as it was; check the disk's \
         room and permissions, then run the same command again"
    )]
    Migrate {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The version that this program knows.
        wanted: u32,
        /// Why.
        #[source]
        cause: rusqlite::Error,
    },
    /// Made by another version of Seedgrid.
    #[error(
        "the database {path} has schema version {found}, and this seedgrid knows {expected}\n  hint: use the seedgrid that \
         made it, or another run directory"
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
        "the database {path} is empty\n  hint: restore it from a backup, or move the run directory away and run the study again"
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
    /// SQLite's own check found damage.
    #[error(
        "the database {path} is damaged: {detail}\n  hint: restore it from a backup, or move the run directory away and run the \
         study again"
    )]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What the check said.
        detail: String,
    },
    /// A result does not match its digest or cannot be decoded.
    #[error(
        "the stored result of unit {unit} in {path} is damaged\n  hint: delete its row from the table `results`, and run the \
         study again to train it anew"
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
                Self::Damaged { path, detail: cause.to_string() }
            }
            Some(_) | None => Self::Open { path, cause },
        }
    }
}
