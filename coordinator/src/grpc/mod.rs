//! The gRPC services: they check messages, call the core, and answer. They make no decisions.

mod blob_download;
mod blob_upload;
pub mod control_client;
mod control_service;
mod full_disk;
mod message_size_limits;
mod newest_call_only;
mod server;
mod store_reads;
mod worker_service;

pub use server::{Bound, Entry, Server, ServerError};

use std::{net::IpAddr, sync::Arc, time::Duration};

use seedgrid_common::{
    text::{self, steers},
    unit::UnitId,
    wire::{convert, limits, v1},
};
use tonic::{Request, Status};

use crate::{
    auth::{AuthState, Refusal, address, caller},
    core::{CoreGone, Unregistered},
    scheduler::queue::WorkerId,
};

/// The time limit for sending or receiving the next part of a blob.
const PART_TIMEOUT: Duration = Duration::from_secs(60);

fn gone(_: CoreGone) -> Status {
    Status::unavailable("the coordinator is stopping; try again")
}

fn unregistered(_: Unregistered) -> Status {
    Status::not_found("this worker is not registered; register first")
}

fn invalid(problem: impl std::fmt::Display) -> Status {
    Status::invalid_argument(problem.to_string())
}

fn worker_id(text: &str) -> Result<WorkerId, Status> {
    text.parse().map_err(invalid)
}

/// The worker that made a call; its message may name no other worker.
#[derive(Clone, Debug)]
struct CallingWorker {
    worker: WorkerId,
    address: IpAddr,
    auth: Arc<AuthState>,
}

impl CallingWorker {
    /// The worker whose credential came with the call.
    fn authenticate<T>(request: &Request<T>, auth: &Arc<AuthState>) -> Result<Self, Status> {
        Ok(Self { worker: caller(request)?, address: address(request.extensions()), auth: Arc::clone(auth) })
    }

    /// The worker, which the message must name.
    fn named(&self, worker_id: &str) -> Result<WorkerId, Status> {
        if self::worker_id(worker_id)? != self.worker {
            self.auth.refuse(Refusal::OtherWorker, self.address);
            return Err(Status::permission_denied("the message names another worker than the credential does"));
        }
        Ok(self.worker.clone())
    }

    /// Counts a message about an attempt that the worker was never given.
    fn count_never_given(&self) {
        self.auth.refuse(Refusal::ForeignAttempt, self.address);
    }

    /// The answer to such a message.
    fn never_given(&self) -> Status {
        self.count_never_given();
        Status::not_found("the study has no such unit, or never gave this attempt to this worker")
    }
}

fn held(attempts: Vec<v1::AttemptId>) -> Result<Vec<(UnitId, u32)>, Status> {
    if attempts.len() > limits::HELD_MAX {
        return Err(invalid(format!("a worker holds at most {} attempts", limits::HELD_MAX)));
    }
    attempts.into_iter().map(|id| convert::attempt(id).map_err(invalid)).collect()
}

fn bounded(field: &str, text: &str, bytes_max: usize) -> Result<(), Status> {
    if text.len() > bytes_max {
        return Err(invalid(format!("{field} has more than {bytes_max} bytes")));
    }
    Ok(())
}

/// Checks a name that is shown unchanged.
fn name(field: &str, text: &str) -> Result<(), Status> {
    bounded(field, text, limits::NAME_BYTES_MAX)?;
    if text.contains(steers) {
        return Err(invalid(format!("{field} holds control characters, or such as nobody sees")));
    }
    if text.trim() != text {
        return Err(invalid(format!("{field} begins or ends with spaces")));
    }
    // Spreadsheets would compute such text as a formula.
    if text.starts_with(['=', '+', '-', '@']) {
        return Err(invalid(format!("{field} begins like a formula")));
    }
    Ok(())
}

/// Text for people. Characters that control a terminal or fake a log line are replaced.
fn prose(field: &str, text: &str) -> Result<String, Status> {
    bounded(field, text, limits::DETAIL_BYTES_MAX)?;
    Ok(text::plain(text))
}

/// Lines for people, such as a log. Characters that control a terminal are replaced.
fn lines(field: &str, text: &str, bytes_max: usize) -> Result<String, Status> {
    bounded(field, text, bytes_max)?;
    let steers = |character: char| steers(character) && !matches!(character, '\n' | '\t');
    Ok(text.replace(steers, "\u{fffd}"))
}
