//! The gRPC services: they check messages, call the core, and answer. They make no decisions.

mod blob_download;
mod blob_upload;
pub mod control_client;
mod control_service;
mod dataset_download;
mod file_download;
mod full_disk;
mod message_size_limits;
mod newest_call_only;
mod server;
mod store_reads;
mod worker_service;

pub use dataset_download::DatasetFiles;
pub use server::{Bound, Entry, Server, ServerError, StudyFiles};

use std::{net::IpAddr, sync::Arc, time::Duration};

use seedgrid_common::{
    text::{self, steers},
    unit::{Attempt, UnitId},
    wire::{limits, v1},
};
use tonic::{Request, Status};

use crate::{
    auth::{AuthState, CallerKind, Refusal, address, caller},
    core::{Core, CoreGone, CoreStudy, Unregistered},
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

/// The study whose credential came with the call.
fn study<'a, T>(request: &Request<T>, core: &'a Core) -> Result<&'a CoreStudy, Status> {
    let study = core.study(caller(request)?.study);
    study.ok_or_else(|| Status::unavailable("this coordinator has no such study any more"))
}

/// The worker that made a call; its message may name no other worker.
#[derive(Clone, Debug)]
struct CallingWorker {
    study: CoreStudy,
    worker: WorkerId,
    address: IpAddr,
    auth: Arc<AuthState>,
}

/// Attempts that a message names.
#[derive(Debug, Default)]
struct NamedAttempts {
    /// Those of the caller's study.
    own: Vec<(UnitId, u32)>,
    /// Those of other studies: the caller was never given them.
    foreign: Vec<Attempt>,
}

impl CallingWorker {
    /// The worker whose credential came with the call.
    fn authenticate<T>(request: &Request<T>, core: &Core, auth: &Arc<AuthState>) -> Result<Self, Status> {
        let CallerKind::Worker(worker) = caller(request)?.kind else {
            return Err(Status::permission_denied("only workers make this call"));
        };
        let study = study(request, core)?.clone();
        Ok(Self { study, worker, address: address(request.extensions()), auth: Arc::clone(auth) })
    }

    /// The attempt that a message names. None: it is another study's.
    fn attempt(&self, id: Option<v1::AttemptId>) -> Result<Option<(UnitId, u32)>, Status> {
        let id = id.ok_or_else(|| invalid("attempt is missing"))?;
        let Attempt { study, unit, number } = id.try_into().map_err(invalid)?;
        Ok((study == self.study.id()).then_some((unit, number)))
    }

    /// The attempts that a message lists.
    fn attempts(&self, ids: Vec<v1::AttemptId>) -> Result<NamedAttempts, Status> {
        if ids.len() > limits::HELD_MAX {
            return Err(invalid(format!("a worker holds at most {} attempts", limits::HELD_MAX)));
        }
        let mut named = NamedAttempts::default();
        for id in ids {
            let attempt = Attempt::try_from(id).map_err(invalid)?;
            match attempt.study == self.study.id() {
                true => named.own.push((attempt.unit, attempt.number)),
                false => named.foreign.push(attempt),
            }
        }
        Ok(named)
    }

    /// The attempts that the caller named and that are not wanted: these of its study, and those of other studies.
    fn dropped(&self, own: Vec<(UnitId, u32)>, foreign: Vec<Attempt>) -> Vec<v1::AttemptId> {
        let study = self.study.id();
        let own = own.into_iter().map(|(unit, number)| Attempt { study, unit, number });
        own.chain(foreign).map(Into::into).collect()
    }

    /// The worker, which the message must name.
    fn named(&self, worker_id: &str) -> Result<WorkerId, Status> {
        if self::worker_id(worker_id)? != self.worker {
            self.auth.refuse(Refusal::OtherWorker, self.address);
            return Err(Status::permission_denied("the message names another worker than the credential does"));
        }
        Ok(self.worker)
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
