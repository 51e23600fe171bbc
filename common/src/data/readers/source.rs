//! The files that a data set is read from, and the facts that tell whether they are the same later.

use std::{
    fs::{self, File},
    io::{self, BufReader, Read as _},
    path::{Component, Path, PathBuf},
    time::SystemTime,
};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::error::{Fault, ReadError};
use crate::hexadecimal;

/// Most bytes of one array after it is decompressed, and of a file that is read as a whole: 16 GiB.
pub const CONTENT_BYTES_MAX: u64 = 1 << 34;

/// A file that a data set was read from. Of a folder of images there is one for all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// The path, as the spec names it.
    pub path: PathBuf,
    /// Its size; of a folder, the sum of its files' sizes.
    pub bytes: u64,
    /// The time of its last change, where the system knows it; of a folder, the latest of its files'.
    pub modified: Option<SystemTime>,
    /// SHA-256 of its bytes, as 64 hexadecimal digits; of a folder, of a line `DIGEST PATH` for each file.
    pub sha256: String,
}

/// The files of one data set, as far as they were read.
#[derive(Debug)]
pub struct Sources {
    base: PathBuf,
    read: Vec<SourceFile>,
}

impl Sources {
    /// Files whose relative paths begin in the folder `base`.
    pub fn new(base: &Path) -> Self {
        Self { base: base.to_owned(), read: Vec::new() }
    }

    /// The files that were read, each once, in order.
    pub fn into_read(self) -> Vec<SourceFile> {
        self.read
    }

    /// The path of a file or folder that the spec names.
    pub fn path(&self, file: &Path) -> PathBuf {
        self.base.join(file)
    }

    /// The path of a file or folder that the spec names and that exists.
    ///
    /// # Errors
    /// When there is none.
    pub fn existing(&self, file: &Path) -> Result<PathBuf, ReadError> {
        let path = self.path(file);
        match path.try_exists() {
            Ok(true) => Ok(path),
            Ok(false) => Err(ReadError::in_file(file, Fault::Absent { looked: path })),
            Err(cause) => Err(ReadError::in_file(file, cause)),
        }
    }

    /// Opens a file at its start, and takes down its facts.
    ///
    /// # Errors
    /// When it is absent, empty or cannot be read.
    pub fn open(&mut self, file: &Path) -> Result<BufReader<File>, ReadError> {
        let path = self.existing(file)?;
        if !self.read.iter().any(|source| source.path == file) {
            let source = facts(&path, file).map_err(|cause| ReadError::in_file(file, cause))?;
            if source.bytes == 0 {
                return Err(ReadError::in_file(file, Fault::EmptyFile));
            }
            self.read.push(source);
        }
        File::open(&path).map(BufReader::new).map_err(|cause| ReadError::in_file(file, cause))
    }

    /// Reads a file as a whole, and takes down its facts.
    ///
    /// # Errors
    /// When it is absent, empty or too large, or cannot be read.
    pub fn bytes(&mut self, file: &Path) -> Result<Bytes, ReadError> {
        let path = self.existing(file)?;
        let (source, bytes) = read(&path, file).map_err(|fault| ReadError::in_file(file, fault))?;
        if !self.read.iter().any(|source| source.path == file) {
            self.read.push(source);
        }
        Ok(bytes)
    }

    /// Takes down the facts of a file or folder that was read elsewhere.
    pub fn add(&mut self, source: SourceFile) {
        self.read.push(source);
    }
}

/// A file's content with its facts, which have the path `named`.
///
/// # Errors
/// When it is empty or too large, or cannot be read.
pub fn read(path: &Path, named: &Path) -> Result<(SourceFile, Bytes), Fault> {
    let mut opened = File::open(path)?;
    let metadata = opened.metadata()?;
    if metadata.len() > CONTENT_BYTES_MAX {
        return Err(Fault::Large { most: CONTENT_BYTES_MAX });
    }
    let mut bytes = Vec::new();
    reserve(&mut bytes, metadata.len())?;
    opened.by_ref().take(CONTENT_BYTES_MAX).read_to_end(&mut bytes)?;
    if bytes.is_empty() {
        return Err(Fault::EmptyFile);
    }
    let source = SourceFile {
        path: named.to_owned(),
        bytes: bytes.len() as u64,
        modified: metadata.modified().ok(),
        sha256: hexadecimal::text(Sha256::digest(&bytes).into()),
    };
    Ok((source, bytes.into()))
}

