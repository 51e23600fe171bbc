//! Units, each configuration once.

use std::{collections::BTreeMap, path::Path, slice};

use proptest::prelude::*;
use rusqlite::Connection;
use seedgrid_common::{
    copy_on_write::Shared,
    error_chain::with_hint,
    hyperparameters::Value,
    unit::{Configuration, Fold, Unit, UnitId},
    wire::v1,
};
use tempfile::TempDir;

use super::{registered, unit};
use crate::store::*;

fn configuration(number: u64) -> Configuration {
    let mut configuration = unit().configuration.into_value();
    configuration.hyperparameters.insert("batch_size".to_owned(), Value::Integer(number));
    configuration
}

/// A plan of 500 units of 5 configurations: 10 folds, and 10 seeds on two data sets each.
fn plan() -> Vec<Unit> {
    let mut units = Vec::new();
    for number in 1..=5 {
        let configuration = Shared::from(configuration(number));
        let one = |fold, digest: &str, seed| Unit {
            fold,
            seed,
            configuration: configuration.clone(),
            dataset_digest: digest.repeat(64).into(),
        };
        units.extend((0..80).map(|place| one(Fold::Part { index: place % 10, of: 10 }, "a", u64::from(place / 10))));
        units.extend((0..20).map(|place| one(Fold::Holdout, ["a", "b"][place as usize % 2], place / 2)));
    }
    units
}

fn writes(units: &[Unit]) -> Vec<Write> {
    units.iter().map(|unit| Write::Unit(unit.id(), Box::new(unit.clone()))).collect()
}

fn numbers(path: &Path, sql: &str) -> Vec<i64> {
    let plain = Connection::open(path).unwrap();
    let mut statement = plain.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

/// A result for each unit, so that it can be read back.
fn finished(units: &[Unit]) -> Vec<Write> {
    units.iter().map(|unit| Write::Result(Box::new(ResultRecord { unit: unit.id(), ..super::record() }))).collect()
}

#[test]
fn each_configuration_is_stored_once_and_each_unit_reads_back() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("study.db");
    let plan = plan();
    let mut store = Store::open(&path).unwrap();
    store.commit(&writes(&plan[..250])).unwrap();
    drop(store);
    // Another life of the coordinator knows what is there.
    let mut store = Store::open(&path).unwrap();
    let known: Vec<bool> = plan.iter().map(|unit| store.has_unit(&unit.id())).collect();
    assert!(known[..250].iter().all(|known| *known) && !known[250..].iter().any(|known| *known));
    store.commit(&writes(&plan)).unwrap();
    store.commit(&finished(&plan)).unwrap();
    assert_eq!(store.trained_units().unwrap(), plan.iter().map(|unit| (unit.id(), unit.clone())).collect());
    drop(store);
    for (table, rows) in [("configurations", 5), ("datasets", 2), ("units", 500), ("described_units", 500)] {
        assert_eq!(numbers(&path, &format!("SELECT count(*) FROM {table}")), [rows], "{table}");
    }
    let plain = Connection::open(&path).unwrap();
    let mut ids = plain.prepare("SELECT unit_id FROM units ORDER BY number").unwrap();
    let ids = ids.query_map([], |row| row.get(0).map(UnitId)).unwrap().collect::<Result<Vec<_>, _>>().unwrap();
    assert_eq!(ids, plan.iter().map(Unit::id).collect::<Vec<_>>(), "in the order of the plan");
}

#[test]
fn a_commit_that_fails_leaves_no_numbers() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("study.db");
    let mut store = Store::open(&path).unwrap();
    let (first, second) = (unit(), Unit { seed: 2, ..unit() });
    let twice = [finished(slice::from_ref(&first)), finished(slice::from_ref(&first))].concat();
    let failing = [vec![registered("w")], writes(slice::from_ref(&first)), twice].concat();
    assert!(store.commit(&failing).is_err(), "a second result is refused");
    assert!(!store.has_unit(&first.id()));
    let started = |worker: &str| Write::Started {
        unit: second.id(),
        attempt: 1,
        worker_id: worker.to_owned(),
        at_ms: 1,
        from: None,
    };
    store.commit(&writes(slice::from_ref(&second))).unwrap();
    let unknown = with_hint(&store.commit(&[started("w")]).unwrap_err());
    assert!(unknown.contains("the store has no worker w") && unknown.contains("hint: "), "{unknown}");
    store.commit(&[registered("w"), started("w")]).unwrap();
    let unknown = store.commit(&finished(slice::from_ref(&first))).unwrap_err().to_string();
    assert!(unknown.contains(&format!("the store has no unit {}", first.id())), "{unknown}");
    store.commit(&writes(slice::from_ref(&first))).unwrap();
    assert!(store.unsealed(Rows::All).unwrap().is_empty());
    drop(store);
    assert_eq!(
        numbers(&path, "SELECT count(*) FROM units JOIN configurations ON configurations.number = configuration"),
        [2]
    );
}

#[test]
fn a_worker_that_registers_again_is_the_same_worker() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("study.db");
    drop(builders::filled(&path));
    let mut store = Store::open(&path).unwrap();
    let worker_id = "w".to_owned();
    let info = Box::new(v1::WorkerInfo { host: "elsewhere".to_owned(), ..Default::default() });
    store.commit(&[Write::Worker { worker_id, at_ms: 9, info }, registered("other")]).unwrap();
    assert_eq!(store.attempts().unwrap()[0].worker_id, "w");
    let workers: Vec<_> = store.workers().unwrap().into_iter().map(|one| (one.worker_id, one.info.host)).collect();
    assert_eq!(workers, [("other".to_owned(), String::new()), ("w".to_owned(), "elsewhere".to_owned())]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn units_of_any_fold_and_seed_read_back(seeds in prop::collection::vec((any::<u64>(), 0..9_u32, 0..3_u64), 1..20)) {
        let folder = TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap();
        let mut store = Store::open(&folder.path().join("study.db")).unwrap();
        let unit = |(seed, index, number)| Unit {
            seed,
            fold: if index == 0 { Fold::Holdout } else { Fold::Part { index: index - 1, of: 8 } },
            configuration: configuration(number).into(),
            ..unit()
        };
        let units: BTreeMap<UnitId, Unit> =
            seeds.into_iter().map(unit).map(|unit| (unit.id(), unit)).collect();
        let plan: Vec<Unit> = units.values().cloned().collect();
        store.commit(&writes(&plan)).unwrap();
        store.commit(&finished(&plan)).unwrap();
        prop_assert_eq!(store.trained_units().unwrap(), units);
    }
}
