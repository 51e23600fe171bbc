//! Stores on network file systems, which other programs lock.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rusqlite::Connection;
use seedgrid_common::error_chain::with_hint;
use tempfile::TempDir;

use crate::store::{
    lock_wait::{Clock, Waiter},
    *,
};

/// A store with a rollback journal.
fn on_network(folder: &TempDir) -> Store {
    let system = FileSystem::Network { name: "NFS".to_owned(), local_locks: None };
    Store::open_on(&folder.path().join("study.db"), &system).unwrap()
}

fn fact(value: &str) -> [Write; 1] {
    [Write::Fact { name: "study".to_owned(), value: value.to_owned() }]
}

/// Time that passes only where somebody waits.
struct Virtual<F> {
    now_ms: Arc<AtomicU64>,
    meanwhile: F,
}

impl<F: FnMut(Duration)> Clock for Virtual<F> {
    fn now(&mut self) -> Duration {
        Duration::from_millis(self.now_ms.load(Ordering::Relaxed))
    }

    fn pause(&mut self, length: Duration) {
        self.now_ms.fetch_add(length.as_millis() as u64, Ordering::Relaxed);
        let now = self.now();
        (self.meanwhile)(now);
    }
}

/// Lets the store wait in virtual time, in which `meanwhile` happens. Gives what the clock says.
fn in_virtual_time(store: &mut Store, meanwhile: impl FnMut(Duration) + Send + 'static) -> Arc<AtomicU64> {
    let now_ms = Arc::new(AtomicU64::new(0));
    let clock = Virtual { now_ms: Arc::clone(&now_ms), meanwhile };
    let mut waiter = Waiter::new(store.busy.clone(), &store.path, clock);
    store.connection.busy_handler(Some(move |tries| waiter.waits(tries))).unwrap();
    now_ms
}

/// Another program that has read something, and goes on reading.
fn reader(folder: &TempDir) -> Connection {
    let reader = Connection::open(folder.path().join("study.db")).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM facts;").unwrap();
    reader
}

#[test]
fn readers_keep_no_coordinator_waiting() {
    let folder = TempDir::new().unwrap();
    let mut store = on_network(&folder);
    store.commit(&fact("before")).unwrap();
    let looks = || Store::open_to_read(&store.path).unwrap();
    let computes = looks();
    computes.hold().unwrap();
    assert_eq!(computes.fact("study").unwrap().as_deref(), Some("before"));
    let (inspected, faults) = Store::inspect(&store.path).unwrap();
    assert!(inspected.is_some() && faults.is_empty());
    let now_ms = in_virtual_time(&mut store, |_| {});
    store.commit(&fact("after")).unwrap();
    assert_eq!(now_ms.load(Ordering::Relaxed), 0, "nobody was waited for");
    assert_eq!(computes.fact("study").unwrap().as_deref(), Some("before"), "it shows one state");
    assert_eq!(Store::open_to_read(&store.path).unwrap().fact("study").unwrap().as_deref(), Some("after"));
}

#[test]
fn another_program_that_reads_is_waited_for_and_told() {
    let folder = TempDir::new().unwrap();
    let mut store = on_network(&folder);
    let mut other = Some(reader(&folder));
    let since = store.busy().since();
    let told = Arc::new(Mutex::new(Vec::new()));
    let meanwhile = {
        let told = Arc::clone(&told);
        move |now: Duration| {
            if since.borrow().is_some() {
                told.lock().unwrap().push(now);
            }
            if now >= Duration::from_secs(20 * 60) {
                drop(other.take());
            }
        }
    };
    let now_ms = in_virtual_time(&mut store, meanwhile);
    store.commit(&fact("late")).unwrap();
    let waited = now_ms.load(Ordering::Relaxed);
    assert!((1_200_000..1_201_000).contains(&waited), "{waited} ms");
    assert_eq!(store.fact("study").unwrap().as_deref(), Some("late"));
    let first = told.lock().unwrap()[0];
    assert!((5..6).contains(&first.as_secs()), "told once it is no short wait: {first:?}");
    assert!(store.busy().since().borrow().is_none(), "the wait is over");
    assert_eq!(store.busy().total(), Duration::from_millis(waited));
}

#[test]
fn a_program_that_hangs_is_named_and_nothing_is_lost() {
    let folder = TempDir::new().unwrap();
    let mut store = on_network(&folder);
    store.commit(&fact("before")).unwrap();
    let other = reader(&folder);
    let now_ms = in_virtual_time(&mut store, |_| {});
    let error = store.commit(&fact("never")).unwrap_err();
    assert!(error.is_busy());
    let text = with_hint(&error);
    assert!(text.contains("another program holds a lock") && !text.contains("room"), "{text}");
    assert!(now_ms.load(Ordering::Relaxed) >= BUSY_MAX.as_millis() as u64);
    drop(other);
    assert_eq!(store.fact("study").unwrap().as_deref(), Some("before"));
    store.commit(&fact("after")).unwrap();
}

#[test]
fn who_stops_waits_no_longer() {
    let folder = TempDir::new().unwrap();
    let mut store = on_network(&folder);
    let _other = reader(&folder);
    let busy = store.busy().clone();
    let now_ms = in_virtual_time(&mut store, move |now| {
        if now >= Duration::from_secs(7) {
            busy.abandon();
        }
    });
    assert!(store.commit(&fact("never")).unwrap_err().is_busy());
    assert!(now_ms.load(Ordering::Relaxed) < 8_000);
}
