//! The service for workers.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use seedgrid_common::{
    study_id::StudyId,
    training::{Ending, EpochMetrics, UnitResult},
    unit::{Attempt, UnitId},
    wire::{PROTOCOL_VERSION, limits, v1},
};
use tokio::sync::watch;
use tokio_stream::StreamExt as _;
use tonic::{Request, Response, Status, Streaming};
use v1::worker_service_server::WorkerService;

use super::{
    CallingWorker, blob_download,
    blob_upload::{self, Uploads},
    dataset_download::{self, DatasetFiles},
    file_download::Parts,
    full_disk::Disk,
    gone, invalid, lines, name,
    newest_call_only::NewestCallOnly,
    prose, study, unregistered, worker_id,
};
use crate::{
    auth::{AuthState, NotEnrolled, Refusal, address},
    core::{Core, FinishedAttempt, Given, LONG_POLL_MS, NotRegistered, NotSubmitted, Outcome, Pulled, Request as Ask},
    scheduler::{attempt_ending::AttemptEnding, queue::WorkerId},
};

/// The service for workers.
#[derive(Debug)]
pub(super) struct Workers {
    core: Core,
    datasets: BTreeMap<StudyId, DatasetFiles>,
    auth: Arc<AuthState>,
    disk: Arc<Disk>,
    uploads: Uploads,
    fetches: NewestCallOnly<Attempt>,
    dataset_fetches: NewestCallOnly<(StudyId, WorkerId)>,
    /// Becomes true when the coordinator stops: long polls end at once.
    stopping: watch::Receiver<bool>,
}

impl Workers {
    pub(super) fn new(
        core: Core,
        datasets: BTreeMap<StudyId, DatasetFiles>,
        auth: Arc<AuthState>,
        disk: Arc<Disk>,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        Self {
            core,
            datasets,
            auth,
            disk,
            uploads: Uploads::default(),
            fetches: NewestCallOnly::default(),
            dataset_fetches: NewestCallOnly::default(),
            stopping,
        }
    }

    fn teller<T>(&self, request: &Request<T>) -> Result<CallingWorker, Status> {
        CallingWorker::authenticate(request, &self.core, &self.auth)
    }

    /// The shortest time between two checkpoints of one attempt.
    fn checkpoint_ms(&self) -> u32 {
        self.uploads.allowed(self.core.studies()).as_millis() as u32
    }

    /// Counts a refused call.
    fn refuses(&self, refusal: Refusal, address: IpAddr, status: Status) -> Status {
        self.auth.refuse(refusal, address);
        status
    }
}

fn same_version(theirs: u32) -> Result<(), Status> {
    if theirs == PROTOCOL_VERSION {
        return Ok(());
    }
    Err(Status::failed_precondition(format!(
        "the coordinator speaks protocol version {PROTOCOL_VERSION}, the worker {theirs}; use binaries of one version"
    )))
}

#[tonic::async_trait]
impl WorkerService for Workers {
    async fn enroll(&self, request: Request<v1::EnrollRequest>) -> Result<Response<v1::EnrollResponse>, Status> {
        let address = address(request.extensions());
        let study = study(&request, &self.core)?;
        let request = request.into_inner();
        same_version(request.protocol_version)?;
        let worker = worker_id(&request.worker_id)?;
        let digest = request.secret_sha256.try_into().map_err(|_| invalid("secret_sha256 must have 32 bytes"))?;
        let enrolled = study.ask(|reply| Ask::Enroll { worker, digest, reply }).await.map_err(gone)?;
        enrolled.map_err(|refusal| {
            let message = refusal.to_string();
            match refusal {
                NotEnrolled::Revoked => self.refuses(Refusal::Revoked, address, Status::permission_denied(message)),
                NotEnrolled::OtherSecret => {
                    self.refuses(Refusal::OtherWorker, address, Status::permission_denied(message))
                }
                NotEnrolled::Full => {
                    self.refuses(Refusal::TooManyWorkers, address, Status::resource_exhausted(message))
                }
            }
        })?;
        Ok(Response::new(v1::EnrollResponse { study: study.name().to_owned(), study_id: study.id().to_string() }))
    }

