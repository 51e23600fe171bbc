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
    /// The waits of each study's store.
    busy: Vec<LockWait>,
    /// The stores' total wait before the start.
    before: Duration,
}

/// The sum of the waits. The core has one thread, so no two of them overlap.
fn total(busy: &[LockWait]) -> Duration {
    busy.iter().map(LockWait::total).sum()
}

impl Clocks {
    /// Starts the time of a core whose stores have these waits.
    pub(super) fn start(busy: Vec<LockWait>) -> Self {
        Self { started: Instant::now(), before: total(&busy), busy }
    }

    /// Reads the clocks.
    pub(super) fn read(&self) -> Moment {
        let stood = total(&self.busy).saturating_sub(self.before);
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
        let clocks = Clocks::start(vec![LockWait::default(), busy.clone()]);
        let first = clocks.read().now;
        assert!(first < 1_000_000);
        // As if a day had passed, with the store locked for exactly that day.
        let later = Clocks { started: clocks.started.checked_sub(Duration::from_secs(86_400)).unwrap(), ..clocks };
        assert!(later.read().now >= 86_400_000, "what was waited for before the start is no part of it");
        busy.waited(Duration::from_secs(86_400));
        assert!(later.read().now < 86_400_000);
    }
}
