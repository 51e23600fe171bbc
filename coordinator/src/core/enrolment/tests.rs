use seedgrid_common::{
    made_up_results::{NO_OP, ResultKind},
    wire::{limits, v1},
};

use super::*;
use crate::{
    core::{
        NotRegistered, NotSubmitted,
        fixtures::{Coordinator, HowFar, OTHER, OWN, worker},
    },
    store::Store,
};

const MANY: u32 = limits::WORKERS_MAX as u32;

#[test]
fn a_crowd_that_does_nothing_keeps_nobody_out() {
    let mut coordinator = Coordinator::new(0, 0);
    coordinator.crowd([1], HowFar::Registers);
    let held = coordinator.pull(1).unwrap();
    assert_eq!(held.len(), 1);
    coordinator.crowd(1000..1000 + MANY, HowFar::Registers);
    assert_eq!(coordinator.there(), limits::WORKERS_MAX);
    coordinator.enroll(2, OWN).unwrap();
    assert_eq!(coordinator.register(2, Vec::new()), Ok(Vec::new()));
    assert_eq!(coordinator.pull(2).unwrap().len(), 1);
    for waiting in [1000, 1001] {
        let is_there = coordinator.reactor.live.workers.contains_key(&worker(waiting));
        assert!(!is_there, "it made room");
        assert_eq!(coordinator.pull(waiting).unwrap().len(), 1, "it is back with its next call");
    }
    assert_eq!(coordinator.there(), limits::WORKERS_MAX);
    assert!(coordinator.pull(1).is_ok(), "it holds a unit");
    assert!(coordinator.pull(7).is_err(), "it never registered");
    assert_eq!(coordinator.revoke(1001), Some(1));
    coordinator.crowd([5000 + MANY], HowFar::Registers);
    assert!(coordinator.pull(1001).is_err(), "it is not to come back");
    // After a restart the first workers to register find a place; a worker with a unit always does.
    coordinator.restart();
    coordinator.crowd(1000..1000 + MANY, HowFar::Registers);
    assert_eq!(coordinator.register(1, held), Ok(Vec::new()), "it keeps its unit");
    assert_eq!(coordinator.there(), limits::WORKERS_MAX);
}

#[test]
fn where_all_hold_units_no_more_come_but_such_as_hold_some() {
    let mut coordinator = Coordinator::new(0, 0);
    coordinator.crowd([1], HowFar::Registers);
    let held = coordinator.pull(1).unwrap();
    coordinator.restart();
    coordinator.crowd(1000..1000 + MANY, HowFar::Pulls);
    coordinator.enroll(2, OWN).unwrap();
    assert_eq!(coordinator.register(2, Vec::new()), Err(NotRegistered::TooMany));
    assert_eq!(coordinator.register(1, held), Ok(Vec::new()));
    coordinator.leave(1000);
    coordinator.leave(1001);
    assert_eq!(coordinator.register(2, Vec::new()), Ok(Vec::new()));
}

#[test]
fn whoever_does_not_fit_into_the_book_keeps_its_name_if_it_ever_registered() {
    let mut coordinator = Coordinator::new(65_536, 65_536);
    for number in [0, 1, 2] {
        assert!(!coordinator.reactor.credentials.read().knows(&worker(number)), "there was no room for it");
        assert_eq!(coordinator.enroll(number, OTHER), Err(NotEnrolled::OtherSecret));
        assert_eq!(coordinator.enroll(number, OWN), Ok(()));
    }
    assert_eq!(coordinator.revoke(3), Some(0));
    assert_eq!(coordinator.revoke(70_000), None);
    assert_eq!(coordinator.enroll(3, OWN), Err(NotEnrolled::Revoked));
    // All in one commit: those that came first are forgotten while they wait for it.
    coordinator.crowd(100_000..180_000, HowFar::Nothing);
    assert!(coordinator.reactor.credentials.read().workers().count() <= 65_536);
    assert_eq!(coordinator.enroll(0, OTHER), Err(NotEnrolled::OtherSecret));
    assert_eq!(coordinator.enroll(3, OWN), Err(NotEnrolled::Revoked));
    assert_eq!(coordinator.enroll(100_000, OTHER), Ok(()), "it was forgotten");
    assert_eq!(coordinator.reactor.store.enrolment(&worker(100_000)).unwrap().unwrap().digest, OTHER);
}

#[test]
fn who_was_forgotten_since_its_call_was_let_in_enrolls_again() {
    let mut coordinator = Coordinator::new(0, 0);
    assert_eq!(coordinator.register(1, Vec::new()), Err(NotRegistered::Unknown));
    coordinator.enroll(1, OWN).unwrap();
    assert_eq!(coordinator.register(1, Vec::new()), Ok(Vec::new()));
}

/// Made-up results measure a coordinator: one that trains takes neither them nor workers that give them, and the other way round.
#[test]
fn made_up_and_trained_results_are_never_mixed() {
    for (results, own, other) in [(ResultKind::Trained, "cpu", NO_OP), (ResultKind::MadeUp, NO_OP, "cpu")] {
        let mut coordinator = Coordinator::new(0, 0);
        let store = Store::open(&coordinator.folder.path().join("study.db"));
        coordinator.reactor = Coordinator::start_with(store.unwrap(), coordinator.at, results);
        for number in [1, 2] {
            coordinator.enroll(number, OWN).unwrap();
        }
        let found = ResultKind::from_numerics_class(other);
        let refused = NotRegistered::OtherResults { study: results, worker: found };
        assert_eq!(coordinator.register_as(1, Vec::new(), other), Err(refused));
        assert!(coordinator.pull(1).is_err(), "it is not there");
        assert_eq!(coordinator.register_as(2, Vec::new(), own), Ok(Vec::new()));
        // A worker of the right kind that hands over a result of the wrong one.
        let [attempt] = <[_; 1]>::try_from(coordinator.pull(2).unwrap()).unwrap();
        let refused = NotSubmitted::OtherResults { study: results, result: found };
        assert_eq!(coordinator.submit(2, attempt, 1.0, other), Err(refused));
        assert_eq!(coordinator.submit(2, attempt, 1.0, own), Ok(v1::SubmitOutcome::Committed));
        let stored = coordinator.reactor.store.trained().unwrap();
        assert!(stored.values().all(|one| ResultKind::from_numerics_class(&one.numerics_class) == results));
    }
}
