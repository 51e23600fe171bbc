//! Backups: a copy of a run directory, made with or without a running coordinator. The copy is complete or absent.
//!
//! A backup has the data that a run cannot make again: the database, the data sets, the kept weights, the checkpoints,
//! the specs and the credentials. It omits the report, exports, the logs of local workers, the lock and SQLite's files
//! beside the database.
//!
//! The copy is made in a hidden folder beside its final path. The database gets its name last, so that the folder of a
//! killed backup is not a run directory; then the folder gets its own name.

use std::{
    ffi::OsStr,
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use seedgrid_common::{durable_files, join::Role, temporary_files::Unfinished, unit::UnitId, wire::blob::BlobDigest};
use sha2::{Digest as _, Sha256};

use crate::{
    run_directory::{
        RunDirectory, RunDirectoryError,
        file_system::FileSystem,
        lock::{Lock, LockError},
        lock_holder::Holder,
    },
    store::{Store, StoreError, blobs::BlobFolder},
    views::recorded_files::{Finding, NOT_THERE, RecordedFile, unreadable},
};

/// The number of bytes that are copied at a time.
const CHUNK: usize = 1 << 18;

/// The contents of a backup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackedUp {
    /// The number of stored results.
    pub results: usize,
    /// The number of encoded data sets.
    pub datasets: usize,
    /// The number of files of weights.
    pub weights: usize,
    /// The number of checkpoints of unfinished units.
    pub checkpoints: usize,
    /// The number of checkpoints that a coordinator replaced during the copy. The backup omits them.
    pub replaced: usize,
    /// The damage in the run directory, and so in its copy.
    pub damage: Vec<Finding>,
}

/// The reason for a failed backup, which leaves no files.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum BackupError {
    /// The path is not a run directory.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Directory(#[from] RunDirectoryError),
    /// The database cannot be copied.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] StoreError),
    /// The destination is not empty.
    #[error("{path} is not empty")]
    #[diagnostic(help("a backup goes into a new or an empty folder: name another one, or move this one away"))]
    NotEmpty {
        /// The folder's path.
        path: PathBuf,
    },
    /// The destination cannot be replaced by a folder.
    #[error("a backup cannot be made at {path}: it {why}")]
    #[diagnostic(help("name a folder that does not exist yet"))]
    NoPlace {
        /// The folder's path.
        path: PathBuf,
        /// The problem with the destination.
        why: &'static str,
    },
    /// Another process is making a backup there.
    #[error("a backup is being made at {path} by {}", holder.as_ref().map_or("another process".to_owned(), Holder::to_string))]
    #[diagnostic(help("wait for it, or name another folder"))]
    Busy {
        /// The folder's path.
        path: PathBuf,
        /// The other process, if known.
        holder: Option<Holder>,
    },
    /// A file of the run directory cannot be read.
    #[error("cannot read {path}: {cause}")]
    #[diagnostic(help("a backup holds the run's credentials: making one needs the right to read them"))]
    Unreadable {
        /// The file's path.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// A file of the backup cannot be written.
    #[error("cannot {action} {path}: {cause}")]
    #[diagnostic(help("{}; nothing is left of this backup", hint(.cause)))]
    Io {
        /// The failed action.
        action: &'static str,
        /// The path of the action.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
}

fn hint(cause: &io::Error) -> &'static str {
    match cause.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "the disk is full: make room on it, or name a folder on another one"
        }
        _ => "check the permissions and the disk, or name another folder",
    }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_owned();
    move |cause| BackupError::Io { action, path, cause }
}

/// Copies the run of `directory` into the new or empty folder `to`.
///
/// # Errors
/// When the run cannot be read or the copy cannot be written; the copy is then removed.
pub fn back_up(directory: &RunDirectory, to: &Path) -> Result<BackedUp, BackupError> {
    let place = Place::new(directory, to)?;
    let _lock = place.lock()?;
    let copy = place.begin()?;
    let backed_up = fill(directory, &copy.folder)?;
    copy.put(&place, directory)?;
    Ok(backed_up)
}

/// The destination of a backup.
#[derive(Debug)]
struct Place {
    folder: PathBuf,
    parent: PathBuf,
    name: String,
}

impl Place {
    fn new(directory: &RunDirectory, to: &Path) -> Result<Self, BackupError> {
        let none = |why| BackupError::NoPlace { path: to.to_owned(), why };
        let there = fs::symlink_metadata(to).is_ok();
        let folder = if there { to.canonicalize().map_err(failed("find", to))? } else { to.to_owned() };
        let name = folder.file_name().and_then(OsStr::to_str).ok_or_else(|| none("has no name of its own"))?.to_owned();
        let parent = durable_files::folder_of(&folder).to_owned();
        if there {
            if !folder.is_dir() {
                return Err(none("is a file"));
            }
            if fs::read_dir(&folder).map_err(failed("look into", to))?.next().is_some() {
                return Err(BackupError::NotEmpty { path: to.to_owned() });
            }
            let device = |path: &Path| fs::metadata(path).map(|found| found.dev());
            if device(&folder).map_err(failed("look at", to))? != device(&parent).map_err(failed("look at", &parent))? {
                return Err(none("is where a disk is mounted"));
            }
        }
        durable_files::make_folder(&parent).map_err(failed("make", &parent))?;
        let inside = parent.canonicalize().and_then(|parent| Ok(parent.starts_with(directory.root().canonicalize()?)));
        if inside.map_err(failed("find", &parent))? {
            return Err(none("would be lost with the run directory that it lies in"));
        }
        Ok(Self { folder, parent, name })
    }

