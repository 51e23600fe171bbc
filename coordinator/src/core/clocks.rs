//! The core's clocks: the monotonic time by which leases end, and the wall time of records.

use std::time::{Duration, Instant};

use seedgrid_common::utc;

use super::reactor::Moment;
use crate::{scheduler::queue::Millis, store::LockWait};

/// The machine's clocks. The core's time excludes waits for a locked store, during which workers cannot renew their
/// leases.
#[derive(Clone, Debug)]
pub(super) struct Clocks {
    started: Instant,
    busy: LockWait,
    /// The store's total wait before the start.
    before: Duration,
}

impl Clocks {
    /// Starts the time of a core whose store has these waits.
    pub(super) fn start(busy: LockWait) -> Self {
        Self { started: Instant::now(), before: busy.total(), busy }
    }

    /// Reads the clocks.
    pub(super) fn read(&self) -> Moment {
        let stood = self.busy.total().saturating_sub(self.before);
        let lived = self.started.elapsed().saturating_sub(stood);
        let now = Millis::try_from(lived.as_millis()).unwrap_or(Millis::MAX);
        Moment { now, wall_ms: utc::now_ms() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_in_which_the_store_is_locked_ends_no_lease() {
        let busy = LockWait::default();
        busy.waited(Duration::from_secs(50));
        let clocks = Clocks::start(busy.clone());
        let first = clocks.read().now;
        assert!(first < 1_000_000);
        // As if a day had passed, with the store locked for exactly that day.
        let later = Clocks { started: clocks.started.checked_sub(Duration::from_secs(86_400)).unwrap(), ..clocks };
        assert!(later.read().now >= 86_400_000, "what was waited for before the start is no part of it");
        busy.waited(Duration::from_secs(86_400));
        assert!(later.read().now < 86_400_000);
    }
}
