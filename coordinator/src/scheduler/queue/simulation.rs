//! Drives the queue through random orders of events and checks its invariants after each event.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::scheduler::{failure_blame::Blame, unit_state::UnitState};

const UNITS: u8 = 6;
const WORKERS: u8 = 3;
const SLOTS: usize = 2;
const RULES: Rules = Rules {
    lease_ms: 100,
    errors_max: 3,
    retry_delays_ms: [20, 60],
    deaths_alone: 1,
    deaths_max: 3,
    alike_errors: 4,
    alike_units: 2,
    aside_errors: 2,
    ahead_seconds_max: 2.0,
};

fn unit(number: u8) -> UnitId {
    UnitId([number; 16])
}

fn worker(number: u8) -> WorkerId {
    format!("{number:032x}").parse().unwrap()
}

fn result(variant: u8) -> Finished {
    Finished { digest: [variant; 32], diverged: variant == 9 }
}

/// The store's content for a unit.
#[derive(Clone, Debug, Default)]
struct Stored {
    attempts: u32,
    record: FailureRecord,
    /// The holder of the newest attempt, if the attempt has no ending.
    holder: Option<WorkerId>,
    began: bool,
    lost: bool,
    cancelled: bool,
    result: Option<Finished>,
}

/// A queue as at the coordinator's start: `serve` waits for former holders; `run` has none.
fn queue(known: &BTreeMap<UnitId, Stored>, holders_return: bool) -> Queue {
    let units = (0..UNITS).map(|number| {
        let Stored { attempts, record, holder, began, lost, cancelled, result } =
            known.get(&unit(number)).cloned().unwrap_or_default();
        let holder = holder.filter(|_| holders_return);
        NewUnit {
            id: unit(number),
            group: usize::from(number % 2),
            attempts,
            record,
            holder,
            began,
            lost,
            cancelled,
            result,
        }
    });
    Queue::new(RULES, units, vec![1.0, 2.0])
}

/// A new queue with these workers.
fn fresh(workers: &[u8]) -> Queue {
    let mut queue = queue(&BTreeMap::new(), true);
    workers.iter().for_each(|number| queue.join(&worker(*number), SLOTS));
    queue
}

#[derive(Clone, Debug)]
enum Event {
    Join {
        worker: u8,
    },
    Pull {
        worker: u8,
        max: usize,
    },
    Renew {
        worker: u8,
    },
    Begin {
        pick: usize,
    },
    /// A worker submits the result of any attempt that it was once given.
    Finish {
        pick: usize,
        variant: u8,
    },
    Fail {
        pick: usize,
        blame: Blame,
        error: u8,
    },
    Leave {
        worker: u8,
    },
    /// A worker without leases is silent, and may return.
    Silence {
        worker: u8,
    },
    /// A worker restarts without its former attempts.
    Reborn {
        worker: u8,
    },
    Cancel {
        unit: u8,
    },
    Resume,
    Wait {
        ms: u64,
    },
    Restart {
        holders_return: bool,
    },
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let blames = prop_oneof![3 => Just(Blame::Unit), 1 => Just(Blame::Death), 1 => Just(Blame::Circumstances)];
    let event = prop_oneof![
        2 => (0..WORKERS).prop_map(|worker| Event::Join { worker }),
        6 => (0..WORKERS, 1..4_usize).prop_map(|(worker, max)| Event::Pull { worker, max }),
        3 => (0..WORKERS).prop_map(|worker| Event::Renew { worker }),
        3 => any::<usize>().prop_map(|pick| Event::Begin { pick }),
        4 => (any::<usize>(), 8..10_u8).prop_map(|(pick, variant)| Event::Finish { pick, variant }),
        4 => (any::<usize>(), blames, 0..3_u8).prop_map(|(pick, blame, error)| Event::Fail { pick, blame, error }),
        1 => (0..WORKERS).prop_map(|worker| Event::Leave { worker }),
        1 => (0..WORKERS).prop_map(|worker| Event::Silence { worker }),
        1 => (0..WORKERS).prop_map(|worker| Event::Reborn { worker }),
        1 => (0..UNITS).prop_map(|unit| Event::Cancel { unit }),
        1 => Just(Event::Resume),
        4 => (0..150_u64).prop_map(|ms| Event::Wait { ms }),
        1 => any::<bool>().prop_map(|holders_return| Event::Restart { holders_return }),
    ];
    prop::collection::vec(event, 0..200)
}

