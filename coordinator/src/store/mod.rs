//! The store: one SQLite database in the run directory, the only place where a study's state lives.
//!
//! Every commit is synchronous, so what was acknowledged survives power loss; many changes are grouped into one commit. What is damaged on
//! the disk is found by checks, seals and digests ([`damage_checks`]), and damaged rows are mended when the coordinator opens it ([`repair`]).

mod backup;
pub mod blobs;
#[cfg(test)]
pub(crate) mod builders;
mod credentials;
mod damage_checks;
mod error;
mod file_identity;
mod journal_mode;
mod lock_wait;
mod opening;
mod owner_fencing;
mod read;
mod read_only_inspection;
mod read_results;
mod reader_copy;
mod repair;
mod row_numbers;
mod row_seals;
mod schema;
mod study_id;
mod unit_rows;
mod worker_failures;
mod write;

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use seedgrid_common::durable_files;

pub use credentials::{CredentialWrite, Enrolled, KnownToken};
use damage_checks::{Depth, Rows};
pub use error::StoreError;
use file_identity::FileIdentity;
pub use lock_wait::{BUSY_MAX, LockWait, Told};
use owner_fencing::Owner;
pub use read::{AttemptRecord, KeptWeights, StoredSpec, StoredUnit, WorkerRecord};
pub use read_only_inspection::Fault;
pub use read_results::{TrainedBy, TrainedRecord};
pub use repair::{Mended, MovedRow};
use row_numbers::Numbers;
pub use write::{ResultRecord, Write};

use crate::run_directory::{RunDirectory, file_system::FileSystem};

/// The writer's page cache, in KiB. It holds the pages that units under way share. SQLite looks through all of it in most commits, so that a
/// larger one costs more than it saves.
const CACHE_KIB: i64 = 2 * 1024;

/// The page cache in a commit of many changes, as of a whole plan, in KiB: the index of the ids of a million units has 30 MB.
const LARGE_CACHE_KIB: i64 = 64 * 1024;

/// The number of changes from which a commit has a large cache.
const MANY_CHANGES: usize = 10_000;

/// Pages of the write-ahead log, of 4 KiB each, from which on it is brought into the database's file. The page of rows that grow together is
/// written to the log with each commit, but to the file only once each time: with four times SQLite's number, about once in all. The log takes
/// 16 MiB, and a reader that finds it looks through as much.
const LOG_PAGES: i64 = 4_000;

/// An open database.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: PathBuf,
    file: FileIdentity,
    busy: LockWait,
    /// None in a store that was opened to read.
    owner: Option<Owner>,
    /// Empty in a store that was opened to read.
    numbers: Numbers,
    mended: Mended,
}

impl Store {
    /// Opens the database at `path` for the coordinator that owns the run directory; creates it where there is none. Damaged rows
    /// are mended: [`Store::mended`] tells.
    ///
    /// # Errors
    /// When it cannot be opened or written, SQLite cannot read it, or it was made by another version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        // Where this cannot be found out, opening tells why.
        let system = FileSystem::detect(durable_files::folder_of(path)).unwrap_or(FileSystem::Local);
        Self::open_on(path, &system)
    }

    fn open_on(path: &Path, system: &FileSystem) -> Result<Self, StoreError> {
        let failed = |cause| StoreError::open(path, cause);
        let is_new = !path.exists();
        let busy = LockWait::default();
        let mut connection = sound(path, system, &busy)?;
        let owner = Owner::take(&mut connection).map_err(failed)?;
        let mended = repair::mend(&mut connection).map_err(failed)?;
        let numbers = Numbers::read(&connection).map_err(failed)?;
        study_id::draw_where_missing(&connection).map_err(failed)?;
        if is_new {
            let cause = |cause| StoreError::Folder { path: path.to_owned(), cause };
            durable_files::sync_folder(durable_files::folder_of(path)).map_err(cause)?;
        }
        let file = FileIdentity::read(path)?;
        Ok(Self { connection, path: path.to_owned(), file, busy, owner: Some(owner), numbers, mended })
    }

    /// Opens the database at `path` to read it, also while a coordinator writes to it, which is never kept waiting for longer than the
    /// database takes to be copied.
    ///
    /// # Errors
    /// When there is none, it is damaged, or was made by another version.
    pub fn open_to_read(path: &Path) -> Result<Self, StoreError> {
        let store = Self::open_structure(path, Depth::Quick)?;
        store.check_seals(Rows::All)?;
        Ok(store)
    }

    /// Opens it as [`Self::open_to_read`] does, to read the rows of single units. It checks those that belong to no unit; [`Self::stored_unit`] checks a
    /// unit's. So it costs about the same in a study of any size.
    ///
    /// # Errors
    /// As for [`Self::open_to_read`].
    pub fn open_to_read_single_units(path: &Path) -> Result<Self, StoreError> {
        let store = Self::open_structure(path, Depth::Nothing)?;
        store.check_seals(Rows::OfNoUnit)?;
        Ok(store)
    }

    /// Opens it to read, having checked no more than what SQLite needs.
    fn open_structure(path: &Path, depth: Depth) -> Result<Self, StoreError> {
        let busy = LockWait::default();
        let connection = begun(path, &busy)?;
        check(&connection, path, depth)?;
        let file = FileIdentity::read(path)?;
        Ok(Self {
            connection,
            path: path.to_owned(),
            file,
            busy,
            owner: None,
            numbers: Numbers::default(),
            mended: Mended::default(),
        })
    }

    /// The damage that was found when it was opened, and its repair.
    pub fn mended(&self) -> &Mended {
        &self.mended
    }

    /// How long it waits for other programs.
    pub fn busy(&self) -> &LockWait {
        &self.busy
    }

    /// The run directory that the database lies in.
    pub fn folder(&self) -> &Path {
        durable_files::folder_of(&self.path)
    }
}

