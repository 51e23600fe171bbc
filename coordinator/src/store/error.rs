//! The errors of the store.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use seedgrid_common::{text, unit::UnitId};

/// The errors of the store.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum StoreError {
    /// It cannot be opened.
    #[error("cannot open the database {path}: {cause}")]
    #[diagnostic(help("{}", hint(.cause)))]
    Open {
        /// The database.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: rusqlite::Error,
    },
    /// It cannot be opened to read it, or not be copied for that.
    #[error("cannot read the database's file {path}: {cause}")]
    #[diagnostic(help(
        "readers need the right to read study.db, and study.db-wal and study.db-journal where they \
         are there, and none to write; ask whoever runs the study for it"
    ))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: std::io::Error,
    },
    /// There is no room for the copy that is read where the run directory may not be written to.
    #[error("cannot copy {path} to {folder} to read it: {cause}")]
    #[diagnostic(help("set TMPDIR to a folder with room that can be written to"))]
    NoCopy {
        /// The file.
        path: PathBuf,
        /// Where the copy was to be.
        folder: PathBuf,
        /// The cause.
        #[source]
        cause: std::io::Error,
    },
    /// Its folder cannot be made durable.
    #[error("cannot make the folder of {path} durable: {cause}")]
    #[diagnostic(help("check the disk and its mount options"))]
    Folder {
        /// The database.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: std::io::Error,
    },
    /// Made by another version of Seedgrid.
    #[error(
        "the database {path} was made by another version of seedgrid: its schema is version {found}, and this seedgrid knows {expected}"
    )]
    #[diagnostic(help(
        "it is as it was; use the seedgrid that made it, or run the study in a new run directory (--run-dir DIR)"
    ))]
    Version {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The version that this program knows.
        expected: u32,
    },
    /// The file holds no study, and never did.
    #[error("the run in {path} has not begun: it was stopped before its study was written down")]
    #[diagnostic(help("run the study again"))]
    NotBegun {
        /// The run directory.
        path: PathBuf,
    },
    /// The file holds no study any more.
    #[error("the database {path} is empty")]
    #[diagnostic(help(
        "restore it from a backup (without study.db-wal and study.db-shm), or move the run directory away and run the study again"
    ))]
    Empty {
        /// The database.
        path: PathBuf,
    },
    /// The file is no longer the one that was opened.
    #[error("the database {path} {what} while it was in use")]
    #[diagnostic(help(
        "what was acknowledged before is lost with the file unless there is a \
         backup; restore it, or move the run directory away and run the study again"
    ))]
    Taken {
        /// The database.
        path: PathBuf,
        /// Its repair.
        what: &'static str,
    },
    /// SQLite cannot read all of it.
    #[error("the database {path} is damaged: {detail}")]
    #[diagnostic(help(
        "restore it from a backup that `seedgrid backup` made (without study.db-wal and study.db-shm), \
         or move the run directory away and run the study again, which trains every unit anew"
    ))]
    Damaged {
        /// The database.
        path: PathBuf,
        /// The check's message.
        detail: String,
    },
    /// Rows of it are damaged, and whoever only reads leaves them as they are.
    #[error("the database {path} is damaged: {rows} of the table {table} differ from their seals")]
    #[diagnostic(help(
        "run the study again, which trains again what is \
         damaged; `seedgrid check` lists it"
    ))]
    DamagedRows {
        /// The database.
        path: PathBuf,
        /// A table.
        table: &'static str,
        /// How many of its rows.
        rows: String,
    },
    /// It does not begin as an SQLite database does.
    #[error("the database {path} is none: {detail}")]
    #[diagnostic(help(
        "put study.db back where another file has taken its place, or restore it from a backup that \
         `seedgrid backup` made (without study.db-wal and study.db-shm); else move the run directory away and run the study again"
    ))]
    NoDatabase {
        /// The database.
        path: PathBuf,
        /// SQLite's message.
        detail: String,
    },
    /// There is no room for a copy to read.
    #[error("cannot copy the database {path} to read it: {cause}")]
    #[diagnostic(help(
        "make room in the folder for temporary files, or name another one in \
         the environment variable TMPDIR"
    ))]
    Copy {
        /// The database.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: rusqlite::Error,
    },
    /// It cannot be copied into a backup.
    #[error("cannot copy the database {path} into the backup: {cause}")]
    #[diagnostic(help("nothing is left of this backup; {}", hint(.cause)))]
    BackUp {
        /// The database.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: rusqlite::Error,
    },
    /// Another coordinator has taken it over.
    #[error("the database {path} was taken over by {holder} while it was in use")]
    #[diagnostic(help(
        "two coordinators cannot share a run directory; what was \
         acknowledged is safe, and the other one goes on with it"
    ))]
    TakenOver {
        /// The database.
        path: PathBuf,
        /// Its present owner.
        holder: String,
    },
    /// A result does not match its digest or cannot be decoded.
    #[error("the stored result of unit {unit} in {path} is damaged")]
    #[diagnostic(help("run the study again, which trains this unit anew"))]
    DamagedResult {
        /// The database.
        path: PathBuf,
        /// The unit.
        unit: UnitId,
    },
    /// Reading failed.
    #[error("cannot read from the database {path}: {cause}")]
    #[diagnostic(help("{}", hint(.cause)))]
    Read {
        /// The database.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: rusqlite::Error,
    },
    /// Writing failed; nothing of the group was kept.
    #[error("cannot write to the database {path}: {cause}")]
    #[diagnostic(help("everything acknowledged so far is safe; {}", hint(.cause)))]
    Write {
        /// The database.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: rusqlite::Error,
    },
}

