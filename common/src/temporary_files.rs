//! What is not whole yet, and must not stay when a signal ends the process at once.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tempfile::TempDir;

/// Files and folders that are not whole yet.
static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn unfinished() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    // What it holds stays usable whatever happened meanwhile.
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes whatever is not whole yet. The process must end now: whoever begins another file waits for ever.
pub fn sweep() {
    let unfinished = unfinished();
    for path in unfinished.iter() {
        // It may have come to its place, or have gone, in the meantime.
        let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    }
    std::mem::forget(unfinished);
}

/// Something that is not whole yet, until it is dropped: [`sweep`] removes it.
#[derive(Debug)]
pub struct Unfinished(PathBuf);

impl Unfinished {
    /// What `make` makes, and a name for it until it is whole.
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

/// A temporary folder, which vanishes with the value, and with the process that a signal ends.
#[derive(Debug)]
pub struct Scratch {
    folder: TempDir,
    _unfinished: Unfinished,
}

impl Scratch {
    /// A new one.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new() -> io::Result<Self> {
        let (folder, unfinished) = Unfinished::begin(TempDir::new, TempDir::path)?;
        Ok(Self { folder, _unfinished: unfinished })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}
