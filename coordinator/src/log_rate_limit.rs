//! Says what happens again and again without flooding the log.

use crate::scheduler::queue::Millis;

/// Lines that are said before only summaries are.
const SAID_AT_ONCE: u64 = 3;
/// After this long, the next one is said whatever the count.
const QUIET_MS: Millis = 60_000;

/// How often something occurred, and when it was said last.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LogRateLimit {
    count: u64,
    said_at: Millis,
}

impl LogRateLimit {
    /// One more at `now`. Whether that is to be said: the first ones, then at doubling counts, or after a minute's silence.
    pub(crate) fn add(&mut self, now: Millis) -> bool {
        self.count += 1;
        let says =
            self.count <= SAID_AT_ONCE || self.count.is_power_of_two() || now.saturating_sub(self.said_at) >= QUIET_MS;
        if says {
            self.said_at = now;
        }
        says
    }

    /// How often it occurred.
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
