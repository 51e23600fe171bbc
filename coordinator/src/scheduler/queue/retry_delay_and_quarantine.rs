//! The failures of a unit: how long it waits before its next attempt, when it runs alone, and when it is quarantined.

use std::collections::BTreeSet;

use super::{Millis, Rules, WorkerId};

/// The number of errors after which a unit is quarantined: three errors are no accident.
pub(super) const ERRORS_MAX: u32 = 3;

/// The waits after a unit's first error, its second one, and so on; the last wait applies to all later errors. A
/// temporary cause, such as a full disk or a lost mount, has half a minute to pass.
pub(super) const RETRY_DELAYS_MS: [Millis; 2] = [5_000, 30_000];

/// The number of worker deaths during its training after which a unit runs alone. A worker's death is less often the
/// unit's fault than an error is, and it ends every unit on that worker.
pub(super) const DEATHS_ALONE: u32 = 3;

/// The number of worker deaths during its training after which a unit is quarantined: it gets two more tries, alone.
pub(super) const DEATHS_MAX: u32 = 5;

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

impl Rules {
    /// The wait after this many errors.
    pub fn retry_delay(&self, errors: u32) -> Millis {
        let place = (errors as usize).saturating_sub(1).min(self.retry_delays_ms.len() - 1);
        if errors == 0 { 0 } else { self.retry_delays_ms[place] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_stay_bounded() {
        let waits = [0, 1, 2, 3, u32::MAX].map(|errors| Rules::default().retry_delay(errors));
        assert_eq!(waits, [0, 5_000, 30_000, 30_000, 30_000]);
    }
}