/// Makes room for exactly so many more bytes, so that a vector never grows to twice of what it holds.
///
/// # Errors
/// When there is no such memory.
pub fn reserve(bytes: &mut Vec<u8>, more: u64) -> Result<(), Fault> {
    usize::try_from(more)
        .ok()
        .and_then(|more| bytes.try_reserve_exact(more).ok())
        .ok_or_else(|| Fault::Io(io::ErrorKind::OutOfMemory.into()))
}

/// The facts of a file, which is read in pieces.
fn facts(path: &Path, named: &Path) -> io::Result<SourceFile> {
    let mut opened = File::open(path)?;
    let metadata = opened.metadata()?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; 1 << 16];
    let mut bytes = 0;
    loop {
        let read = opened.read(&mut piece)?;
        if read == 0 {
            break;
        }
        hash.update(&piece[..read]);
        bytes += read as u64;
    }
    let (path, modified) = (named.to_owned(), metadata.modified().ok());
    Ok(SourceFile { path, bytes, modified, sha256: hexadecimal::text(hash.finalize().into()) })
}

/// The names of a folder's entries, in natural order (`2` before `10`), without hidden ones.
///
/// # Errors
/// When it cannot be listed.
pub fn entries(path: &Path) -> io::Result<Vec<String>> {
    let mut names = fs::read_dir(path)?
        .map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<Vec<_>>>()?;
    names.retain(|name| !name.starts_with('.'));
    names.sort_by(|first, second| natural(first, second));
    Ok(names)
}

/// The natural order: numbers within names by their value. Names that differ are never equal.
pub fn natural(first: &str, second: &str) -> std::cmp::Ordering {
    natord::compare(first, second).then_with(|| first.cmp(second))
}

/// Whether a path that stands in a file stays in its folder.
pub fn stays_inside(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_taken_down_once_and_equal_for_both_ways_of_reading() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.bin"), b"abc").unwrap();
        let mut opened = Sources::new(folder.path());
        let file = Path::new("a.bin");
        drop(opened.open(file).unwrap());
        drop(opened.open(file).unwrap());
        let mut whole = Sources::new(folder.path());
        assert_eq!(whole.bytes(file).unwrap(), "abc");
        let (opened, whole) = (opened.into_read(), whole.into_read());
        assert_eq!(opened, whole);
        assert_eq!((opened.len(), opened[0].bytes), (1, 3));
        assert_eq!(opened[0].sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn absent_and_empty_files_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("empty"), b"").unwrap();
        let mut sources = Sources::new(folder.path());
        for file in ["empty", "absent"].map(Path::new) {
            let said = [sources.open(file).unwrap_err().to_string(), sources.bytes(file).unwrap_err().to_string()];
            assert_eq!(said[0], said[1]);
            let expected = if file == Path::new("empty") { "the file is empty" } else { "there is no such file" };
            assert!(said[0].contains(expected), "{said:?}");
        }
    }

    #[test]
    fn names_are_in_natural_order() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["10", "2", "1", "b", "a12", "a3", ".hidden", "02"] {
            fs::write(folder.path().join(name), b"").unwrap();
        }
        let names = entries(folder.path()).unwrap();
        let place = |name: &str| names.iter().position(|entry| entry == name).unwrap();
        assert!(place("1") < place("2") && place("2") < place("10") && place("a3") < place("a12"), "{names:?}");
        assert_eq!(names.len(), 7);
    }

    #[test]
    fn paths_in_files_stay_inside() {
        let stays = |path: &str| stays_inside(Path::new(path));
        assert!(stays("a/b.png") && stays("./a.png"));
        assert!(!stays("../a.png") && !stays("/etc/passwd") && !stays("a/../../b"));
    }
}