    async fn register(&self, request: Request<v1::RegisterRequest>) -> Result<Response<v1::RegisterResponse>, Status> {
        let teller = self.teller(&request)?;
        let address = teller.address;
        let request = request.into_inner();
        same_version(request.protocol_version)?;
        let worker = teller.named(&request.worker_id)?;
        let info = request.info.ok_or_else(|| invalid("info is missing"))?;
        let said = [
            ("info.host", &info.host),
            ("info.device", &info.device),
            ("info.isa", &info.isa),
            ("info.numerics_class", &info.numerics_class),
            ("info.version", &info.version),
            ("info.place", &info.place),
        ];
        for (field, value) in said {
            name(field, value)?;
        }
        if said.iter().map(|(_, value)| value.len()).sum::<usize>() > limits::WORKER_BYTES_MAX {
            return Err(invalid(format!("info has more than {} bytes", limits::WORKER_BYTES_MAX)));
        }
        if info.slots == 0 || info.slots as usize > limits::HELD_MAX {
            return Err(invalid(format!("info.slots must be in 1..={}", limits::HELD_MAX)));
        }
        let held = teller.attempts(request.held)?;
        let info = Box::new(info);
        let ask = |reply| Ask::Register { worker, info, held: held.own, reply };
        let registered = teller.study.ask(ask).await.map_err(gone)?;
        let registered = registered.map_err(|refusal| match refusal {
            NotRegistered::Unknown => Status::unauthenticated(refusal.to_string()),
            NotRegistered::OtherResults { .. } => Status::failed_precondition(refusal.to_string()),
            NotRegistered::TooMany => {
                self.refuses(Refusal::TooManyWorkers, address, Status::resource_exhausted(refusal.to_string()))
            }
        })?;
        let rules = teller.study.rules();
        Ok(Response::new(v1::RegisterResponse {
            study: teller.study.name().to_owned(),
            study_id: teller.study.id().to_string(),
            lease_ms: rules.lease_ms as u32,
            heartbeat_ms: rules.heartbeat_ms() as u32,
            dropped: teller.dropped(registered.dropped, held.foreign),
            checkpoint_ms: self.checkpoint_ms(),
        }))
    }

    async fn pull(&self, request: Request<v1::PullRequest>) -> Result<Response<v1::PullResponse>, Status> {
        let teller = self.teller(&request)?;
        let request = request.into_inner();
        let worker = teller.named(&request.worker_id)?;
        if request.units_max == 0 || request.units_max > limits::PULL_UNITS_MAX {
            return Err(invalid(format!("units_max must be in 1..={}", limits::PULL_UNITS_MAX)));
        }
        let (max, patience) = (request.units_max as usize, LONG_POLL_MS);
        let pulled = teller.study.ask(|reply| Ask::Pull { worker, max, patience, reply }).await.map_err(gone)?;
        let pulled = pulled.map_err(unregistered)?;
        Ok(Response::new(v1::PullResponse {
            assignments: assignments(teller.study.id(), &pulled.units),
            state: pulled.state.into(),
        }))
    }

    async fn heartbeat(
        &self,
        request: Request<v1::HeartbeatRequest>,
    ) -> Result<Response<v1::HeartbeatResponse>, Status> {
        let teller = self.teller(&request)?;
        let request = request.into_inner();
        let worker = teller.named(&request.worker_id)?;
        let held = teller.attempts(request.held)?;
        let heard = teller.study.ask(|reply| Ask::Heartbeat { worker, held: held.own, reply }).await.map_err(gone)?;
        let heard = heard.map_err(unregistered)?;
        let dropped = teller.dropped(heard.dropped, held.foreign);
        Ok(Response::new(v1::HeartbeatResponse { dropped, state: heard.state.into() }))
    }

    async fn metrics(
        &self,
        request: Request<Streaming<v1::MetricsReport>>,
    ) -> Result<Response<v1::MetricsSummary>, Status> {
        let teller = self.teller(&request)?;
        let mut reports = request.into_inner();
        let mut stopping = self.stopping.clone();
        let mut received = 0;
        loop {
            let report = tokio::select! {
                report = reports.next() => report,
                _ = stopping.wait_for(|stopping| *stopping) => None,
            };
            let Some(report) = report else { break };
            let report = report?;
            let worker = teller.named(&report.worker_id)?;
            let named = teller.attempt(report.attempt)?;
            let metrics = report.metrics.map(EpochMetrics::try_from).transpose().map_err(invalid)?;
            received += 1;
            if let Some((unit, attempt)) = named {
                teller.study.mention(Ask::Metrics { worker, unit, attempt, metrics });
            }
        }
        Ok(Response::new(v1::MetricsSummary { received }))
    }

