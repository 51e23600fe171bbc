//! Databases of earlier versions: the coordinator that owns one brings it to the newest version, and whoever only reads it does the
//! same with a copy in memory.

use std::path::Path;

use rusqlite::{Connection, backup::Backup};

use super::StoreError;

/// The oldest version that can be brought to the newest.
const OLDEST: u32 = 2;

/// What leads from each version to the next, from [`OLDEST`] on. Files here are never changed once a version was released: schema.sql
/// is what they lead to.
const STEPS: [&str; 3] =
    [include_str!("migrations/3.sql"), include_str!("migrations/4.sql"), include_str!("migrations/5.sql")];

/// The newest schema.
pub(super) const SCHEMA: &str = include_str!("schema.sql");

/// The newest version, as `PRAGMA user_version` holds it.
pub(super) const NEWEST: u32 = OLDEST + STEPS.len() as u32;

/// Whether a database of this version can be brought to the newest.
pub(super) fn is_older(version: u32) -> bool {
    (OLDEST..NEWEST).contains(&version)
}

/// Brings the database at `path`, which is of this older version, to the newest: in one transaction, so wholly or not at all.
///
/// # Errors
/// When it cannot be written.
pub(super) fn migrate(connection: &Connection, path: &Path, version: u32) -> Result<(), StoreError> {
    let steps = STEPS.iter().skip((version - OLDEST) as usize).copied().collect::<String>();
    let whole = format!("BEGIN IMMEDIATE; {steps} PRAGMA user_version = {NEWEST}; COMMIT;");
    let failed = |cause| StoreError::Migrate { path: path.to_owned(), found: version, wanted: NEWEST, cause };
    // Steps make tables anew that others refer to.
    connection.pragma_update(None, "foreign_keys", false).map_err(failed)?;
    connection.execute_batch(&whole).map_err(|cause| {
        // Open only if a step failed; then this is the rollback, else there is nothing to roll back.
        let _ = connection.execute_batch("ROLLBACK;");
        failed(cause)
    })?;
    connection.pragma_update(None, "foreign_keys", true).map_err(failed)
}

/// Makes the newest schema in an empty database, wholly or not at all.
pub(super) fn create(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&format!("BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {NEWEST}; COMMIT;"))
}

/// A copy in memory, as the database is now.
///
/// # Errors
/// When it cannot be read.
pub(super) fn copied(connection: &Connection) -> rusqlite::Result<Connection> {
    let mut copy = Connection::open_in_memory()?;
    // All pages in one step: nobody can change the database in between.
    Backup::new(connection, &mut copy)?.step(-1)?;
    Ok(copy)
}
