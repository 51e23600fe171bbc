//! Incomplete files and folders, which must not stay when a signal ends the process at once.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tempfile::TempDir;

/// Incomplete files and folders.
static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn unfinished() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    // The set stays usable after a panic elsewhere.
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes every incomplete file and folder. The process must end now: a thread that begins another file waits for
/// ever.
pub fn sweep() {
    let unfinished = unfinished();
    for path in unfinished.iter() {
        // The file may have been completed or removed in the meantime.
        let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    }
    std::mem::forget(unfinished);
}

/// An incomplete file or folder, until this is dropped: [`sweep`] removes it.
#[derive(Debug)]
pub struct Unfinished(PathBuf);

impl Unfinished {
    /// The file or folder that `make` makes, and its registration until it is complete.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn begin<T>(make: impl FnOnce() -> io::Result<T>, path: impl FnOnce(&T) -> &Path) -> io::Result<(T, Self)> {
        let mut unfinished = unfinished();
        let made = make()?;
        let path = path(&made).to_owned();
        unfinished.insert(path.clone());
        Ok((made, Self(path)))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        unfinished().remove(&self.0);
    }
}

/// A temporary folder. It is removed with the value, and with the process that a signal ends.
#[derive(Debug)]
pub struct Scratch {
    folder: TempDir,
    _unfinished: Unfinished,
}

impl Scratch {
    /// A new temporary folder.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn new() -> io::Result<Self> {
        let (folder, unfinished) = Unfinished::begin(TempDir::new, TempDir::path)?;
        Ok(Self { folder, _unfinished: unfinished })
    }

    /// The folder's path.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}
