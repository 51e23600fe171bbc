mod busy;
mod damage;
mod owners;
mod readers;
mod units;
mod worker_failures;

use std::{collections::BTreeMap, fs};

use seedgrid_common::{error_chain::with_hint, unit::Unit, wire::blob::BlobDigest};
use tempfile::TempDir;

use super::{
    builders::{record, registered, result, unit},
    *,
};
use crate::scheduler::attempt_ending::AttemptEnding;
use crate::scheduler::race::{LeaveReason, Leaver, Rung, RungDecision};

fn filled(folder: &TempDir) -> Store {
    builders::filled(&folder.path().join("study.db"))
}

#[test]
fn what_was_committed_is_there_after_reopening() {
    let folder = TempDir::new().unwrap();
    drop(filled(&folder));
    let store = Store::open_to_read(&folder.path().join("study.db")).unwrap();
    assert_eq!(store.results().unwrap(), [(unit().id(), result())].into());
    let known = store.units().unwrap().remove(&unit().id()).unwrap();
    assert_eq!((known.attempts, known.record.errors), (1, 0));
    assert_eq!(known.result.unwrap().digest, record().digest);
    assert_eq!(store.train_seconds().unwrap(), [(unit().id(), 2.0)]);
}

#[test]
fn a_group_with_a_bad_change_changes_nothing() {
    let folder = TempDir::new().unwrap();
    let mut store = filled(&folder);
    let fact = Write::Fact { name: "study".to_owned(), value: "a".to_owned() };
    assert!(store.commit(&[fact, Write::Result(Box::new(record()))]).is_err(), "a second result is refused");
    assert_eq!(store.fact("study").unwrap(), None);
}

#[test]
fn done_is_never_overwritten() {
    let folder = TempDir::new().unwrap();
    let mut store = filled(&folder);
    let lost = Write::Ended {
        unit: unit().id(),
        attempt: 1,
        at_ms: Some(9),
        ending: AttemptEnding::WorkerLost,
        detail: String::new(),
        train_seconds: None,
    };
    store.commit(&[lost]).unwrap();
    assert_eq!(store.attempts().unwrap()[0].ending, Some(AttemptEnding::Done));
}

#[test]
fn the_newest_attempt_without_an_ending_has_a_holder() {
    let folder = TempDir::new().unwrap();
    let mut store = Store::open(&folder.path().join("study.db")).unwrap();
    let id = unit().id();
    let started = |attempt, worker: &str| Write::Started {
        unit: id,
        attempt,
        worker_id: worker.to_owned(),
        at_ms: 1,
        from: None,
    };
    let lost = |attempt| Write::Ended {
        unit: id,
        attempt,
        at_ms: Some(2),
        ending: AttemptEnding::WorkerLost,
        detail: String::new(),
        train_seconds: None,
    };
    let holder = |store: &Store| store.units().unwrap().remove(&id).unwrap().holder;
    store.commit(&["zoe", "ada", "eve"].map(registered)).unwrap();
    store.commit(&[Write::Unit(id, Box::new(unit())), started(1, "zoe"), lost(1), started(2, "ada")]).unwrap();
    assert_eq!(holder(&store).as_deref(), Some("ada"));
    store.commit(&[lost(2)]).unwrap();
    assert_eq!(holder(&store), None);
    store.commit(&[Write::Reopened { unit: id, attempt: 2, worker_id: "eve".to_owned() }]).unwrap();
    assert_eq!(holder(&store).as_deref(), Some("eve"));
}

#[test]
fn a_file_that_is_not_the_one_that_was_opened_gets_nothing() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("study.db");
    let mut store = filled(&folder);
    let fact = || [Write::Fact { name: "study".to_owned(), value: "a".to_owned() }];
    let copy = fs::read(&path).unwrap();
    fs::write(folder.path().join("copy"), copy).unwrap();
    fs::rename(folder.path().join("copy"), &path).unwrap();
    assert!(matches!(store.commit(&fact()), Err(StoreError::Taken { what: "has been replaced by another file", .. })));
    fs::remove_file(&path).unwrap();
    assert!(matches!(store.commit(&fact()), Err(StoreError::Taken { what: "has been deleted", .. })));
    fs::write(&path, "").unwrap();
    assert!(matches!(Store::open_to_read(&path), Err(StoreError::Empty { .. })));
}

#[test]
fn a_changed_payload_is_noticed() {
    let folder = TempDir::new().unwrap();
    let store = filled(&folder);
    store.connection.execute("UPDATE results SET payload = CAST(x'00' || payload AS BLOB)", []).unwrap();
    assert!(matches!(store.results(), Err(StoreError::DamagedResult { .. })));
}

