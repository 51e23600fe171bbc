//! A worker: its lifecycle, its slots and its connection.

use std::time::Duration;

use seedgrid_common::unit::{Attempt, Unit};
use seedgrid_coordinator::scheduler::queue::WorkerId;
use seedgrid_worker::lifecycle::{
    Action, Event, Lifecycle, Rules,
    attempt::{Assignment, Output, SlotOutcome},
    prefetch,
};

use super::{Time, Violation, check, study};

/// Most ended and unacknowledged attempts of a worker, beside those in slots and in its queue.
const UNACKNOWLEDGED_MAX: usize = 64;

/// The outcome of a slot's work.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// Training ended, by the unit's own outcome.
    Trained,
    /// An error of this machine ended training.
    Broken(String),
    /// Training was stopped on request.
    Stopped,
}

/// The work of a slot.
#[derive(Debug)]
pub(super) struct Doing {
    assignment: Assignment,
    turn: u64,
    stopping: bool,
}

/// A worker in one of its lives.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) id: WorkerId,
    /// The number of its life, by which events of earlier lives are recognised.
    pub(super) life: u64,
    pub(super) alive: bool,
    /// Whether it left because the study is done.
    pub(super) content: bool,
    /// The connection's number, if there is a connection.
    pub(super) link: Option<u64>,
    /// The number of the pending registration, if there is one.
    pub(super) trying: Option<u64>,
    /// No event reaches it before this time.
    pub(super) frozen_until: Time,
    links: u64,
    lifecycle: Lifecycle,
    born: Time,
    slots: Vec<Option<Doing>>,
    turns: u64,
}

impl Worker {
    /// A worker that starts now, and its first actions.
    pub(super) fn start(id: WorkerId, life: u64, links: u64, slots: usize, now: Time) -> (Self, Vec<Action>) {
        let rules =
            Rules { slots, idle_timeout: None, connect_timeout: Duration::from_secs(100_000), time_limit: None };
        let (lifecycle, actions) = Lifecycle::new(rules);
        let member = Self {
            id,
            life,
            alive: true,
            content: false,
            link: None,
            trying: None,
            frozen_until: 0,
            links,
            lifecycle,
            born: now,
            slots: (0..slots).map(|_| None).collect(),
            turns: 0,
        };
        (member, actions)
    }

    /// A number for a connection or a registration.
    pub(super) fn next_link(&mut self) -> u64 {
        self.links += 1;
        self.links
    }

    /// The number of connections and registrations so far.
    pub(super) fn links(&self) -> u64 {
        self.links
    }

    /// The attempts that it holds.
    pub(super) fn held(&self) -> Vec<Attempt> {
        self.lifecycle.held()
    }

    /// The attempts in its slots.
    pub(super) fn training(&self) -> Vec<Attempt> {
        self.slots.iter().flatten().map(|doing| doing.assignment.attempt).collect()
    }

    /// Passes an event to the lifecycle.
    pub(super) fn handle(&mut self, now: Time, event: Event) -> Result<Vec<Action>, Violation> {
        let actions = self.lifecycle.handle(Duration::from_millis(now - self.born), event);
        let held = self.held().len();
        let bound = self.slots.len() + prefetch(self.slots.len()) + UNACKNOWLEDGED_MAX;
        check(held <= bound, || format!("{} holds {held} attempts, more than {bound}", self.id))?;
        Ok(actions)
    }

    /// Begins to train; returns the number of the slot's work.
    pub(super) fn begin(&mut self, slot: usize, assignment: Assignment) -> Result<u64, Violation> {
        let busy = self.slots[slot].is_some();
        check(!busy, || format!("slot {slot} of {} trains two units", self.id))?;
        self.turns += 1;
        self.slots[slot] = Some(Doing { assignment, turn: self.turns, stopping: false });
        Ok(self.turns)
    }

    /// Stops a slot's work soon; returns its number.
    pub(super) fn stop(&mut self, slot: usize) -> Option<u64> {
        let doing = self.slots[slot].as_mut()?;
        doing.stopping = true;
        Some(doing.turn)
    }

    /// Checks that no slot trains an attempt that the coordinator has just dropped.
    pub(super) fn lets_go_of(&self, dropped: &[Attempt]) -> Result<(), Violation> {
        let on = |doing: &&Doing| !doing.stopping && dropped.contains(&doing.assignment.attempt);
        match self.slots.iter().flatten().find(on) {
            Some(doing) => {
                Err(Violation(format!("{} trains on {}, which nobody wants", self.id, doing.assignment.attempt)))
            }
            None => Ok(()),
        }
    }

    /// Ends a slot's work if it is still this one; returns the outcome for the lifecycle.
    pub(super) fn end(&mut self, slot: usize, turn: u64, outcome: Outcome) -> Option<SlotOutcome> {
        let doing = self.slots[slot].take_if(|doing| doing.turn == turn)?;
        let unit: &Unit = &doing.assignment.unit;
        Some(match outcome {
            Outcome::Stopped if doing.stopping => SlotOutcome::Stopped(None),
            Outcome::Broken(detail) => SlotOutcome::Failed(detail),
            Outcome::Trained | Outcome::Stopped => match study::result(unit) {
                Some(result) => SlotOutcome::Finished(Output { result, weights: None }),
                None => SlotOutcome::Failed("this unit always fails".to_owned()),
            },
        })
    }
}
