//! The worker's state machine under random orders of events: a small world plays network, coordinator and slots, and checks
//! after every step what must always hold.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may")]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use proptest::prelude::*;
use seedgrid_common::{
    training::{Ending as UnitEnding, EpochMetrics, Normalize, StopLoss, StopRule, UnitResult},
    unit::{Configuration, Fold, Hyperparameters, Unit, UnitId},
    wire::v1::{Failure, StudyState},
};
use seedgrid_worker::{
    lifecycle::{Action, Ending, Event, Lifecycle, Rules, prefetch},
    time_limit::TimeLimit,
    work::{Assignment, Attempt, Outcome, SlotOutcome, Submission},
};

fn unit(model: &str) -> Arc<Unit> {
    let stop =
        StopRule { loss_delta: 0.001, max_epochs: 3, min_epochs: 1, patience: 1, loss_drop: 0.0, loss: StopLoss::Mean };
    Arc::new(Unit {
        dataset_digest: "0".repeat(64),
        configuration: Configuration {
            model: model.to_owned(),
            hyperparameters: Hyperparameters::new(),
            stop,
            normalize: Normalize::None,
        },
        fold: Fold::Holdout,
        seed: 1,
    })
}

fn attempt(number: u32) -> Attempt {
    Attempt { unit: UnitId([7; 16]), number }
}

fn result() -> UnitResult {
    let epoch = EpochMetrics { epoch: 1, train_loss: 0.5, train_error: 0.2, validation_error: None };
    UnitResult { epochs: vec![epoch], ending: UnitEnding::Diverged { epoch: 2 } }
}

fn rules(slots: usize) -> Rules {
    Rules { slots, idle_timeout: None, connect_timeout: Duration::from_secs(600), time_limit: None }
}

/// What a slot of the world is doing.
#[derive(Clone, Debug)]
struct Running {
    attempt: Attempt,
    stopping: bool,
}

/// Everything around one worker: its connection, its slots and what the coordinator would say.
struct World {
    worker: Lifecycle,
    rules: Rules,
    now: Duration,
    generation: u64,
    connecting: bool,
    up: bool,
    pull: Option<u32>,
    submits: Vec<(Attempt, Arc<Submission>)>,
    slots: Vec<Option<Running>>,
    leaving: bool,
    told: bool,
    /// Leased and not started.
    queued: BTreeSet<Attempt>,
    exit: Option<(Ending, usize)>,
    attempts: u32,
    /// Told by the coordinator to be let go before they had ended.
    dropped: BTreeSet<Attempt>,
    /// Ended with something to hand over, and not acknowledged.
    owed: BTreeMap<Attempt, ()>,
    /// Acknowledged.
    settled: BTreeSet<Attempt>,
}

impl World {
    fn new(rules: Rules) -> Self {
        let (worker, actions) = Lifecycle::new(rules.clone());
        let mut world = Self {
            worker,
            now: Duration::ZERO,
            generation: 0,
            connecting: false,
            up: false,
            pull: None,
            submits: Vec::new(),
            slots: vec![None; rules.slots],
            leaving: false,
            told: false,
            queued: BTreeSet::new(),
            exit: None,
            attempts: 0,
            dropped: BTreeSet::new(),
            owed: BTreeMap::new(),
            settled: BTreeSet::new(),
            rules,
        };
        world.perform(actions);
        world
    }

    fn feed(&mut self, event: Event) {
        if self.exit.is_some() {
            assert_eq!(self.worker.handle(self.now, event), [], "nothing follows the exit");
            return;
        }
        self.told |= matches!(event, Event::Told);
        if let Event::Pulled { assignments, .. } = &event {
            self.queued.extend(assignments.iter().map(|assignment| assignment.attempt));
        }
        let actions = self.worker.handle(self.now, event);
        self.perform(actions);
        let held = self.worker.held();
        self.queued.retain(|attempt| held.contains(attempt));
        if self.told {
            // What was in waiting goes back, which is to be handed over too.
            self.owed.extend(std::mem::take(&mut self.queued).into_iter().map(|attempt| (attempt, ())));
        }
        self.check();
        if let Some((_, unacknowledged)) = self.exit {
            assert_eq!(unacknowledged, self.owed.len(), "the exit tells what was not handed over");
        }
    }

