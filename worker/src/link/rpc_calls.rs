//! The calls over one connection, each of which ends in an event. They end with the connection.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use seedgrid_common::{
    unit::{Attempt, Unit},
    wire::{
        blob::{Blob, CheckpointRef, Content},
        limits,
        v1::{
            self, Assignment as WireAssignment, AttemptId, FinishedAttempt, HeartbeatRequest, LeaveRequest,
            MetricsReport, PullRequest, StudyState, SubmitOutcome, SubmitRequest, finished_attempt,
        },
    },
};
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Response, Status};
use tracing::{debug, warn};

use crate::{
    lifecycle::{
        Event,
        attempt::{Assignment, Outcome, Output, Receipt, SavedState, Submission},
    },
    link::{
        attempt_log::Logs,
        checkpoint_upload::{CheckpointUploads, Sent},
        connection::{FailedCall, Refused, classify_failure},
        download::Up,
        metrics_stream::Metrics,
    },
};

/// The limit for a heartbeat, by which a coordinator that no longer answers is noticed.
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(10);
/// The limit for a submit: the coordinator writes it durably before it answers.
const SUBMIT_TIMEOUT: Duration = Duration::from_secs(60);
/// The limit for an upload, and its extension for each part: 256 KiB/s are enough.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(60);
const PART_TIMEOUT: Duration = Duration::from_secs(1);
/// An empty answer to a pull that arrives sooner is delayed, so that a coordinator without a long poll is not flooded.
const PULL_PACE: Duration = Duration::from_millis(250);
/// The pause before the metrics stream is opened again.
const METRICS_PAUSE: Duration = Duration::from_secs(1);

/// The calls of one connection, and the channels for their events.
#[derive(Clone, Debug)]
pub struct Calls {
    /// The connection.
    pub up: Up,
    /// The address that answered, for messages.
    pub address: String,
    /// This worker's id.
    pub worker_id: String,
    /// The numerics class of this worker's results.
    pub numerics_class: String,
    /// The logs of attempts.
    pub logs: Logs,
    /// The channel for events.
    pub events: mpsc::Sender<Event>,
    /// The channel for refusals, which end the worker.
    pub refusals: mpsc::Sender<Refused>,
}

impl Calls {
    /// Sends a heartbeat with the attempts in `held` every `period`, until the connection fails.
    pub async fn beat(mut self, period: Duration, held: watch::Receiver<Vec<Attempt>>) {
        let mut ticks = tokio::time::interval(period);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        ticks.tick().await; // The first tick is immediate, and the registration has just named the attempts.
        loop {
            ticks.tick().await;
            let held = held.borrow().iter().map(|&attempt| attempt.into()).collect();
            let request = HeartbeatRequest { worker_id: self.worker_id.clone(), held };
            let asked = Instant::now();
            match bounded(HEARTBEAT_TIMEOUT, self.up.client.heartbeat(request)).await {
                Ok(response) => {
                    debug!("heartbeat answered after {} ms", asked.elapsed().as_millis());
                    let (state, generation) = (state(response.state()), self.up.generation);
                    self.tell(Event::Beaten { generation, dropped: attempts(response.dropped), state }).await;
                }
                Err(status) => return self.failed("heartbeat", &status).await,
            }
        }
    }

    /// Pulls up to `units_max` units, once.
    pub async fn pull(mut self, units_max: u32) {
        let asked = Instant::now();
        let request = PullRequest { worker_id: self.worker_id.clone(), units_max };
        // No time limit here: the coordinator decides how long the call waits, and heartbeats detect a dead one.
        let response = match self.up.client.pull(request).await {
            Ok(response) => response.into_inner(),
            Err(status) => return self.failed("pull", &status).await,
        };
        if response.assignments.is_empty() {
            tokio::time::sleep(PULL_PACE.saturating_sub(asked.elapsed())).await;
        }
        let (generation, state) = (self.up.generation, state(response.state()));
        let event = match read_assignments(response.assignments) {
            Ok(assignments) => Event::Pulled { generation, assignments, state },
            Err(incompatible) => incompatible.into(),
        };
        self.tell(event).await;
    }