    async fn submit(&self, request: Request<v1::SubmitRequest>) -> Result<Response<v1::SubmitResponse>, Status> {
        let teller = self.teller(&request)?;
        let request = request.into_inner();
        let worker = teller.named(&request.worker_id)?;
        name("numerics_class", &request.numerics_class)?;
        if request.attempts.is_empty() || request.attempts.len() > limits::SUBMIT_ATTEMPTS_MAX {
            return Err(invalid(format!("attempts must be 1..={}", limits::SUBMIT_ATTEMPTS_MAX)));
        }
        if request.units_max > limits::PULL_UNITS_MAX {
            return Err(invalid(format!("units_max must be in 0..={}", limits::PULL_UNITS_MAX)));
        }
        let mut receipts = Vec::with_capacity(request.attempts.len());
        let mut attempts = Vec::with_capacity(request.attempts.len());
        for sent in request.attempts {
            let Some(id) = teller.attempt(sent.attempt.clone())? else {
                teller.count_never_given();
                receipts.push(v1::Receipt { outcome: v1::SubmitOutcome::NeverGiven.into(), ..Default::default() });
                continue;
            };
            match finished_attempt(id, sent) {
                Ok(attempt) => {
                    attempts.push(attempt);
                    receipts.push(v1::Receipt::default());
                }
                Err(problem) => receipts.push(malformed(problem.message())),
            }
        }
        let (numerics_class, max) = (request.numerics_class, request.units_max as usize);
        let ask = |reply| Ask::Submit { worker, attempts, numerics_class, max, reply };
        let submitted = teller.study.ask(ask).await.map_err(gone)?;
        let open = receipts.iter_mut().filter(|receipt| receipt.outcome() == v1::SubmitOutcome::Unspecified);
        for (receipt, outcome) in open.zip(submitted.receipts) {
            match outcome {
                Ok(outcome) => receipt.set_outcome(outcome),
                Err(NotSubmitted::NeverGiven) => {
                    teller.count_never_given();
                    receipt.set_outcome(v1::SubmitOutcome::NeverGiven);
                }
                Err(refused @ NotSubmitted::Shape { .. }) => *receipt = malformed(&refused.to_string()),
                Err(refused @ NotSubmitted::OtherResults { .. }) => {
                    return Err(Status::failed_precondition(refused.to_string()));
                }
            }
        }
        let Pulled { units, state } = submitted.pulled;
        Ok(Response::new(v1::SubmitResponse {
            receipts,
            assignments: assignments(teller.study.id(), &units),
            state: state.into(),
        }))
    }

    async fn upload_blob(
        &self,
        request: Request<Streaming<v1::BlobPart>>,
    ) -> Result<Response<v1::BlobReceipt>, Status> {
        let teller = self.teller(&request)?;
        let mut stopping = self.stopping.clone();
        tokio::select! {
            kept = blob_upload::receive(&self.disk, &self.uploads, &teller, request.into_inner()) => {
                Ok(Response::new(v1::BlobReceipt { kept: kept?, checkpoint_ms: self.checkpoint_ms() }))
            }
            _ = stopping.wait_for(|stopping| *stopping) => Err(Status::unavailable("the coordinator is stopping; try again")),
        }
    }

    async fn report_loss(&self, request: Request<v1::LossReport>) -> Result<Response<v1::LossReceipt>, Status> {
        let teller = self.teller(&request)?;
        let request = request.into_inner();
        let worker = teller.named(&request.worker_id)?;
        let detail = prose("detail", &request.detail)?;
        let log = lines("log", &request.log, limits::LOG_BYTES_MAX)?;
        let ending = match request.failure() {
            v1::Failure::OutOfMemory => AttemptEnding::OutOfMemory,
            v1::Failure::Crashed => AttemptEnding::Crashed,
            _ => return Err(invalid("failure must be OUT_OF_MEMORY or CRASHED")),
        };
        if request.training.len() + request.held.len() > limits::HELD_MAX {
            return Err(invalid(format!("a worker holds at most {} attempts", limits::HELD_MAX)));
        }
        let (training, held) = (teller.attempts(request.training)?.own, teller.attempts(request.held)?.own);
        let ask = |reply| Ask::Lost { worker, ending, detail, training, held, log, reply };
        teller.study.ask(ask).await.map_err(gone)?;
        Ok(Response::new(v1::LossReceipt {}))
    }

    type FetchBlobStream = Parts<v1::BlobPart>;

