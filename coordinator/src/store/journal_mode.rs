//! The database's journal mode and its synchronous setting: every commit survives a loss of power.

use rusqlite::Connection;

use crate::run_directory::file_system::FileSystem;

/// Makes every commit durable before it returns.
pub(super) fn set(connection: &Connection, system: &FileSystem) -> rusqlite::Result<()> {
    if system.is_network() {
        // A write-ahead log needs memory that its readers share, which no two machines do. Held exclusively, a log that is there
        // already can be ended without.
        connection.pragma_update(None, "locking_mode", "exclusive")?;
        connection.pragma_update(None, "journal_mode", "truncate")?;
        connection.pragma_update(None, "locking_mode", "normal")?;
        // The lock is given back with the next look at the file.
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    } else {
        connection.pragma_update(None, "journal_mode", "wal")?;
    }
    // Beside the files, the folder in which a rollback journal vanishes.
    connection.pragma_update(None, "synchronous", "extra")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_used_on_local_disks_alone_and_every_commit_is_synchronous() {
        let folder = tempfile::tempdir().unwrap();
        for (system, expected) in [
            (FileSystem::Local, "wal"),
            (FileSystem::Network { name: "NFS".to_owned(), local_locks: None }, "truncate"),
        ] {
            let connection = Connection::open(folder.path().join("study.db")).unwrap();
            set(&connection, &system).unwrap();
            let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
            let synchronous: u32 = connection.pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap();
            assert_eq!((mode.as_str(), synchronous), (expected, 3), "3 is EXTRA");
        }
    }
}
