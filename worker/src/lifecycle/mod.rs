//! A worker's state machine. Events go in, actions come out. It is pure: it has no clock, no network and no thread, so
//! a simulation can drive it through any order of events.
//!
//! An attempt that the worker holds is `queued` (leased ahead of need), in a slot, or `finished` (waiting for its
//! acknowledgement). It leaves when it is acknowledged, or when the coordinator no longer wants it. A finished attempt
//! is never dropped without acknowledgement, except at the very end, when the time for handing over is used up.

mod action;
pub mod attempt;
mod event;
mod hand_over_time;
mod prefetch;
mod slot_and_submit_limits;
pub mod time_limit;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use seedgrid_common::{
    join::reconnect_limits,
    unit::Attempt,
    wire::{
        limits::{PULL_UNITS_MAX, SUBMIT_ATTEMPTS_MAX},
        v1::{Failure, StudyState},
    },
};

use crate::lifecycle::{
    attempt::{Assignment, Outcome, Receipt, SlotOutcome, Submission},
    time_limit::{Expectation, TimeLimit},
};

pub use action::{Action, Ending};
pub use event::Event;
use hand_over_time::{GOODBYE, GRACE};
pub use prefetch::prefetch;
pub use slot_and_submit_limits::SLOTS_MAX;
use slot_and_submit_limits::{
    SUBMIT_BYTES, SUBMITS_MAX, UNACKNOWLEDGED_BYTES_MAX, UNACKNOWLEDGED_MAX, blob_submits_max,
};

/// A moment: the time since the worker started.
pub type Moment = Duration;

/// The constant settings of a worker.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The number of units that train at a time, 1..=[`SLOTS_MAX`].
    pub slots: usize,
    /// The worker leaves after holding nothing for this long while connected. None: never.
    pub idle_timeout: Option<Duration>,
    /// The time for which a worker without units tries to reach the coordinator.
    pub connect_timeout: Duration,
    /// The worker's time limit. None: it has no limit.
    pub time_limit: Option<TimeLimit>,
}

#[derive(Debug)]
enum Link {
    Down {
        since: Moment,
    },
    Up {
        generation: u64,
        since: Moment,
        /// The number of units that the pull under way asks for.
        asked: Option<u32>,
        /// The submits under way, by the number of the call.
        submits: BTreeMap<u64, Submit>,
    },
}

/// A submit under way.
#[derive(Clone, Copy, Debug)]
struct Submit {
    has_blob: bool,
    units_max: u32,
}

#[derive(Debug)]
enum Course {
    Working,
    Leaving { ending: Ending, until: Moment, leave_sent: bool },
    Gone,
}

/// The use of a slot's outcome.
#[derive(Clone, Debug, PartialEq)]
enum OutcomeUse {
    /// The outcome is handed over.
    Wanted,
    /// The slot was told to stop; without a result, this failure is handed over.
    GivenBack(Failure),
    /// The slot was told to stop; nothing is handed over, and the attempt is no longer held.
    Forgotten,
}

#[derive(Debug)]
struct Training {
    assignment: Assignment,
    outcome_use: OutcomeUse,
}

#[derive(Debug)]
struct Finished {
    submission: Arc<Submission>,
    in_flight: bool,
}

/// The state machine.
#[derive(Debug)]
pub struct Lifecycle {
    rules: Rules,
    link: Link,
    study: StudyState,
    course: Course,
    queued: VecDeque<Assignment>,
    slots: Vec<Option<Training>>,
    finished: BTreeMap<Attempt, Finished>,
    /// The number of submits so far.
    calls: u64,
    expectation: Expectation,
    /// The last moment at which something was held, or the coordinator was first reached.
    busy: Moment,
}

