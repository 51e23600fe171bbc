//! Files that are either complete or absent, and survive a power failure. Both programs write every lasting file
//! through this module.

use std::{
    ffi::OsStr,
    fs::{self, DirBuilder, File, Permissions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use nix::errno::Errno;
use tempfile::NamedTempFile;

use crate::temporary_files::Unfinished;

/// The mode of an ordinary file: the process's umask decides which other users may read it.
const ANY: u32 = 0o666;
/// The mode of a secret file.
const SECRET: u32 = 0o600;

/// Prefix of the names of files that are still being written.
const WRITING: &str = ".writing-";

/// A file that is written beside its final place, and appears there only when it is complete. Dropped, it leaves
/// nothing behind.
#[derive(Debug)]
pub struct Pending {
    file: NamedTempFile,
    path: PathBuf,
    unfinished: Unfinished,
}

impl Pending {
    /// Begins the file that is to be at `path`.
    ///
    /// # Errors
    /// When nothing can be written there.
    pub fn new(path: &Path) -> io::Result<Self> {
        Self::with_mode(path, ANY)
    }

    fn with_mode(path: &Path, mode: u32) -> io::Result<Self> {
        if path.file_name().is_none() {
            return Err(io::Error::other("the path names no file"));
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(WRITING).permissions(Permissions::from_mode(mode));
        let (file, unfinished) = Unfinished::begin(|| builder.tempfile_in(folder_of(path)), NamedTempFile::path)?;
        Ok(Self { file, path: path.to_owned(), unfinished })
    }

    /// The file's final path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the file another final name in the same folder.
    pub fn rename(&mut self, name: &str) {
        self.path.set_file_name(name);
    }

    /// Moves the file to its final path, durably, so that neither a reader nor a crash ever meets half of it.
    ///
    /// # Errors
    /// When the file cannot be written or renamed.
    pub fn commit(self) -> io::Result<()> {
        let Self { file, path, unfinished } = self;
        // A failure leaves nothing behind: dropping `temporary` removes the file.
        let (file, temporary) = file.into_parts();
        put_in_place(&file, &temporary, &path)?;
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
///
/// # Errors
/// When it cannot be written.
pub fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = Pending::new(path)?;
    file.write_all(content)?;
    file.commit()
}

/// Writes a file that holds a secret: other users can read it at no instant.
///
/// # Errors
/// When the file cannot be written.
pub fn write_secret(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = Pending::with_mode(path, SECRET)?;
    file.write_all(content)?;
    file.commit()
}

/// Makes a folder and those above it. Other users may not write there, under any umask: write access there is enough to change a
/// run.
///
/// # Errors
/// When one of them cannot be made.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o755).create(folder).map_err(|error| match fs::symlink_metadata(folder) {
        Ok(found) if found.is_symlink() => io::Error::new(error.kind(), "it is a link that leads to no folder"),
        Ok(_) | Err(_) => error,
    })
}

/// Makes the content of the file at `path` durable.
///
/// # Errors
/// When the disk does not take it.
pub fn sync_file(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Makes a folder's entries durable, where its file system can do that.
///
/// # Errors
/// When the folder cannot be opened, or the disk does not take it.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        Err(cause) if is_unsupported(&cause) => Ok(()),
        done => done,
    }
}

/// Gives `file`, which is at `from`, the name `to` in the same folder, durably and at once.
///
/// # Errors
/// When the disk does not take it, or it cannot be renamed.
pub fn put_in_place(file: &File, from: &Path, to: &Path) -> io::Result<()> {
    file.sync_all()?;
    fs::rename(from, to)?;
    sync_folder(folder_of(to))
}

/// Whether this is the name of a file or folder that a killed program was still writing.
pub fn is_left_over(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(WRITING.as_bytes())
}

/// Removes the incomplete files that killed programs left in `folder`. Call it only while no program writes there.
///
/// # Errors
/// When the folder cannot be read, or a file not removed.
pub fn clear(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if is_left_over(&entry.file_name()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The parent folder of `path`.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Whether a file system reports that it cannot sync folders, as some of SMB, FUSE and others do.
fn is_unsupported(cause: &io::Error) -> bool {
    let refused = [Errno::EINVAL, Errno::EOPNOTSUPP, Errno::ENOSYS, Errno::EBADF];
    cause.raw_os_error().is_some_and(|code| refused.contains(&Errno::from_raw(code)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn folders_that_cannot_be_made_durable_are_no_error() {
        // The process file system cannot sync folders, and reports it as others do.
        let proc = Path::new("/proc/self");
        assert_eq!(File::open(proc).unwrap().sync_all().unwrap_err().kind(), io::ErrorKind::InvalidInput);
        sync_folder(proc).unwrap();
        assert!(is_unsupported(&io::Error::from_raw_os_error(Errno::EOPNOTSUPP as i32)));
        assert!(!is_unsupported(&io::Error::from_raw_os_error(Errno::EIO as i32)), "the disk has not taken it");
        assert!(sync_folder(Path::new("/proc/self/nothing")).is_err());
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_secrets_are_the_owners() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write(&path, b"old").unwrap();
        let mut pending = Pending::new(&path).unwrap();
        pending.write_all(b"half").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        drop(pending);
        write_secret(&path, b"secret").unwrap();
        let written = fs::metadata(&path).unwrap();
        assert_eq!((written.mode() & 0o777, written.len()), (SECRET, 6));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
        assert!(Pending::new(&folder.path().join("..")).is_err());
    }

    #[test]
    fn what_a_crash_left_is_cleared_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        for name in [".writing-x1", "notes", ".writing"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        clear(folder.path()).unwrap();
        let mut left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, [".writing", "notes"]);
    }

    #[test]
    fn nothing_else_in_either_program_makes_files_durable() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut folders: Vec<PathBuf> =
            ["common", "coordinator", "worker"].map(|name| root.join(name).join("src")).into();
        let mut others = Vec::new();
        while let Some(folder) = folders.pop() {
            for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                } else if !path.ends_with("common/src/durable_files.rs") {
                    let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
                    others.extend(["sync_all(", "sync_data("].iter().any(|word| text.contains(word)).then_some(path));
                }
            }
        }
        assert!(others.is_empty(), "these do: {others:?}");
    }
}
