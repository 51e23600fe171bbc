//! A worker: its lifecycle, and what its slots and its connection are up to.

use std::time::Duration;

use seedgrid_common::unit::Unit;
use seedgrid_coordinator::scheduler::queue::WorkerId;
use seedgrid_worker::lifecycle::{
    Action, Event, Lifecycle, Rules,
    attempt::{Assignment, Attempt, Output, SlotOutcome},
    prefetch,
};

use super::{Time, Violation, check, study};

/// Attempts that a worker may hold beside those in slots and in waiting: ended, and not acknowledged.
const UNACKNOWLEDGED_MAX: usize = 64;

/// How what a slot does ends.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// Trained to its end, whatever that is for the unit.
    Trained,
    /// By an error of this machine.
    Broken(String),
    /// Stopped, as it was told.
    Stopped,
}

/// What a slot does.
#[derive(Debug)]
pub(super) struct Doing {
    assignment: Assignment,
    turn: u64,
    stopping: bool,
}

/// A worker in one of its lives.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) id: WorkerId,
    /// Grows with each life, so that what belongs to an earlier one is known.
    pub(super) life: u64,
    pub(super) alive: bool,
    /// Whether it left since the study is done.
    pub(super) content: bool,
    /// The connection that is up, if one is.
    pub(super) link: Option<u64>,
    /// The registration that is awaited, if one is.
    pub(super) trying: Option<u64>,
    /// Nothing reaches it before this time.
    pub(super) frozen_until: Time,
    links: u64,
    lifecycle: Lifecycle,
    born: Time,
    slots: Vec<Option<Doing>>,
    turns: u64,
}

impl Member {
    /// A worker that starts now, and what it does first.
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

    /// A number for a connection, or for a try to have one.
    pub(super) fn next_link(&mut self) -> u64 {
        self.links += 1;
        self.links
    }

    /// Connections and tries so far.
    pub(super) fn links(&self) -> u64 {
        self.links
    }

    /// What it answers for.
    pub(super) fn held(&self) -> Vec<Attempt> {
        self.lifecycle.held()
    }

    /// What is in its slots.
    pub(super) fn training(&self) -> Vec<Attempt> {
        self.slots.iter().flatten().map(|doing| doing.assignment.attempt).collect()
    }

    /// Tells the lifecycle what happened.
    pub(super) fn handle(&mut self, now: Time, event: Event) -> Result<Vec<Action>, Violation> {
        let actions = self.lifecycle.handle(Duration::from_millis(now - self.born), event);
        let held = self.held().len();
        let bound = self.slots.len() + prefetch(self.slots.len()) + UNACKNOWLEDGED_MAX;
        check(held <= bound, || format!("{} holds {held} attempts, more than {bound}", self.id))?;
        Ok(actions)
    }

    /// Begins to train; gives the number of what the slot does now.
    pub(super) fn begin(&mut self, slot: usize, assignment: Assignment) -> Result<u64, Violation> {
        let busy = self.slots[slot].is_some();
        check(!busy, || format!("slot {slot} of {} trains two units", self.id))?;
        self.turns += 1;
        self.slots[slot] = Some(Doing { assignment, turn: self.turns, stopping: false });
        Ok(self.turns)
    }

    /// Stops what a slot does, soon; its number.
    pub(super) fn stop(&mut self, slot: usize) -> Option<u64> {
        let doing = self.slots[slot].as_mut()?;
        doing.stopping = true;
        Some(doing.turn)
    }

    /// Nothing is trained on of which the worker was just told that nobody wants it.
    pub(super) fn lets_go_of(&self, dropped: &[Attempt]) -> Result<(), Violation> {
        let on = |doing: &&Doing| !doing.stopping && dropped.contains(&doing.assignment.attempt);
        match self.slots.iter().flatten().find(on) {
            Some(doing) => {
                Err(Violation(format!("{} trains on {}, which nobody wants", self.id, doing.assignment.attempt)))
            }
            None => Ok(()),
        }
    }

    /// What a slot does has ended, if it still does that; what the lifecycle is to hear.
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
