//! What people's commands ask.

use std::{pin::Pin, sync::Arc};

use seedgrid_common::wire::{limits, v1};
use tokio_stream::{Stream, StreamExt as _, wrappers::WatchStream};
use tonic::{Request, Response, Status};
use v1::control_service_server::ControlService;

use super::{gone, invalid};
use crate::{
    core::{Core, Request as Ask},
    retrying::{NotRetried, Reopened, Retry},
};

/// The service that commands call.
#[derive(Debug)]
pub(super) struct Control {
    core: Core,
}

impl Control {
    pub(super) fn new(core: Core) -> Self {
        Self { core }
    }
}

impl From<&Retry> for v1::RetryResponse {
    fn from(retry: &Retry) -> Self {
        let selection = |one: &Reopened| v1::ReopenedSelection { stage: one.stage.clone(), model: one.model.clone() };
        Self {
            unit_ids: retry.units.iter().map(|(id, _)| id.to_string()).collect(),
            selections: retry.selections.iter().map(selection).collect(),
        }
    }
}

#[tonic::async_trait]
impl ControlService for Control {
    async fn get_status(&self, _: Request<v1::GetStatusRequest>) -> Result<Response<v1::StatusSnapshot>, Status> {
        let picture = Arc::clone(&self.core.snapshots().borrow());
        Ok(Response::new(v1::StatusSnapshot::clone(&picture)))
    }

    async fn retry(&self, request: Request<v1::RetryRequest>) -> Result<Response<v1::RetryResponse>, Status> {
        let wanted = request.into_inner().unit_ids;
        if wanted.len() > limits::HELD_MAX {
            return Err(invalid(format!("at most {} units can be named at a time", limits::HELD_MAX)));
        }
        let units = wanted.iter().map(|id| id.parse().map_err(invalid)).collect::<Result<_, Status>>()?;
        let retry = self.core.ask(|reply| Ask::Retry { units, reply }).await.map_err(gone)?;
        let retry = retry.map_err(|refusal| match refusal {
            NotRetried::Unknown(_) => Status::not_found(refusal.to_string()),
            NotRetried::Done(_) | NotRetried::Diverged(_) | NotRetried::Open(_) => {
                Status::failed_precondition(refusal.to_string())
            }
        })?;
        Ok(Response::new((&retry).into()))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<v1::StatusSnapshot, Status>> + Send>>;

    async fn watch(&self, _: Request<v1::WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        // A watch channel holds only the newest picture: a slow reader misses some and holds nobody up.
        let pictures = WatchStream::new(self.core.snapshots());
        Ok(Response::new(Box::pin(pictures.map(|picture| Ok(v1::StatusSnapshot::clone(&picture))))))
    }
}
