//! The time after which a join file expires: workers that have enrolled stay, and no more can enroll with the file.

use std::time::Duration;

/// The lifetime of a join file, unless `--join-expires` sets another one.
pub(super) const JOIN_EXPIRES_AFTER: Duration = Duration::from_secs(30 * 24 * 3600);

/// The expiry of a file that is made at `now_ms`, rounded to whole seconds as in the files.
pub(super) fn expires_ms(now_ms: i64, after: Duration) -> i64 {
    let after = i64::try_from(after.as_secs()).unwrap_or(i64::MAX);
    (now_ms / 1000).saturating_add(after).saturating_mul(1000)
}