#[test]
fn every_commit_is_durable_on_every_file_system() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("study.db");
    let network = FileSystem::Network { name: "NFS".to_owned(), local_locks: None };
    let pragma = |store: &Store, name: &str| -> String {
        store
            .connection
            .query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, rusqlite::types::Value>(0))
            .map(|value| match value {
                rusqlite::types::Value::Text(text) => text,
                other => format!("{other:?}"),
            })
            .unwrap()
    };
    // To and fro: a run directory may be copied from one to the other.
    for (system, journal) in
        [(&FileSystem::Local, "wal"), (&network, "truncate"), (&network, "truncate"), (&FileSystem::Local, "wal")]
    {
        let mut store = Store::open_on(&path, system).unwrap();
        assert_eq!(pragma(&store, "journal_mode"), journal);
        assert_eq!(pragma(&store, "synchronous"), "Integer(3)", "EXTRA");
        assert_eq!(pragma(&store, "locking_mode"), "normal");
        assert_eq!(pragma(&store, "foreign_keys"), "Integer(0)");
        assert_eq!(pragma(&store, "cache_size"), format!("Integer(-{CACHE_KIB})"));
        store.commit(&[Write::Fact { name: "study".to_owned(), value: journal.to_owned() }]).unwrap();
        // Others read meanwhile, and need no memory that is shared.
        assert_eq!(Store::open_to_read(&path).unwrap().fact("study").unwrap().as_deref(), Some(journal));
        assert_eq!(folder.path().join("study.db-shm").exists(), journal == "wal");
    }
}

#[test]
fn rungs_are_kept_with_who_left() {
    let folder = TempDir::new().unwrap();
    let mut store = filled(&folder);
    let leaver = |place, why| Leaver { place, why };
    let decided = |key, left| Write::Rung {
        at_ms: 7,
        decision: RungDecision {
            stage: "tune".to_owned(),
            model: "fc".to_owned(),
            rung: Rung { key, folds: 3, entered: vec![0, 2, 5], left },
        },
    };
    let left =
        vec![leaver(0, LeaveReason::Incomplete), leaver(5, LeaveReason::Outraced), leaver(6, LeaveReason::Diverged)];
    store.commit(&[decided([1; 32], left.clone()), decided([2; 32], Vec::new())]).unwrap();
    let expected = BTreeMap::from([([1; 32], left), ([2; 32], Vec::new())]);
    assert_eq!(store.committed().unwrap().rungs, expected);
    store.commit(&[decided([2; 32], Vec::new())]).unwrap();
    assert_eq!(store.committed().unwrap().rungs, expected, "what was decided stands");
}

#[test]
fn other_files_and_other_versions_are_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("study.db");
    fs::write(&path, "this is no database, and long enough to have a header of its own").unwrap();
    assert!(matches!(Store::open(&path), Err(StoreError::NoDatabase { .. })));
    fs::remove_file(&path).unwrap();
    let newer = "CREATE TABLE newer (number INTEGER); PRAGMA user_version = 99;";
    Store::open(&path).unwrap().connection.execute_batch(newer).unwrap();
    assert!(matches!(Store::open(&path), Err(StoreError::Version { found: 99, .. })));
    // An earlier one, whose tables may be very much like these.
    let earlier =
        schema::SCHEMA.replace("    -- Of version 7.\n", "") + "PRAGMA user_version = 6; PRAGMA journal_mode = wal;";
    fs::remove_file(&path).unwrap();
    rusqlite::Connection::open(&path).unwrap().execute_batch(&earlier).unwrap();
    let before = fs::read(&path).unwrap();
    for refused in [Store::open(&path).unwrap_err(), Store::open_to_read(&path).unwrap_err()] {
        assert!(matches!(refused, StoreError::Version { found: 6, expected: 7, .. }), "{refused}");
        let told = with_hint(&refused);
        assert!(told.contains("hint: it is as it was"), "{told}");
    }
    assert_eq!(fs::read(&path).unwrap(), before);
    assert!(matches!(Store::open_to_read(&folder.path().join("none.db")), Err(StoreError::Open { .. })));
}

#[test]
fn kept_weights_are_read_back() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("study.db");
    let mut store = Store::open(&path).unwrap();
    assert!(store.weights().unwrap().is_empty());
    let (id, digest) = (unit().id(), BlobDigest::compute(b"weights"));
    let kept = Write::Weights { unit: id, attempt: 3, digest, bytes: 7 };
    store.commit(&[Write::Unit(id, Box::new(unit())), kept]).unwrap();
    let stored = Store::open_to_read(&path).unwrap().weights().unwrap();
    assert_eq!(stored[&id], KeptWeights { attempt: 3, digest, bytes: 7 });
}
