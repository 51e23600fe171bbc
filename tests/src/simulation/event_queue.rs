//! The events of a simulation, by time.

use std::collections::BTreeMap;

use super::{
    Time,
    messages::{Address, Answer, Call},
    worker::Outcome,
};

/// One event.
#[derive(Debug)]
pub(super) enum Event {
    /// A call reaches the coordinator.
    Arrives(Call),
    /// The coordinator commits the gathered calls and answers them.
    Turn {
        /// The number of the coordinator's life.
        life: u64,
    },
    /// An answer reaches a worker.
    Answered(Address, Answer),
    /// A worker notices that its connection has failed.
    LinkLost(Address),
    /// A worker tries to connect.
    Connects(Address),
    /// A worker has waited long enough for a registration.
    GivesUp(Address),
    /// A worker sends a heartbeat.
    Beats(Address),
    /// A worker's lifecycle gets a tick.
    Ticks {
        /// The worker's index.
        worker: usize,
        /// The number of the worker's life.
        life: u64,
    },
    /// A slot's work ends.
    SlotEnds {
        /// The worker's index.
        worker: usize,
        /// The number of the worker's life.
        life: u64,
        /// The slot's index.
        slot: usize,
        /// The number of the slot's work, counted over the slot's life.
        turn: u64,
        /// The outcome of the work.
        outcome: Outcome,
    },
    /// A worker is killed.
    Dies {
        /// The worker's index.
        worker: usize,
        /// The number of the worker's life.
        life: u64,
    },
    /// A worker is started (again).
    WorkerStarts {
        /// The worker's index.
        worker: usize,
        /// Whether it starts under its old id.
        same_id: bool,
    },
    /// The coordinator is started again.
    CoordinatorStarts,
    /// A fault of a worker or of the coordinator may occur.
    Chance,
    /// A person looks at the study, and resumes it if it is paused.
    PeopleLook,
    /// Faults end.
    Calm,
}

/// Events by time; events of the same time in the order of their insertion.
#[derive(Debug, Default)]
pub(super) struct EventQueue {
    events: BTreeMap<(Time, u64), Event>,
    next: u64,
}

impl EventQueue {
    pub(super) fn at(&mut self, time: Time, event: Event) {
        self.events.insert((time, self.next), event);
        self.next += 1;
    }

    pub(super) fn next(&mut self) -> Option<(Time, Event)> {
        self.events.pop_first().map(|((time, _), event)| (time, event))
    }

    pub(super) fn len(&self) -> usize {
        self.events.len()
    }
}