/// The store's content, and every lease that was ever given.
#[derive(Default)]
struct World {
    stored: BTreeMap<UnitId, Stored>,
    given: Vec<(WorkerId, UnitId, u32)>,
    there: BTreeSet<WorkerId>,
    /// The time from which a failed unit may be given out again.
    ready: BTreeMap<UnitId, Millis>,
    /// Consecutive errors that may pause the study.
    errors_in_a_row: usize,
    /// The recorded worker failures in the store.
    worker_failures: BTreeMap<WorkerId, WorkerFailures>,
}

impl World {
    fn taken_back(&mut self, expired: &[Expired], died: bool) {
        for Expired { unit, attempt, worker, charged, after } in expired {
            let stored = self.stored.get_mut(unit).unwrap();
            assert_eq!((stored.attempts, stored.holder.as_ref()), (*attempt, Some(worker)));
            assert_eq!(*charged, died && stored.began, "being assigned is no reason to be charged with a death");
            stored.record.deaths += u32::from(*charged);
            (stored.holder, stored.lost) = (None, died);
            assert_eq!(*after == AfterFailure::Quarantined, stored.record.is_quarantined(&RULES));
        }
    }

    /// Checks a grant to this worker; `held` counts its earlier leases, `with` the units of this grant.
    fn check_grant(&self, queue: &Queue, worker: &WorkerId, granted: Granted, held: usize, with: usize, now: Millis) {
        let stored = self.stored.get(&granted.unit).cloned().unwrap_or_default();
        assert_eq!(granted.attempt, stored.attempts + 1, "every grant is a new attempt");
        assert!(stored.result.is_none() && !stored.cancelled, "what has ended is not given out");
        assert!(stored.holder.is_none(), "what somebody may train is not given out");
        assert!(!stored.record.is_quarantined(&RULES), "nor what is in quarantine");
        assert!(self.ready.get(&granted.unit).is_none_or(|ready| *ready <= now), "it waits after an error");
        assert!(queue.pause().is_none() && queue.aside(worker).is_none());
        if stored.record.is_suspect(&RULES) {
            assert_eq!((held, with), (0, 1), "a suspect runs alone");
        }
        if stored.record.failed_on.contains(worker) {
            let other = |other: &&WorkerId| !stored.record.failed_on.contains(*other) && queue.aside(other).is_none();
            assert_eq!(self.there.iter().find(other), None, "it failed here, and another worker is there");
        }
    }

