//! Databases that were damaged on the disk.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use miette::Diagnostic as _;
use prost::Message as _;
use seedgrid_common::{
    error_chain::with_hint,
    random::Stream,
    training::{EpochMetrics, UnitResult},
    unit::{Unit, UnitId},
    wire::v1,
};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::{record, registered, unit};
use crate::scheduler::{attempt_ending::AttemptEnding, selection::Decision};
use crate::store::*;

const UNITS: u64 = 60;

/// A coordinator's database in the middle of a run, half of it in the write-ahead log; with what its results are.
struct Running {
    folder: TempDir,
    results: BTreeMap<UnitId, UnitResult>,
    /// Keeps the log from being ended.
    _store: Store,
}

fn running() -> Running {
    let folder = TempDir::new().unwrap();
    let mut store = Store::open(&folder.path().join("study.db")).unwrap();
    let worker = format!("{:032x}", 7);
    store.commit(&[Write::Spec { at_ms: 1, text: "name = \"s\"".to_owned() }, registered(&worker)]).unwrap();
    for seed in 1..=UNITS {
        let unit = Unit { seed, ..unit() };
        let id = unit.id();
        // Of many sizes, so that some go on over several pages.
        let mut result = super::result();
        result.epochs = (1..=seed as u32 * 7).map(|epoch| EpochMetrics { epoch, ..result.epochs[0] }).collect();
        let payload = v1::UnitResult::from(&result).encode_to_vec();
        let record = ResultRecord {
            unit: id,
            epochs: result.epochs.len() as u32,
            digest: Sha256::digest(&payload).into(),
            payload,
            ..record()
        };
        let ended = Write::Ended {
            unit: id,
            attempt: 1,
            at_ms: Some(5),
            ending: AttemptEnding::Done,
            detail: String::new(),
            train_seconds: Some(1.0),
        };
        let started = Write::Started { unit: id, attempt: 1, worker_id: worker.clone(), at_ms: 1, from: None };
        store.commit(&[Write::Unit(id, Box::new(unit)), started, Write::Result(Box::new(record)), ended]).unwrap();
        if seed == UNITS / 2 {
            store.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        }
    }
    let decision = Decision { key: [1; 32], stage: "tune".to_owned(), model: "fc".to_owned(), chosen: Some(2) };
    store.commit(&[Write::Selection { at_ms: 3, decision }]).unwrap();
    Running { results: store.results().unwrap(), folder, _store: store }
}

impl Running {
    /// What `kill -9` leaves, in a folder of its own.
    fn copy(&self) -> (TempDir, PathBuf) {
        let folder = TempDir::new().unwrap();
        for name in ["study.db", "study.db-wal"] {
            fs::copy(self.folder.path().join(name), folder.path().join(name)).unwrap();
        }
        let path = folder.path().join("study.db");
        (folder, path)
    }

    /// Opens a damaged copy: what it gives must be true, and what it does not give must be said to be lost. None: it is refused.
    fn open(&self, path: &Path) -> Option<Store> {
        let store = match Store::open(path) {
            Ok(store) => store,
            Err(error) => {
                assert!(error.help().is_some(), "{error}");
                return None;
            }
        };
        let found = store.results().unwrap();
        for (id, result) in &found {
            assert_eq!(self.results.get(id), Some(result), "a result that nobody sent");
        }
        if let Some(chosen) = store.committed().unwrap().selections.get(&[1; 32]) {
            assert_eq!(*chosen, Some(2), "a decision that nobody made");
        }
        if let Some(StoredSpec { text: spec, .. }) = store.specs().unwrap().pop() {
            assert_eq!(spec, "name = \"s\"");
        }
        let known = store.units().unwrap();
        let silent = self.results.keys().filter(|id| !found.contains_key(*id) && known.contains_key(*id)).count();
        assert!(silent as u32 <= store.mended().results_lost, "{silent} results are gone: {:?}", store.mended());
        assert_eq!(Store::inspect(path).unwrap().1.iter().filter(|fault| !fault.what.contains("not there")).count(), 0);
        Some(store)
    }
}

