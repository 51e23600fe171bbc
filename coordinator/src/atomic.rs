//! Files that are there whole or not at all.

use std::{
    collections::BTreeSet,
    fs::{self, DirBuilder, Permissions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tempfile::{NamedTempFile, TempDir};

/// Files and folders that are not whole yet.
static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn unfinished() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    // What it holds stays usable whatever happened meanwhile.
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes whatever is not whole yet. The process must end now: whoever begins another file waits for ever.
pub(crate) fn sweep() {
    let unfinished = unfinished();
    for path in unfinished.iter() {
        // It may have come to its place, or have gone, in the meantime.
        let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    }
    std::mem::forget(unfinished);
}

/// Something that is not whole yet, until it is dropped: [`sweep`] removes it.
#[derive(Debug)]
pub(crate) struct Unfinished(PathBuf);

impl Unfinished {
    /// What `make` makes, and a name for it until it is whole.
    pub(crate) fn begin<T>(
        make: impl FnOnce() -> io::Result<T>,
        path: impl FnOnce(&T) -> &Path,
    ) -> io::Result<(T, Self)> {
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
pub(crate) struct Scratch {
    folder: TempDir,
    _unfinished: Unfinished,
}

impl Scratch {
    pub(crate) fn new() -> io::Result<Self> {
        let (folder, unfinished) = Unfinished::begin(TempDir::new, TempDir::path)?;
        Ok(Self { folder, _unfinished: unfinished })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// A file that is written beside its final place, and is not there before it is whole. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Pending {
    file: NamedTempFile,
    path: PathBuf,
    unfinished: Unfinished,
}

impl Pending {
    /// Begins the file that is to be at `path`.
    pub(crate) fn new(path: &Path) -> io::Result<Self> {
        let folder = path.parent().ok_or_else(|| io::Error::other("the path has no folder"))?;
        let mut builder = tempfile::Builder::new();
        // As any new file: the process's umask decides who else may read it.
        builder.prefix(".writing-").permissions(Permissions::from_mode(0o666));
        let (file, unfinished) = Unfinished::begin(|| builder.tempfile_in(folder), NamedTempFile::path)?;
        Ok(Self { file, path: path.to_owned(), unfinished })
    }

    /// Where it is to be.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes it durable and puts it in its place, so that a reader or a crash never meets half of it.
    pub(crate) fn commit(self) -> io::Result<()> {
        let Self { file, path, unfinished } = self;
        file.as_file().sync_all()?;
        file.persist(&path).map_err(|error| error.error)?;
        drop(unfinished);
        Ok(())
    }
}

impl Write for Pending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Writes a whole file.
pub(crate) fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = Pending::new(path)?;
    file.write_all(content)?;
    file.commit()
}

/// Makes a folder and those above it. Others may not write there, whatever the umask says: who can, can change a run.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o755).create(folder).map_err(|error| match fs::symlink_metadata(folder) {
        Ok(found) if found.is_symlink() => io::Error::new(error.kind(), "it is a link that leads to no folder"),
        Ok(_) | Err(_) => error,
    })
}