impl StoreError {
    /// Whether another program has held a lock for too long, or was no longer waited for.
    pub fn is_busy(&self) -> bool {
        let (Self::Open { cause, .. } | Self::Read { cause, .. } | Self::Write { cause, .. }) = self else {
            return false;
        };
        matches!(cause.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
    }

    pub(super) fn open(path: &Path, cause: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match cause.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NoDatabase { path, detail: text::plain(&cause.to_string()) },
            // The latter is what SQLite says of a statement that does not fit the tables: they are not what they were made as.
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::Unknown) => {
                Self::Damaged { path, detail: text::plain(&cause.to_string()) }
            }
            Some(_) | None => Self::Open { path, cause },
        }
    }
}

/// The remedy for an error of SQLite's.
fn hint(cause: &rusqlite::Error) -> &'static str {
    match cause.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed) => {
            "another program holds a lock on the database and does not let go. End it (on its machine, `fuser -v` with the database's \
             path names it), then run the same command again"
        }
        Some(ErrorCode::DiskFull) => "the disk is full: make room on it, then run the same command again",
        Some(ErrorCode::SystemIoFailure) => {
            "the file system refused: check the quota, the disk, and the way to the file server if there is one, then run the same command again"
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied) => {
            "the database may only be read: check the permissions of the file and its folder, and whether the file system is mounted \
             read-only"
        }
        Some(ErrorCode::CannotOpen) => {
            "check that the file and its folder are there, and that you may read and write in it"
        }
        Some(ErrorCode::DatabaseCorrupt) => {
            "the database is damaged: restore it from a backup, or move the run directory away and run the study again"
        }
        Some(ErrorCode::NotADatabase) => "the file is no database: put study.db back, or restore it from a backup",
        Some(ErrorCode::OutOfMemory) => "memory is short: end other programs, then run the same command again",
        Some(_) | None => {
            "this is a bug, or the database was changed by another program; `seedgrid check` tells whether it is as it was written"
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rusqlite::ffi;
    use seedgrid_common::error_chain::with_hint;

    use super::*;

    fn cause(code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
    }

    #[test]
    fn each_kind_of_error_has_a_hint_of_its_own() {
        let kinds = [
            (ffi::SQLITE_BUSY, "another program holds a lock"),
            (ffi::SQLITE_FULL, "the disk is full"),
            (ffi::SQLITE_IOERR_WRITE, "the file system refused: check the quota"),
            (ffi::SQLITE_READONLY_DBMOVED, "may only be read"),
            (ffi::SQLITE_CANTOPEN, "its folder are there"),
            (ffi::SQLITE_CORRUPT, "is damaged"),
            (ffi::SQLITE_NOTADB, "is no database"),
            (ffi::SQLITE_NOMEM, "memory is short"),
        ];
        let path = PathBuf::from("study.db");
        let mut hints = BTreeSet::new();
        for (code, said) in kinds {
            let error = StoreError::Write { path: path.clone(), cause: cause(code) };
            let told = with_hint(&error);
            assert!(told.contains(said), "{told}");
            assert_eq!(told.contains("make room"), code == ffi::SQLITE_FULL, "{told}");
            hints.insert(hint(&cause(code)));
        }
        assert_eq!(hints.len(), kinds.len());
        for code in [ffi::SQLITE_LOCKED, ffi::SQLITE_BUSY_RECOVERY, ffi::SQLITE_PROTOCOL] {
            assert_eq!(hint(&cause(code)), hint(&cause(ffi::SQLITE_BUSY)));
        }
    }

    #[test]
    fn what_is_no_database_is_told_from_a_damaged_one() {
        let opened = |code| StoreError::open(Path::new("study.db"), cause(code));
        assert!(matches!(opened(ffi::SQLITE_NOTADB), StoreError::NoDatabase { .. }));
        assert!(matches!(opened(ffi::SQLITE_CORRUPT), StoreError::Damaged { .. }));
        assert!(matches!(opened(ffi::SQLITE_CANTOPEN), StoreError::Open { .. }));
    }
}