impl Lifecycle {
    /// A worker at its start, and its first action.
    pub fn new(rules: Rules) -> (Self, Vec<Action>) {
        let slots = (0..rules.slots).map(|_| None).collect();
        let lifecycle = Self {
            rules,
            link: Link::Down { since: Moment::ZERO },
            study: StudyState::Running,
            course: Course::Working,
            queued: VecDeque::new(),
            slots,
            finished: BTreeMap::new(),
            calls: 0,
            expectation: Expectation::default(),
            busy: Moment::ZERO,
        };
        (lifecycle, vec![Action::Connect])
    }

    /// All attempts that the worker holds, in order: heartbeats name them.
    pub fn held(&self) -> Vec<Attempt> {
        let training = self.slots.iter().flatten().filter(|training| training.outcome_use != OutcomeUse::Forgotten);
        let mut held: Vec<Attempt> = training
            .map(|training| training.assignment.attempt)
            .chain(self.queued.iter().map(|assignment| assignment.attempt))
            .chain(self.finished.keys().copied())
            .collect();
        held.sort_unstable();
        held
    }

    /// Handles an event and returns the actions.
    pub fn handle(&mut self, now: Moment, event: Event) -> Vec<Action> {
        if matches!(self.course, Course::Gone) {
            return Vec::new();
        }
        let mut actions = Vec::new();
        match event {
            Event::Registered { generation, dropped } => {
                self.link = Link::Up { generation, since: now, asked: None, submits: BTreeMap::new() };
                // The state comes from the new coordinator, not from the old one.
                self.study = StudyState::Running;
                self.drop_unwanted(&dropped, &mut actions);
            }
            Event::LinkLost { generation } => {
                if self.is_current(generation) {
                    self.link = Link::Down { since: now };
                    self.finished.values_mut().for_each(|finished| finished.in_flight = false);
                    actions.push(Action::Connect);
                }
            }
            Event::Pulled { generation, assignments, state } => {
                if let Link::Up { generation: now, asked, .. } = &mut self.link
                    && *now == generation
                {
                    let asked = asked.take().unwrap_or(0);
                    self.take_units(asked, assignments, state);
                }
            }
            Event::Beaten { generation, dropped, state } => {
                if self.is_current(generation) {
                    self.study = state;
                    self.drop_unwanted(&dropped, &mut actions);
                }
            }
            Event::Ended { slot, outcome, train_seconds } => self.ended(slot, outcome, train_seconds),
            Event::Submitted { generation, call, receipts, assignments, state } => {
                for (attempt, receipt) in receipts {
                    match receipt {
                        Receipt::Settled => drop(self.finished.remove(&attempt)),
                        Receipt::Malformed(detail) => self.malformed(attempt, &detail),
                    }
                }
                if let Link::Up { generation: now, submits, .. } = &mut self.link
                    && *now == generation
                    && let Some(submit) = submits.remove(&call)
                {
                    self.take_units(submit.units_max, assignments, state);
                }
            }
            Event::Incompatible { detail, attempts } => {
                for attempt in attempts {
                    self.finish(attempt, Outcome::failure(Failure::Preempted, &detail), 0.0);
                }
                self.leave(now, Ending::Incompatible(detail));
            }
            Event::Told => self.leave(now, Ending::Terminated),
            Event::Left => self.go(&mut actions),
            Event::Tick => {}
        }
        self.settle(now, &mut actions);
        if matches!(self.course, Course::Gone) {
            actions.retain(|action| *action != Action::Connect);
        }
        actions
    }

    fn is_current(&self, of: u64) -> bool {
        matches!(self.link, Link::Up { generation, .. } if generation == of)
    }

    /// Takes the units of an answer over the present connection. Those of an older one are not the worker's own: it has
    /// since registered without them.
    fn take_units(&mut self, asked: u32, assignments: Vec<Assignment>, state: StudyState) {
        self.study = state;
        if matches!(self.course, Course::Leaving { leave_sent: true, .. }) {
            return; // The leave call gives them back.
        }
        if assignments.is_empty() {
            return;
        }
        let mut held: BTreeSet<Attempt> = self.held().into_iter().collect();
        // Surplus units are ignored: their leases expire, since no heartbeat names them.
        for assignment in assignments.into_iter().take(asked as usize) {
            if held.insert(assignment.attempt) {
                self.queued.push_back(assignment);
            }
        }
    }

