//! Readers who may not write where the database lies.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    thread,
};

use nix::unistd::{Gid, Uid, geteuid, setfsgid, setfsuid};
use rusqlite::Connection;
use seedgrid_common::{error_chain::with_hint, unit::Unit};
use tempfile::TempDir;

use super::{filled, record, unit};
use crate::store::*;

/// Does something as a user who owns nothing here. Only this thread is that user.
fn as_another_user<T: Send>(does: impl FnOnce() -> T + Send) -> T {
    let changed = || {
        if geteuid().is_root() {
            setfsgid(Gid::from_raw(65534));
            setfsuid(Uid::from_raw(65534));
        }
        does()
    };
    thread::scope(|scope| scope.spawn(changed).join().unwrap())
}

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// A run directory that can be read by all and written to by nobody, while this is there.
struct ReadOnly(PathBuf);

impl ReadOnly {
    fn new(folder: &Path) -> Self {
        for entry in fs::read_dir(folder).unwrap() {
            allow(&entry.unwrap().path(), 0o444);
        }
        allow(folder, 0o555);
        Self(folder.to_owned())
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        allow(&self.0, 0o755);
    }
}

/// How many results another user finds in a folder; everything that is read is read of one state.
fn found(folder: &Path) -> Result<u32, StoreError> {
    let path = folder.join("study.db");
    let before = names(folder);
    let found = as_another_user(|| {
        let store = Store::open_to_read(&path)?;
        store.hold()?;
        assert_eq!(store.results()?.len() as u32, store.count_results()?);
        let (inspected, faults) = Store::inspect(&path)?;
        assert_eq!(faults, []);
        assert_eq!(inspected.unwrap().count_results()?, store.count_results()?);
        store.count_results()
    });
    assert_eq!(names(folder), before, "nothing is left beside it");
    found
}

fn names(folder: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(name).collect();
    names.sort();
    names
}

/// The files of a run whose coordinator was killed, in a folder of their own: the log holds a result that the database does not.
fn killed(journal: &[&str]) -> TempDir {
    let (folder, copy) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let store = filled(&folder);
    for end in journal {
        let name = format!("study.db{end}");
        fs::copy(folder.path().join(&name), copy.path().join(&name)).unwrap();
    }
    drop(store);
    copy
}

#[test]
fn a_finished_run_needs_no_right_to_write() {
    let folder = TempDir::new().unwrap();
    drop(filled(&folder));
    assert_eq!(names(folder.path()), ["study.db"], "its log is folded in");
    let _read_only = ReadOnly::new(folder.path());
    assert_eq!(found(folder.path()).unwrap(), 1);
}

#[test]
fn what_a_killed_coordinator_left_is_read_with_its_log() {
    for left in [&["", "-wal", "-shm"][..], &["", "-wal"]] {
        let folder = killed(left);
        let _read_only = ReadOnly::new(folder.path());
        assert_eq!(found(folder.path()).unwrap(), 1, "{left:?}");
    }
}

#[test]
fn a_commit_that_was_cut_off_is_not_read() {
    let network = FileSystem::Network { name: "NFS".to_owned(), local_locks: None };
    let folder = TempDir::new().unwrap();
    drop(filled(&folder));
    drop(Store::open_on(&folder.path().join("study.db"), &network).unwrap());
    let path = folder.path().join("study.db");
    let torn = TempDir::new().unwrap();
    {
        // So small a cache that changes reach the file before their commit, as they do in a large one.
        let writer = Connection::open(&path).unwrap();
        writer.pragma_update(None, "cache_size", 1).unwrap();
        writer.execute_batch("BEGIN IMMEDIATE; DELETE FROM results; DELETE FROM attempts; DELETE FROM units;").unwrap();
        writer.execute_batch("CREATE TABLE filler (x BLOB); INSERT INTO filler SELECT randomblob(400000);").unwrap();
        for name in ["study.db", "study.db-journal"] {
            fs::copy(folder.path().join(name), torn.path().join(name)).unwrap();
        }
    }
    assert!(fs::metadata(torn.path().join("study.db-journal")).unwrap().len() > 512, "a journal that is needed");
    let _read_only = ReadOnly::new(torn.path());
    assert_eq!(found(torn.path()).unwrap(), 1);
}

#[test]
fn another_users_running_study_is_read_as_it_is() {
    let folder = TempDir::new().unwrap();
    let mut store = filled(&folder);
    allow(folder.path(), 0o755);
    assert_eq!(found(folder.path()).unwrap(), 1);
    let second = Unit { seed: 2, ..unit() };
    let result = ResultRecord { unit: second.id(), ..record() };
    let started = Write::Started { unit: second.id(), attempt: 1, worker_id: "w".to_owned(), at_ms: 1, from: None };
    store.commit(&[Write::Unit(second.id(), Box::new(second)), started, Write::Result(Box::new(result))]).unwrap();
    assert_eq!(found(folder.path()).unwrap(), 2);
}

#[test]
fn what_may_not_be_read_is_named_with_a_hint_that_helps() {
    let folder = TempDir::new().unwrap();
    drop(filled(&folder));
    let path = folder.path().join("study.db");
    allow(folder.path(), 0o755);
    allow(&path, 0o000);
    match as_another_user(|| Store::open_to_read(&path)) {
        Err(error @ StoreError::Unreadable { .. }) => {
            let text = with_hint(&error);
            assert!(text.contains("Permission denied") && text.contains("the right to read"), "{text}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_folder_named_like_a_uri_is_a_folder() {
    // Relative, as people write it: in the folder that the test runs in.
    let folder = tempfile::Builder::new().prefix("file:").tempdir_in(".").unwrap();
    let path = PathBuf::from(folder.path().file_name().unwrap()).join("study.db?mode=memory");
    drop(Store::open(&path).unwrap());
    assert!(path.is_file());
    assert!(Store::open_to_read(&path).is_ok());
}
