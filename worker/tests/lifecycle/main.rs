//! Tests of the worker's state machine: random orders of events, and the cases of each rule.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may")]

mod random;
mod world;

use std::time::Duration;

use seedgrid_common::{
    training::Progress,
    wire::{
        blob::Blob,
        v1::{Failure, StudyState},
    },
};
use seedgrid_worker::lifecycle::{
    Ending, Event, Rules,
    attempt::{Outcome, Output, SavedState, SlotOutcome},
    time_limit::TimeLimit,
};
use world::{World, attempt, result, rules};

fn up(slots: usize) -> World {
    let mut world = World::new(rules(slots));
    world.connected(None);
    world
}

#[test]
fn units_are_pulled_ahead_of_need() {
    let mut world = up(2);
    assert_eq!(world.pull, Some(3), "two slots and one in waiting");
    world.answer_pull(3, StudyState::Running);
    assert_eq!(world.slots.iter().flatten().count(), 2);
    assert_eq!(world.worker.held().len(), 3);
    assert_eq!(world.pull, None, "enough");
    world.end(0, SlotOutcome::Finished(result()));
    assert!(world.is_running(attempt(3)), "the waiting unit starts at once");
    assert_eq!(world.pull, None);
    assert_eq!(world.submits[0].units_max, 1, "and another is asked for in the same call");
    world.answer_submit(0, 0, 0, StudyState::Running);
    assert_eq!(world.pull, Some(1), "there was none: the worker waits for it");
    world.end(0, SlotOutcome::Finished(result()));
    assert_eq!(world.submits[0].units_max, 1, "beyond the one that it waits for");
}

#[test]
fn attempts_that_end_while_submits_are_under_way_go_together() {
    let mut world = up(9);
    world.answer_pull(11, StudyState::Running);
    for slot in 0..5 {
        world.end(slot, SlotOutcome::Finished(result()));
    }
    let sizes = |world: &World| world.submits.iter().map(|submit| submit.attempts.len()).collect::<Vec<_>>();
    assert_eq!(sizes(&world), [1, 1]);
    assert_eq!(world.pull, None, "the next submit takes units, too");
    world.answer_submit(0, 1, 0, StudyState::Running);
    assert_eq!(sizes(&world), [1, 3]);
    assert_eq!(world.submits[1].units_max, 3);
}

#[test]
fn a_blob_goes_alone_and_nothing_waits_for_it() {
    let mut world = up(3);
    world.answer_pull(4, StudyState::Running);
    let weights = Some(Blob::new(vec![1; 9]));
    for slot in 0..3 {
        let output = if slot == 1 { result() } else { Output { weights: weights.clone(), ..result() } };
        world.end(slot, SlotOutcome::Finished(output));
    }
    let asked: Vec<_> = world.submits.iter().map(|submit| (submit.attempts.len(), submit.units_max)).collect();
    assert_eq!((asked, world.pull), (vec![(1, 0), (1, 1), (1, 0)], Some(1)));
}

#[test]
fn a_result_is_submitted_again_after_every_lost_connection() {
    let mut world = up(1);
    world.answer_pull(1, StudyState::Running);
    world.end(0, SlotOutcome::Finished(result()));
    for _ in 0..3 {
        assert_eq!(world.submits.len(), 1);
        world.lose();
        assert_eq!(world.worker.held(), [attempt(1)]);
        world.connected(None);
    }
    world.acknowledge(0);
    assert!(world.worker.held().is_empty());
}

#[test]
fn slots_train_on_without_a_coordinator() {
    let mut world = up(1);
    world.answer_pull(2, StudyState::Running);
    world.lose();
    world.end(0, SlotOutcome::Finished(result()));
    assert!(world.is_running(attempt(2)), "the waiting unit starts while the coordinator is away");
    world.end(0, SlotOutcome::Finished(result()));
    world.advance(Duration::from_secs(3600));
    assert!(world.exit.is_none(), "results are worth waiting for");
    world.connected(None);
    let submitted: usize = world.submits.iter().map(|submit| submit.attempts.len()).sum();
    assert_eq!(submitted, 2);
}