#[test]
fn flipped_bits_are_never_believed() {
    let running = running();
    let (mut whole, mut mended, mut refused) = (0, 0, 0);
    for seed in 0..300 {
        let mut stream = Stream::new(seed, "flips");
        let (_folder, path) = running.copy();
        let log = path.with_extension("db-wal");
        let file = match stream.below(6) {
            0 | 1 => log,
            // Pages that the log has newer versions of are not looked at.
            2 | 3 => {
                fs::remove_file(log).unwrap();
                path.clone()
            }
            _ => path.clone(),
        };
        let mut bytes = fs::read(&file).unwrap();
        for _ in 0..1 + stream.below(4) {
            // The first page, with header and schema, more often than its size would have it.
            let range = if stream.below(3) == 0 { 4096 } else { bytes.len() as u32 };
            let place = stream.below(range) as usize;
            bytes[place] ^= 1 << stream.below(8);
        }
        fs::write(&file, bytes).unwrap();
        match running.open(&path) {
            None => refused += 1,
            Some(store) if store.mended().is_empty() => whole += 1,
            Some(_) => mended += 1,
        }
    }
    assert!(whole > 20 && mended > 20 && refused > 4, "{whole} {mended} {refused}");
}

#[test]
fn lost_ends_and_lost_pages_lose_no_more_than_was_on_them() {
    let running = running();
    let length = fs::metadata(running.folder.path().join("study.db")).unwrap().len();
    for seed in 0..60 {
        let mut stream = Stream::new(seed, "ends");
        let (_folder, path) = running.copy();
        match seed % 4 {
            0 => {
                let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
                file.set_len(u64::from(stream.below(length as u32))).unwrap();
            }
            1 => fs::remove_file(path.with_extension("db-wal")).unwrap(),
            2 => {
                let log = path.with_extension("db-wal");
                let length = fs::metadata(&log).unwrap().len();
                fs::OpenOptions::new()
                    .write(true)
                    .open(&log)
                    .unwrap()
                    .set_len(u64::from(stream.below(length as u32)))
                    .unwrap();
            }
            _ => {
                let mut bytes = fs::read(&path).unwrap();
                let page = stream.below((length / 4096) as u32) as usize;
                bytes[page * 4096..][..4096].fill(0);
                fs::write(&path, bytes).unwrap();
            }
        }
        running.open(&path);
    }
}

#[test]
fn a_database_that_sqlite_cannot_read_stays_as_it_is() {
    let running = running();
    for (place, with) in [(0, 0xa5), (4096, 0)] {
        let (_folder, path) = running.copy();
        let mut bytes = fs::read(&path).unwrap();
        bytes[place..place + 4096].fill(with);
        fs::write(&path, &bytes).unwrap();
        // Without the log, too, which has newer pages.
        fs::remove_file(path.with_extension("db-wal")).unwrap();
        for opened in [Store::open(&path), Store::open_to_read(&path)] {
            let error = opened.unwrap_err();
            assert!(matches!(error, StoreError::Damaged { .. } | StoreError::NoDatabase { .. }), "{error:?}");
            let told = with_hint(&error);
            assert!(told.contains("restore it from a backup that `seedgrid backup` made"), "{told}");
        }
        assert_eq!(fs::read(&path).unwrap()[place..], bytes[place..], "nothing changes it");
        assert_eq!(Store::inspect(&path).unwrap().1.len(), 1);
    }
}

