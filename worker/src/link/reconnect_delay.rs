//! The delay between tries to reach the coordinator: exponential, with jitter, so that a hundred workers do not reconnect
//! at one instant. `seedgrid_common::join::reconnect_limits` has the times after which the tries end.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(15);

/// A connection that lasted this long was good: earlier failures no longer count.
const GOOD: Duration = Duration::from_secs(10);
/// The most failures that a short connection counts as: the coordinator was there, so the next wait is no more than 1.6
/// s.
const SHORT_LIVED: u32 = 4;
/// The same for a worker that is about to end, which waits 0.2 s at most.
const HURRIED: u32 = 1;

/// The delay after `failures` failed tries in a row: 100 ms, doubled with each failure up to 15 s. Its upper half is
/// random (`jitter` in 0..1).
pub fn delay(failures: u32, jitter: f64) -> Duration {
    let whole = FIRST.saturating_mul(1_u32.checked_shl(failures).unwrap_or(u32::MAX)).min(LONGEST);
    whole.mul_f64(0.5 + 0.5 * jitter.clamp(0.0, 1.0))
}

/// The failed tries in a row to reach the coordinator.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FailedTries(u32);

impl FailedTries {
    /// A try has failed.
    pub(super) fn add(&mut self) {
        self.0 = self.0.saturating_add(1);
    }

    /// A try has succeeded. It counts as a failure until the connection has lasted.
    pub(super) fn connected(&mut self) {
        self.0 = self.0.saturating_add(1).min(SHORT_LIVED);
    }

    /// A connection has ended after this time.
    pub(super) fn disconnected(&mut self, lasted: Duration) {
        if lasted >= GOOD {
            self.0 = 0;
        }
    }

    /// The delay before the next try. `hurried`: the worker is about to end.
    pub(super) fn delay(self, hurried: bool, jitter: f64) -> Duration {
        delay(if hurried { self.0.min(HURRIED) } else { self.0 }, jitter)
    }

    /// Whether the newest failure is logged: the first ones, later ones ever more rarely.
    pub(super) fn is_logged(self) -> bool {
        self.0.is_power_of_two()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_and_stay_bounded() {
        assert_eq!(delay(0, 0.0), Duration::from_millis(50));
        assert_eq!(delay(0, 1.0), Duration::from_millis(100));
        assert_eq!(delay(3, 1.0), Duration::from_millis(800));
        for failures in 0..200 {
            assert!(delay(failures, 0.5) <= delay(failures + 1, 0.5));
            assert!((LONGEST / 2..=LONGEST).contains(&delay(failures + 8, 0.3)));
        }
    }

    #[test]
    fn a_coordinator_that_was_there_is_tried_again_soon() {
        let mut tries = FailedTries::default();
        (0..20).for_each(|_| tries.add());
        assert_eq!(tries.delay(false, 1.0), LONGEST);
        assert_eq!(tries.delay(true, 1.0), Duration::from_millis(200));
        tries.connected();
        tries.disconnected(Duration::from_secs(9));
        assert_eq!(tries.delay(false, 1.0), Duration::from_millis(1600));
        tries.disconnected(GOOD);
        assert_eq!(tries.delay(false, 1.0), FIRST);
    }
}