#[test]
fn a_dropped_attempt_is_stopped_and_never_handed_over() {
    let mut world = up(1);
    world.answer_pull(2, StudyState::Running);
    world.feed(Event::Beaten { generation: 1, dropped: vec![attempt(1)], state: StudyState::Running });
    assert!(world.slots[0].as_ref().is_some_and(|running| running.stopping));
    assert_eq!(world.worker.held(), [attempt(2)]);
    world.dropped.insert(attempt(1));
    world.end(0, SlotOutcome::Stopped(None));
    assert!(world.submits.is_empty());
    assert!(world.is_running(attempt(2)));
}

#[test]
fn a_dropped_attempt_that_has_finished_is_handed_over_all_the_same() {
    let mut world = up(1);
    world.answer_pull(1, StudyState::Running);
    world.end(0, SlotOutcome::Finished(result()));
    world.feed(Event::Beaten { generation: 1, dropped: vec![attempt(1)], state: StudyState::Running });
    assert_eq!(world.worker.held(), [attempt(1)]);
    world.acknowledge(0);
    assert!(world.worker.held().is_empty());
}

#[test]
fn a_signal_gives_everything_back() {
    let mut world = up(1);
    world.answer_pull(2, StudyState::Running);
    world.feed(Event::Told);
    assert_eq!(world.submits.len(), 1, "the waiting unit goes back at once");
    world.end(0, SlotOutcome::Stopped(None));
    let failures: Vec<_> = world.outcomes().map(|(_, outcome)| outcome.clone()).collect();
    assert!(
        failures.iter().all(|outcome| matches!(outcome, Outcome::Failure { failure: Failure::Preempted, .. })),
        "{failures:?}"
    );
    world.acknowledge(0);
    world.acknowledge(0);
    assert!(world.leaving);
    world.feed(Event::Left);
    assert_eq!(world.exit, Some((Ending::Terminated, 0)));
}

#[test]
fn a_signal_before_the_first_contact_ends_at_once() {
    let mut world = World::new(rules(1));
    world.feed(Event::Told);
    assert_eq!(world.exit, Some((Ending::Terminated, 0)));
}

#[test]
fn attempts_that_could_not_be_handed_over_are_counted() {
    let mut world = up(1);
    world.answer_pull(1, StudyState::Running);
    world.lose();
    world.end(0, SlotOutcome::Finished(result()));
    world.feed(Event::Told);
    assert!(world.exit.is_none(), "the coordinator may come back");
    world.advance(Duration::from_secs(5));
    assert_eq!(world.exit, Some((Ending::Terminated, 1)));
}

#[test]
fn a_drain_finishes_what_is_held() {
    let mut world = up(1);
    world.answer_pull(2, StudyState::Draining);
    assert_eq!(world.pull, None);
    world.end(0, SlotOutcome::Finished(result()));
    assert!(world.is_running(attempt(2)));
    world.end(0, SlotOutcome::Finished(result()));
    world.answer_submit(0, 0, 0, StudyState::Draining);
    assert!(!world.leaving);
    world.answer_submit(0, 0, 0, StudyState::Draining);
    assert!(world.leaving);
}

#[test]
fn a_done_study_lets_training_go() {
    let mut world = up(1);
    world.answer_pull(2, StudyState::Running);
    world.feed(Event::Beaten { generation: 1, dropped: vec![], state: StudyState::Done });
    assert!(world.leaving && world.worker.held().is_empty());
    world.feed(Event::Left);
    assert_eq!(world.exit, Some((Ending::StudyDone, 0)));
}