#[test]
fn each_kind_of_row_is_checked() {
    let running = running();
    let changes = [
        ("facts", "INSERT INTO facts VALUES ('study', 'x', zeroblob(16))"),
        ("specs", "UPDATE specs SET text = 'name = \"t\"'"),
        ("configurations", "UPDATE configurations SET content = replace(content, 'cnn', 'cmm')"),
        ("datasets", "UPDATE datasets SET digest = replace(digest, '0', '1')"),
        ("units", "UPDATE units SET seed = 99 WHERE number = 1"),
        ("results", "UPDATE results SET wrong = 2 WHERE unit = (SELECT min(unit) FROM results)"),
        ("results", "UPDATE results SET payload = x'00' WHERE unit = (SELECT max(unit) FROM results)"),
        ("selections", "UPDATE selections SET chosen = 1"),
    ];
    for (table, change) in changes {
        let (_folder, path) = running.copy();
        let plain = Connection::open(&path).unwrap();
        plain.execute(change, []).unwrap();
        drop(plain);
        let read = Store::open_to_read(&path).and_then(|store| store.results().map(|_| ()));
        assert!(
            matches!(read, Err(StoreError::DamagedRows { .. } | StoreError::DamagedResult { .. })),
            "{change}: {read:?}"
        );
        let faults = Store::inspect(&path).unwrap().1;
        assert_eq!(faults.first().and_then(|fault| fault.table), Some(table), "{change}");
        let store = running.open(&path).unwrap();
        assert_eq!(store.mended().rows.first().map(|row| row.table), Some(table), "{change}: {:?}", store.mended());
        assert_eq!(u64::from(store.moved_aside().unwrap()), store.mended().rows.len() as u64);
        assert_eq!(store.mended().results_lost, u32::from(table == "results"), "{change}");
        drop(store);
        assert!(Store::open(&path).unwrap().mended().is_empty(), "{change}: mended once");
    }
}

#[test]
fn a_rung_without_one_of_its_leavers_is_none() {
    use crate::scheduler::race::{LeaveReason, Leaver, Rung, RungDecision};
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("study.db");
    let mut store = Store::open(&path).unwrap();
    let left = [0, 3].map(|place| Leaver { place, why: LeaveReason::Outraced }).to_vec();
    let rung = Rung { key: [4; 32], folds: 2, entered: vec![0, 1, 3], left };
    let decision = RungDecision { stage: "tune".to_owned(), model: "fc".to_owned(), rung };
    store.commit(&[Write::Rung { at_ms: 1, decision }]).unwrap();
    store.connection.execute("DELETE FROM leavers WHERE configuration = 3", []).unwrap();
    drop(store);
    let store = Store::open(&path).unwrap();
    assert!(store.committed().unwrap().rungs.is_empty(), "it is decided again");
    assert_eq!(store.mended().rows.len(), 2, "the rung and the leaver that is left");
}

#[test]
fn a_damaged_configuration_or_unit_comes_back_with_the_plan_and_costs_no_result() {
    let running = running();
    let changes = [
        "UPDATE configurations SET content = content || ' '",
        "UPDATE datasets SET digest = 'x'",
        "UPDATE units SET seed = 99 WHERE number = 1",
        "PRAGMA foreign_keys = off; DELETE FROM configurations",
    ];
    for change in changes {
        let (_folder, path) = running.copy();
        Connection::open(&path).unwrap().execute_batch(change).unwrap();
        let mut store = running.open(&path).unwrap();
        let lost: Vec<Unit> =
            (1..=UNITS).map(|seed| Unit { seed, ..unit() }).filter(|unit| !store.has_unit(&unit.id())).collect();
        assert_eq!(lost.len() as u64, if change.contains("number = 1") { 1 } else { UNITS }, "{change}");
        assert_eq!(store.mended().results_lost, 0, "{change}");
        assert_eq!(store.trained_units().unwrap().len() as u64, UNITS - lost.len() as u64, "{change}");
        assert_eq!(store.results().unwrap(), running.results, "{change}");
        let plan: Vec<Write> = lost.iter().map(|unit| Write::Unit(unit.id(), Box::new(unit.clone()))).collect();
        store.commit(&plan).unwrap();
        assert!(lost.iter().all(|unit| store.has_unit(&unit.id())), "{change}");
        drop(store);
        let (store, faults) = Store::inspect(&path).unwrap();
        let (store, units) = (store.unwrap(), (1..=UNITS).map(|seed| Unit { seed, ..unit() }));
        assert_eq!(faults, [], "{change}");
        assert_eq!(store.trained_units().unwrap(), units.map(|unit| (unit.id(), unit)).collect(), "{change}");
        assert_eq!(store.attempts().unwrap().len() as u64, UNITS, "{change}");
    }
}

