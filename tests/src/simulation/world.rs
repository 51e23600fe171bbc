//! The world of a coordinator and its workers: it takes the next event, executes it, and checks the state.

mod fault_probabilities;
mod worker_actions;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use seedgrid_common::{
    random::Stream,
    spec::Study,
    unit::{Attempt, UnitId},
};
use seedgrid_coordinator::{
    core::Given,
    scheduler::{attempt_ending::AttemptEnding, race::Race, ranking::Ended},
    store::StoredUnit,
};
use seedgrid_worker::lifecycle::{
    Event as Happened,
    attempt::{Assignment, Receipt},
};
use sha2::{Digest as _, Sha256};

use super::{
    Run, Time, Violation, check,
    coordinator::{Coordinator, RULES, STUDY, TurnEnd},
    event_queue::{Event, EventQueue},
    messages::{Address, Answer, Call, What},
    numbered_faults::Faults,
    study,
    worker::Worker,
};

/// Faults end after at most this time.
const STORMY_MS: u32 = 90_000;
/// The run ends within this time once faults have ended.
const CALM_MS: Time = 600_000;
/// Most steps of one run.
const STEPS_MAX: u64 = 400_000;
/// Most waiting events.
const AGENDA_MAX: usize = 20_000;
const TICK: Time = 1_000;
const BEAT: Time = RULES.heartbeat_ms();
/// How long a call waits before its connection counts as lost.
const CALL_TIMEOUT: Time = 3_000;
const LAST_STEPS: usize = 60;

/// The whole cluster.
pub(super) struct World {
    now: Time,
    /// The wall clock's offset from virtual time.
    wall_offset: i64,
    event_queue: EventQueue,
    stream: Stream,
    faults: Faults,
    stormy: bool,
    study: Study,
    host: Coordinator,
    /// The time of the next turn, if one is due.
    turn_at: Option<Time>,
    members: Vec<Worker>,
    lives: u64,
    /// Units that a machine's error has hit: at most once each, so that none is quarantined by chance.
    broken: BTreeSet<UnitId>,
    trace: Sha256,
    steps: u64,
    last_steps: VecDeque<String>,
}

impl World {
    pub(super) fn new(seed: u64, faults: Faults) -> Self {
        let mut stream = Stream::new(seed, "world");
        let study = study::drawn(&mut stream);
        Self {
            now: 0,
            wall_offset: 0,
            event_queue: EventQueue::default(),
            stream,
            faults,
            stormy: true,
            host: Coordinator::new(study.clone()),
            study,
            turn_at: None,
            members: Vec::new(),
            lives: 0,
            broken: BTreeSet::new(),
            trace: Sha256::new(),
            steps: 0,
            last_steps: VecDeque::new(),
        }
    }

    /// Runs to the end, or to the first violation.
    pub(super) fn live(mut self) -> Run {
        let violation = self.run().err();
        Run {
            trace: self.trace.finalize().into(),
            steps: self.steps,
            ended_at: self.now,
            faults: self.faults.into_struck(),
            violation,
            last_steps: self.last_steps.into(),
        }
    }

    fn run(&mut self) -> Result<(), Violation> {
        self.host.start(self.now, self.wall())?;
        self.turn_due(0);
        let workers = 2 + self.stream.below(3);
        for worker in 0..workers as usize {
            self.new_life(worker, None)?;
        }
        let calm = self.stream.below(STORMY_MS);
        self.event_queue.at(u64::from(calm), Event::Calm);
        self.event_queue.at(500, Event::Chance);
        self.event_queue.at(2_000, Event::PeopleLook);
        while let Some((time, event)) = self.event_queue.next() {
            self.now = self.now.max(time);
            self.steps += 1;
            check(self.steps < STEPS_MAX, || "it goes on and on".to_owned())?;
            check(self.event_queue.len() < AGENDA_MAX, || format!("{} events wait", self.event_queue.len()))?;
            check(self.now < u64::from(calm) + CALM_MS, || self.not_done())?;
            self.happens(event)?;
            if !self.stormy && self.host.is_done() && self.members.iter().all(|member| member.content) {
                break;
            }
        }
        self.verify_end()
    }

    fn not_done(&self) -> String {
        format!("{} s after the last fault the study is not done", CALM_MS / 1000)
    }