    /// Hands attempts over, once, and takes up to `units_max` units. Weights are sent before the result where the
    /// coordinator asks for them: it asks whenever it does not have them, also after a restart.
    pub async fn submit(mut self, call: u64, attempts: &[(Attempt, Arc<Submission>)], units_max: u32) {
        let mut weights = None;
        for (attempt, submission) in attempts {
            match &submission.outcome {
                Outcome::Result(output) => weights = output.weights.as_ref().map(|blob| (*attempt, blob)),
                // Sent before the attempt's end, which gives the unit to another worker that continues from the state.
                Outcome::Failure { state: Some(state), .. } => {
                    if let Err(status) = self.save(*attempt, state).await {
                        return self.failed("upload", &status).await;
                    }
                }
                Outcome::Failure { state: None, .. } => {}
            }
        }
        let request = SubmitRequest {
            worker_id: self.worker_id.clone(),
            attempts: attempts.iter().map(|(attempt, submission)| self.finished(*attempt, submission)).collect(),
            numerics_class: self.numerics_class.clone(),
            units_max,
        };
        let mut answer = bounded(SUBMIT_TIMEOUT, self.up.client.submit(request.clone())).await;
        if let (Ok(response), Some((attempt, weights))) = (&answer, weights)
            && response.receipts.iter().any(|receipt| receipt.outcome() == SubmitOutcome::WeightsFirst)
        {
            match self.upload(attempt, weights, Content::Weights).await {
                Ok(_) => answer = bounded(SUBMIT_TIMEOUT, self.up.client.submit(request)).await,
                Err(status) if classify_failure(status.code()) == FailedCall::Malformed => {
                    warn!("the coordinator cannot take the weights of {attempt}: {}", status.message());
                    if let Ok(response) = &mut answer {
                        let detail = status.message().to_owned();
                        response.receipts = vec![v1::Receipt { outcome: SubmitOutcome::Malformed.into(), detail }];
                    }
                }
                Err(status) => return self.failed("upload", &status).await,
            }
        }
        let read = answer.and_then(|response| {
            let state = state(response.state());
            let receipts = read_receipts(attempts.iter().map(|(attempt, _)| *attempt), response.receipts)?;
            Ok((receipts, response.assignments, state))
        });
        let (receipts, assignments, state) = match read {
            Ok(read) => read,
            Err(status) => return self.failed("submit", &status).await,
        };
        let generation = self.up.generation;
        match read_assignments(assignments) {
            Ok(assignments) => {
                self.tell(Event::Submitted { generation, call, receipts, assignments, state }).await;
            }
            Err(incompatible) => {
                let assignments = Vec::new();
                self.tell(Event::Submitted { generation, call, receipts, assignments, state }).await;
                self.tell(incompatible.into()).await;
            }
        }
    }

    /// An attempt as the coordinator reads it.
    fn finished(&self, attempt: Attempt, submission: &Submission) -> FinishedAttempt {
        let (outcome, weights) = match &submission.outcome {
            Outcome::Result(Output { result, weights }) => {
                (finished_attempt::Outcome::Result(result.into()), weights.as_ref())
            }
            Outcome::Failure { failure, detail, .. } => {
                let report = v1::FailureReport { failure: (*failure).into(), detail: detail.clone() };
                (finished_attempt::Outcome::Failure(report), None)
            }
        };
        FinishedAttempt {
            attempt: Some(attempt.into()),
            outcome: Some(outcome),
            train_seconds: submission.train_seconds,
            weights_digest: weights.map(|weights| weights.digest().to_string()).unwrap_or_default(),
            log: self.logs.text(attempt),
        }
    }

