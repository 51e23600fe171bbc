//! A lock that holds between machines: one file, locked in two ways at once. A run directory has one, and so has a
//! report during its creation.
//!
//! `flock` holds on every local file system. Some network file systems lack it or keep it to one machine; their servers
//! know record locks of the open file description (`F_OFD_SETLK`). A process that finds either lock taken does not
//! proceed. The store covers the gaps of locks: its commits name their owner (store/owner_fencing.rs).

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::Path,
    thread,
    time::Duration,
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, fcntl},
    libc,
};

use crate::run_directory::{file_system::FileSystem, lock_holder::Holder};

/// The largest length of a holder's text.
const HOLDER_BYTES_MAX: u64 = 4096;

/// The number of tries when the lock's file is replaced at the same time.
const TRIES: usize = 5;

/// The interval between tries for a lock that another process holds.
const AGAIN: Duration = Duration::from_millis(50);

/// A lock that this process holds until the value is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// The reason for which a lock cannot be taken.
#[derive(Debug)]
pub(crate) enum LockError {
    /// Another process holds the lock; its details, if known.
    Held(Option<Holder>),
    /// Another error of the file system: the action and the cause.
    Io(&'static str, io::Error),
    /// The lock would not exclude other processes.
    Untrusted(String),
}

/// The outcome of one way of locking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Try {
    Taken,
    Held,
    Unsupported,
}

impl Lock {
    /// Takes the lock whose file is `path`, in an existing folder on `system`.
    pub(crate) fn take(path: &Path, system: &FileSystem) -> Result<Self, LockError> {
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
                return Err(LockError::Held(file.read_to_string(&mut text).ok().and_then(|_| Holder::parse(&text))));
            }
            if ways == [Try::Unsupported; 2] {
                return Err(LockError::Untrusted("its file system knows no locks".to_owned()));
            }
            // A lock on a file that was replaced meanwhile excludes no one.
            if !is_at(&file, path) {
                continue;
            }
            // These locks belong to an open file, not to a process: a second opening tests the view of another process.
            let other = open(path).map_err(|cause| LockError::Io("open", cause))?;
            let seen = |way: io::Result<Try>| matches!(way, Ok(Try::Held));
            if !seen(flock(&other)) && !seen(record_lock(&other, libc::F_WRLCK)) {
                return Err(LockError::Untrusted("its file system gives the same lock twice".to_owned()));
            }
            let write = |file: &mut File| -> io::Result<()> {
                file.set_len(0)?;
                file.rewind()?;
                file.write_all(Holder::this().text().as_bytes())
            };
            write(&mut file).map_err(|cause| LockError::Io("write", cause))?;
            return Ok(Self { _file: file });
        }
        Err(LockError::Untrusted("the file `lock` is exchanged again and again".to_owned()))
    }

    /// Takes the lock whose file is `path` as soon as it is free.
    pub(crate) fn wait_for(path: &Path, system: &FileSystem) -> Result<Self, LockError> {
        loop {
            match Self::take(path, system) {
                Err(LockError::Held(_)) => thread::sleep(AGAIN),
                taken => return taken,
            }
        }
    }

    /// Removes the lock's file at `path` and releases the lock. Waiting processes make a new file.
    pub(crate) fn remove(self, path: &Path) {
        // A remaining file is reused by the next holder.
        let _ = fs::remove_file(path);
    }

    /// The last holder of the lock whose file is `path`, even if it is free now.
    pub(crate) fn last_holder(path: &Path) -> Option<Holder> {
        let mut text = String::new();
        File::open(path).ok()?.take(HOLDER_BYTES_MAX).read_to_string(&mut text).ok()?;
        Holder::parse(&text)
    }

    /// Whether any process holds the lock whose file is `path`.
    pub(crate) fn is_held(path: &Path) -> bool {
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
        // A link could lead to another file, which the holder's text would overwrite.
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
        assert_eq!(Lock::last_holder(&path).map(|holder| holder.pid), Some(std::process::id()));
        match Lock::take(&path, &FileSystem::Local) {
            Err(LockError::Held(Some(holder))) => assert!(holder.is_here(), "{holder}"),
            other => panic!("{other:?}"),
        }
        drop(lock);
    }

    #[test]
    fn a_lock_whose_file_was_removed_is_waited_for_at_the_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let first = Lock::take(&path, &FileSystem::Local).unwrap();
        let waiting = thread::scope(|scope| {
            let waiting = scope.spawn(|| Lock::wait_for(&path, &FileSystem::Local).unwrap());
            first.remove(&path);
            waiting.join().unwrap()
        });
        assert!(Lock::is_held(&path), "the new file is the lock");
        waiting.remove(&path);
        assert!(!path.exists());
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