#[test]
fn near_its_limit_a_worker_takes_only_what_would_finish_or_is_worth_saving() {
    let limit = TimeLimit::after(Duration::from_secs(600)); // Stops at 570 s.
    let mut world = World::new(Rules { time_limit: Some(limit), ..rules(1) });
    world.connected(None);
    world.answer_pull(2, StudyState::Running);
    let end = |world: &mut World, number, at| {
        world.now = Duration::from_secs(at);
        world.slots[0] = None;
        world.owed.insert(attempt(number), ());
        world.feed(Event::Ended { slot: 0, outcome: SlotOutcome::Finished(result()), train_seconds: 300.0 });
    };
    end(&mut world, 1, 300);
    assert!(world.is_running(attempt(2)), "it would take 300 s, and 270 s of them are worth a checkpoint");
    world.answer_submit(0, 1, 0, StudyState::Running);
    end(&mut world, 2, 565);
    assert!(!world.is_running(attempt(3)), "5 s are left");
    assert_eq!(world.pull, None);
    let back = world.outcomes().find(|(id, _)| *id == attempt(3)).map(|(_, outcome)| outcome);
    assert!(matches!(back, Some(Outcome::Failure { failure: Failure::OutOfTime, .. })), "{back:?}");
    world.owed.insert(attempt(3), ());
    for _ in 0..2 {
        world.acknowledge(0);
    }
    assert!(world.leaving, "nothing is held and nothing more would finish");
}

#[test]
fn at_its_limit_a_worker_gives_back_what_it_trains() {
    let limit = TimeLimit::after(Duration::from_secs(600));
    let mut world = World::new(Rules { time_limit: Some(limit), ..rules(1) });
    world.connected(None);
    world.answer_pull(1, StudyState::Running);
    world.advance(Duration::from_secs(569));
    assert!(!world.slots[0].as_ref().unwrap().stopping);
    world.advance(Duration::from_secs(1));
    assert!(world.slots[0].as_ref().unwrap().stopping);
    let state = SavedState { blob: Blob::new(vec![1; 9]), progress: Progress::default() };
    world.end(0, SlotOutcome::Stopped(Some(state.clone())));
    let handed_over = Outcome::Failure { failure: Failure::OutOfTime, detail: String::new(), state: Some(state) };
    assert_eq!(world.submits[0].attempts[0].1.outcome, handed_over, "another worker can go on from there");
}

#[test]
fn an_idle_worker_leaves_and_a_busy_one_does_not() {
    let mut world = World::new(Rules { idle_timeout: Some(Duration::from_secs(60)), ..rules(1) });
    world.advance(Duration::from_secs(100));
    world.connected(None);
    world.advance(Duration::from_secs(59));
    assert!(!world.leaving, "only time with a coordinator counts");
    world.answer_pull(1, StudyState::Running);
    world.advance(Duration::from_secs(1_000));
    world.end(0, SlotOutcome::Finished(result()));
    world.acknowledge(0);
    world.advance(Duration::from_secs(59));
    assert!(!world.leaving);
    world.advance(Duration::from_secs(1));
    assert!(world.leaving);
}

#[test]
fn a_worker_that_never_reaches_its_coordinator_gives_up() {
    let mut world = World::new(rules(1));
    world.advance(Duration::from_secs(599));
    assert!(world.exit.is_none());
    world.advance(Duration::from_secs(1));
    assert!(matches!(world.exit, Some((Ending::Unreachable, 0))));
}

#[test]
fn patience_is_longer_while_something_is_held() {
    let mut world = up(1);
    world.answer_pull(1, StudyState::Running);
    world.lose();
    world.end(0, SlotOutcome::Finished(result()));
    world.advance(Duration::from_secs(86_399));
    assert!(world.exit.is_none());
    world.advance(Duration::from_secs(1));
    world.advance(Duration::from_secs(5));
    assert!(matches!(world.exit, Some((Ending::Unreachable, 1))));
}

#[test]
fn units_that_this_program_would_compute_differently_end_its_life() {
    let mut world = up(1);
    let detail = "other models".to_owned();
    world.owed.insert(attempt(9), ());
    world.feed(Event::Incompatible { detail: detail.clone(), attempts: vec![attempt(9)] });
    assert!(matches!(world.submits[0].attempts[0].1.outcome, Outcome::Failure { failure: Failure::Preempted, .. }));
    world.acknowledge(0);
    world.feed(Event::Left);
    assert_eq!(world.exit, Some((Ending::Incompatible(detail), 0)));
}
