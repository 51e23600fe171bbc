//! Whether a fault occurs: each one has a number, and can be left out.

use std::collections::BTreeSet;

use seedgrid_common::random::Stream;

/// Decides which faults occur.
#[derive(Debug)]
pub struct Faults {
    stream: Stream,
    left_out: BTreeSet<u64>,
    limit: u64,
    next: u64,
    ceased: bool,
    struck: Vec<(u64, String)>,
}

impl Faults {
    /// The faults of this seed, except those in `left_out` and those from number `limit` on.
    pub fn new(seed: u64, left_out: BTreeSet<u64>, limit: u64) -> Self {
        Self { stream: Stream::new(seed, "faults"), left_out, limit, next: 0, ceased: false, struck: Vec::new() }
    }

    /// All faults of this seed.
    pub fn all(seed: u64) -> Self {
        Self::new(seed, BTreeSet::new(), u64::MAX)
    }

    /// No faults.
    pub fn none(seed: u64) -> Self {
        Self::new(seed, BTreeSet::new(), 0)
    }

    /// Ends all faults.
    pub(super) fn cease(&mut self) {
        self.ceased = true;
    }

    /// Whether a fault of probability 1 / `chance` occurs now.
    pub(super) fn strikes(&mut self, chance: u32, what: impl FnOnce() -> String) -> bool {
        if self.ceased || self.stream.below(chance) > 0 {
            return false;
        }
        let number = self.next;
        self.next += 1;
        let strikes = number < self.limit && !self.left_out.contains(&number);
        if strikes {
            self.struck.push((number, what()));
        }
        strikes
    }

    /// A number below `bound`, as a parameter of a fault.
    pub(super) fn below(&mut self, bound: u32) -> u32 {
        self.stream.below(bound)
    }

    /// The faults that occurred.
    pub(super) fn into_struck(self) -> Vec<(u64, String)> {
        self.struck
    }
}
