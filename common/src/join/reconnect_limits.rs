//! The times after which a program ends its tries to reach a coordinator that is away.

use std::time::Duration;

/// A worker that holds no units, unless `--connect-timeout` sets another time, and `seedgrid watch`.
pub const WITHOUT_UNITS: Duration = Duration::from_secs(10 * 60);

/// A worker that holds units or results, which would be lost with it.
pub const WITH_UNITS: Duration = Duration::from_secs(24 * 60 * 60);