    fn perform(&mut self, actions: Vec<Action>) {
        for action in actions {
            assert!(self.exit.is_none(), "nothing follows the exit: {action:?}");
            match action {
                Action::Connect => {
                    assert!(!self.connecting && !self.up, "one connection at a time");
                    self.connecting = true;
                }
                Action::Pull { units_max } => {
                    assert!(self.up && self.pull.is_none(), "one pull at a time");
                    assert!(units_max > 0);
                    self.pull = Some(units_max);
                }
                Action::Start { slot, assignment } => {
                    assert!(self.slots[slot].is_none(), "slot {slot} trains one unit at a time");
                    assert!(!self.dropped.contains(&assignment.attempt), "what was dropped is not started");
                    self.queued.remove(&assignment.attempt);
                    self.slots[slot] = Some(Running { attempt: assignment.attempt, stopping: false });
                }
                Action::Stop { slot } => {
                    let running = self.slots[slot].as_mut().expect("only what trains is stopped");
                    assert!(!running.stopping, "stopped once");
                    running.stopping = true;
                }
                Action::Submit { attempt, submission } => {
                    assert!(self.up, "submits need a connection");
                    assert!(
                        self.submits.iter().all(|(other, _)| *other != attempt),
                        "one submit of {attempt} at a time"
                    );
                    assert!(!self.settled.contains(&attempt), "what was acknowledged is not submitted again");
                    self.submits.push((attempt, submission));
                }
                Action::Leave { .. } => {
                    assert!(self.up && !self.leaving, "one goodbye");
                    self.leaving = true;
                }
                Action::Exit { ending, unacknowledged } => self.exit = Some((ending, unacknowledged)),
            }
        }
    }

    fn check(&self) {
        let held = self.worker.held();
        assert!(held.windows(2).all(|pair| pair[0] < pair[1]), "sorted, each once: {held:?}");
        for attempt in self.owed.keys() {
            assert!(held.contains(attempt), "{attempt} was finished, not acknowledged, and let go");
        }
        for attempt in self.dropped.iter().filter(|attempt| !self.owed.contains_key(attempt)) {
            assert!(!held.contains(attempt), "{attempt} was dropped and is still held");
        }
        let live = held.len() - self.owed.len();
        assert!(live <= self.rules.slots + prefetch(self.rules.slots), "{live} live units are more than agreed");
        assert!(self.submits.len() <= 4);
    }

    fn is_running(&self, attempt: Attempt) -> bool {
        self.slots.iter().flatten().any(|running| running.attempt == attempt)
    }

    /// What the coordinator drops of what the worker holds: the one in place `index`, where there is one.
    fn drop_one(&mut self, index: Option<usize>) -> Vec<Attempt> {
        let held = self.worker.held();
        let Some(dropped) = index.and_then(|index| held.get(index % held.len().max(1)).copied()) else {
            return Vec::new();
        };
        if !self.owed.contains_key(&dropped) && self.exit.is_none() {
            self.dropped.insert(dropped);
        }
        vec![dropped]
    }

    fn connected(&mut self, drop: Option<usize>) {
        if self.connecting {
            self.connecting = false;
            self.up = true;
            self.generation += 1;
            let dropped = self.drop_one(drop);
            self.feed(Event::Registered { generation: self.generation, dropped });
        }
    }

    fn lose(&mut self) {
        if self.up {
            self.up = false;
            self.pull = None;
            self.submits.clear();
            self.feed(Event::LinkLost { generation: self.generation });
        }
    }

    fn answer_pull(&mut self, share: u32, state: StudyState) {
        if let Some(units_max) = self.pull.take() {
            let assignments = (0..share % (units_max + 1))
                .map(|_| {
                    self.attempts += 1;
                    Assignment { attempt: attempt(self.attempts), unit: unit("cnn") }
                })
                .collect();
            self.feed(Event::Pulled { generation: self.generation, assignments, state });
        }
    }

    fn end(&mut self, slot: usize, outcome: SlotOutcome) {
        let slot = slot % self.slots.len();
        let Some(running) = self.slots[slot].take() else { return };
        let outcome = match (running.stopping, outcome) {
            (false, SlotOutcome::Stopped) => SlotOutcome::Failed("broken".to_owned()),
            (_, outcome) => outcome,
        };
        if self.exit.is_none()
            && !self.dropped.contains(&running.attempt)
            && self.worker.held().contains(&running.attempt)
        {
            self.owed.insert(running.attempt, ());
        }
        self.feed(Event::Ended { slot, outcome, train_seconds: 1.0 });
    }