    fn ended(&mut self, slot: usize, outcome: SlotOutcome, train_seconds: f64) {
        let Some(training) = self.slots.get_mut(slot).and_then(Option::take) else { return };
        let attempt = training.assignment.attempt;
        let outcome = match (training.outcome_use, outcome) {
            (OutcomeUse::Forgotten, SlotOutcome::Finished(_) | SlotOutcome::Stopped(_) | SlotOutcome::Failed(_)) => {
                return;
            }
            (OutcomeUse::Wanted | OutcomeUse::GivenBack(_), SlotOutcome::Finished(output)) => {
                self.expectation.learn(&training.assignment.unit.configuration.model, train_seconds);
                Outcome::Result(output)
            }
            (OutcomeUse::Wanted | OutcomeUse::GivenBack(_), SlotOutcome::Failed(detail)) => Outcome::failed(&detail),
            (OutcomeUse::GivenBack(failure), SlotOutcome::Stopped(state)) => {
                Outcome::Failure { failure, detail: String::new(), state }
            }
            (OutcomeUse::Wanted, SlotOutcome::Stopped(_)) => {
                Outcome::failure(Failure::Error, "training stopped without being told to")
            }
        };
        self.finish(attempt, outcome, train_seconds);
    }

    fn finish(&mut self, attempt: Attempt, outcome: Outcome, train_seconds: f64) {
        let submission = Arc::new(Submission { outcome, train_seconds });
        self.finished.insert(attempt, Finished { submission, in_flight: false });
    }

    /// Replaces a result that the coordinator cannot read by a failure; drops a failure that it cannot read.
    fn malformed(&mut self, attempt: Attempt, detail: &str) {
        let Some(finished) = self.finished.remove(&attempt) else { return };
        match finished.submission.outcome {
            Outcome::Result(_) => {
                let detail = format!("the coordinator could not read the result: {detail}");
                self.finish(attempt, Outcome::failure(Failure::Error, &detail), finished.submission.train_seconds);
            }
            Outcome::Failure { .. } => {}
        }
    }

    /// Drops attempts that are no longer wanted. Finished ones are still handed over: that costs nothing, and a result
    /// that differs from the accepted one must be noticed.
    fn drop_unwanted(&mut self, dropped: &[Attempt], actions: &mut Vec<Action>) {
        self.queued.retain(|assignment| !dropped.contains(&assignment.attempt));
        for (slot, training) in self.slots.iter_mut().enumerate() {
            if let Some(training) = training.as_mut().filter(|t| dropped.contains(&t.assignment.attempt)) {
                stop(slot, training, OutcomeUse::Forgotten, actions);
            }
        }
    }

    /// Whether the worker is about to end, and only hands over.
    pub fn is_leaving(&self) -> bool {
        matches!(self.course, Course::Leaving { .. })
    }

    fn leave(&mut self, now: Moment, ending: Ending) {
        if matches!(self.course, Course::Working) {
            let grace = match self.rules.time_limit {
                Some(limit) if ending == Ending::TimeLimit => limit.margin.mul_f64(0.8),
                Some(_) | None => GRACE,
            };
            self.course = Course::Leaving { ending, until: now + grace, leave_sent: false };
        }
    }

    /// Ends the worker.
    fn go(&mut self, actions: &mut Vec<Action>) {
        match std::mem::replace(&mut self.course, Course::Gone) {
            Course::Leaving { ending, .. } => {
                actions.push(Action::Exit { ending, unacknowledged: self.finished.len() });
            }
            course @ (Course::Working | Course::Gone) => self.course = course,
        }
    }

