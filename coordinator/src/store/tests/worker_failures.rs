//! What speaks against workers is stored as it is known.

use std::collections::BTreeMap;

use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use seedgrid_common::unit::UnitId;
use tempfile::TempDir;

use super::*;
use crate::scheduler::queue::{WorkerFailure, WorkerId};

fn worker(number: u8) -> WorkerId {
    format!("{number:032x}").parse().unwrap()
}

fn change(units: Vec<UnitId>) -> impl Strategy<Value = WorkerFailure> {
    let (raised, lifted) = (prop::sample::select(units.clone()), prop::sample::select(units));
    prop_oneof![
        4 => (0..3_u8, raised, 0..9_u8).prop_map(|(number, unit, detail)| WorkerFailure::Raised {
            worker: worker(number),
            unit,
            detail: format!("failure {detail}"),
        }),
        2 => (0..3_u8, lifted).prop_map(|(number, unit)| WorkerFailure::Lifted { worker: worker(number), unit }),
        1 => (0..3_u8).prop_map(|number| WorkerFailure::Outdone(worker(number))),
        1 => (0..3_u8).prop_map(|number| WorkerFailure::Cleared(worker(number))),
    ]
}

#[test]
fn a_store_knows_what_the_changes_lead_to() {
    let folder = TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap();
    let path = folder.path().join("study.db");
    let mut store = Store::open(&path).unwrap();
    let seeded = |seed| Unit { seed, ..unit() };
    let units: Vec<Unit> = (1..5).map(seeded).collect();
    store.commit(&units.iter().map(|unit| Write::Unit(unit.id(), Box::new(unit.clone()))).collect::<Vec<_>>()).unwrap();
    let ids = units.iter().map(Unit::id).collect();
    let mut known = BTreeMap::new();
    let mut runner = TestRunner::deterministic();
    for turn in 0..60 {
        let strategy = prop::collection::vec(change(Vec::clone(&ids)), 1..12);
        let changes = strategy.new_tree(&mut runner).unwrap().current();
        changes.iter().for_each(|change| change.apply(&mut known));
        store.commit(&changes.into_iter().map(Write::WorkerFailure).collect::<Vec<_>>()).unwrap();
        assert_eq!(store.worker_failures().unwrap(), known, "after {turn}");
    }
    drop(store);
    assert_eq!(Store::open(&path).unwrap().worker_failures().unwrap(), known);
}