    /// Checks that the results under these faults are those computed from every unit's outcome.
    fn verify_end(&mut self) -> Result<(), Violation> {
        let store = self.host.store();
        self.host.ledger.is_kept(&store)?;
        let failed = |error: &dyn std::fmt::Display| Violation(format!("the store cannot be read: {error}"));
        let foreseen = study::foreseen(&self.study);
        let committed = store.committed().map_err(|error| failed(&error))?;
        let now =
            seedgrid_coordinator::scheduler::selection::settle(&self.study, &study::digests(), &committed, |_| None);
        check(now.selections == foreseen.selections, || "another selection than an undisturbed run's".to_owned())?;
        check(now.track == foreseen.track, || "other rungs than an undisturbed run's".to_owned())?;
        let rungs = now.track.races.iter().map(|race| race.rungs.len()).sum::<usize>();
        check(committed.rungs.len() == rungs, || format!("{} rungs are stored, not {rungs}", committed.rungs.len()))?;
        check(now.track.races.iter().all(Race::is_over) && now.track.held() == 0, || "a race is not over".to_owned())?;
        let results = store.results().map_err(|error| failed(&error))?;
        for (id, unit) in foreseen.plan.units() {
            let expected = if now.track.is_released(id) { study::result(unit) } else { None };
            let differs = || format!("the result of {id} is not an undisturbed run's ({:?})", study::outcome(unit));
            check(results.get(&id) == expected.as_ref(), differs)?;
        }
        // Units that were given up are among those that had trouble.
        let [all, troubled] = [store.units(), store.troubled_units()].map(|units| {
            let given_up = |units: BTreeMap<UnitId, StoredUnit>| {
                units.into_iter().filter(|(_, unit)| unit.is_given_up(&RULES)).collect::<Vec<_>>()
            };
            units.map(given_up).map_err(|error| failed(&error))
        });
        check(all? == troubled?, || "a unit that was given up is not among those with trouble".to_owned())?;
        let attempts = store.attempts().map_err(|error| failed(&error))?;
        // The units that were ever given out are exactly those that races release.
        let given: BTreeSet<UnitId> = attempts.iter().map(|attempt| attempt.unit).collect();
        let planned = foreseen.plan.units().into_keys();
        let released: BTreeSet<UnitId> = planned.filter(|id| now.track.is_released(*id)).collect();
        check(given == released, || {
            let differ: Vec<String> = given.symmetric_difference(&released).map(UnitId::to_string).collect();
            format!("given out or released, and not both: {}", differ.join(" "))
        })?;
        let failing = |attempt: &&seedgrid_coordinator::store::AttemptRecord| {
            attempt.ending == Some(AttemptEnding::Error)
                && foreseen.plan.units().get(&attempt.unit).is_some_and(|unit| study::outcome(unit) != Ended::Failed)
        };
        check(attempts.iter().filter(failing).count() <= self.broken.len(), || "errors that nobody made".to_owned())?;
        for pair in attempts.windows(2).filter(|pair| pair[0].unit == pair[1].unit) {
            check(pair[1].attempt == pair[0].attempt + 1, || format!("attempts of {} have a gap", pair[0].unit))?;
        }
        Ok(())
    }

    fn wall(&self) -> i64 {
        1_700_000_000_000 + self.now as i64 + self.wall_offset
    }

    fn note(&mut self, what: String) {
        let line = format!("{:>8} {what}", self.now);
        self.trace.update(line.as_bytes());
        self.trace.update(b"\n");
        self.last_steps.push_back(line);
        if self.last_steps.len() > LAST_STEPS {
            self.last_steps.pop_front();
        }
    }

    fn turn_due(&mut self, time: Time) {
        if self.turn_at.is_none_or(|at| time < at) {
            self.turn_at = Some(time);
            self.event_queue.at(time, Event::Turn { life: self.host.life });
        }
    }

    /// Whether an address belongs to a current life and connection.
    fn stands(&self, address: &Address) -> bool {
        let member = &self.members[address.worker];
        member.alive && member.life == address.life && member.link == Some(address.link)
    }

