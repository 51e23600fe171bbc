//! Drives the queue through random orders of events and checks after each that it keeps its promises.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const UNITS: u8 = 6;
const WORKERS: u8 = 3;
const RULES: Rules = Rules { lease_ms: 100, errors_max: 2, ahead_seconds_max: 2.0 };

fn unit(number: u8) -> UnitId {
    UnitId([number; 16])
}

fn worker(number: u8) -> WorkerId {
    format!("{number:032x}").parse().unwrap()
}

fn result(variant: u8) -> Finished {
    Finished { digest: [variant; 32], diverged: variant == 9 }
}

/// What a store would hold of a unit.
#[derive(Clone, Debug, Default)]
struct Stored {
    attempts: u32,
    errors: u32,
    /// Of the newest attempt, if it has no ending.
    holder: Option<WorkerId>,
    result: Option<Finished>,
}

/// A queue as the coordinator starts it: `serve` waits for former holders, `run` knows that they are gone.
fn queue(known: &BTreeMap<UnitId, Stored>, holders_return: bool) -> Queue {
    let units = (0..UNITS).map(|number| {
        let Stored { attempts, errors, holder, result } = known.get(&unit(number)).cloned().unwrap_or_default();
        let holder = holder.filter(|_| holders_return);
        NewUnit { id: unit(number), group: usize::from(number % 2), attempts, errors, holder, result }
    });
    Queue::new(RULES, units, vec![1.0, 2.0])
}

#[derive(Clone, Debug)]
enum Event {
    Pull {
        worker: u8,
        max: usize,
    },
    Renew {
        worker: u8,
    },
    /// A worker hands over the result of an attempt that it once got, maybe long ago.
    Finish {
        pick: usize,
        variant: u8,
    },
    Fail {
        pick: usize,
        error: bool,
    },
    Leave {
        worker: u8,
    },
    Wait {
        ms: u64,
    },
    Restart {
        holders_return: bool,
    },
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        3 => (0..WORKERS, 1..4_usize).prop_map(|(worker, max)| Event::Pull { worker, max }),
        2 => (0..WORKERS).prop_map(|worker| Event::Renew { worker }),
        3 => (any::<usize>(), 8..10_u8).prop_map(|(pick, variant)| Event::Finish { pick, variant }),
        2 => (any::<usize>(), any::<bool>()).prop_map(|(pick, error)| Event::Fail { pick, error }),
        1 => (0..WORKERS).prop_map(|worker| Event::Leave { worker }),
        2 => (0..150_u64).prop_map(|ms| Event::Wait { ms }),
        1 => any::<bool>().prop_map(|holders_return| Event::Restart { holders_return }),
    ];
    prop::collection::vec(event, 0..200)
}

/// What a store would hold, and what workers were ever given.
#[derive(Default)]
struct World {
    stored: BTreeMap<UnitId, Stored>,
    given: Vec<(WorkerId, UnitId, u32)>,
}

impl World {
    fn hold(&mut self, attempts: &[(UnitId, u32)], holder: Option<&WorkerId>) {
        for (unit, attempt) in attempts {
            let stored = self.stored.get_mut(unit).unwrap();
            assert_eq!(stored.attempts, *attempt);
            stored.holder = holder.cloned();
        }
    }

    fn taken_back(&mut self, expired: &[Expired]) {
        let attempts: Vec<_> = expired.iter().map(|expired| (expired.unit, expired.attempt)).collect();
        self.hold(&attempts, None);
    }

