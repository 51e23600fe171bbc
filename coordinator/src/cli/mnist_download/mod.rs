//! `seedgrid data fetch` and `seedgrid data check`: download MNIST's files from a public mirror, and verify a copy.

mod http_download;
mod mirror_servers;
mod progress;

use std::path::{Path, PathBuf};

use seedgrid_common::data::mnist_files::{Expected, FILES, FileError};

pub use http_download::DownloadError;
pub use mirror_servers::{Attempt, FetchError, FetchedFile, MIRRORS, fetch};
pub use progress::Progress;

/// The result of the check of one of MNIST's four files.
#[derive(Debug)]
pub struct CheckedFile {
    /// The file's name without `.gz`.
    pub name: &'static str,
    /// The path of the good file, or the problem.
    pub found: Result<PathBuf, FileError>,
}

impl CheckedFile {
    /// The finding in one word, for listings.
    pub fn word(&self) -> &'static str {
        match &self.found {
            Ok(_) => "ok",
            Err(FileError::Missing { .. }) => "missing",
            Err(FileError::Unreadable { .. }) => "unreadable",
            Err(FileError::Truncated { .. }) => "truncated",
            Err(FileError::Damaged { .. }) => "damaged",
            Err(FileError::Altered { .. }) => "altered",
        }
    }
}

/// Reads all four files in `folder` and compares their contents with the published digests.
pub fn check(folder: &Path) -> Vec<CheckedFile> {
    FILES
        .iter()
        .map(|file| {
            let found = file
                .read(folder, Expected::Canonical)
                .map(|_| file.find(folder).unwrap_or_else(|| folder.join(file.name)));
            CheckedFile { name: file.name, found }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::check;

    fn words(folder: &std::path::Path) -> Vec<&'static str> {
        check(folder).iter().map(|file| file.word()).collect()
    }

    #[test]
    fn every_file_gets_its_finding() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(words(folder.path()), ["missing"; 4]);
        let labels = [&[0, 0, 8, 1, 0, 0, 0, 3][..], &[1, 2, 3]].concat();
        fs::write(folder.path().join("train-labels-idx1-ubyte"), &labels).unwrap();
        fs::write(folder.path().join("t10k-images-idx3-ubyte.gz"), [0x1f, 0x8b, 8, 0]).unwrap();
        fs::write(folder.path().join("t10k-labels-idx1-ubyte"), b"<html>not here</html>").unwrap();
        assert_eq!(words(folder.path()), ["missing", "altered", "truncated", "damaged"]);
    }

    #[test]
    fn mnist_itself_is_good() {
        let Some(folder) = std::env::var_os("SEEDGRID_TEST_MNIST") else {
            println!("skipped: SEEDGRID_TEST_MNIST is not set");
            return;
        };
        assert_eq!(words(folder.as_ref()), ["ok"; 4]);
    }
}
