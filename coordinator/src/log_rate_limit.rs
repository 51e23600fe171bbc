//! Limits the rate of repeated log lines.

use crate::scheduler::queue::Millis;

/// The number of lines that are logged before only summaries follow.
const SAID_AT_ONCE: u64 = 3;
/// After this long, in milliseconds, the next line is logged at any count.
const QUIET_MS: Millis = 60_000;

/// The number of occurrences, and the time of the last log line.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LogRateLimit {
    count: u64,
    said_at: Millis,
}

impl LogRateLimit {
    /// Counts an occurrence at `now`. Returns whether to log it: the first ones, then at doubling counts, or after a
    /// minute of silence.
    pub(crate) fn add(&mut self, now: Millis) -> bool {
        self.count += 1;
        let says =
            self.count <= SAID_AT_ONCE || self.count.is_power_of_two() || now.saturating_sub(self.said_at) >= QUIET_MS;
        if says {
            self.said_at = now;
        }
        says
    }

    /// The number of occurrences.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_not_flooded() {
        let mut throttle = LogRateLimit::default();
        let said = (0..100_000).filter(|_| throttle.add(1)).count();
        assert_eq!(said, 2 + 16, "1, 2 and 3, then 4, 8, ... 65536");
        assert!(throttle.add(1 + QUIET_MS), "after a minute's silence");
        assert!(!throttle.add(2 + QUIET_MS));
        assert_eq!(throttle.count(), 100_002);
    }
}