    fn happens(&mut self, event: Event) -> Result<(), Violation> {
        if let Some(until) = self.frozen(&event) {
            self.event_queue.at(until, event);
            return Ok(());
        }
        match event {
            Event::Calm => {
                self.note("calm".to_owned());
                self.stormy = false;
                self.faults.cease();
            }
            Event::Arrives(call) => self.arrives(call),
            Event::Turn { life } if life == self.host.life && self.turn_at == Some(self.now) => {
                self.turn_at = None;
                self.turn()?;
            }
            Event::Turn { .. } => {}
            Event::Answered(address, answer) => self.answered(address, answer)?,
            Event::LinkLost(address) => {
                if self.stands(&address) {
                    self.note(format!("worker {} has lost its link {}", address.worker, address.link));
                    self.members[address.worker].link = None;
                    self.tell(address.worker, Happened::LinkLost { generation: address.link })?;
                }
            }
            Event::Connects(address) => self.connects(address),
            Event::GivesUp(address) => {
                if self.is_tried(&address) {
                    self.try_soon(address.worker);
                }
            }
            Event::Beats(address) => {
                if self.stands(&address) {
                    let held = self.members[address.worker].held();
                    self.send(address, What::Beat { held });
                }
            }
            Event::Ticks { worker, life } => {
                let member = &self.members[worker];
                if member.alive && member.life == life {
                    self.event_queue.at(self.now + TICK, Event::Ticks { worker, life });
                    self.tell(worker, Happened::Tick)?;
                }
            }
            Event::SlotEnds { worker, life, slot, turn, outcome } => {
                let member = &mut self.members[worker];
                if member.alive
                    && member.life == life
                    && let Some(outcome) = member.end(slot, turn, outcome)
                {
                    self.note(format!("slot {slot} of worker {worker} ends"));
                    self.tell(worker, Happened::Ended { slot, outcome, train_seconds: 1.0 })?;
                }
            }
            Event::Dies { worker, life } => {
                if self.members[worker].life == life {
                    let away = u64::from(self.faults.below(6_000));
                    self.worker_dies(worker, away, false);
                }
            }
            Event::WorkerStarts { worker, same_id } => {
                if !self.members[worker].alive {
                    let id = same_id.then(|| self.members[worker].id);
                    self.new_life(worker, id)?;
                }
            }
            Event::CoordinatorStarts => {
                if !self.host.is_up() {
                    self.note("the coordinator starts".to_owned());
                    self.host.start(self.now, self.wall())?;
                    self.turn_at = None;
                    self.turn_due(self.now);
                }
            }
            Event::Chance => {
                if self.stormy {
                    self.chance()?;
                    let next = 200 + self.stream.below(3_000);
                    self.event_queue.at(self.now + u64::from(next), Event::Chance);
                }
            }
            Event::PeopleLook => {
                let pause = self.faults.strikes(40, || "people pause the study".to_owned());
                self.host.people(pause, self.now, self.wall());
                self.turn_due(self.now + 1);
                self.event_queue.at(self.now + 4_000, Event::PeopleLook);
            }
        }
        Ok(())
    }

    /// The time until which an event must wait, if its worker is frozen.
    fn frozen(&self, event: &Event) -> Option<Time> {
        let worker = match event {
            Event::Answered(address, _)
            | Event::LinkLost(address)
            | Event::Connects(address)
            | Event::GivesUp(address)
            | Event::Beats(address) => address.worker,
            Event::Ticks { worker, .. } | Event::SlotEnds { worker, .. } => *worker,
            _ => return None,
        };
        let until = self.members[worker].frozen_until;
        (until > self.now).then_some(until)
    }

    fn latency(&mut self) -> Time {
        let usual = 1 + u64::from(self.stream.below(40));
        if self.faults.strikes(40, || "a slow message".to_owned()) {
            return usual + u64::from(self.faults.below(8_000));
        }
        usual
    }

    /// Sends a call. A worker without an answer takes its connection as lost after a while.
    fn send(&mut self, from: Address, what: What) {
        let call = Call { from, id: self.members[from.worker].id, what };
        let is_bounded = !matches!(call.what, What::Pull { .. } | What::Began { .. } | What::Lost { .. });
        if is_bounded && self.faults.strikes(30, || format!("lost: {}", call.what.name())) {
            self.event_queue.at(self.now + CALL_TIMEOUT, Event::LinkLost(from));
            return;
        }
        // The sender has then given up the call, or is dead, and another worker may have done the work.
        if is_bounded && self.faults.strikes(30, || format!("very late: {}", call.what.name())) {
            let Address { worker, life, .. } = from;
            match self.faults.below(3) {
                0 => self.event_queue.at(self.now + 1, Event::Dies { worker, life }),
                _ => self.event_queue.at(self.now + CALL_TIMEOUT, Event::LinkLost(from)),
            }
            let late = CALL_TIMEOUT + u64::from(self.faults.below(20_000));
            self.event_queue.at(self.now + late, Event::Arrives(call));
            return;
        }
        if self.faults.strikes(60, || format!("doubled: {}", call.what.name())) {
            let later = u64::from(self.faults.below(6_000));
            self.event_queue.at(self.now + later, Event::Arrives(call.clone()));
        }
        let latency = self.latency();
        self.event_queue.at(self.now + latency, Event::Arrives(call));
    }

    fn arrives(&mut self, call: Call) {
        self.note(format!("worker {} arrives: {}", call.from.worker, call.what.name()));
        let (from, is_register) = (call.from, matches!(call.what, What::Register { .. }));
        if self.host.arrives(call, self.now, self.wall()) {
            let gathers = u64::from(self.stream.below(6));
            self.turn_due(self.now + gathers);
        } else if !is_register {
            self.event_queue.at(self.now + 1, Event::LinkLost(from));
        }
    }