    async fn fetch_blob(
        &self,
        request: Request<v1::FetchBlobRequest>,
    ) -> Result<Response<Self::FetchBlobStream>, Status> {
        let teller = self.teller(&request)?;
        let request = request.into_inner();
        let worker = teller.named(&request.worker_id)?;
        let named = teller.attempt(request.attempt.clone())?;
        if request.kind() != v1::BlobKind::Checkpoint {
            return Err(invalid("kind must be CHECKPOINT"));
        }
        let none = || Status::not_found("there is no checkpoint for this attempt");
        let (unit, number) = named.ok_or_else(none)?;
        let ask = |reply| Ask::FindCheckpoint { worker, unit, attempt: number, reply };
        let (path, reference) = teller.study.ask(ask).await.map_err(gone)?.ok_or_else(none)?;
        let attempt = Attempt { study: teller.study.id(), unit, number };
        Ok(Response::new(blob_download::open(path, attempt, reference, self.fetches.take(attempt)).await?))
    }

    async fn leave(&self, request: Request<v1::LeaveRequest>) -> Result<Response<v1::LeaveResponse>, Status> {
        let teller = self.teller(&request)?;
        let request = request.into_inner();
        let worker = teller.named(&request.worker_id)?;
        let reason = prose("reason", &request.reason)?;
        teller.study.ask(|reply| Ask::Leave { worker, reason, reply }).await.map_err(gone)?;
        Ok(Response::new(v1::LeaveResponse {}))
    }

    type FetchDatasetStream = Parts<v1::DatasetChunk>;

    async fn fetch_dataset(
        &self,
        request: Request<v1::FetchDatasetRequest>,
    ) -> Result<Response<Self::FetchDatasetStream>, Status> {
        let CallingWorker { study, worker, .. } = self.teller(&request)?;
        let digest = request.into_inner().digest;
        let path = self.datasets.get(&study.id()).and_then(|files| files.get(&digest));
        let path = path.ok_or_else(|| Status::not_found("no unit of this study uses a data set with this digest"))?;
        let turn = self.dataset_fetches.take((study.id(), worker));
        Ok(Response::new(dataset_download::open(path.clone(), turn).await?))
    }
}

fn assignments(study: StudyId, units: &[Given]) -> Vec<v1::Assignment> {
    let assignment = |given: &Given| v1::Assignment {
        attempt: Some(Attempt { study, unit: given.id, number: given.attempt }.into()),
        unit: Some((&given.unit).into()),
        keep_weights: given.keep_weights,
        checkpoint: given.checkpoint.map(Into::into),
    };
    units.iter().map(assignment).collect()
}

fn malformed(problem: &str) -> v1::Receipt {
    v1::Receipt { outcome: v1::SubmitOutcome::Malformed.into(), detail: problem.to_owned() }
}

/// Checks one attempt of a submit.
fn finished_attempt((unit, attempt): (UnitId, u32), sent: v1::FinishedAttempt) -> Result<FinishedAttempt, Status> {
    let log = lines("log", &sent.log, limits::LOG_BYTES_MAX)?;
    let train_seconds = sent.train_seconds;
    if !train_seconds.is_finite() || train_seconds < 0.0 {
        return Err(invalid("train_seconds must be finite and not negative"));
    }
    let weights = match sent.weights_digest.as_str() {
        "" => None,
        digest => Some(digest.parse().map_err(|problem| invalid(format!("weights_digest: {problem}")))?),
    };
    let (outcome, weights) = match sent.outcome.ok_or_else(|| invalid("outcome is missing"))? {
        v1::finished_attempt::Outcome::Result(result) => {
            let result = UnitResult::try_from(result).map_err(invalid)?;
            // The weights of a diverged network are useless.
            let weights = weights.filter(|_| matches!(result.ending, Ending::Done(_)));
            (Outcome::Result(result), weights)
        }
        v1::finished_attempt::Outcome::Failure(report) => (failure(report)?, None),
    };
    Ok(FinishedAttempt { unit, attempt, outcome, train_seconds, weights, log })
}

fn failure(report: v1::FailureReport) -> Result<Outcome, Status> {
    let detail = prose("failure.detail", &report.detail)?;
    let ending = match report.failure() {
        v1::Failure::Preempted => AttemptEnding::Preempted,
        v1::Failure::OutOfTime => AttemptEnding::OutOfTime,
        v1::Failure::Error => AttemptEnding::Error,
        v1::Failure::Cancelled => AttemptEnding::Cancelled,
        v1::Failure::OutOfMemory => AttemptEnding::OutOfMemory,
        v1::Failure::WorkerLost | v1::Failure::Crashed | v1::Failure::Unspecified => {
            return Err(invalid("failure must be one that a worker may set"));
        }
    };
    Ok(Outcome::Failure { ending, detail })
}
