//! What people's commands ask.

use std::{pin::Pin, sync::Arc};

use seedgrid_common::wire::v1;
use tokio_stream::{Stream, StreamExt as _, wrappers::WatchStream};
use tonic::{Request, Response, Status};
use v1::control_service_server::ControlService;

use crate::core::Core;

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

#[tonic::async_trait]
impl ControlService for Control {
    async fn get_status(&self, _: Request<v1::GetStatusRequest>) -> Result<Response<v1::StatusSnapshot>, Status> {
        let picture = Arc::clone(&self.core.snapshots().borrow());
        Ok(Response::new(v1::StatusSnapshot::clone(&picture)))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<v1::StatusSnapshot, Status>> + Send>>;

    async fn watch(&self, _: Request<v1::WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        // A watch channel holds only the newest picture: a slow reader misses some and holds nobody up.
        let pictures = WatchStream::new(self.core.snapshots());
        Ok(Response::new(Box::pin(pictures.map(|picture| Ok(v1::StatusSnapshot::clone(&picture))))))
    }
}