    /// Excludes other backups from the same destination, if the file system supports locks.
    fn lock(&self) -> Result<Option<Held>, BackupError> {
        let path = self.parent.join(format!(".{}.lock", self.name));
        match Lock::take(&path, &FileSystem::Local) {
            Ok(lock) => Ok(Some(Held { lock: Some(lock), path })),
            Err(LockError::Untrusted(_)) => Ok(None),
            Err(LockError::Held(holder)) => Err(BackupError::Busy { path: self.folder.clone(), holder }),
            Err(LockError::Io(action, cause)) => Err(failed(action, &path)(cause)),
        }
    }

    /// Begins a copy, and removes the remains of a killed one.
    fn begin(&self) -> Result<Copy, BackupError> {
        let folder = self.parent.join(format!(".{}.unfinished", self.name));
        let make = || {
            match fs::remove_dir_all(&folder) {
                Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
                _ => {}
            }
            // Only the owner can read the folder before it has its final mode.
            fs::DirBuilder::new().mode(0o700).create(&folder).map(|()| folder.clone())
        };
        let (folder, unfinished) = Unfinished::begin(make, PathBuf::as_path).map_err(failed("make", &folder))?;
        Ok(Copy { folder, unfinished: Some(unfinished) })
    }
}

/// A lock; dropping it removes its file.
#[derive(Debug)]
struct Held {
    lock: Option<Lock>,
    path: PathBuf,
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(lock) = self.lock.take() {
            lock.remove(&self.path);
        }
    }
}

/// An unfinished copy; dropping it removes its files.
#[derive(Debug)]
struct Copy {
    folder: PathBuf,
    unfinished: Option<Unfinished>,
}

