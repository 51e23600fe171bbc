//! What is to happen when.

use std::collections::BTreeMap;

use super::{
    Time,
    member::Outcome,
    messages::{Address, Answer, Call},
};

/// What happens.
#[derive(Debug)]
pub(super) enum Event {
    /// A call reaches the coordinator.
    Arrives(Call),
    /// The coordinator commits and answers what it has gathered.
    Turn {
        /// In which of its lives.
        life: u64,
    },
    /// A parked pull has waited long enough.
    PollEnds {
        /// In which life of the coordinator.
        life: u64,
        /// Which pull.
        number: u64,
    },
    /// An answer reaches a worker.
    Answered(Address, Answer),
    /// A worker notices that its connection has failed.
    LinkLost(Address),
    /// A worker tries to connect.
    Connects(Address),
    /// A worker has waited long enough for a registration.
    GivesUp(Address),
    /// A worker says that it is alive.
    Beats(Address),
    /// Time goes by for a worker.
    Ticks {
        /// Which.
        worker: usize,
        /// In which of its lives.
        life: u64,
    },
    /// What a slot does comes to an end.
    SlotEnds {
        /// Which worker.
        worker: usize,
        /// In which of its lives.
        life: u64,
        /// The slot.
        slot: usize,
        /// The how-manieth thing that the slot does.
        turn: u64,
        /// How.
        outcome: Outcome,
    },
    /// A worker is killed.
    Dies {
        /// Which.
        worker: usize,
        /// In which of its lives.
        life: u64,
    },
    /// A worker is started (again).
    WorkerStarts {
        /// Which.
        worker: usize,
        /// Under the id that it had.
        same_id: bool,
    },
    /// The coordinator is started again.
    CoordinatorStarts,
    /// Something may befall somebody.
    Chance,
    /// People look at the study, and resume it if it is paused.
    PeopleLook,
    /// Faults end.
    Calm,
}

/// Events by time; those of one time in the order in which they were put down.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    events: BTreeMap<(Time, u64), Event>,
    next: u64,
}

impl Agenda {
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
