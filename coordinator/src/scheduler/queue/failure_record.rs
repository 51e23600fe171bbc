//! The failures of a unit.

use std::collections::BTreeSet;

use super::{Rules, WorkerId};

/// The failures of a unit since an operator last retried it. They follow from the endings of its attempts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FailureRecord {
    /// Attempts that ended with an error or out of memory.
    pub errors: u32,
    /// Attempts that were in training when their worker died unannounced.
    pub deaths: u32,
    /// The workers with these errors.
    pub failed_on: BTreeSet<WorkerId>,
}

impl FailureRecord {
    /// Whether the unit is no longer tried.
    pub fn is_quarantined(&self, rules: &Rules) -> bool {
        self.errors >= rules.errors_max || self.deaths >= rules.deaths_max
    }

    /// Whether the unit may have killed its workers, so that it must run alone.
    pub fn is_suspect(&self, rules: &Rules) -> bool {
        self.deaths >= rules.deaths_alone
    }
}
