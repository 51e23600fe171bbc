//! MNIST's four files: their names, and whether a folder holds the database as it was published.

use std::{
    fs::File,
    io,
    io::Read as _,
    path::{Path, PathBuf},
};

use super::{
    encode::digest,
    idx,
    idx::IdxError,
    looked::{self, Looked},
};

/// The environment variable that names a folder with the files.
pub(super) const FOLDER_VARIABLE: &str = "SEEDGRID_DATA";

/// One of the four files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MnistFile {
    /// The published name without compression; `.gz` follows when it is compressed. Copies with a dot instead of the
    /// second dash are common: [`MnistFile::names`].
    pub name: &'static str,
    /// Length of its content, in bytes.
    pub bytes: usize,
    /// SHA-256 of its content (not of the compressed file, which differs between publishers), in hexadecimal digits.
    pub sha256: &'static str,
}

/// Training images: 60,000 of 28x28.
pub const TRAIN_IMAGES: MnistFile = MnistFile {
    name: "train-images-idx3-ubyte",
    bytes: 47_040_016,
    sha256: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
};
/// Digits of the training images.
pub const TRAIN_LABELS: MnistFile = MnistFile {
    name: "train-labels-idx1-ubyte",
    bytes: 60_008,
    sha256: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
};
/// Test images: 10,000 of 28x28.
pub const TEST_IMAGES: MnistFile = MnistFile {
    name: "t10k-images-idx3-ubyte",
    bytes: 7_840_016,
    sha256: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
};
/// Digits of the test images.
pub const TEST_LABELS: MnistFile = MnistFile {
    name: "t10k-labels-idx1-ubyte",
    bytes: 10_008,
    sha256: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
};

/// All four files.
pub const FILES: [MnistFile; 4] = [TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS];

/// Subfolders that may hold the files: those of torchvision, below its root and below the root's `MNIST`.
pub const BELOW: [&str; 2] = ["MNIST/raw", "raw"];

/// Most bytes that are read of a file: the largest content is 47,040,016 bytes.
const CONTENT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The check on the files' contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The published database: every digest must match.
    Canonical,
    /// Any well-formed IDX files: for tests with small files.
    Any,
}

/// The hint for a file that is not MNIST's.
pub(super) const DOWNLOAD: &str =
    "run `seedgrid data fetch` to download it again, or name a folder with a good copy with `--data DIR`";

/// A fault of one of the four files.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum FileError {
    /// The folder holds the file under none of its names.
    #[error("{name} is missing in {}: {looked}. Wanted is one of {}", folder.display(), names_of(name).join(", "))]
    #[diagnostic(help("{DOWNLOAD}"))]
    Missing {
        /// The file's name as published.
        name: &'static str,
        /// The searched folder.
        folder: PathBuf,
        /// The folder's contents.
        looked: Looked,
    },
    /// The file cannot be read.
    #[error("cannot read {}: {cause}", path.display())]
    #[diagnostic(help("make it readable, or name another folder with `--data DIR`"))]
    Unreadable {
        /// The file's path.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// The file ends early.
    #[error("{} is truncated", path.display())]
    #[diagnostic(help("{DOWNLOAD}"))]
    Truncated {
        /// The file's path.
        path: PathBuf,
        /// The place where it ends.
        #[source]
        cause: IdxError,
    },
    /// The file is damaged, or of another format.
    #[error("{} is damaged", path.display())]
    #[diagnostic(help("{DOWNLOAD}"))]
    Damaged {
        /// The file's path.
        path: PathBuf,
        /// The kind of damage.
        #[source]
        cause: IdxError,
    },
    /// The file's content differs from the published one.
    #[error("{} is altered: the SHA-256 of its content is {found}, MNIST's is {expected}", path.display())]
    #[diagnostic(help("{DOWNLOAD}"))]
    Altered {
        /// The file's path.
        path: PathBuf,
        /// The published digest.
        expected: &'static str,
        /// The digest of the content.
        found: String,
    },
}

impl FileError {
    fn of_content(path: &Path, cause: IdxError) -> Self {
        let path = path.to_owned();
        if cause.is_truncation() { Self::Truncated { path, cause } } else { Self::Damaged { path, cause } }
    }
}

impl MnistFile {
    /// The name of the compressed file.
    pub fn gzip_name(&self) -> String {
        format!("{}.gz", self.name)
    }

    /// The file's possible names, in the order of the search.
    pub fn names(&self) -> [String; 4] {
        names_of(self.name)
    }

    /// The file's possible paths for `folder`, in the order of the search: each of its names in the folder itself, then
    /// in torchvision's subfolders.
    pub fn candidates(&self, folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
        let names = self.names();
        let folders = [folder.to_owned()].into_iter().chain(BELOW.map(|below| folder.join(below)));
        folders.flat_map(move |folder| names.clone().map(|name| folder.join(name)))
    }

