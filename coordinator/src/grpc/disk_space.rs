//! Whether this machine's disk accepts workers' uploads.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use crate::{log_rate_limit::LogRateLimit, store::blobs::BlobError};

/// The last failed write, until a write succeeds. It is logged at a limited rate and shown in the status.
#[derive(Debug)]
pub(super) struct Disk {
    started: Instant,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    throttle: LogRateLimit,
    trouble: Option<String>,
}

impl Default for Disk {
    fn default() -> Self {
        Self { started: Instant::now(), state: Mutex::default() }
    }
}

impl Disk {
    /// Notes a failed write.
    pub(super) fn refused(&self, error: &BlobError) {
        let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut state = self.lock();
        if state.throttle.add(now) {
            let count = state.throttle.count();
            tracing::error!(count, "{error}; training goes on, and needs room on this disk to be kept");
        }
        state.trouble = Some(error.to_string());
    }

    /// Notes a successful write.
    pub(super) fn took(&self) {
        let mut state = self.lock();
        if state.trouble.take().is_some() {
            tracing::warn!("what workers hand over is written again");
            state.throttle = LogRateLimit::default();
        }
    }

    /// The last failed write, if the newest try failed.
    pub(super) fn trouble(&self) -> Option<String> {
        self.lock().trouble.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic leaves the state usable.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{io, path::PathBuf};

    use super::*;

    #[test]
    fn trouble_lasts_until_something_is_written() {
        let disk = Disk::default();
        assert_eq!(disk.trouble(), None);
        disk.took();
        let cause = io::Error::other("no room");
        disk.refused(&BlobError { action: "write to", path: PathBuf::from("checkpoints"), cause });
        assert_eq!(disk.trouble().unwrap(), "cannot write to checkpoints: no room");
        disk.took();
        assert_eq!(disk.trouble(), None);
    }
}