    /// Uploads a blob, once. The next submit tells whether weights are still wanted.
    async fn upload(&mut self, attempt: Attempt, blob: &Blob, content: Content) -> Result<v1::BlobReceipt, Status> {
        let bytes = blob.bytes().len();
        let limit = UPLOAD_TIMEOUT + PART_TIMEOUT * (bytes / limits::CHUNK_BYTES_MAX) as u32;
        let parts = blob.parts(self.worker_id.clone(), attempt, content);
        let receipt = bounded(limit, self.up.client.upload_blob(tokio_stream::iter(parts))).await?;
        debug!("handed over {content:?} of {attempt} ({bytes} bytes, kept: {})", receipt.kept);
        Ok(receipt)
    }

    /// Uploads a state, once. A state that the coordinator refuses is dropped: it would only save time.
    async fn save(&mut self, attempt: Attempt, state: &SavedState) -> Result<Sent, Status> {
        let began = Instant::now();
        match self.upload(attempt, &state.blob, Content::Checkpoint(state.progress)).await {
            Ok(v1::BlobReceipt { kept, checkpoint_ms }) => {
                let allowed = Some(Duration::from_millis(checkpoint_ms.into()));
                Ok(Sent { kept, took: began.elapsed(), allowed })
            }
            Err(status) if classify_failure(status.code()) == FailedCall::Malformed => {
                warn!("the coordinator cannot take the state of {attempt}: {}", status.message());
                Ok(Sent { kept: false, took: began.elapsed(), allowed: None })
            }
            Err(status) => Err(status),
        }
    }

    /// Uploads the states of units in training, one at a time, while the connection lasts.
    pub async fn save_all(mut self, saves: &CheckpointUploads) {
        loop {
            let (attempt, state) = saves.next().await;
            match self.save(attempt, &state).await {
                Ok(sent) => saves.sent(attempt, state.blob.digest(), sent),
                Err(status) => return self.failed("upload", &status).await,
            }
        }
    }

    /// Streams the starts of training and the newest epochs' metrics, while the connection lasts. A failure affects only the
    /// live views.
    pub async fn stream(mut self, metrics: &Metrics) {
        loop {
            let (sender, receiver) = mpsc::channel(1);
            let pump = async {
                loop {
                    for (attempt, metrics) in metrics.next().await {
                        let report = MetricsReport {
                            worker_id: self.worker_id.clone(),
                            attempt: Some(attempt.into()),
                            metrics: metrics.as_ref().map(Into::into),
                        };
                        if sender.send(report).await.is_err() {
                            return;
                        }
                    }
                }
            };
            tokio::select! {
                ended = self.up.client.metrics(ReceiverStream::new(receiver)) => {
                    if let Err(status) = ended {
                        debug!("the metrics stream ended: {status}");
                    }
                }
                () = pump => {}
            }
            tokio::time::sleep(METRICS_PAUSE).await;
        }
    }

    /// Sends the leave call, once.
    pub async fn leave(mut self, reason: &'static str) {
        let request = LeaveRequest { worker_id: self.worker_id.clone(), reason: reason.to_owned() };
        if let Err(status) = self.up.client.leave(request).await {
            debug!("the goodbye was not answered: {status}");
        }
        self.tell(Event::Left).await;
    }

    async fn failed(&self, call: &str, status: &Status) {
        let said = format!("{call} failed: {:?}: {}", status.code(), status.message());
        match classify_failure(status.code()) {
            FailedCall::Malformed => {
                let refused = Refused {
                    address: self.address.clone(),
                    reason: said,
                    hint: "use a worker and a coordinator of the same version",
                };
                // Without a receiver the worker has ended.
                drop(self.refusals.send(refused).await);
            }
            // A new registration shows whether a refusal is final.
            FailedCall::Again | FailedCall::NotFound | FailedCall::Refused => {
                warn!("{said}; reconnecting, training goes on");
                self.tell(Event::LinkLost { generation: self.up.generation }).await;
            }
        }
    }

    async fn tell(&self, event: Event) {
        drop(self.events.send(event).await);
    }
}

