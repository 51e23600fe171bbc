//! Random orders of events.

use std::time::Duration;

use proptest::prelude::*;
use seedgrid_common::wire::v1::StudyState;
use seedgrid_worker::lifecycle::{
    Ending, Event,
    attempt::{Assignment, SlotOutcome},
};

use super::world::{World, attempt, result, rules, unit};

#[derive(Clone, Debug)]
enum Step {
    Connect(Option<usize>),
    Lose,
    AnswerPull(u32, bool),
    Beat(Option<usize>, bool),
    Finish(usize),
    Fail(usize),
    Stopped(usize),
    AnswerSubmit { index: usize, share: u32, misread: u32, draining: bool },
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
        5 => answer_submit(),
        1 => (0_u64..5_000).prop_map(Step::Advance),
        1 => (0_u64..4).prop_map(Step::Late),
    ]
}

fn answer_submit() -> impl Strategy<Value = Step> {
    let misread = prop_oneof![4 => Just(0), 1 => any::<u32>()];
    (0_usize..20, 0_u32..10, misread, proptest::bool::weighted(0.1))
        .prop_map(|(index, share, misread, draining)| Step::AnswerSubmit { index, share, misread, draining })
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
                world.end(slot, SlotOutcome::Stopped(None));
            }
        }
        Step::AnswerSubmit { index, share, misread, draining } => {
            world.answer_submit(index, share, misread, state(draining));
        }
        Step::Advance(ms) => world.advance(Duration::from_millis(ms)),
        // A late event of an older connection has no effect.
        Step::Late(age) => {
            let generation = world.generation.wrapping_sub(1 + age);
            let assignments = vec![Assignment {
                attempt: attempt(1_000_000),
                unit: unit("cnn"),
                keep_weights: false,
                checkpoint: None,
            }];
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
            // Only a drain ends this worker early, and only once it holds nothing.
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
