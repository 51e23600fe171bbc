//! Databases of earlier versions.

use std::{collections::BTreeMap, fs};

use rusqlite::Connection;
use tempfile::TempDir;

use super::super::{migration, *};
use crate::race::{Leaver, Rung, RungDecision, Why};

/// A database of version 2; fixtures/make.sh made it.
const VERSION_2: &[u8] = include_bytes!("../fixtures/version-2.db");
/// One of version 3, of fixtures/raced.toml.
const VERSION_3: &[u8] = include_bytes!("../fixtures/version-3.db");

/// One of version 4, of the same.
const VERSION_4: &[u8] = include_bytes!("../fixtures/version-4.db");

/// [`VERSION_2`] as a coordinator of that version leaves it, in a write-ahead log's mode.
fn old(folder: &TempDir) -> std::path::PathBuf {
    written(folder, VERSION_2)
}

fn written(folder: &TempDir, database: &[u8]) -> std::path::PathBuf {
    let path = folder.path().join("study.db");
    fs::write(&path, database).unwrap();
    Connection::open(&path).unwrap().pragma_update(None, "journal_mode", "wal").unwrap();
    path
}

/// Tables, with what they hold.
fn schema(store: &Store) -> Vec<(String, String)> {
    let plain = |sql: String| sql.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut statement = store.connection.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, Option<String>>(1)?))).unwrap();
    rows.map(Result::unwrap).filter_map(|(name, sql)| Some((name, plain(sql?)))).collect()
}

#[test]
fn a_database_of_an_earlier_version_becomes_one_of_this() {
    let folder = TempDir::new().unwrap();
    let path = old(&folder);
    let mut store = Store::open(&path).unwrap();
    let fresh = TempDir::new().unwrap();
    assert_eq!(schema(&store), schema(&Store::open(&fresh.path().join("study.db")).unwrap()), "schema.sql is the same");
    assert_eq!(store.results().unwrap().len(), 8);
    assert_eq!(store.committed().unwrap().selections.len(), 1);
    let left = vec![Leaver { place: 1, why: Why::Outraced }];
    let rung = Rung { key: [3; 32], folds: 1, entered: vec![0, 1], left: left.clone() };
    let decision = RungDecision { stage: "tune".to_owned(), model: "fc".to_owned(), rung };
    store.commit(&[Write::Rung { at_ms: 1, decision }]).unwrap();
    drop(store);
    assert_eq!(Store::open(&path).unwrap().committed().unwrap().rungs[&[3; 32]], left, "it is brought up once");
    assert_eq!(Store::open_to_read(&path).unwrap().committed().unwrap().rungs.len(), 1);
}

#[test]
fn a_database_of_an_earlier_version_is_read_without_a_change() {
    let folder = TempDir::new().unwrap();
    let path = old(&folder);
    let before = fs::read(&path).unwrap();
    let store = Store::open_to_read(&path).unwrap();
    assert_eq!(store.results().unwrap().len(), 8);
    let known = store.committed().unwrap();
    assert_eq!((known.selections.len(), known.rungs.len()), (1, 0));
    assert!(store.latest_spec().unwrap().unwrap().contains("name = \"old\""));
    drop(store);
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(Connection::open(&path).unwrap().pragma_query_value(None, "user_version", |row| row.get(0)), Ok(2));
}

#[test]
fn a_step_that_fails_leaves_the_database_as_it_was() {
    let folder = TempDir::new().unwrap();
    let path = old(&folder);
    let other = Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE leavers (stranger TEXT)").unwrap();
    assert!(matches!(Store::open(&path), Err(StoreError::Migrate { found: 2, wanted: migration::NEWEST, .. })));
    let tables: u32 =
        other.query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'rungs'", [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 0, "the step that had succeeded is undone");
    other.execute_batch("DROP TABLE leavers").unwrap();
    Store::open(&path).unwrap();
}

#[test]
fn a_race_and_its_weights_come_along() {
    for database in [VERSION_3, VERSION_4] {
        let folder = TempDir::new().unwrap();
        let path = written(&folder, database);
        let known = |store: &Store| {
            let committed = store.committed().unwrap();
            (store.units().unwrap(), (committed.selections, committed.rungs), store.weights().unwrap())
        };
        let read = Store::open_to_read(&path).unwrap();
        let (units, committed, weights) = known(&read);
        assert_eq!((units.len(), weights.len(), read.results().unwrap().len()), (9, 2, 9));
        let leavers: Vec<usize> = committed.1.values().flatten().map(|leaver| leaver.place).collect();
        assert_eq!((committed.0.len(), leavers.len()), (1, 2));
        drop(read);
        let store = Store::open(&path).unwrap();
        assert!(store.mended().is_empty(), "{:?}", store.mended());
        assert_eq!(known(&store), (units, committed, weights));
        assert_eq!(store.doubts().unwrap(), BTreeMap::new());
        assert_eq!(Store::inspect(&path).unwrap().1, []);
    }
}

#[test]
fn a_result_that_was_damaged_before_there_were_seals_is_found() {
    let folder = TempDir::new().unwrap();
    let path = written(&folder, VERSION_3);
    let plain = Connection::open(&path).unwrap();
    let wrong = "UPDATE results SET wrong = wrong + 1 WHERE unit_id = (SELECT min(unit_id) FROM results)";
    plain.execute(wrong, []).unwrap();
    let store = Store::open(&path).unwrap();
    assert_eq!((store.mended().rows.len(), store.mended().results_lost), (1, 1), "{:?}", store.mended());
    assert_eq!(store.results().unwrap().len(), 8);
}
