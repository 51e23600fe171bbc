//! The numbers that the queue goes by.

use super::Millis;

/// The numbers that the queue goes by.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// How long a lease lasts without a heartbeat.
    pub lease_ms: Millis,
    /// After this many errors a unit is given up.
    pub errors_max: u32,
    /// Units that are expected to take longer are given only to free slots, shorter ones also ahead of need.
    pub ahead_seconds_max: f64,
}

impl Default for Rules {
    /// A lease of 30 s survives two lost heartbeats at one every 10 s; three errors are no accident. Asking for the next unit only
    /// when a slot is free costs some milliseconds, which 2 s of training hide.
    fn default() -> Self {
        Self { lease_ms: 30_000, errors_max: 3, ahead_seconds_max: 2.0 }
    }
}
