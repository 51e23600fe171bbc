//! The store: one SQLite database in the run directory, the only place where a study's state lives.
//!
//! Every commit is synchronous, so what was acknowledged survives power loss; many changes are grouped into one commit.

mod error;
mod read;
mod write;

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags};

pub use error::StoreError;
pub use read::{AttemptRecord, StoredUnit, WorkerRecord};
pub use write::{ResultRecord, Write};

/// The schema's version, as `PRAGMA user_version` holds it.
const SCHEMA_VERSION: u32 = 1;

/// An open database.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: std::path::PathBuf,
}

impl Store {
    /// Opens the database at `path` for the coordinator that owns the run directory; creates it where there is none.
    ///
    /// # Errors
    /// When it cannot be opened or written, is damaged, or was made by a newer version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open(path).map_err(|cause| StoreError::open(path, cause))?;
        let store = Self { connection, path: path.to_owned() };
        store.prepare(true)?;
        Ok(store)
    }

    /// Opens the database at `path` to read it, also while a coordinator writes to it.
    ///
    /// # Errors
    /// When there is none, it is damaged, or was made by another version.
    pub fn open_to_read(path: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|cause| StoreError::open(path, cause))?;
        let store = Self { connection, path: path.to_owned() };
        store.prepare(false)?;
        Ok(store)
    }

    fn prepare(&self, owner: bool) -> Result<(), StoreError> {
        let failed = |cause| StoreError::open(&self.path, cause);
        self.connection.busy_timeout(Duration::from_secs(10)).map_err(failed)?;
        if owner {
            self.connection.pragma_update(None, "journal_mode", "wal").map_err(failed)?;
            self.connection.pragma_update(None, "synchronous", "full").map_err(failed)?;
            self.connection.pragma_update(None, "foreign_keys", true).map_err(failed)?;
        }
        let version: u32 =
            self.connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed)?;
        match version {
            0 if owner => self
                .connection
                .execute_batch(&format!(
                    "BEGIN IMMEDIATE; {} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;",
                    include_str!("schema.sql")
                ))
                .map_err(failed)?,
            SCHEMA_VERSION => {}
            found => {
                return Err(StoreError::Version { path: self.path.clone(), found, expected: SCHEMA_VERSION });
            }
        }
        let verdict: String =
            self.connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
        if verdict != "ok" {
            return Err(StoreError::Damaged { path: self.path.clone(), detail: verdict });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