    fn turn(&mut self) -> Result<(), Violation> {
        if !self.host.is_up() {
            return Ok(());
        }
        // A server may notice late that a connection is gone, and give units to nobody.
        if !self.faults.strikes(20, || "units are given to a connection that is gone".to_owned()) {
            let members = &self.members;
            self.host.hang_up(|call| {
                let member = &members[call.from.worker];
                member.alive && member.life == call.from.life && member.link == Some(call.from.link)
            });
        }
        let turn_end = if self.faults.strikes(250, || "the coordinator dies before a commit".to_owned()) {
            TurnEnd::DiesBefore
        } else if self.faults.strikes(250, || "the store refuses a commit".to_owned()) {
            TurnEnd::StoreRefuses
        } else if self.faults.strikes(250, || "the coordinator dies after a commit".to_owned()) {
            TurnEnd::DiesAfter
        } else {
            TurnEnd::Good
        };
        let turned = self.host.turn(turn_end, self.now, self.wall())?;
        for (call, answer) in turned.answers {
            self.send_answer(&call, answer);
        }
        if turned.dead {
            self.coordinator_dies(&format!("{turn_end:?}"));
            return Ok(());
        }
        if let Some(at) = self.host.next_turn() {
            self.turn_due(at.max(self.now + 1));
        }
        Ok(())
    }

    fn send_answer(&mut self, call: &Call, answer: Answer) {
        let lost = self.faults.strikes(30, || format!("lost: the answer to {}", call.what.name()));
        if lost {
            self.event_queue.at(self.now + CALL_TIMEOUT, Event::LinkLost(call.from));
            return;
        }
        let latency = self.latency();
        self.event_queue.at(self.now + latency, Event::Answered(call.from, answer));
    }

    fn answered(&mut self, address: Address, answer: Answer) -> Result<(), Violation> {
        let worker = address.worker;
        let member = &mut self.members[worker];
        if !member.alive || member.life != address.life {
            return Ok(());
        }
        let attempts = |pairs: Vec<(UnitId, u32)>| {
            pairs.into_iter().map(|(unit, number)| Attempt { study: STUDY, unit, number }).collect::<Vec<_>>()
        };
        if let Answer::Registered { dropped } = answer {
            if member.trying == Some(address.link) {
                (member.trying, member.link) = (None, Some(address.link));
                self.event_queue.at(self.now + BEAT, Event::Beats(address));
                let dropped = attempts(dropped);
                let event = Happened::Registered { generation: address.link, dropped: dropped.clone() };
                self.note(format!("worker {worker} is registered over link {}", address.link));
                self.tell(worker, event)?;
                self.members[worker].lets_go_of(&dropped)?;
            }
            return Ok(());
        }
        if member.link != Some(address.link) {
            return Ok(());
        }
        match answer {
            Answer::Registered { .. } => Ok(()),
            Answer::Refused => {
                member.link = None;
                self.note(format!("worker {worker} is unknown"));
                self.tell(worker, Happened::LinkLost { generation: address.link })
            }
            Answer::Pulled { units, state } => {
                let assignments = assignments(units);
                self.note(format!("worker {worker} has pulled {} units, {state:?}", assignments.len()));
                // A worker without units does not pull again at once.
                self.tell(worker, Happened::Pulled { generation: address.link, assignments, state })
            }
            Answer::Beaten { dropped, state } => {
                self.event_queue.at(self.now + BEAT, Event::Beats(address));
                let dropped = attempts(dropped);
                self.tell(worker, Happened::Beaten { generation: address.link, dropped: dropped.clone(), state })?;
                self.members[worker].lets_go_of(&dropped)
            }
            Answer::Submitted { call, outcomes, units, state } => {
                let assignments = assignments(units);
                self.note(format!(
                    "worker {worker} hears of its submit: {outcomes:?}, and has {} units, {state:?}",
                    assignments.len()
                ));
                let receipts = outcomes.into_iter().map(|(attempt, _)| (attempt, Receipt::Settled)).collect();
                let generation = address.link;
                self.tell(worker, Happened::Submitted { generation, call, receipts, assignments, state })
            }
            Answer::Left => self.tell(worker, Happened::Left),
        }
    }

    fn connects(&mut self, address: Address) {
        if self.is_tried(&address) {
            let held = self.members[address.worker].held();
            self.send(address, What::Register { held });
            self.event_queue.at(self.now + CALL_TIMEOUT, Event::GivesUp(address));
        }
    }

    fn is_tried(&self, address: &Address) -> bool {
        let member = &self.members[address.worker];
        member.alive && member.life == address.life && member.trying == Some(address.link)
    }
}

fn assignments(units: Vec<Given>) -> Vec<Assignment> {
    let assignment = |given: Given| Assignment {
        attempt: Attempt { study: STUDY, unit: given.id, number: given.attempt },
        unit: given.unit.into(),
        keep_weights: false,
        checkpoint: None,
    };
    units.into_iter().map(assignment).collect()
}
