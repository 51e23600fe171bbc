//! The time that a worker has for handing over before it ends.

use std::time::Duration;

/// The time for handing over after a signal, or after the study was done.
pub(super) const GRACE: Duration = Duration::from_secs(5);
/// The time for the leave call once the time for handing over is used up.
pub(super) const GOODBYE: Duration = Duration::from_secs(2);