async fn bounded<T>(limit: Duration, call: impl Future<Output = Result<Response<T>, Status>>) -> Result<T, Status> {
    match tokio::time::timeout(limit, call).await {
        Ok(answer) => answer.map(Response::into_inner),
        Err(_) => Err(Status::deadline_exceeded(format!("no answer for {} s", limit.as_secs()))),
    }
}

/// An unknown state counts as running.
fn state(state: StudyState) -> StudyState {
    match state {
        StudyState::Unspecified => StudyState::Running,
        StudyState::Running | StudyState::Done | StudyState::Draining | StudyState::Paused => state,
    }
}

/// The readable attempts among `ids`: this worker does not hold others.
pub fn attempts(ids: Vec<AttemptId>) -> Vec<Attempt> {
    ids.into_iter().filter_map(|id| Attempt::try_from(id).ok()).collect()
}

/// The receipts of a submit, in the order of its attempts.
fn read_receipts(
    attempts: impl ExactSizeIterator<Item = Attempt>,
    receipts: Vec<v1::Receipt>,
) -> Result<Vec<(Attempt, Receipt)>, Status> {
    if receipts.len() != attempts.len() {
        return Err(Status::internal(format!("{} receipts for {} attempts", receipts.len(), attempts.len())));
    }
    let read = |(attempt, receipt): (Attempt, v1::Receipt)| {
        let read = match receipt.outcome() {
            SubmitOutcome::WeightsFirst => {
                return Err(Status::unavailable("the weights were handed over and are asked for again"));
            }
            SubmitOutcome::Malformed => {
                warn!("the coordinator cannot read the outcome of {attempt}: {}", receipt.detail);
                Receipt::Malformed(receipt.detail)
            }
            SubmitOutcome::NeverGiven => {
                warn!("the study has no unit for {attempt}; it is let go");
                Receipt::Settled
            }
            SubmitOutcome::Conflict => {
                warn!("the result of {attempt} differs from one that another attempt had handed over before");
                Receipt::Settled
            }
            SubmitOutcome::Duplicate => {
                debug!("{attempt} had been handed over by another attempt before");
                Receipt::Settled
            }
            SubmitOutcome::Committed | SubmitOutcome::Recorded | SubmitOutcome::Unspecified => Receipt::Settled,
        };
        Ok((attempt, read))
    };
    attempts.zip(receipts).map(read).collect()
}

/// Leased units that this program would compute differently.
struct Incompatible {
    detail: String,
    attempts: Vec<Attempt>,
}

impl From<Incompatible> for Event {
    fn from(Incompatible { detail, attempts }: Incompatible) -> Self {
        Self::Incompatible { detail, attempts }
    }
}

/// The leased units of an answer. A unit whose content has another id here would be computed differently: this program
/// has other models or kernels than the coordinator, and must not train for it.
fn read_assignments(sent: Vec<WireAssignment>) -> Result<Vec<Assignment>, Incompatible> {
    let ids: Vec<AttemptId> = sent.iter().filter_map(|assignment| assignment.attempt.clone()).collect();
    let read: Result<Vec<Assignment>, String> = sent.into_iter().map(read_assignment).collect();
    read.map_err(|detail| Incompatible { detail, attempts: attempts(ids) })
}

fn read_assignment(assignment: WireAssignment) -> Result<Assignment, String> {
    let id = assignment.attempt.ok_or("an assignment without an attempt")?;
    let attempt = Attempt::try_from(id).map_err(|error| error.to_string())?;
    let unit = assignment.unit.ok_or("an assignment without a unit")?;
    let unit = Unit::try_from(unit).map_err(|error| error.to_string())?;
    if unit.id() != attempt.unit {
        return Err(format!(
            "the unit {} ({}) has the id {} here: this worker has another revision of the model or the kernels",
            attempt.unit,
            unit.label(),
            unit.id(),
        ));
    }
    let checkpoint =
        assignment.checkpoint.map(CheckpointRef::try_from).transpose().map_err(|error| error.to_string())?;
    Ok(Assignment { attempt, unit: unit.into(), keep_weights: assignment.keep_weights, checkpoint })
}
