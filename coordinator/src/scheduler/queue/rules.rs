//! The queue's limits.

use super::Millis;

/// The queue's limits for leases, retries and pauses.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// The duration of a lease without a heartbeat, in milliseconds.
    pub lease_ms: Millis,
    /// The number of errors after which a unit is quarantined.
    pub errors_max: u32,
    /// The waits after a unit's first error, its second one, and so on; the last wait applies to all later errors.
    pub retry_delays_ms: [Millis; 2],
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