    fn check(&self, queue: &Queue, now: Millis) {
        let mut counts = Counts { total: queue.units.len(), ..Counts::default() };
        let (mut expiries, mut backoffs) = (BTreeSet::new(), BTreeSet::new());
        let mut waiting = vec![BTreeSet::new(); queue.waiting.len()];
        let mut slots = Slots::default();
        self.there.iter().for_each(|worker| slots.open(worker, SLOTS));
        for (id, entry) in &queue.units {
            let Stored { attempts, record, holder, began, lost, cancelled, result } =
                self.stored.get(id).cloned().unwrap_or_default();
            assert_eq!(entry.attempts, attempts, "attempts only grow, each recorded");
            assert_eq!(entry.record, record, "a restart finds what counts against it");
            assert_eq!((entry.began, entry.lost), (began, lost));
            match &entry.state {
                EntryState::Waiting => {
                    counts.waiting += 1;
                    assert_eq!(holder, None, "no unit waits while somebody may train it");
                    waiting[entry.group].insert((entry.order, *id));
                    if entry.ready > now {
                        backoffs.insert((entry.ready, *id));
                    }
                }
                EntryState::Leased(lease) => {
                    counts.leased += 1;
                    assert_eq!(lease.attempt, entry.attempts, "only the newest attempt is leased");
                    assert_eq!(holder.as_ref(), Some(&lease.worker), "a restart finds every holder");
                    expiries.insert((lease.expires, *id));
                    slots.take(&lease.worker, lease.alone);
                }
                EntryState::Finished(finished) if finished.diverged => counts.diverged += 1,
                EntryState::Finished(_) => counts.done += 1,
                EntryState::Quarantined => {
                    counts.quarantined += 1;
                    assert!(record.is_quarantined(&RULES));
                }
                EntryState::Cancelled => {
                    counts.cancelled += 1;
                    assert!(cancelled);
                }
            }
            if let Some(result) = result {
                assert_eq!(
                    entry.state,
                    EntryState::Finished(result),
                    "an acknowledged result is never lost or replaced"
                );
            } else if cancelled {
                assert_eq!(entry.state, EntryState::Cancelled);
            }
            assert_eq!(queue.why_waiting(*id, now).is_some(), entry.state == EntryState::Waiting);
        }
        assert_eq!(queue.counts(), counts);
        assert_eq!(queue.expiries, expiries);
        assert!(backoffs.is_subset(&queue.backoffs), "who waits is woken");
        assert_eq!(queue.slots, slots);
        assert_eq!(queue.waiting, waiting);
        let groups: BTreeSet<usize> = queue.by_cost.iter(&queue.estimates).collect();
        assert!(groups.into_iter().eq((0..waiting.len()).filter(|group| !waiting[*group].is_empty())));
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
                Event::Join { worker: number } => {
                    queue.join(&worker(number), SLOTS);
                    world.there.insert(worker(number));
                }
                Event::Pull { worker: number, max } if world.there.contains(&worker(number)) => {
                    let held = queue.held_by(&worker(number));
                    let alone = queue.slots.is_alone(&worker(number));
                    let granted = queue.pull(&worker(number), max, now);
                    prop_assert!(!alone || granted.is_empty(), "nothing beside a suspect");
                    for one in &granted {
                        world.check_grant(&queue, &worker(number), *one, held, granted.len(), now);
                    }
                    for Granted { unit, attempt } in granted {
                        let entry = world.stored.entry(unit).or_default();
                        (entry.attempts, entry.holder) = (attempt, Some(worker(number)));
                        (entry.began, entry.lost) = (false, false);
                        world.given.push((worker(number), unit, attempt));
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
                    for (unit, attempt) in reclaimed {
                        let stored = world.stored.get_mut(&unit).unwrap();
                        prop_assert_eq!(stored.attempts, attempt);
                        prop_assert!(std::mem::take(&mut stored.lost), "only what it did not give back itself");
                        stored.holder = Some(worker(number));
                        stored.record.deaths -= u32::from(stored.began);
                    }
                    for (unit, attempt) in held {
                        prop_assert_ne!(queue.holds(&worker(number), unit, attempt), dropped.contains(&(unit, attempt)));
                    }
                }
                Event::Begin { pick } if !world.given.is_empty() => {
                    let (holder, unit, attempt) = world.given[pick % world.given.len()];
                    if queue.begin(&holder, unit, attempt) {
                        world.stored.get_mut(&unit).unwrap().began = true;
                    }
                }
                Event::Finish { pick, variant } if !world.given.is_empty() => {
                    let (holder, unit, attempt) = world.given[pick % world.given.len()];
                    let before = world.stored[&unit].result;
                    match queue.finish(&holder, unit, attempt, result(variant), 1.0) {
                        SubmitOutcome::Commit => {
                            prop_assert!(before.is_none(), "a result is committed once");
                            let stored = world.stored.entry(unit).or_default();
                            (stored.result, stored.holder) = (Some(result(variant)), None);
                            world.errors_in_a_row = 0;
                        }
                        SubmitOutcome::Duplicate => prop_assert_eq!(before, Some(result(variant))),
                        SubmitOutcome::Conflict => prop_assert!(before.is_some_and(|stored| stored != result(variant))),
                        SubmitOutcome::Unknown => prop_assert!(false, "the attempt was given out"),
                    }
                }
                Event::Fail { pick, blame, error } if !world.given.is_empty() => {
                    let (holder, unit, attempt) = world.given[pick % world.given.len()];
                    let detail = ["no disk", "no memory", "no luck"][usize::from(error)];
                    let after = queue.fail(&holder, &[(unit, attempt)], blame, detail, now)[0];
                    if after != AfterFailure::Stale {
                        let stored = world.stored.get_mut(&unit).unwrap();
                        stored.holder = None;
                        match blame {
                            Blame::Unit => {
                                stored.record.errors += 1;
                                stored.record.failed_on.insert(holder);
                                world.ready.insert(unit, now + RULES.retry_delay(stored.record.errors));
                                world.errors_in_a_row += 1;
                            }
                            Blame::Death => stored.record.deaths += 1,
                            Blame::Circumstances => {}
                        }
                        prop_assert_eq!(after == AfterFailure::Quarantined, stored.record.is_quarantined(&RULES));
                    }
                }
                Event::Pull { .. } | Event::Begin { .. } | Event::Finish { .. } | Event::Fail { .. } => {}
                Event::Leave { worker: number } => {
                    world.taken_back(&queue.leave(&worker(number), now), false);
                    queue.forget(&worker(number));
                    world.there.remove(&worker(number));
                    prop_assert!(queue.leases().all(|(_, lease)| lease.worker != worker(number)));
                }
                Event::Silence { worker: number } => {
                    if queue.held_by(&worker(number)) == 0 {
                        queue.part(&worker(number));
                        world.there.remove(&worker(number));
                    }
                }
                Event::Reborn { worker: number } => {
                    world.taken_back(&queue.take_back_unknown(&worker(number), &[], now), true);
                    prop_assert_eq!(queue.held_by(&worker(number)), 0);
                }
                Event::Cancel { unit: number } => {
                    if queue.cancel(unit(number)).is_some() {
                        let stored = world.stored.entry(unit(number)).or_default();
                        (stored.cancelled, stored.holder) = (true, None);
                    }
                }
                Event::Resume => {
                    queue.resume();
                    world.errors_in_a_row = 0;
                }
                Event::Wait { ms } => {
                    now += ms;
                    let (expired, _) = queue.expire(now);
                    world.taken_back(&expired, true);
                    prop_assert!(queue.next_deadline().is_none_or(|at| at > now));
                }
                Event::Restart { holders_return } => {
                    // The coordinator's clock restarts at 0, and workers have to return.
                    now = 0;
                    if !holders_return {
                        world.stored.values_mut().for_each(|stored| stored.holder = None);
                    }
                    world.there.clear();
                    world.ready.clear();
                    world.errors_in_a_row = 0;
                    queue = super::simulation::queue(&world.stored, holders_return);
                    queue.recall(world.worker_failures.clone(), now);
                }
            }
            let judged = queue.judge();
            queue.take_worker_failures().iter().for_each(|change| change.apply(&mut world.worker_failures));
            let mut again = super::simulation::queue(&world.stored, true);
            again.recall(world.worker_failures.clone(), now);
            for number in 0..WORKERS {
                prop_assert_eq!(again.aside(&worker(number)), queue.aside(&worker(number)), "a restart here changes nothing");
            }
            if let Some(pause) = &judged.paused {
                let alike = world.errors_in_a_row >= RULES.alike_errors;
                prop_assert!(!pause.by_hand && (alike || queue.workers.all_aside()), "{}", pause.reason);
            }
            world.check(&queue, now);
        }
        // After any events, one worker that trains every unit it gets brings all units to an end.
        queue.resume();
        queue.join(&worker(0), SLOTS);
        for _ in 0..=UNITS {
            now += RULES.lease_ms;
            queue.expire(now);
            for granted in queue.pull(&worker(0), usize::MAX, now) {
                let verdict = queue.finish(&worker(0), granted.unit, granted.attempt, result(8), 1.0);
                prop_assert_eq!(verdict, SubmitOutcome::Commit);
            }
        }
        // Units that failed on this worker may still wait for other workers, which do nothing.
        let others = (1..WORKERS).any(|number| world.there.contains(&worker(number)));
        prop_assert!(queue.counts().all_ended() || others);
    }
}

