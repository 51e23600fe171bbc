//! The store: one SQLite database in the run directory, the only place where a study's state lives.
//!
//! Every commit is synchronous, so what was acknowledged survives power loss; many changes are grouped into one commit.

mod error;
mod file;
mod read;
mod trained;
mod write;

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags};

pub use error::StoreError;
use file::FileIdentity;
pub use read::{AttemptRecord, StoredUnit, WorkerRecord};
pub use trained::{TrainedBy, TrainedRecord};
pub use write::{ResultRecord, Write};

/// The schema's version, as `PRAGMA user_version` holds it.
const SCHEMA_VERSION: u32 = 2;

/// An open database.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: std::path::PathBuf,
    file: FileIdentity,
}

impl Store {
    /// Opens the database at `path` for the coordinator that owns the run directory; creates it where there is none.
    ///
    /// # Errors
    /// When it cannot be opened or written, is damaged, or was made by a newer version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open(path).map_err(|cause| StoreError::open(path, cause))?;
        prepare(&connection, path, true)?;
        let file = FileIdentity::of(path)?;
        Ok(Self { connection, path: path.to_owned(), file })
    }

    /// Opens the database at `path` to read it, also while a coordinator writes to it.
    ///
    /// # Errors
    /// When there is none, it is damaged, or was made by another version.
    pub fn open_to_read(path: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|cause| StoreError::open(path, cause))?;
        prepare(&connection, path, false)?;
        let file = FileIdentity::of(path)?;
        Ok(Self { connection, path: path.to_owned(), file })
    }
}

fn prepare(connection: &Connection, path: &Path, owner: bool) -> Result<(), StoreError> {
    let failed = |cause| StoreError::open(path, cause);
    connection.busy_timeout(Duration::from_secs(10)).map_err(failed)?;
    if owner {
        connection.pragma_update(None, "journal_mode", "wal").map_err(failed)?;
        connection.pragma_update(None, "synchronous", "full").map_err(failed)?;
        connection.pragma_update(None, "foreign_keys", true).map_err(failed)?;
    }
    let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed)?;
    match version {
        0 if owner => connection
            .execute_batch(&format!(
                "BEGIN IMMEDIATE; {} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;",
                include_str!("schema.sql")
            ))
            .map_err(failed)?,
        0 => return Err(StoreError::Empty { path: path.to_owned() }),
        SCHEMA_VERSION => {}
        found => {
            return Err(StoreError::Version { path: path.to_owned(), found, expected: SCHEMA_VERSION });
        }
    }
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if verdict != "ok" {
        return Err(StoreError::Damaged { path: path.to_owned(), detail: verdict });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
