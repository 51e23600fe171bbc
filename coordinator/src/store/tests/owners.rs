//! Two coordinators on one database.

use tempfile::TempDir;

use crate::store::*;

fn fact(value: &str) -> [Write; 1] {
    [Write::Fact { name: "study".to_owned(), value: value.to_owned() }]
}

#[test]
fn whoever_was_succeeded_writes_nothing() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("study.db");
    for system in [FileSystem::Local, FileSystem::Network { name: "NFS".to_owned(), local_locks: None }] {
        let mut first = Store::open_on(&path, &system).unwrap();
        first.commit(&fact("first")).unwrap();
        let mut second = Store::open_on(&path, &system).unwrap();
        match first.commit(&fact("late")) {
            Err(StoreError::TakenOver { holder, .. }) => {
                assert!(holder.starts_with(&format!("process {} on ", std::process::id())), "{holder}");
                assert!(holder.contains(", since 20"), "{holder}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(second.fact("study").unwrap().as_deref(), Some("first"), "nothing of it is there");
        second.commit(&fact("second")).unwrap();
        assert!(first.commit(&fact("later")).is_err(), "it never comes back");
        assert_eq!(second.fact("study").unwrap().as_deref(), Some("second"));
    }
}

#[test]
fn a_damaged_epoch_is_no_end() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("study.db");
    let mut store = Store::open(&path).unwrap();
    store.connection.execute("UPDATE owner SET epoch = ?", [i64::MAX]).unwrap();
    assert!(matches!(store.commit(&fact("a")), Err(StoreError::TakenOver { .. })));
    drop(store);
    Store::open(&path).unwrap().commit(&fact("b")).unwrap();
}
