//! What counts against a unit.

use std::collections::BTreeSet;

use super::{Rules, WorkerId};

/// What counts against a unit, since people last gave it another try. It follows from how its attempts ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FailureRecord {
    /// Attempts that ended with an error, or out of memory.
    pub errors: u32,
    /// Attempts that were in training when their worker died unannounced.
    pub deaths: u32,
    /// Where these errors happened.
    pub failed_on: BTreeSet<WorkerId>,
}

impl FailureRecord {
    /// Whether the unit is not to be tried again.
    pub fn is_quarantined(&self, rules: &Rules) -> bool {
        self.errors >= rules.errors_max || self.deaths >= rules.deaths_max
    }

    /// Whether it may be what its workers die of, so that it is to run alone.
    pub fn is_suspect(&self, rules: &Rules) -> bool {
        self.deaths >= rules.deaths_alone
    }
}
