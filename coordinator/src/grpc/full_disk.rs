//! The coordinator's disk is full, or cannot be written for another reason: the answer to workers that upload.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use seedgrid_common::wire::blob::Content;
use tonic::Status;

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

/// The answer to a worker whose upload could not be written: whether the upload was kept.
fn answer(content: Content, error: &BlobError) -> Result<bool, Status> {
    match content {
        // A checkpoint only saves time, and the worker must not wait for a full disk.
        Content::Checkpoint(_) => Ok(false),
        // The worker tries again: the result counts only with its weights.
        Content::Weights => Err(Status::unavailable(error.to_string())),
    }
}

impl Disk {
    /// Notes a failed write of an upload, and returns the answer to the worker.
    pub(super) fn refused(&self, content: Content, error: &BlobError) -> Result<bool, Status> {
        self.note(error);
        answer(content, error)
    }

    /// Notes a failed write. It is logged here as well: the disk is this machine's, and the worker can only try again.
    fn note(&self, error: &BlobError) {
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

    use seedgrid_common::training::Progress;
    use tonic::Code;

    use super::*;

    #[test]
    fn trouble_lasts_until_something_is_written() {
        let disk = Disk::default();
        assert_eq!(disk.trouble(), None);
        disk.took();
        let cause = io::Error::other("no room");
        let error = BlobError { action: "write to", path: PathBuf::from("checkpoints"), cause };
        assert!(!disk.refused(Content::Checkpoint(Progress::default()), &error).unwrap(), "the checkpoint is dropped");
        let again = disk.refused(Content::Weights, &error).unwrap_err();
        assert_eq!(again.code(), Code::Unavailable, "the worker sends the weights again");
        assert_eq!(disk.trouble().unwrap(), "cannot write to checkpoints: no room");
        disk.took();
        assert_eq!(disk.trouble(), None);
    }
}
