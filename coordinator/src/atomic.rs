//! Files that are there whole or not at all.

use std::{
    fs::{self, DirBuilder, Permissions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

/// A file that is written beside its final place, and is not there before it is whole. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Pending {
    file: NamedTempFile,
    path: PathBuf,
}

impl Pending {
    /// Begins the file that is to be at `path`.
    pub(crate) fn new(path: &Path) -> io::Result<Self> {
        let folder = path.parent().ok_or_else(|| io::Error::other("the path has no folder"))?;
        let file = tempfile::Builder::new()
            .prefix(".writing-")
            // As any new file: the process's umask decides who else may read it.
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder)?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Where it is to be.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes it durable and puts it in its place, so that a reader or a crash never meets half of it.
    pub(crate) fn commit(self) -> io::Result<()> {
        self.file.as_file().sync_all()?;
        self.file.persist(&self.path).map_err(|error| error.error)?;
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