    fn acknowledge(&mut self, index: usize) {
        if !self.submits.is_empty() {
            let (attempt, _) = self.submits.remove(index % self.submits.len());
            self.settled.insert(attempt);
            self.owed.remove(&attempt);
            self.feed(Event::Settled { attempt });
        }
    }

    fn misread(&mut self, index: usize) {
        if !self.submits.is_empty() {
            let (attempt, submission) = self.submits.remove(index % self.submits.len());
            if matches!(submission.outcome, Outcome::Failure { .. }) {
                self.owed.remove(&attempt);
            }
            self.feed(Event::Malformed { attempt, detail: "odd".to_owned() });
        }
    }

    fn advance(&mut self, by: Duration) {
        self.now += by;
        self.feed(Event::Tick);
    }

    /// The coordinator is there, everything ends and is acknowledged.
    fn calm(&mut self) {
        for _ in 0..200 {
            self.connected(None);
            self.answer_pull(0, StudyState::Running);
            self.acknowledge(0);
            (0..self.slots.len()).for_each(|slot| self.end(slot, SlotOutcome::Finished(result())));
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Connect(Option<usize>),
    Lose,
    AnswerPull(u32, bool),
    Beat(Option<usize>, bool),
    Finish(usize),
    Fail(usize),
    Stopped(usize),
    Acknowledge(usize),
    Misread(usize),
    Advance(u64),
    Late(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let drop = || proptest::option::weighted(0.3, 0_usize..20);
    prop_oneof![
        4 => drop().prop_map(Step::Connect),
        1 => Just(Step::Lose),
        6 => (0_u32..10, proptest::bool::weighted(0.1)).prop_map(|(share, draining)| Step::AnswerPull(share, draining)),
        3 => (drop(), proptest::bool::weighted(0.1)).prop_map(|(drop, draining)| Step::Beat(drop, draining)),
        5 => (0_usize..20).prop_map(Step::Finish),
        1 => (0_usize..20).prop_map(Step::Fail),
        3 => (0_usize..20).prop_map(Step::Stopped),
        4 => (0_usize..20).prop_map(Step::Acknowledge),
        1 => (0_usize..20).prop_map(Step::Misread),
        1 => (0_u64..5_000).prop_map(Step::Advance),
        1 => (0_u64..4).prop_map(Step::Late),
    ]
}

fn state(draining: bool) -> StudyState {
    if draining { StudyState::Draining } else { StudyState::Running }
}

fn play(world: &mut World, step: Step) {
    match step {
        Step::Connect(drop) => world.connected(drop),
        Step::Lose => world.lose(),
        Step::AnswerPull(share, draining) => world.answer_pull(share, state(draining)),
        Step::Beat(drop, draining) => {
            if world.up {
                let dropped = world.drop_one(drop);
                world.feed(Event::Beaten { generation: world.generation, dropped, state: state(draining) });
            }
        }
        Step::Finish(slot) => world.end(slot, SlotOutcome::Finished(result())),
        Step::Fail(slot) => world.end(slot, SlotOutcome::Failed("broken".to_owned())),
        Step::Stopped(slot) => {
            let slot = slot % world.slots.len();
            if world.slots[slot].as_ref().is_some_and(|running| running.stopping) {
                world.end(slot, SlotOutcome::Stopped);
            }
        }
        Step::Acknowledge(index) => world.acknowledge(index),
        Step::Misread(index) => world.misread(index),
        Step::Advance(ms) => world.advance(Duration::from_millis(ms)),
        // What an older connection said comes late and counts for nothing.
        Step::Late(age) => {
            let generation = world.generation.wrapping_sub(1 + age);
            let assignments = vec![Assignment { attempt: attempt(1_000_000), unit: unit("cnn") }];
            world.feed(Event::Pulled { generation, assignments, state: StudyState::Done });
            world.feed(Event::Beaten { generation, dropped: world.worker.held(), state: StudyState::Done });
            world.feed(Event::LinkLost { generation });
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(600)))]

    #[test]
    fn nothing_finished_is_lost_in_any_order_of_events(
        slots in 1_usize..10,
        steps in proptest::collection::vec(step(), 0..150),
    ) {
        let mut world = World::new(rules(slots));
        for step in steps {
            play(&mut world, step);
        }
        world.calm();
        if let Some((ending, unacknowledged)) = &world.exit {
            // Only a drain ends this worker's life early, and only once nothing is held.
            prop_assert_eq!((ending, *unacknowledged), (&Ending::Drained, 0));
            return Ok(());
        }
        if world.leaving {
            world.feed(Event::Left);
            prop_assert_eq!(&world.exit, &Some((Ending::Drained, 0)));
            return Ok(());
        }
        prop_assert!(world.worker.held().is_empty(), "all was handed over: {:?}", world.worker.held());
        prop_assert!(world.pull.is_some() || world.up, "the worker asks for more");
        world.feed(Event::Beaten { generation: world.generation, dropped: vec![], state: StudyState::Done });
        prop_assert!(world.leaving);
        world.feed(Event::Left);
        prop_assert_eq!(&world.exit, &Some((Ending::StudyDone, 0)));
    }

    #[test]
    fn a_worker_told_to_stop_is_gone_in_time(
        slots in 1_usize..10,
        before in proptest::collection::vec(step(), 0..80),
        after in proptest::collection::vec(step(), 0..40),
    ) {
        let mut world = World::new(rules(slots));
        for step in before {
            play(&mut world, step);
        }
        world.feed(Event::Told);
        let told = world.now;
        for step in after {
            play(&mut world, step);
        }
        world.now = world.now.max(told + Duration::from_secs(5));
        world.advance(Duration::ZERO);
        world.advance(Duration::from_secs(2));
        prop_assert!(world.exit.is_some(), "gone after at most 7 s");
    }
}

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
    assert_eq!(world.pull, Some(1), "and another is asked for");
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
    assert_eq!(world.submits.len(), 2);
}

#[test]
fn a_dropped_attempt_is_stopped_and_never_handed_over() {
    let mut world = up(1);
    world.answer_pull(2, StudyState::Running);
    world.feed(Event::Beaten { generation: 1, dropped: vec![attempt(1)], state: StudyState::Running });
    assert!(world.slots[0].as_ref().is_some_and(|running| running.stopping));
    assert_eq!(world.worker.held(), [attempt(2)]);
    world.dropped.insert(attempt(1));
    world.end(0, SlotOutcome::Stopped);
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
    world.end(0, SlotOutcome::Stopped);
    let failures: Vec<_> = world.submits.iter().map(|(_, submission)| submission.outcome.clone()).collect();
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
fn what_could_not_be_handed_over_is_counted() {
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
    world.acknowledge(0);
    assert!(!world.leaving);
    world.acknowledge(0);
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
fn near_its_limit_a_worker_takes_only_what_would_finish() {
    let limit = TimeLimit::after(Duration::from_secs(600)); // Stops at 570 s.
    let mut world = World::new(Rules { time_limit: Some(limit), ..rules(1) });
    world.connected(None);
    world.answer_pull(2, StudyState::Running);
    world.now = Duration::from_secs(300);
    world.slots[0] = None;
    world.owed.insert(attempt(1), ());
    world.feed(Event::Ended { slot: 0, outcome: SlotOutcome::Finished(result()), train_seconds: 300.0 });
    assert!(!world.is_running(attempt(2)), "it would take 300 s, 270 s are left");
    assert_eq!(world.pull, None);
    let back = world.submits.iter().find(|(id, _)| *id == attempt(2)).map(|(_, submission)| &submission.outcome);
    assert!(matches!(back, Some(Outcome::Failure { failure: Failure::OutOfTime, .. })), "{back:?}");
    world.owed.insert(attempt(2), ());
    world.acknowledge(0);
    world.acknowledge(0);
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
    world.end(0, SlotOutcome::Stopped);
    assert!(matches!(world.submits[0].1.outcome, Outcome::Failure { failure: Failure::OutOfTime, .. }));
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
    assert!(matches!(world.submits[0].1.outcome, Outcome::Failure { failure: Failure::Preempted, .. }));
    world.acknowledge(0);
    world.feed(Event::Left);
    assert_eq!(world.exit, Some((Ending::Incompatible(detail), 0)));
}
