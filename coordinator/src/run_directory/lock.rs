//! The lock of a run directory: one file, locked in two ways at once.
//!
//! `flock` holds on every local file system; on network file systems that give it up or keep it to one machine, record locks of the open
//! file description (`F_OFD_SETLK`) are what the server knows of. Whoever finds either taken stays out. What locks cannot promise, the store
//! does: its commits name their owner (store/owner.rs).

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::Path,
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, fcntl},
    libc,
};

use crate::file_system::FileSystem;

/// How often the lock's file may be exchanged while it is being taken.
const TRIES: usize = 5;

/// A lock that this process holds until the value is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

/// Why it cannot be taken.
#[derive(Debug)]
pub(super) enum LockError {
    /// Somebody else has it: the process with this id, where it wrote one.
    Held(Option<u32>),
    /// The file system refused something else: what was tried, and why.
    Io(&'static str, io::Error),
    /// A lock would not keep others out.
    Untrusted(String),
}

/// What became of one way of locking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Try {
    Taken,
    Held,
    Unsupported,
}

impl Lock {
    /// Takes the lock whose file is `path`, in an existing folder on `system`.
    pub(super) fn take(path: &Path, system: &FileSystem) -> Result<Self, LockError> {
        if let FileSystem::Network { name, local_locks: Some(option) } = system {
            return Err(LockError::Untrusted(format!(
                "its {name} file system is mounted with `{option}`, so other machines do not see locks"
            )));
        }
        for _ in 0..TRIES {
            let mut file = open(path).map_err(|cause| LockError::Io("open", cause))?;
            let ways = [flock(&file), record_lock(&file, libc::F_WRLCK)];
            let ways = ways.map(|way| way.map_err(|cause| LockError::Io("lock", cause)));
            let [whole, record] = ways;
            let ways = [whole?, record?];
            if ways.contains(&Try::Held) {
                let mut text = String::new();
                return Err(LockError::Held(
                    file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok()),
                ));
            }
            if ways == [Try::Unsupported; 2] {
                return Err(LockError::Untrusted("its file system knows no locks".to_owned()));
            }
            // A lock on a file that somebody has put another in place of since keeps nobody out.
            if !is_at(&file, path) {
                continue;
            }
            // Such locks belong to an open file, not to a process: a second opening sees what another process would.
            let other = open(path).map_err(|cause| LockError::Io("open", cause))?;
            let seen = |way: io::Result<Try>| matches!(way, Ok(Try::Held));
            if !seen(flock(&other)) && !seen(record_lock(&other, libc::F_WRLCK)) {
                return Err(LockError::Untrusted("its file system gives the same lock twice".to_owned()));
            }
            let write = |file: &mut File| -> io::Result<()> {
                file.set_len(0)?;
                file.rewind()?;
                writeln!(file, "{}", std::process::id())
            };
            write(&mut file).map_err(|cause| LockError::Io("write", cause))?;
            return Ok(Self { _file: file });
        }
        Err(LockError::Untrusted("the file `lock` is exchanged again and again".to_owned()))
    }

    /// Whether anybody holds the lock whose file is `path`.
    pub(super) fn is_held(path: &Path) -> bool {
        let Ok(file) = File::open(path) else { return false };
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
            || matches!(record_lock(&file, libc::F_RDLCK), Ok(Try::Held))
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        // A link could lead to somebody's file, which the process id would overwrite.
        .custom_flags(OFlag::O_NOFOLLOW.bits())
        .open(path)
}

fn is_at(file: &File, path: &Path) -> bool {
    let identity = |file: fs::Metadata| (file.dev(), file.ino());
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(ours), Ok(there)) => identity(ours) == identity(there),
        (_, _) => false,
    }
}

fn flock(file: &File) -> io::Result<Try> {
    match file.try_lock() {
        Ok(()) => Ok(Try::Taken),
        Err(TryLockError::WouldBlock) => Ok(Try::Held),
        Err(TryLockError::Error(cause)) => unsupported(cause),
    }
}

/// Locks the whole file by its open file description.
fn record_lock(file: &File, kind: libc::c_int) -> io::Result<Try> {
    let whole = libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    match fcntl(file, FcntlArg::F_OFD_SETLK(&whole)) {
        Ok(_) => Ok(Try::Taken),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(Try::Held),
        Err(errno) => unsupported(errno.into()),
    }
}

fn unsupported(cause: io::Error) -> io::Result<Try> {
    match cause.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ENOSYS | Errno::EOPNOTSUPP | Errno::EINVAL | Errno::ENOLCK) => Ok(Try::Unsupported),
        Some(_) | None => Err(cause),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_way_of_locking_keeps_others_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let taken = |file: &File, way: fn(&File) -> io::Result<Try>| assert_eq!(way(file).unwrap(), Try::Taken);
        for way in [flock, |file: &File| record_lock(file, libc::F_WRLCK)] {
            let other = open(&path).unwrap();
            taken(&other, way);
            assert!(Lock::is_held(&path));
            assert!(matches!(Lock::take(&path, &FileSystem::Local), Err(LockError::Held(_))));
            drop(other);
            assert!(!Lock::is_held(&path));
        }
        let lock = Lock::take(&path, &FileSystem::Local).unwrap();
        for way in [flock, |file: &File| record_lock(file, libc::F_WRLCK)] {
            assert_eq!(way(&open(&path).unwrap()).unwrap(), Try::Held);
        }
        drop(lock);
    }

    #[test]
    fn locks_that_stay_on_one_machine_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let network = |local_locks: Option<&str>| FileSystem::Network {
            name: "NFS".to_owned(),
            local_locks: local_locks.map(str::to_owned),
        };
        let path = folder.path().join("lock");
        match Lock::take(&path, &network(Some("nolock"))) {
            Err(LockError::Untrusted(why)) => assert!(why.contains("`nolock`"), "{why}"),
            other => panic!("{other:?}"),
        }
        Lock::take(&path, &network(None)).unwrap();
    }
}
