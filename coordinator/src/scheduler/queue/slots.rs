//! The number of units that each worker holds, and of free slots of all connected workers.

use std::collections::BTreeMap;

use super::WorkerId;

/// The slots of all workers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Slots {
    workers: BTreeMap<WorkerId, Of>,
    /// Free slots of all connected workers.
    free: usize,
}

/// The slots of one worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Of {
    /// None while the worker is not connected.
    slots: Option<usize>,
    /// The number of its leases.
    held: usize,
    /// The number of its leases of units that run alone.
    alone: usize,
}

impl Of {
    fn free(self) -> usize {
        self.slots.unwrap_or_default().saturating_sub(self.held)
    }
}

impl Slots {
    fn change(&mut self, worker: &WorkerId, change: impl FnOnce(&mut Of)) {
        let of = self.workers.entry(*worker).or_default();
        self.free -= of.free();
        change(of);
        self.free += of.free();
        if *of == Of::default() {
            self.workers.remove(worker);
        }
    }

    /// A worker is there, with so many slots.
    pub(super) fn open(&mut self, worker: &WorkerId, slots: usize) {
        self.change(worker, |of| of.slots = Some(slots));
    }

    /// A worker is not there.
    pub(super) fn close(&mut self, worker: &WorkerId) {
        self.change(worker, |of| of.slots = None);
    }

    /// A worker has one more lease.
    pub(super) fn take(&mut self, worker: &WorkerId, alone: bool) {
        self.change(worker, |of| {
            of.held += 1;
            of.alone += usize::from(alone);
        });
    }

    /// A worker has one lease less.
    pub(super) fn release(&mut self, worker: &WorkerId, alone: bool) {
        self.change(worker, |of| {
            of.held -= 1;
            of.alone -= usize::from(alone);
        });
    }

    /// The same workers with the same slots, none of which holds anything.
    pub(super) fn emptied(&self) -> Self {
        let mut emptied = Self::default();
        for (worker, of) in &self.workers {
            if let Some(slots) = of.slots {
                emptied.open(worker, slots);
            }
        }
        emptied
    }

    /// How many leases a worker has.
    pub(super) fn held(&self, worker: &WorkerId) -> usize {
        self.workers.get(worker).map_or(0, |of| of.held)
    }

    /// Whether it holds a unit that is to run alone.
    pub(super) fn is_alone(&self, worker: &WorkerId) -> bool {
        self.workers.get(worker).is_some_and(|of| of.alone > 0)
    }

    /// How many slots of a worker are free.
    pub(super) fn free_of(&self, worker: &WorkerId) -> usize {
        self.workers.get(worker).map_or(0, |of| of.free())
    }

    /// How many slots are free.
    pub(super) fn free(&self) -> usize {
        self.free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_slots_are_counted_once_and_never_below_none() {
        let worker = |number: u8| format!("{number:032x}").parse::<WorkerId>().unwrap();
        let mut slots = Slots::default();
        slots.open(&worker(1), 2);
        slots.open(&worker(2), 4);
        assert_eq!(slots.free(), 6);
        // One more than it has slots: it waits there.
        (0..3).for_each(|_| slots.take(&worker(1), false));
        assert_eq!((slots.free(), slots.free_of(&worker(1)), slots.held(&worker(1))), (4, 0, 3));
        slots.open(&worker(1), 5);
        assert_eq!(slots.free(), 6, "it has come again, with more slots");
        slots.close(&worker(1));
        assert_eq!((slots.free(), slots.held(&worker(1))), (4, 3), "what it holds is its own until it is taken back");
        slots.take(&worker(3), true);
        assert!(slots.is_alone(&worker(3)) && slots.free() == 4, "one that may come back has no slots");
        let mut emptied = Slots::default();
        emptied.open(&worker(2), 4);
        assert_eq!(slots.emptied(), emptied);
        slots.release(&worker(3), true);
        (0..3).for_each(|_| slots.release(&worker(1), false));
        assert_eq!(slots, emptied);
    }
}
