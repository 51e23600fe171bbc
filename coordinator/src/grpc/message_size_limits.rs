//! The size limit of each call's message. The length comes first, and a too long message is refused before it is read
//! into memory, so that many senders of long messages cost little.

use std::task::{Context, Poll, ready};

use tonic::{
    codegen::{Service, http},
    server::NamedService,
};

use crate::auth::Size;

/// A service with a separate message limit for each call.
#[derive(Clone, Debug)]
pub(super) struct BySize<S> {
    /// The service with the limit of each size class.
    by_size: [S; Size::ALL.len()],
}

impl<S> BySize<S> {
    /// Creates the services; `limited` makes one with a limit in bytes.
    pub(super) fn new(limited: impl Fn(usize) -> S) -> Self {
        Self { by_size: Size::ALL.map(|size| limited(size.bytes())) }
    }
}

impl<S: NamedService> NamedService for BySize<S> {
    const NAME: &'static str = S::NAME;
}

impl<S: Service<http::Request<B>>, B> Service<http::Request<B>> for BySize<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        for service in &mut self.by_size {
            ready!(service.poll_ready(context))?;
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> S::Future {
        self.by_size[Size::for_call(request.uri().path()) as usize].call(request)
    }
}

#[cfg(test)]
mod tests {
    use seedgrid_common::wire::{limits, v1};

    use super::*;

    fn fits(path: &str, message: &impl prost::Message) {
        let limit = Size::for_call(path).bytes();
        assert!(message.encoded_len() <= limit, "{path}: {} of {limit}", message.encoded_len());
    }

    #[test]
    fn what_is_allowed_fits() {
        let worker_id = "f".repeat(32);
        let attempt = || v1::AttemptId { study_id: "f".repeat(32), unit_id: "f".repeat(32), attempt: u32::MAX };
        let held = vec![attempt(); limits::HELD_MAX];
        let name = || "n".repeat(limits::NAME_BYTES_MAX);
        let info = v1::WorkerInfo { host: name(), device: name(), place: name(), ..Default::default() };
        let register = v1::RegisterRequest {
            protocol_version: 1,
            worker_id: worker_id.clone(),
            info: Some(info),
            held: held.clone(),
        };
        fits("/seedgrid.v1.WorkerService/Register", &register);
        fits(
            "/seedgrid.v1.WorkerService/Heartbeat",
            &v1::HeartbeatRequest { worker_id: worker_id.clone(), held: held.clone() },
        );
        let detail = "d".repeat(limits::DETAIL_BYTES_MAX);
        let loss = v1::LossReport {
            worker_id: worker_id.clone(),
            failure: 1,
            detail: detail.clone(),
            training: held,
            held: Vec::new(),
            log: "l".repeat(limits::LOG_BYTES_MAX),
        };
        fits("/seedgrid.v1.WorkerService/ReportLoss", &loss);
        fits("/seedgrid.v1.WorkerService/Leave", &v1::LeaveRequest { worker_id, reason: detail.clone() });
        fits("/seedgrid.v1.ControlService/Pause", &v1::PauseRequest { reason: detail });
        let piece = v1::blob_part::Part::Data(vec![0; limits::CHUNK_BYTES_MAX]);
        fits("/seedgrid.v1.WorkerService/UploadBlob", &v1::BlobPart { part: Some(piece) });
    }
}