#[test]
fn longest_expected_units_go_first() {
    let mut queue = fresh(&[0]);
    let order: Vec<UnitId> = queue.pull(&worker(0), 6, 0).into_iter().map(|granted| granted.unit).collect();
    assert_eq!(order, [1, 3, 5, 0, 2, 4].map(unit));
}

#[test]
fn an_attempt_that_was_never_given_out_is_unknown() {
    let mut queue = fresh(&[0]);
    assert_eq!(queue.finish(&worker(0), unit(0), 1, result(8), 1.0), SubmitOutcome::Unknown);
    assert_eq!(queue.finish(&worker(0), UnitId([99; 16]), 1, result(8), 1.0), SubmitOutcome::Unknown);
}

#[test]
fn a_late_result_of_an_expired_attempt_is_used() {
    let mut queue = fresh(&[0, 1]);
    let first = queue.pull(&worker(0), 1, 0)[0];
    assert_eq!(queue.expire(100).0.len(), 1);
    let second = queue.pull(&worker(1), 1, 100)[0];
    assert_eq!((second.unit, second.attempt), (first.unit, 2));
    assert_eq!(queue.finish(&worker(0), first.unit, 1, result(8), 1.0), SubmitOutcome::Commit);
    assert_eq!(
        queue.renew(&worker(1), &[(first.unit, 2)], 120).dropped,
        [(first.unit, 2)],
        "the second one is told to stop"
    );
    assert_eq!(queue.finish(&worker(1), first.unit, 2, result(8), 1.0), SubmitOutcome::Duplicate);
}