impl Copy {
    /// Moves the complete copy to its final names.
    fn put(mut self, place: &Place, directory: &RunDirectory) -> Result<(), BackupError> {
        let copy = RunDirectory::new(&self.folder);
        fs::rename(unnamed(&self.folder), copy.database()).map_err(failed("rename", &copy.database()))?;
        let mode = fs::metadata(directory.root()).map_err(failed("look at", directory.root()))?.mode() & 0o755;
        fs::set_permissions(&self.folder, Permissions::from_mode(mode))
            .map_err(failed("set the mode of", &self.folder))?;
        sync(&self.folder)?;
        fs::rename(&self.folder, &place.folder).map_err(|cause| match cause.kind() {
            io::ErrorKind::DirectoryNotEmpty => BackupError::NotEmpty { path: place.folder.clone() },
            _ => failed("make", &place.folder)(cause),
        })?;
        self.unfinished = None;
        sync(&place.parent)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        if self.unfinished.is_some() {
            // The next backup removes any remains.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// The path of the database in an unfinished copy.
fn unnamed(copy: &Path) -> PathBuf {
    copy.join("study.db.unfinished")
}

/// Copies all data durably; the database keeps its temporary name.
fn fill(directory: &RunDirectory, folder: &Path) -> Result<BackedUp, BackupError> {
    let copy = RunDirectory::new(folder);
    let (from, to) = (directory.database(), unnamed(folder));
    Store::back_up(&from, &to)?;
    let (store, faults) = Store::inspect(&to)?;
    let Some(store) = store else {
        let detail = faults.into_iter().map(|fault| fault.what).collect::<Vec<_>>().join("; ");
        return Err(StoreError::Damaged { path: from, detail }.into());
    };
    let mut backed_up = BackedUp {
        results: store.count_results()? as usize,
        damage: faults.into_iter().map(Finding::from).collect(),
        ..BackedUp::default()
    };
    backed_up.datasets(directory, &copy, &store)?;
    backed_up.weights(directory, &copy, &store)?;
    let lost = backed_up.checkpoints(directory, &copy, &store)?;
    let specs = make_folder(copy.specs())?;
    for spec in store.specs()? {
        let path = copy.spec(spec.number);
        durable_files::write(&path, spec.text.as_bytes()).map_err(failed("write", &path))?;
    }
    drop(store);
    Store::forget_checkpoints(&to, &lost)?;
    let mode = |path: &Path| fs::metadata(path).map(|file| file.permissions());
    let written =
        mode(&from).and_then(|mode| fs::set_permissions(&to, mode)).and_then(|()| durable_files::sync_file(&to));
    written.map_err(failed("write", &to))?;
    for role in Role::ALL {
        secret(&directory.key_file(role), &copy.key_file(role))?;
    }
    secret(&directory.identity(), &copy.identity())?;
    sync(&specs)?;
    Ok(backed_up)
}

impl BackedUp {
    fn datasets(&mut self, from: &RunDirectory, to: &RunDirectory, store: &Store) -> Result<(), BackupError> {
        let folder = make_folder(to.datasets())?;
        for file in RecordedFile::datasets(store)? {
            let found = copied(&from.dataset(&file.digest), &to.dataset(&file.digest))?;
            self.datasets += usize::from(found.is_ok());
            self.damage.extend(file.damage(found));
        }
        sync(&folder)
    }

    fn weights(&mut self, from: &RunDirectory, to: &RunDirectory, store: &Store) -> Result<(), BackupError> {
        let kept = store.weights()?;
        if kept.is_empty() {
            return Ok(());
        }
        let [source, target] = [from, to].map(|directory| BlobFolder::weights(directory.root()));
        let folder = make_folder(to.root().join("weights"))?;
        for (unit, kept) in kept {
            let mut found = copied(&source.committed(unit, kept.digest), &target.file(unit))?;
            if found.is_err() {
                // The file may have been renamed to its final name during the copy.
                found = copied(&source.file(unit), &target.file(unit))?;
            }
            self.weights += usize::from(found.is_ok());
            self.damage.extend(RecordedFile::weights(unit, kept.digest, kept.bytes).damage(found));
        }
        sync(&folder)
    }

    /// Copies the checkpoints. Returns the units whose checkpoint files do not match the database.
    fn checkpoints(
        &mut self,
        from: &RunDirectory,
        to: &RunDirectory,
        store: &Store,
    ) -> Result<Vec<UnitId>, BackupError> {
        let kept = store.checkpoints()?;
        if kept.is_empty() {
            return Ok(Vec::new());
        }
        let [source, target] = [from, to].map(|directory| BlobFolder::checkpoints(directory.root()));
        let folder = make_folder(to.root().join("checkpoints"))?;
        let mut lost = Vec::new();
        for (unit, kept) in kept {
            let (digest, bytes) = (kept.reference.digest, kept.reference.bytes);
            let file = target.file(unit);
            let found = copied(&source.committed(unit, digest), &file)?;
            if RecordedFile::checkpoint(unit, digest, bytes).damage(found).is_none() {
                self.checkpoints += 1;
                continue;
            }
            self.replaced += 1;
            lost.push(unit);
            if file.exists() {
                fs::remove_file(&file).map_err(failed("remove", &file))?;
            }
        }
        sync(&folder)?;
        Ok(lost)
    }
}

/// Copies a file with secrets, if it exists.
fn secret(from: &Path, to: &Path) -> Result<(), BackupError> {
    match copied(from, to)? {
        Ok(_) | Err(NOT_THERE) => Ok(()),
        Err(why) => Err(BackupError::Unreadable { path: from.to_owned(), cause: io::Error::other(why) }),
    }
}

/// Copies a file durably, with its mode. Returns its digest and length, or the reason for which it cannot be read.
fn copied(from: &Path, to: &Path) -> Result<Result<(BlobDigest, u64), &'static str>, BackupError> {
    let (mut source, mode) = match open(from) {
        Ok(Some(opened)) => opened,
        Ok(None) => return Ok(Err("is no plain file")),
        Err(cause) => return Ok(Err(unreadable(&cause))),
    };
    let mut options = OpenOptions::new();
    let mut target = options.write(true).create_new(true).mode(mode).open(to).map_err(failed("make", to))?;
    let (mut hash, mut length, mut chunk) = (Sha256::new(), 0, vec![0; CHUNK]);
    loop {
        let Ok(read) = source.read(&mut chunk) else {
            fs::remove_file(to).map_err(failed("remove", to))?;
            return Ok(Err("cannot be read"));
        };
        if read == 0 {
            break;
        }
        hash.update(&chunk[..read]);
        length += read as u64;
        target.write_all(&chunk[..read]).map_err(failed("write", to))?;
    }
    drop(target);
    durable_files::sync_file(to).map_err(failed("write", to))?;
    Ok(Ok((BlobDigest(hash.finalize().into()), length)))
}

/// Opens a plain file, and returns its mode. Returns None for other entries, which may have no end.
fn open(path: &Path) -> io::Result<Option<(File, u32)>> {
    let found = fs::metadata(path)?;
    found.is_file().then(|| Ok((File::open(path)?, found.mode() & 0o777))).transpose()
}

fn make_folder(folder: PathBuf) -> Result<PathBuf, BackupError> {
    durable_files::make_folder(&folder).map_err(failed("make", &folder))?;
    Ok(folder)
}

fn sync(folder: &Path) -> Result<(), BackupError> {
    durable_files::sync_folder(folder).map_err(failed("make durable", folder))
}

#[cfg(test)]
mod tests;
