//! How the database's file is opened: the one place that names it to SQLite.
//!
//! Readers need no more than the right to read the files. SQLite itself wants to write beside a database whose log is in use or was left by
//! a coordinator that was killed; where it may not, readers read a copy of their own.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, ErrorCode, OpenFlags};
use seedgrid_common::temporary_files::Scratch;

use super::{StoreError, lock_wait::LockWait, reader_copy, row_seals};

/// How often a copy is begun again because the database changed meanwhile.
const TRIES: usize = 5;

/// Statements that a connection keeps ready.
const STATEMENTS: usize = 64;

/// The ends of the names of files that SQLite keeps beside a database and needs to read it: its log, or its rollback journal.
const BESIDE: [&str; 2] = ["-wal", "-journal"];

/// Opens the database at `path` to write to it; makes it where there is none.
pub(super) fn to_write(path: &Path, busy: &LockWait) -> rusqlite::Result<Connection> {
    let mut connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    busy.attend(&mut connection, path)?;
    Ok(connection)
}

/// Opens a database that nobody else knows of; makes it where there is none.
pub(super) fn new(path: &Path) -> rusqlite::Result<Connection> {
    open(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)
}

/// Opens the database at `path` to read it, also where nothing may be written beside it.
pub(super) fn to_read(path: &Path, busy: &LockWait) -> Result<Connection, StoreError> {
    let failed = |cause| StoreError::open(path, cause);
    let connection = match in_place(path, busy) {
        Err(cause) if wants_to_write(&cause) && !is_missing(path) => return copied(path),
        opened => opened.map_err(failed)?,
    };
    if has_log(&connection).map_err(failed)? {
        return Ok(connection);
    }
    // A reader of a database with a rollback journal keeps its writer out.
    let copy = reader_copy::copied(&connection, path)?;
    row_seals::teach(&copy).map_err(failed)?;
    Ok(copy)
}

/// Whether it has a write-ahead log: readers and the writer then do not stand in each other's way.
fn has_log(connection: &Connection) -> rusqlite::Result<bool> {
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    Ok(mode == "wal")
}

fn in_place(path: &Path, busy: &LockWait) -> rusqlite::Result<Connection> {
    let mut connection = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    busy.attend(&mut connection, path)?;
    // SQLite opens the file, its log and the log's index with the first look.
    look(&connection)?;
    Ok(connection)
}

/// A connection with what every one needs.
fn open(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(named(path), flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    row_seals::teach(&connection)?;
    // Every statement of a commit and more: each is compiled once.
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// The path as SQLite takes it for a path: a name that begins with `file:` would be a URI.
fn named(path: &Path) -> PathBuf {
    Path::new(".").join(path)
}

fn look(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
}

fn is_missing(path: &Path) -> bool {
    fs::metadata(path).is_err_and(|cause| cause.kind() == io::ErrorKind::NotFound)
}

/// Whether this is what SQLite says where it may read and not write.
fn wants_to_write(cause: &rusqlite::Error) -> bool {
    matches!(
        cause.sqlite_error_code(),
        Some(
            ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::FileLockingProtocolFailed
                | ErrorCode::SystemIoFailure
        )
    )
}

/// Opens a copy of the database and of what lies beside it. The copy has no name any more once this returns, and goes with the connection.
fn copied(path: &Path) -> Result<Connection, StoreError> {
    let no_room = |cause| StoreError::NoCopy { path: path.to_owned(), folder: std::env::temp_dir(), cause };
    let folder = Scratch::new().map_err(no_room)?;
    copy(path, &folder)?;
    let failed = |cause| StoreError::open(path, cause);
    let copy = open(&file_in(&folder, ""), OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(failed)?;
    // With this look, SQLite takes a log's commits in, or takes back what a journal says was not committed.
    look(&copy).map_err(failed)?;
    // From now on nothing is beside it, so that it can be read without its name.
    copy.pragma_update(None, "locking_mode", "exclusive").map_err(failed)?;
    copy.pragma_update(None, "journal_mode", "off").map_err(failed)?;
    look(&copy).map_err(failed)?;
    copy.pragma_update(None, "query_only", true).map_err(failed)?;
    Ok(copy)
}

fn file_in(folder: &Scratch, end: &str) -> PathBuf {
    folder.path().join(format!("study.db{end}"))
}

/// Copies the database and what lies beside it into `folder`, all of one state.
fn copy(path: &Path, folder: &Scratch) -> Result<(), StoreError> {
    for _ in 0..TRIES {
        let before = FilesState::read(path).map_err(|cause| StoreError::Unreadable { path: path.to_owned(), cause })?;
        copy_file(path, &file_in(folder, ""))?;
        for end in BESIDE {
            let (from, to) = (beside(path, end), file_in(folder, end));
            if from.exists() {
                copy_file(&from, &to)?;
            } else {
                // Copied a moment ago, and gone since.
                let _ = fs::remove_file(to);
            }
        }
        if FilesState::read(path).is_ok_and(|after| after == before) {
            return Ok(());
        }
    }
    let cause = io::Error::other("a coordinator writes to it");
    Err(StoreError::Unreadable { path: path.to_owned(), cause })
}

fn copy_file(from: &Path, to: &Path) -> Result<(), StoreError> {
    let unreadable = |cause| StoreError::Unreadable { path: from.to_owned(), cause };
    let mut source = fs::File::open(from).map_err(unreadable)?;
    let no_room = |cause| StoreError::NoCopy {
        path: from.to_owned(),
        folder: to.parent().unwrap_or(Path::new(".")).to_owned(),
        cause,
    };
    let mut target = fs::File::create(to).map_err(no_room)?;
    io::copy(&mut source, &mut target).map_err(no_room)?;
    Ok(())
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// The state of the files: it differs after one of them was written to, or another took its place.
#[derive(Debug, PartialEq, Eq)]
struct FilesState([Option<FileState>; 3]);

type FileState = (u64, u64, u64, (i64, i64), (i64, i64));

impl FilesState {
    fn read(path: &Path) -> io::Result<Self> {
        let [log, journal] = BESIDE.map(|end| fs::metadata(beside(path, end)).ok().map(|file| Self::file(&file)));
        Ok(Self([Some(Self::file(&fs::metadata(path)?)), log, journal]))
    }

    fn file(file: &fs::Metadata) -> FileState {
        let times = ((file.mtime(), file.mtime_nsec()), (file.ctime(), file.ctime_nsec()));
        (file.dev(), file.ino(), file.len(), times.0, times.1)
    }
}
