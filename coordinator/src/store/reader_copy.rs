//! Copies of a database as it is at one instant: one that a reader works on, and one for a backup. The database itself is locked no longer
//! than copying takes.

use std::path::Path;

use rusqlite::{
    Connection, ErrorCode,
    backup::{Backup, StepResult},
    ffi,
};

use super::StoreError;

/// Pages of the copy that stay in memory, in KiB; more go to a temporary file.
const CACHE_KIB: i64 = 64 * 1024;

/// A private copy of the database at `path`, to which `source` leads, as it is now. It vanishes with its connection.
///
/// # Errors
/// When the database cannot be read, or there is no room for the copy.
pub(super) fn copied(source: &Connection, path: &Path) -> Result<Connection, StoreError> {
    let failed = |cause: rusqlite::Error| match cause.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Copy { path: path.to_owned(), cause },
        Some(_) | None => StoreError::open(path, cause),
    };
    // Of SQLite's own: in memory as long as it is small.
    let mut copy = Connection::open("").map_err(failed)?;
    copy.pragma_update(None, "cache_size", -CACHE_KIB).map_err(failed)?;
    pages(source, &mut copy).map_err(failed)?;
    Ok(copy)
}

/// Makes the new database `copy` a copy of the one to which `source` leads.
pub(super) fn copy_to(source: &Connection, mut copy: Connection) -> rusqlite::Result<()> {
    pages(source, &mut copy)?;
    // One file, with no log beside it.
    copy.pragma_update(None, "journal_mode", "delete")
}

/// Copies all pages in one step, and so of one state; the lock is held no longer.
fn pages(source: &Connection, copy: &mut Connection) -> rusqlite::Result<()> {
    match Backup::new(source, copy)?.step(-1)? {
        StepResult::Done => Ok(()),
        _ => Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_BUSY), None)),
    }
}
