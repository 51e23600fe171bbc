//! The coordinator's answers.

use std::{pin::Pin, time::Duration};

use seedgrid_common::{
    data::encode::digest,
    join::Token,
    wire::{
        PROTOCOL_VERSION,
        blob::{Arriving, BlobHead},
        v1::{worker_service_server::WorkerService, *},
    },
};
use tokio_stream::Stream;
use tonic::{Request, Response, Status, Streaming};

use super::Play;

pub struct Service(pub Play);

#[tonic::async_trait]
impl WorkerService for Service {
    async fn enroll(&self, request: Request<EnrollRequest>) -> Result<Response<EnrollResponse>, Status> {
        let mut script = self.0.script();
        let shown = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
        if shown != Some(&format!("Bearer {}", script.token.expose())) {
            script.unauthenticated += 1;
            return Err(Status::unauthenticated("no such token"));
        }
        let request = request.into_inner();
        script.enrolled.insert(request.worker_id, request.secret_sha256.try_into().unwrap());
        script.enrolments += 1;
        Ok(Response::new(EnrollResponse { study: script.study.clone(), study_id: script.study_id.to_string() }))
    }

    async fn register(&self, request: Request<RegisterRequest>) -> Result<Response<RegisterResponse>, Status> {
        self.0.admit(&request)?;
        let request = request.into_inner();
        let mut script = self.0.script();
        if request.protocol_version != PROTOCOL_VERSION {
            return Err(Status::failed_precondition("another protocol version"));
        }
        script.known.insert(request.worker_id.clone());
        script.registers.push(request);
        let (study, study_id) = (script.study.clone(), script.study_id.to_string());
        Ok(Response::new(RegisterResponse {
            study,
            study_id,
            lease_ms: 2_000,
            heartbeat_ms: 50,
            dropped: vec![],
            checkpoint_ms: 0,
        }))
    }

    async fn pull(&self, request: Request<PullRequest>) -> Result<Response<PullResponse>, Status> {
        self.0.admit(&request)?;
        let request = request.into_inner();
        for _ in 0..20 {
            {
                let mut script = self.0.script();
                script.know(&request.worker_id)?;
                let assignments = script.give(request.units_max);
                let state = script.state();
                if !assignments.is_empty() || state != StudyState::Running {
                    return Ok(Response::new(PullResponse { assignments, state: state.into() }));
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(Response::new(PullResponse { assignments: vec![], state: StudyState::Running.into() }))
    }

    async fn heartbeat(&self, request: Request<HeartbeatRequest>) -> Result<Response<HeartbeatResponse>, Status> {
        self.0.admit(&request)?;
        let request = request.into_inner();
        let mut script = self.0.script();
        script.know(&request.worker_id)?;
        script.beats.push(request.held);
        let dropped = std::mem::take(&mut script.drop_next);
        let state = script.state().into();
        Ok(Response::new(HeartbeatResponse { dropped, state }))
    }

    async fn metrics(&self, request: Request<Streaming<MetricsReport>>) -> Result<Response<MetricsSummary>, Status> {
        self.0.admit(&request)?;
        let mut stream = request.into_inner();
        let mut received = 0;
        loop {
            while self.0.script().stall_metrics {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            match stream.message().await? {
                Some(report) => self.0.script().metrics.push(report),
                None => return Ok(Response::new(MetricsSummary { received })),
            }
            received += 1;
        }
    }

    async fn submit(&self, request: Request<SubmitRequest>) -> Result<Response<SubmitResponse>, Status> {
        self.0.admit(&request)?;
        let request = request.into_inner();
        let mut script = self.0.script();
        script.classes.insert(request.numerics_class);
        let receipts: Vec<Receipt> = request.attempts.into_iter().map(|attempt| script.end(attempt)).collect();
        let ended = receipts.iter().any(|receipt| receipt.outcome() != SubmitOutcome::WeightsFirst);
        if ended && script.lose_acknowledgements > 0 {
            script.lose_acknowledgements -= 1;
            return Err(Status::unavailable("the answer got lost"));
        }
        let assignments = script.give(request.units_max);
        let state = script.state().into();
        Ok(Response::new(SubmitResponse { receipts, assignments, state }))
    }

    async fn upload_blob(&self, request: Request<Streaming<BlobPart>>) -> Result<Response<BlobReceipt>, Status> {
        self.0.admit(&request)?;
        let mut parts = request.into_inner();
        let head = BlobHead::try_from(parts.message().await?.unwrap()).unwrap();
        {
            let mut script = self.0.script();
            script.know(&head.worker_id)?;
            if script.refuse_uploads > 0 {
                script.refuse_uploads -= 1;
                return Err(Status::invalid_argument("blob.kind is odd"));
            }
            if script.unwanted_uploads > 0 {
                script.unwanted_uploads -= 1;
                script.arrived.insert(head.digest.to_string());
                return Ok(Response::new(BlobReceipt { kept: false, checkpoint_ms: 0 }));
            }
            if script.cut_uploads > 0 {
                script.cut_uploads -= 1;
                return Err(Status::unavailable("the disk is full"));
            }
        }
        let mut arriving = Arriving::new(&head);
        let mut bytes = Vec::new();
        while let Some(part) = parts.message().await? {
            bytes.extend(arriving.take(part).unwrap());
        }
        arriving.finish().unwrap();
        let mut script = self.0.script();
        if script.forget_uploads > 0 {
            script.forget_uploads -= 1;
        } else {
            script.arrived.insert(head.digest.to_string());
        }
        script.blobs.push((head, bytes));
        Ok(Response::new(BlobReceipt { kept: true, checkpoint_ms: 0 }))
    }

    async fn report_loss(&self, request: Request<LossReport>) -> Result<Response<LossReceipt>, Status> {
        self.0.admit(&request)?;
        self.0.script().losses.push(request.into_inner());
        Ok(Response::new(LossReceipt {}))
    }

    type FetchBlobStream = Pin<Box<dyn Stream<Item = Result<BlobPart, Status>> + Send>>;

    async fn fetch_blob(&self, request: Request<FetchBlobRequest>) -> Result<Response<Self::FetchBlobStream>, Status> {
        self.0.admit(&request)?;
        Err(Status::not_found("there is no checkpoint for this attempt"))
    }

    async fn leave(&self, request: Request<LeaveRequest>) -> Result<Response<LeaveResponse>, Status> {
        self.0.admit(&request)?;
        self.0.script().left.push(request.into_inner().reason);
        Ok(Response::new(LeaveResponse {}))
    }

    type FetchDatasetStream = Pin<Box<dyn Stream<Item = Result<DatasetChunk, Status>> + Send>>;

    async fn fetch_dataset(
        &self,
        request: Request<FetchDatasetRequest>,
    ) -> Result<Response<Self::FetchDatasetStream>, Status> {
        self.0.admit(&request)?;
        let mut script = self.0.script();
        script.fetches += 1;
        let mut bytes = script.dataset.clone();
        if digest(&bytes) != request.into_inner().digest {
            return Err(Status::not_found("no such data set"));
        }
        if script.corrupt_fetches > 0 {
            script.corrupt_fetches -= 1;
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        }
        let total = bytes.len() as u64;
        let chunks: Vec<_> = bytes
            .chunks(256 * 1024)
            .enumerate()
            .map(|(index, data)| {
                Ok(DatasetChunk { bytes_total: if index == 0 { total } else { 0 }, data: data.to_vec() })
            })
            .collect();
        Ok(Response::new(Box::pin(tokio_stream::iter(chunks))))
    }
}