    /// Takes every action that the state requires.
    fn settle(&mut self, now: Moment, actions: &mut Vec<Action>) {
        if matches!(self.course, Course::Gone) {
            return;
        }
        if !self.held().is_empty() {
            self.busy = now;
        }
        if let Some(ending) = self.reason_to_leave(now) {
            self.leave(now, ending);
        }
        self.give_back(actions);
        self.fill_slots(now, actions);
        self.submit(now, actions);
        self.pull(now, actions);
        self.say_goodbye(now, actions);
    }

    fn reason_to_leave(&self, now: Moment) -> Option<Ending> {
        if !matches!(self.course, Course::Working) {
            return None;
        }
        let empty = self.held().is_empty();
        if self.study == StudyState::Done {
            return Some(Ending::StudyDone);
        }
        if self.rules.time_limit.is_some_and(|limit| now >= limit.stop) || (empty && !self.has_time(now)) {
            return Some(Ending::TimeLimit);
        }
        match self.link {
            Link::Up { since, .. } => {
                let idle = now.saturating_sub(self.busy.max(since));
                if empty && self.study == StudyState::Draining {
                    return Some(Ending::Drained);
                }
                (empty && self.rules.idle_timeout.is_some_and(|timeout| idle >= timeout)).then_some(Ending::Idle)
            }
            Link::Down { since } => {
                let (from, patience) = match empty {
                    true => (self.busy.max(since), self.rules.connect_timeout),
                    false => (since, self.rules.connect_timeout.max(reconnect_limits::WITH_UNITS)),
                };
                (now.saturating_sub(from) >= patience).then_some(Ending::Unreachable)
            }
        }
    }

    /// Whether there is time for another unit, by the longest of any.
    fn has_time(&self, now: Moment) -> bool {
        self.rules.time_limit.is_none_or(|limit| limit.is_worth(now, self.expectation.of_any()))
    }

    /// While leaving: stops training and gives back unfinished units.
    fn give_back(&mut self, actions: &mut Vec<Action>) {
        let Course::Leaving { ending, .. } = &self.course else { return };
        let failure = ending.give_back();
        if let Link::Up { asked, .. } = &mut self.link
            && asked.take().is_some()
        {
            // Otherwise the pull could return the units given back.
            actions.push(Action::StopPulling);
        }
        for (slot, training) in self.slots.iter_mut().enumerate() {
            if let Some(training) = training {
                stop(slot, training, failure.map_or(OutcomeUse::Forgotten, OutcomeUse::GivenBack), actions);
            }
        }
        for assignment in std::mem::take(&mut self.queued) {
            if let Some(failure) = failure {
                self.finish(assignment.attempt, Outcome::failure(failure, "not started"), 0.0);
            }
        }
    }

    fn fill_slots(&mut self, now: Moment, actions: &mut Vec<Action>) {
        while let Some(slot) = self.slots.iter().position(Option::is_none) {
            let Some(assignment) = self.queued.pop_front() else { return };
            let expected = self.expectation.seconds(&assignment.unit.configuration.model);
            if self.rules.time_limit.is_some_and(|limit| !limit.is_worth(now, expected)) {
                self.finish(assignment.attempt, Outcome::failure(Failure::OutOfTime, "not started"), 0.0);
                continue;
            }
            actions.push(Action::Start { slot, assignment: assignment.clone() });
            self.slots[slot] = Some(Training { assignment, outcome_use: OutcomeUse::Wanted });
        }
    }