    /// The path of this file in `folder` or below it, if it is there.
    pub fn find(&self, folder: &Path) -> Option<PathBuf> {
        self.candidates(folder).find(|path| path.is_file())
    }

    /// Reads this file's content from `folder` and checks it.
    pub fn read(&self, folder: &Path, expected: Expected) -> Result<Vec<u8>, FileError> {
        match self.find(folder) {
            Some(path) => self.read_from(&path, expected),
            None => {
                let looked =
                    looked::look(folder).map_err(|cause| FileError::Unreadable { path: folder.to_owned(), cause })?;
                Err(FileError::Missing { name: self.name, folder: folder.to_owned(), looked })
            }
        }
    }

    /// Reads this file's content from the file at `path`, under any name, and checks it.
    pub fn read_from(&self, path: &Path, expected: Expected) -> Result<Vec<u8>, FileError> {
        let stored = stored(path).map_err(|cause| FileError::Unreadable { path: path.to_owned(), cause })?;
        let content = idx::content(&stored, CONTENT_BYTES_MAX).map_err(|cause| FileError::of_content(path, cause))?;
        match expected {
            Expected::Any => {}
            Expected::Canonical => {
                let found = digest(&content);
                if found != self.sha256 {
                    // The IDX head tells a truncated file from an altered one.
                    return Err(match self.shape_error(&content) {
                        Some(cause) => FileError::of_content(path, cause),
                        None => FileError::Altered { path: path.to_owned(), expected: self.sha256, found },
                    });
                }
            }
        }
        Ok(content.into_owned())
    }

    fn shape_error(&self, content: &[u8]) -> Option<IdxError> {
        if self.name.contains("images") { idx::images(content).err() } else { idx::labels(content).err() }
    }
}

/// `train-images-idx3-ubyte` and `train-images.idx3-ubyte`, each plain or compressed.
fn names_of(published: &str) -> [String; 4] {
    let dotted = published.replacen("-idx", ".idx", 1);
    [published.to_owned(), dotted.clone(), format!("{published}.gz"), format!("{dotted}.gz")]
}

/// Whether `folder` holds any of the four files.
pub fn any_in(folder: &Path) -> bool {
    FILES.iter().any(|file| file.find(folder).is_some())
}

/// The file's bytes, at most one more than the largest content.
fn stored(path: &Path) -> io::Result<Vec<u8>> {
    let mut stored = Vec::new();
    File::open(path)?.take(CONTENT_BYTES_MAX as u64 + 1).read_to_end(&mut stored)?;
    Ok(stored)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_common_name_and_place_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for below in ["MNIST/raw", "other"] {
            fs::create_dir_all(root.join(below)).unwrap();
        }
        for (name, given) in [
            ("train-images-idx3-ubyte", "."),
            ("train-images.idx3-ubyte", "."),
            ("train-images-idx3-ubyte.gz", "."),
            ("train-images.idx3-ubyte.gz", "."),
            ("MNIST/raw/train-images-idx3-ubyte", "."),
            ("MNIST/raw/train-images-idx3-ubyte.gz", "."),
            ("MNIST/raw/train-images-idx3-ubyte", "MNIST"),
            ("MNIST/raw/train-images-idx3-ubyte", "MNIST/raw"),
        ] {
            let path = root.join(name);
            fs::write(&path, b"x").unwrap();
            let given = root.join(given);
            let found = TRAIN_IMAGES.find(&given).unwrap_or_else(|| panic!("{name} is not found in {given:?}"));
            assert_eq!(found.canonicalize().unwrap(), path.canonicalize().unwrap());
            assert!(any_in(&given));
            fs::remove_file(path).unwrap();
        }
        fs::write(root.join("other/train-images-idx3-ubyte"), b"x").unwrap();
        assert_eq!(TRAIN_IMAGES.find(root), None, "no other folder is looked into");
    }

    #[test]
    fn a_missing_file_is_said_with_its_names_and_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let said = |folder: &Path| TEST_LABELS.read(folder, Expected::Canonical).unwrap_err().to_string();
        assert!(said(folder.path()).contains("the folder is empty"), "{}", said(folder.path()));
        assert!(said(&folder.path().join("no")).contains("there is no such folder"));
        fs::write(folder.path().join("t10k-labels-idx1-ubyte.bz2"), b"x").unwrap();
        let said = said(folder.path());
        assert!(said.starts_with("t10k-labels-idx1-ubyte is missing in "), "{said}");
        assert!(said.contains("similar names there: t10k-labels-idx1-ubyte.bz2"), "{said}");
        assert!(said.contains("t10k-labels.idx1-ubyte.gz"), "{said}");
    }
}
