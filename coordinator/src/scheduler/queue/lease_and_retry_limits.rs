//! The queue's limits for leases, retries and pauses.

use super::Millis;

/// The queue's limits for leases, retries and pauses.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// The duration of a lease without a heartbeat, in milliseconds.
    pub lease_ms: Millis,
    /// The number of errors after which a unit is quarantined.
    pub errors_max: u32,
    /// The waits after a unit's first error, its second one, and so on; the last wait applies to all later errors.
    pub backoff_ms: [Millis; 2],
    /// The number of worker deaths during its training after which a unit runs alone.
    pub deaths_alone: u32,
    /// The number of worker deaths during its training after which a unit is quarantined.
    pub deaths_max: u32,
    /// The number of failed attempts in a row with the same error that pause the study, ...
    pub alike_errors: usize,
    /// ... if they belong to at least this many units.
    pub alike_units: usize,
    /// A worker with this many failed units in a row gets no more units if other workers succeed.
    pub aside_errors: usize,
    /// Units with a longer expected time go only to free slots; shorter units may also be taken ahead of need.
    pub ahead_seconds_max: f64,
}

impl Rules {
    /// The wait after this many errors.
    pub fn backoff(&self, errors: u32) -> Millis {
        let place = (errors as usize).saturating_sub(1).min(self.backoff_ms.len() - 1);
        if errors == 0 { 0 } else { self.backoff_ms[place] }
    }
}

impl Default for Rules {
    /// A lease of 30 s survives two lost heartbeats at one every 10 s. Three errors are no accident, and a temporary
    /// cause, such as a full disk or a lost mount, has half a minute to pass. A worker's death is less often the unit's
    /// fault than an error is, and it ends every unit on that worker; so such units get two more tries, alone, before
    /// they count as the cause. A request for the next unit on a free slot costs some milliseconds, which are
    /// negligible beside 2 s of training.
    fn default() -> Self {
        Self {
            lease_ms: 30_000,
            errors_max: 3,
            backoff_ms: [5_000, 30_000],
            deaths_alone: 3,
            deaths_max: 5,
            alike_errors: 5,
            alike_units: 3,
            aside_errors: 3,
            ahead_seconds_max: 2.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Rules;

    #[test]
    fn waits_grow_and_stay_bounded() {
        let waits = [0, 1, 2, 3, u32::MAX].map(|errors| Rules::default().backoff(errors));
        assert_eq!(waits, [0, 5_000, 30_000, 30_000, 30_000]);
    }
}