#[test]
fn only_units_that_are_known_to_be_short_are_taken_ahead() {
    let mut queue = fresh(&[0]);
    assert!(!queue.may_be_taken_ahead(), "nothing was measured");
    let first = queue.pull(&worker(0), 1, 0)[0];
    queue.finish(&worker(0), first.unit, first.attempt, result(8), 1.9);
    assert!(queue.may_be_taken_ahead());
    let second = queue.pull(&worker(0), 1, 0)[0];
    queue.finish(&worker(0), second.unit, second.attempt, result(8), 2.9);
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
    assert_eq!(queue.expire(110).0.len(), 5, "of worker 1, which fell silent");
    assert_eq!(queue.expire(120).0.len(), 1, "of worker 0");
    assert_eq!(queue.renew(&worker(0), &[(unit(0), 3)], 130).reclaimed, [(unit(0), 3)]);
}

#[test]
fn a_unit_that_failed_waits_and_goes_to_another_worker() {
    let mut queue = fresh(&[0]);
    let first = queue.pull(&worker(0), 1, 0)[0];
    let failed = [(first.unit, first.attempt)];
    assert_eq!(queue.fail(&worker(0), &failed, Blame::Unit, "no disk", 5), [AfterFailure::Requeued]);
    assert_eq!(queue.why_waiting(first.unit, 5), Some(WaitReason::Backoff(20)));
    assert_eq!(queue.next_deadline(), Some(25));
    assert!(!queue.pull(&worker(0), 1, 24).iter().any(|granted| granted.unit == first.unit));
    assert_eq!(queue.expire(25), (Vec::new(), true), "whoever waits for units may ask again");
    queue.join(&worker(1), SLOTS);
    assert_eq!(queue.why_waiting(first.unit, 25), Some(WaitReason::ForAnotherWorker(1)));
    assert!(!queue.pull(&worker(0), 9, 25).iter().any(|granted| granted.unit == first.unit));
    queue.part(&worker(1));
    assert_eq!(queue.pull(&worker(0), 9, 25)[0].unit, first.unit, "it is the only one that is there");
}