    fn check(&self, queue: &Queue) {
        let mut counts = Counts { total: queue.units.len(), ..Counts::default() };
        let mut expiries = BTreeSet::new();
        let mut waiting = vec![BTreeSet::new(); queue.waiting.len()];
        let mut held = BTreeMap::new();
        for (id, entry) in &queue.units {
            let Stored { attempts, errors, holder, result } = self.stored.get(id).cloned().unwrap_or_default();
            assert_eq!(entry.attempts, attempts, "attempts only grow, each recorded");
            assert_eq!(entry.errors, errors);
            match &entry.state {
                State::Waiting => {
                    counts.waiting += 1;
                    assert_eq!(holder, None, "no unit waits while somebody may train it");
                    waiting[entry.group].insert((entry.order, *id));
                }
                State::Leased(lease) => {
                    counts.leased += 1;
                    assert_eq!(lease.attempt, entry.attempts, "only the newest attempt is leased");
                    assert_eq!(holder.as_ref(), Some(&lease.worker), "a restart finds every holder");
                    expiries.insert((lease.expires, *id));
                    *held.entry(lease.worker.clone()).or_insert(0) += 1;
                }
                State::Finished(finished) if finished.diverged => counts.diverged += 1,
                State::Finished(_) => counts.done += 1,
                State::Failed => {
                    counts.failed += 1;
                    assert!(errors >= RULES.errors_max);
                }
            }
            if let Some(result) = result {
                assert_eq!(entry.state, State::Finished(result), "an acknowledged result is never lost or replaced");
            }
        }
        assert_eq!(queue.counts(), counts);
        assert_eq!(queue.expiries, expiries);
        assert_eq!(queue.held, held);
        assert_eq!(queue.waiting, waiting);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_events_keeps_the_promises(events in events()) {
        let mut world = World::default();
        let mut queue = queue(&world.stored, true);
        let mut now = 0;
        for event in events {
            match event {
                Event::Pull { worker: number, max } => {
                    for granted in queue.pull(&worker(number), max, now) {
                        let entry = world.stored.entry(granted.unit).or_default();
                        prop_assert_eq!(granted.attempt, entry.attempts + 1, "every grant is a new attempt");
                        prop_assert!(entry.result.is_none(), "what is done is not given out");
                        prop_assert!(entry.holder.is_none(), "what somebody may train is not given out");
                        entry.attempts = granted.attempt;
                        entry.holder = Some(worker(number));
                        world.given.push((worker(number), granted.unit, granted.attempt));
                    }
                }
                Event::Renew { worker: number } => {
                    let held: Vec<_> = world
                        .given
                        .iter()
                        .filter(|(holder, ..)| *holder == worker(number))
                        .map(|(_, unit, attempt)| (*unit, *attempt))
                        .collect();
                    let Renewed { dropped, reclaimed } = queue.renew(&worker(number), &held, now);
                    world.hold(&reclaimed, Some(&worker(number)));
                    for (unit, attempt) in held {
                        let leased = queue.leases().any(|(id, lease)| id == unit && lease.attempt == attempt
                            && lease.worker == worker(number));
                        prop_assert_ne!(leased, dropped.contains(&(unit, attempt)));
                    }
                }
                Event::Finish { pick, variant } if !world.given.is_empty() => {
                    let (_, unit, attempt) = world.given[pick % world.given.len()].clone();
                    let before = world.stored[&unit].result;
                    match queue.finish(unit, attempt, result(variant), 1.0) {
                        Verdict::Commit => {
                            prop_assert!(before.is_none(), "a result is committed once");
                            let stored = world.stored.entry(unit).or_default();
                            (stored.result, stored.holder) = (Some(result(variant)), None);
                        }
                        Verdict::Duplicate => prop_assert_eq!(before, Some(result(variant))),
                        Verdict::Conflict => prop_assert!(before.is_some_and(|stored| stored != result(variant))),
                        Verdict::Unknown => prop_assert!(false, "the attempt was given out"),
                    }
                }
                Event::Fail { pick, error } if !world.given.is_empty() => {
                    let (holder, unit, attempt) = world.given[pick % world.given.len()].clone();
                    let blame = if error { Blame::Unit } else { Blame::Circumstances };
                    if queue.fail(unit, attempt, &holder, blame) != AfterFailure::Stale {
                        let stored = world.stored.entry(unit).or_default();
                        stored.errors += u32::from(error);
                        stored.holder = None;
                    }
                }
                Event::Finish { .. } | Event::Fail { .. } => {}
                Event::Leave { worker: number } => {
                    world.taken_back(&queue.leave(&worker(number)));
                    prop_assert!(queue.leases().all(|(_, lease)| lease.worker != worker(number)));
                }
                Event::Wait { ms } => {
                    now += ms;
                    world.taken_back(&queue.expire(now));
                    prop_assert!(queue.next_deadline().is_none_or(|at| at > now));
                }
                Event::Restart { holders_return } => {
                    // The coordinator's clock begins anew.
                    now = 0;
                    if !holders_return {
                        world.stored.values_mut().for_each(|stored| stored.holder = None);
                    }
                    queue = super::simulation::queue(&world.stored, holders_return);
                }
            }
            world.check(&queue);
        }
        // Whatever happened, a patient worker brings every unit to an end.
        for _ in 0..UNITS {
            now += RULES.lease_ms;
            queue.expire(now);
            for granted in queue.pull(&worker(0), usize::MAX, now) {
                prop_assert_eq!(queue.finish(granted.unit, granted.attempt, result(8), 1.0), Verdict::Commit);
            }
        }
        prop_assert!(queue.counts().all_ended());
    }
}

#[test]
fn longest_expected_units_go_first() {
    let mut queue = queue(&BTreeMap::new(), true);
    let order: Vec<UnitId> = queue.pull(&worker(0), 6, 0).into_iter().map(|granted| granted.unit).collect();
    assert_eq!(order, [1, 3, 5, 0, 2, 4].map(unit));
}

#[test]
fn an_attempt_that_was_never_given_out_is_unknown() {
    let mut queue = queue(&BTreeMap::new(), true);
    assert_eq!(queue.finish(unit(0), 1, result(8), 1.0), Verdict::Unknown);
    assert_eq!(queue.finish(UnitId([99; 16]), 1, result(8), 1.0), Verdict::Unknown);
}

#[test]
fn a_late_result_of_an_expired_attempt_is_used() {
    let mut queue = queue(&BTreeMap::new(), true);
    let first = queue.pull(&worker(0), 1, 0)[0];
    assert_eq!(queue.expire(100).len(), 1);
    let second = queue.pull(&worker(1), 1, 100)[0];
    assert_eq!((second.unit, second.attempt), (first.unit, 2));
    assert_eq!(queue.finish(first.unit, 1, result(8), 1.0), Verdict::Commit);
    assert_eq!(
        queue.renew(&worker(1), &[(first.unit, 2)], 120).dropped,
        [(first.unit, 2)],
        "the second one is told to stop"
    );
    assert_eq!(queue.finish(first.unit, 2, result(8), 1.0), Verdict::Duplicate);
}

#[test]
fn only_units_that_are_known_to_be_short_are_taken_ahead() {
    let mut queue = queue(&BTreeMap::new(), true);
    assert!(!queue.may_be_taken_ahead(), "nothing was measured");
    let first = queue.pull(&worker(0), 1, 0)[0];
    queue.finish(first.unit, first.attempt, result(8), 1.9);
    assert!(queue.may_be_taken_ahead());
    let second = queue.pull(&worker(0), 1, 0)[0];
    queue.finish(second.unit, second.attempt, result(8), 2.9);
    assert!(!queue.may_be_taken_ahead(), "2.4 s in the mean");
    queue.pull(&worker(0), 1, 0);
    assert!(queue.may_be_taken_ahead(), "what is left has half the cost");
}

#[test]
fn after_a_restart_a_unit_waits_for_its_holder_for_a_lease() {
    let held = Stored { attempts: 3, holder: Some(worker(0)), ..Stored::default() };
    let known = BTreeMap::from([(unit(0), held)]);
    let mut queue = queue(&known, true);
    assert_eq!(queue.pull(&worker(1), 9, 10).len(), 5, "all but the one that worker 0 may still train");
    assert_eq!(queue.renew(&worker(0), &[(unit(0), 3)], 20), Renewed::default(), "it comes back");
    assert_eq!(queue.expire(110).len(), 5, "of worker 1, which fell silent");
    assert_eq!(queue.expire(120).len(), 1, "of worker 0");
    assert_eq!(queue.renew(&worker(0), &[(unit(0), 3)], 130).reclaimed, [(unit(0), 3)]);
}
