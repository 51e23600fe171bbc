//! Whether the database's file is still the one that was opened. SQLite goes on writing to a file that was deleted, or that
//! somebody has put another in place of, and everything that it acknowledges from then on would be lost.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path};

use super::StoreError;

/// Which file it is: device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileIdentity {
    device: u64,
    inode: u64,
}

impl FileIdentity {
    /// The file at `path`, which must be there and not empty: the header is written when a database is made.
    pub(super) fn read(path: &Path) -> Result<Self, StoreError> {
        match fs::metadata(path) {
            Ok(file) if file.len() > 0 => Ok(Self { device: file.dev(), inode: file.ino() }),
            Ok(_) => Err(StoreError::Taken { path: path.to_owned(), what: "has been emptied" }),
            Err(_) => Err(StoreError::Taken { path: path.to_owned(), what: "has been deleted" }),
        }
    }

    /// Fails when another file is at `path` by now, or none.
    pub(super) fn check(self, path: &Path) -> Result<(), StoreError> {
        if Self::read(path)? == self {
            Ok(())
        } else {
            Err(StoreError::Taken { path: path.to_owned(), what: "has been replaced by another file" })
        }
    }
}
