//! The store: one SQLite database in the run directory, the only place where a study's state lives.
//!
//! Every commit is synchronous, so what was acknowledged survives power loss; many changes are grouped into one commit.

mod credentials;
mod error;
mod file;
mod migration;
mod read;
mod trained;
mod write;

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags};

pub use credentials::CredentialWrite;
pub use error::StoreError;
use file::FileIdentity;
pub use read::{AttemptRecord, KeptWeights, StoredUnit, WorkerRecord};
pub use trained::{TrainedBy, TrainedRecord};
pub use write::{ResultRecord, Write};

/// How long to wait for another connection's commit.
const BUSY: Duration = Duration::from_secs(10);

/// An open database.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: std::path::PathBuf,
    file: FileIdentity,
}

impl Store {
    /// Opens the database at `path` for the coordinator that owns the run directory; creates it where there is none, and brings one
    /// of an earlier version to this one.
    ///
    /// # Errors
    /// When it cannot be opened or written, is damaged, or was made by a newer version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open(path).map_err(|cause| StoreError::open(path, cause))?;
        let failed = |cause| StoreError::open(path, cause);
        connection.busy_timeout(BUSY).map_err(failed)?;
        connection.pragma_update(None, "journal_mode", "wal").map_err(failed)?;
        connection.pragma_update(None, "synchronous", "full").map_err(failed)?;
        connection.pragma_update(None, "foreign_keys", true).map_err(failed)?;
        match version(&connection, path)? {
            0 => connection
                .execute_batch(&format!(
                    "BEGIN IMMEDIATE; {} PRAGMA user_version = {}; COMMIT;",
                    include_str!("schema.sql"),
                    migration::NEWEST
                ))
                .map_err(failed)?,
            older if migration::is_older(older) => {
                check(&connection, path)?;
                migration::migrate(&connection, path, older)?;
            }
            _ => {}
        }
        check(&connection, path)?;
        let file = FileIdentity::of(path)?;
        Ok(Self { connection, path: path.to_owned(), file })
    }

    /// Opens the database at `path` to read it, also while a coordinator writes to it. One of an earlier version is read through a
    /// copy in memory and stays as it is.
    ///
    /// # Errors
    /// When there is none, it is damaged, or was made by a newer version.
    pub fn open_to_read(path: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let failed = |cause| StoreError::open(path, cause);
        let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        connection.busy_timeout(BUSY).map_err(failed)?;
        let version = version(&connection, path)?;
        if version == 0 {
            return Err(StoreError::Empty { path: path.to_owned() });
        }
        check(&connection, path)?;
        if migration::is_older(version) {
            connection = migration::copied(&connection).map_err(failed)?;
            migration::migrate(&connection, path, version)?;
        }
        let file = FileIdentity::of(path)?;
        Ok(Self { connection, path: path.to_owned(), file })
    }

    /// The run directory that the database lies in.
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }
}

/// The version of the schema; 0 where there is none yet.
fn version(connection: &Connection, path: &Path) -> Result<u32, StoreError> {
    let found = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(|cause| StoreError::open(path, cause))?;
    match found {
        0 | migration::NEWEST => Ok(found),
        older if migration::is_older(older) => Ok(older),
        found => Err(StoreError::Version { path: path.to_owned(), found, expected: migration::NEWEST }),
    }
}

/// SQLite's own check.
fn check(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let verdict: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|cause| StoreError::open(path, cause))?;
    match verdict.as_str() {
        "ok" => Ok(()),
        _ => Err(StoreError::Damaged { path: path.to_owned(), detail: verdict }),
    }
}

#[cfg(test)]
mod tests;