#[test]
fn a_result_is_bound_to_its_unit() {
    let running = running();
    let (_folder, path) = running.copy();
    let plain = Connection::open(&path).unwrap();
    // Two units change places, each with a seal that is right.
    row_seals::teach(&plain).unwrap();
    plain
        .execute_batch(
            "CREATE TEMP TABLE two AS SELECT number, unit_id FROM units WHERE number < 3; \
             UPDATE units SET unit_id = randomblob(16) WHERE number < 3; \
             UPDATE units SET unit_id = (SELECT unit_id FROM two WHERE two.number = 3 - units.number) WHERE number < 3; \
             UPDATE units SET seal = seal('units', number, unit_id, configuration, dataset, fold, folds, seed) WHERE number < 3;",
        )
        .unwrap();
    drop(plain);
    let faults = Store::inspect(&path).unwrap().1;
    assert_eq!((faults.len(), faults[0].table), (1, Some("results")), "{faults:?}");
    assert!(faults[0].what.starts_with("2 rows"), "{faults:?}");
    assert_eq!(running.open(&path).unwrap().mended().results_lost, 2);
}

#[test]
fn rows_of_a_unit_or_worker_that_is_gone_are_not_used() {
    let running = running();
    let (_folder, path) = running.copy();
    let change = "PRAGMA foreign_keys = off; DELETE FROM units WHERE number = 2; DELETE FROM workers";
    Connection::open(&path).unwrap().execute_batch(change).unwrap();
    let faults: Vec<_> = Store::inspect(&path).unwrap().1.into_iter().map(|fault| (fault.table, fault.what)).collect();
    let of = |count: &str, what: &str| format!("{count} of a {what} that is not there");
    let expected = [
        (Some("results"), "1 row not as it was written: the seal differs".to_owned()),
        (Some("attempts"), of("1 row", "unit")),
        (Some("results"), of("1 row", "unit")),
        (Some("attempts"), of("60 rows", "worker")),
    ];
    assert_eq!(faults, expected);
    let mut store = running.open(&path).unwrap();
    assert_eq!(store.mended().rows.iter().map(|row| row.table).collect::<Vec<_>>(), ["attempts", "results"]);
    let gone: Vec<UnitId> = running.results.keys().filter(|id| !store.has_unit(id)).copied().collect();
    assert_eq!((gone.len(), store.results().unwrap().len() as u64), (1, UNITS - 1));
    // It comes back under another number, and with nothing of what was.
    let unit = (1..=UNITS).map(|seed| Unit { seed, ..unit() }).find(|unit| unit.id() == gone[0]).unwrap();
    store.commit(&[Write::Unit(gone[0], Box::new(unit)), registered("w")]).unwrap();
    assert!(store.has_unit(&gone[0]) && store.attempts_of(gone[0]).unwrap().is_empty());
    assert!(store.attempts().unwrap().iter().all(|attempt| attempt.worker_id.is_empty()));
}

/// One unit is read as it is among all of them, and only damage to its own rows keeps it from being read.
#[test]
fn a_single_unit_is_read_as_among_all_and_checked_by_itself() {
    let running = running();
    let (_folder, path) = running.copy();
    let all = Store::open_to_read(&path).unwrap().units().unwrap();
    assert_eq!(all.len() as u64, UNITS);
    let single = Store::open_to_read_single_units(&path).unwrap();
    for (id, unit) in &all {
        assert_eq!(single.stored_unit(*id).unwrap(), *unit);
    }
    assert_eq!(single.stored_unit(UnitId([9; 16])).unwrap(), StoredUnit::default(), "the study has no such unit");
    assert_eq!(single.scores_of(all.keys().copied()).unwrap(), single.scores().unwrap());
    drop(single);

    let [hurt, well] = [1, UNITS].map(|seed| Unit { seed, ..unit() }.id());
    let connection = Connection::open(&path).unwrap();
    let change = "UPDATE results SET epochs = epochs + 1 WHERE unit = (SELECT number FROM units WHERE unit_id = ?)";
    assert_eq!(connection.execute(change, [hurt.0]).unwrap(), 1);
    drop(connection);
    assert!(matches!(Store::open_to_read(&path), Err(StoreError::DamagedRows { table: "results", .. })));
    let single = Store::open_to_read_single_units(&path).unwrap();
    assert_eq!(single.stored_unit(well).unwrap(), all[&well]);
    assert!(matches!(single.stored_unit(hurt), Err(StoreError::DamagedRows { table: "results", .. })));
}
