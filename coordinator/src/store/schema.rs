//! The schema that this program knows. A database of another version is refused: nothing brings it here.

use rusqlite::Connection;

/// Every table. The first one names the version, so that no two versions have the same tables.
pub(super) const SCHEMA: &str = include_str!("schema.sql");

/// The version, as `PRAGMA user_version` holds it.
pub(super) const VERSION: u32 = 7;

/// Makes the tables in an empty database, wholly or not at all.
pub(super) fn create(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&format!("BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;"))
}

#[cfg(test)]
mod tests {
    use super::{SCHEMA, VERSION};

    #[test]
    fn the_first_table_names_the_version() {
        let named = format!("CREATE TABLE owner (\n    -- Of version {VERSION}.\n");
        assert!(SCHEMA.contains(&named), "{named}");
    }
}