#[test]
fn deaths_make_a_suspect_that_runs_alone_and_then_quarantine() {
    let mut queue = fresh(&[0]);
    let mut now = 0;
    let pulled = queue.pull(&worker(0), 2, now);
    let [begun, assigned] = [0, 1].map(|place| (pulled[place].unit, pulled[place].attempt));
    assert!(queue.begin(&worker(0), begun.0, begun.1));
    now += 100;
    let (expired, _) = queue.expire(now);
    assert_eq!(expired.iter().filter(|expired| expired.charged).map(|one| one.unit).collect::<Vec<_>>(), [begun.0]);
    let others = queue.pull(&worker(0), 9, now);
    assert!(others.len() == 5 && others.iter().all(|granted| granted.unit != begun.0), "the others go first");
    assert!(others.iter().any(|granted| granted.unit == assigned.0), "it had only been assigned");
    for Granted { unit, attempt } in others {
        assert_eq!(queue.why_waiting(begun.0, now), Some(WaitReason::ForAnEmptyWorker));
        queue.finish(&worker(0), unit, attempt, result(8), 1.0);
    }
    for attempt in 2..=3 {
        assert_eq!(queue.pull(&worker(0), 9, now), [Granted { unit: begun.0, attempt }]);
        let after = queue.fail(&worker(0), &[(begun.0, attempt)], Blame::Death, "SIGSEGV", now);
        assert_eq!(after[0] == AfterFailure::Quarantined, attempt == 3);
    }
    assert_eq!(queue.unit_state(begun.0), Some(UnitState::Quarantined));
    assert!(queue.counts().all_ended());
}

#[test]
fn a_pause_gives_nothing_out_until_people_go_on() {
    let mut queue = fresh(&[0]);
    let held = queue.pull(&worker(0), 4, 0);
    for Granted { unit, attempt } in held {
        queue.fail(&worker(0), &[(unit, attempt)], Blame::Unit, &format!("no device {attempt} at /dev/{unit}"), 0);
    }
    let HealthDecisions { paused: Some(pause), .. } = queue.judge() else { panic!("four alike") };
    assert!(!pause.by_hand && pause.reason.contains("no device"), "{pause:?}");
    assert_eq!(queue.judge(), HealthDecisions::default(), "it is said once");
    assert_eq!(queue.pull(&worker(0), 4, 100), []);
    assert!(matches!(queue.why_waiting(unit(5), 100), Some(WaitReason::Paused(_))));
    assert!(queue.resume());
    assert_eq!(queue.pull(&worker(0), 4, 100).len(), 4);
}

#[test]
fn a_study_is_not_paused_for_want_of_workers_that_may_come_back() {
    let mut queue = fresh(&[0, 1]);
    for granted in queue.pull(&worker(0), 2, 0) {
        queue.fail(&worker(0), &[(granted.unit, 1)], Blame::Unit, &format!("bad {}", granted.unit), 0);
    }
    let good = queue.pull(&worker(1), 1, 0)[0];
    queue.finish(&worker(1), good.unit, 1, result(8), 1.0);
    assert_eq!(queue.judge().aside.len(), 1);
    let mut stored = BTreeMap::new();
    queue.take_worker_failures().iter().for_each(|change| change.apply(&mut stored));

    // So far, only the worker that is set aside has returned.
    let mut queue = fresh(&[0]);
    queue.recall(stored, 0);
    assert!(queue.aside(&worker(0)).is_some());
    assert_eq!(queue.judge(), HealthDecisions::default(), "it was said before");
    assert_eq!(queue.next_deadline(), Some(RULES.lease_ms));
    assert_eq!(queue.expire(RULES.lease_ms), (Vec::new(), true));
    let HealthDecisions { paused: Some(pause), .. } = queue.judge() else { panic!("the other one had its time") };
    assert!(pause.reason.contains("every worker is set aside"), "{pause:?}");
}
