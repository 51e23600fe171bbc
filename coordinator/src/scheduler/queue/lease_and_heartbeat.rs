//! Leases: their duration, the interval of the heartbeats that renew them, and the silence after which a worker counts as
//! lost.

use super::{Millis, Rules, WorkerId};

/// The duration of a lease without a heartbeat. A worker that is silent for longer counts as lost, and others get its
/// units. 30 s survive two lost heartbeats at one every 10 s.
pub(super) const LEASE_MS: Millis = 30_000;

/// The number of heartbeats in the duration of a lease.
const HEARTBEATS_PER_LEASE: Millis = 3;

/// A worker without leases that was silent for this many durations of a lease is forgotten.
const FORGET_AFTER_LEASES: Millis = 2;

/// A worker's right, for a limited time, to run one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The attempt's number.
    pub attempt: u32,
    /// The worker that holds the lease.
    pub worker: WorkerId,
    /// The time at which the lease runs out unless it is renewed.
    pub expires: Millis,
    /// Whether the unit must run alone, so that its worker receives no other unit.
    pub alone: bool,
}

impl Rules {
    /// The time between two heartbeats of a worker.
    pub const fn heartbeat_ms(&self) -> Millis {
        self.lease_ms / HEARTBEATS_PER_LEASE
    }

    /// The silence after which a worker without leases is forgotten.
    pub const fn forget_after_ms(&self) -> Millis {
        FORGET_AFTER_LEASES * self.lease_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_survives_two_lost_heartbeats() {
        let rules = Rules::default();
        assert_eq!(rules.heartbeat_ms(), 10_000);
        assert!(2 * rules.heartbeat_ms() < rules.lease_ms && rules.lease_ms < rules.forget_after_ms());
    }
}
