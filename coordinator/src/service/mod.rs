//! The gRPC services: they check what peers send, ask the core, and answer. No decision is made here.

mod auth;
mod control;
mod download;
mod server;
mod upload;
mod worker;

pub use server::{Bound, Server, ServerError};

use seedgrid_common::{
    unit::UnitId,
    wire::{convert, limits, v1},
};
use tonic::Status;

use crate::{
    core::{CoreGone, Unregistered},
    queue::WorkerId,
};

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

fn held(attempts: Vec<v1::AttemptId>) -> Result<Vec<(UnitId, u32)>, Status> {
    if attempts.len() > limits::HELD_MAX {
        return Err(invalid(format!("a worker holds at most {} attempts", limits::HELD_MAX)));
    }
    attempts.into_iter().map(|id| convert::attempt(id).map_err(invalid)).collect()
}

fn text(field: &str, text: &str, bytes_max: usize) -> Result<(), Status> {
    if text.len() > bytes_max {
        return Err(invalid(format!("{field} has more than {bytes_max} bytes")));
    }
    Ok(())
}