/// The database at `path`, opened to read, in which a study has begun.
fn begun(path: &Path, busy: &LockWait) -> Result<Connection, StoreError> {
    let connection = opening::to_read(path, busy)?;
    if !is_empty(&connection, path)? {
        return Ok(connection);
    }
    let folder = durable_files::folder_of(path);
    Err(match RunDirectory::new(folder).has_begun() {
        true => StoreError::Empty { path: path.to_owned() },
        false => StoreError::NotBegun { path: folder.to_owned() },
    })
}

/// The database at `path`, of this version and with nothing wrong with its structure.
fn sound(path: &Path, system: &FileSystem, busy: &LockWait) -> Result<Connection, StoreError> {
    let failed = |cause| StoreError::open(path, cause);
    let connection = opening::to_write(path, busy).map_err(failed)?;
    journal_mode::set(&connection, system).map_err(failed)?;
    if is_empty(&connection, path)? {
        schema::create(&connection).map_err(failed)?;
    }
    check(&connection, path, Depth::Whole)?;
    // A row names units and workers by numbers of [`Numbers`], which knows each one: SQLite need not look them up again.
    connection.pragma_update(None, "foreign_keys", false).map_err(failed)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB).map_err(failed)?;
    connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES).map_err(failed)?;
    Ok(connection)
}

/// Whether there are no tables yet. Those that there are must be of this version.
fn is_empty(connection: &Connection, path: &Path) -> Result<bool, StoreError> {
    let failed = |cause| StoreError::open(path, cause);
    let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed)?;
    let tables = || connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, u32>(0));
    match found {
        0 if tables().map_err(failed)? == 0 => Ok(true),
        schema::VERSION => Ok(false),
        // The number is damaged, not the database another's.
        found if damage_checks::is_ours(connection).map_err(failed)? => {
            Err(StoreError::Damaged { path: path.to_owned(), detail: format!("its version says {found}") })
        }
        found => Err(StoreError::Version { path: path.to_owned(), found, expected: schema::VERSION }),
    }
}

/// SQLite's own check, and that the tables are those that there should be.
fn check(connection: &Connection, path: &Path, depth: Depth) -> Result<(), StoreError> {
    let failed = |cause| StoreError::open(path, cause);
    let damaged = |detail| Err(StoreError::Damaged { path: path.to_owned(), detail });
    if let Some(detail) = damage_checks::structure(connection, depth).map_err(failed)? {
        return damaged(detail);
    }
    if is_empty(connection, path)? || damage_checks::is_ours(connection).map_err(failed)? {
        Ok(())
    } else {
        damaged("its tables are not those that a study has".to_owned())
    }
}

#[cfg(test)]
mod tests;