    /// Hands over what has ended. Attempts with a blob go alone, the others together.
    fn submit(&mut self, now: Moment, actions: &mut Vec<Action>) {
        loop {
            let units_max = self.wanted(now);
            let Link::Up { submits, .. } = &mut self.link else { return };
            let blobs = submits.values().filter(|submit| submit.has_blob).count();
            let (room, room_for_blobs) =
                (submits.len() - blobs < SUBMITS_MAX, blobs < blob_submits_max(self.rules.slots));
            let mut attempts = Vec::new();
            let (mut has_blob, mut bytes) = (false, 0);
            for (attempt, finished) in self.finished.iter_mut().filter(|(_, finished)| !finished.in_flight) {
                let outcome = &finished.submission.outcome;
                let is_blob = outcome.blob().is_some();
                let fits = if is_blob { room_for_blobs && attempts.is_empty() } else { room };
                if !fits {
                    continue;
                }
                bytes += outcome.message_bytes();
                if !attempts.is_empty() && bytes > SUBMIT_BYTES {
                    break;
                }
                has_blob = is_blob;
                finished.in_flight = true;
                attempts.push((*attempt, Arc::clone(&finished.submission)));
                if has_blob || attempts.len() == SUBMIT_ATTEMPTS_MAX {
                    break;
                }
            }
            if attempts.is_empty() {
                return;
            }
            // An upload takes long, so units do not wait for it.
            let units_max = if has_blob { 0 } else { units_max };
            self.calls += 1;
            submits.insert(self.calls, Submit { has_blob, units_max });
            actions.push(Action::Submit { call: self.calls, attempts, units_max });
        }
    }

    /// The number of units to ask for, beyond those that are held or asked for.
    fn wanted(&self, now: Moment) -> u32 {
        let Link::Up { asked, submits, .. } = &self.link else { return 0 };
        let training =
            self.slots.iter().flatten().filter(|training| training.outcome_use == OutcomeUse::Wanted).count();
        let asked = asked.unwrap_or(0) + submits.values().map(|submit| submit.units_max).sum::<u32>();
        let live = training + self.queued.len() + asked as usize;
        let blobs = self.finished.values().filter_map(|finished| finished.submission.outcome.blob());
        let may = matches!(self.course, Course::Working)
            // The worker also asks during a pause: the coordinator holds the answer to a pull back until the pause ends.
            && matches!(self.study, StudyState::Running | StudyState::Paused)
            && self.finished.len() < UNACKNOWLEDGED_MAX
            && blobs.map(|blob| blob.bytes().len()).sum::<usize>() <= UNACKNOWLEDGED_BYTES_MAX
            && self.has_time(now);
        let wanted = (self.rules.slots + prefetch(self.rules.slots)).saturating_sub(live);
        if may { u32::try_from(wanted).unwrap_or(u32::MAX).min(PULL_UNITS_MAX) } else { 0 }
    }

    /// Asks for units, where no submit is about to ask for them.
    fn pull(&mut self, now: Moment, actions: &mut Vec<Action>) {
        let units_max = self.wanted(now);
        let waits = |finished: &Finished| !finished.in_flight && finished.submission.outcome.blob().is_none();
        if units_max == 0 || self.finished.values().any(waits) {
            return;
        }
        if let Link::Up { asked: asked @ None, .. } = &mut self.link {
            *asked = Some(units_max);
            actions.push(Action::Pull { units_max });
        }
    }

    fn say_goodbye(&mut self, now: Moment, actions: &mut Vec<Action>) {
        let empty = self.held().is_empty();
        let Course::Leaving { ending, until, leave_sent } = &mut self.course else { return };
        let late = now >= *until;
        if !empty && !late {
            return;
        }
        match self.link {
            Link::Up { .. } if !*leave_sent => {
                *leave_sent = true;
                *until = now + GOODBYE;
                actions.push(Action::Leave { reason: ending.reason() });
            }
            Link::Up { .. } if !late => {}
            Link::Up { .. } | Link::Down { .. } => self.go(actions),
        }
    }
}

fn stop(slot: usize, training: &mut Training, outcome_use: OutcomeUse, actions: &mut Vec<Action>) {
    match training.outcome_use {
        OutcomeUse::Wanted => {
            training.outcome_use = outcome_use;
            actions.push(Action::Stop { slot, save: matches!(training.outcome_use, OutcomeUse::GivenBack(_)) });
        }
        // The slot is already stopping. An unwanted attempt is not given back.
        OutcomeUse::GivenBack(_) if outcome_use == OutcomeUse::Forgotten => training.outcome_use = outcome_use,
        OutcomeUse::GivenBack(_) | OutcomeUse::Forgotten => {}
    }
}
