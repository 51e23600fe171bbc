//! The service for operators' commands.

use std::{
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use seedgrid_common::{
    error_chain::with_hint,
    join::Role,
    unit::UnitId,
    utc,
    wire::{limits, v1},
};
use tokio_stream::{Stream, StreamExt as _, wrappers::WatchStream};
use tonic::{Request, Response, Status};
use v1::control_service_server::ControlService;

use super::{
    full_disk::Disk,
    gone, invalid, prose,
    store_reads::{Parts, Reader, parts},
    worker_id,
};
use crate::{
    auth::{AuthState, Caller, CallerKind, CredentialFiles, caller},
    core::{CoreGone, CoreStudy, NotCancelled, Request as Ask, Resumed, Steering},
    scheduler::retry::{NotRetried, Reopened, Retry},
    store::WorkerRecord,
    views::{
        run_reader::RunReader,
        units::{UnitLine, Units},
    },
};

/// The service for operators' commands.
#[derive(Debug)]
pub(super) struct Control {
    studies: Vec<ControlledStudy>,
    auth: Arc<AuthState>,
    disk: Arc<Disk>,
}

/// A study with its run directory's files.
#[derive(Debug)]
struct ControlledStudy {
    core: CoreStudy,
    keys: CredentialFiles,
    reader: Reader,
}

impl Control {
    pub(super) fn new(studies: Vec<(CoreStudy, CredentialFiles)>, auth: Arc<AuthState>, disk: Arc<Disk>) -> Self {
        let study = |(core, keys): (CoreStudy, CredentialFiles)| {
            let reader = Reader::new(keys.directory().clone());
            ControlledStudy { core, keys, reader }
        };
        Self { studies: studies.into_iter().map(study).collect(), auth, disk }
    }

    /// The study whose credential came with the call.
    fn study<T>(&self, request: &Request<T>) -> Result<&ControlledStudy, Status> {
        let id = caller(request)?.study;
        let study = self.studies.iter().find(|study| study.core.id() == id);
        study.ok_or_else(|| Status::unavailable("this coordinator has no such study any more"))
    }
}

/// An outgoing snapshot: with the counts of refusals, the disk's trouble, and the time since the store has been locked.
fn shown(picture: &v1::StatusSnapshot, auth: &AuthState, disk: &Disk, busy: Option<Instant>) -> v1::StatusSnapshot {
    let store_busy_ms = busy.map(|since| u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX));
    let (refusals, disk_trouble) = (auth.refusals().counts(), disk.trouble());
    v1::StatusSnapshot { refusals, disk_trouble, store_busy_ms, ..picture.clone() }
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

/// The units in a request.
fn named(ids: Vec<String>) -> Result<Vec<UnitId>, Status> {
    if ids.len() > limits::HELD_MAX {
        return Err(invalid(format!("at most {} units can be named at a time", limits::HELD_MAX)));
    }
    ids.iter().map(|id| id.parse().map_err(invalid)).collect()
}

#[tonic::async_trait]
impl ControlService for Control {
    async fn get_status(&self, request: Request<v1::GetStatusRequest>) -> Result<Response<v1::StatusSnapshot>, Status> {
        let study = self.study(&request)?;
        let picture = Arc::clone(&study.core.snapshots().borrow());
        let busy = *study.core.busy().since().borrow();
        Ok(Response::new(shown(&picture, &self.auth, &self.disk, busy)))
    }

    async fn retry(&self, request: Request<v1::RetryRequest>) -> Result<Response<v1::RetryResponse>, Status> {
        let study = self.study(&request)?;
        let units = named(request.into_inner().unit_ids)?;
        let retry = study.core.ask(|reply| Ask::Retry { units, reply }).await.map_err(gone)?;
        let retry = retry.map_err(|refusal| match refusal {
            NotRetried::Unknown(_) => Status::not_found(with_hint(&refusal)),
            NotRetried::Done(_) | NotRetried::Diverged(_) | NotRetried::Open(_) => {
                Status::failed_precondition(with_hint(&refusal))
            }
        })?;
        Ok(Response::new((&retry).into()))
    }

    async fn cancel(&self, request: Request<v1::CancelRequest>) -> Result<Response<v1::CancelResponse>, Status> {
        let study = self.study(&request)?;
        let units = named(request.into_inner().unit_ids)?;
        if units.is_empty() {
            return Err(invalid("no unit is named"));
        }
        let cancelled = study.core.ask(|reply| Ask::Steer(Steering::Cancel { units, reply })).await.map_err(gone)?;
        let cancelled = cancelled.map_err(|refusal| match refusal {
            NotCancelled::Unknown(_) => Status::not_found(with_hint(&refusal)),
            NotCancelled::Ended(_) | NotCancelled::HeldBack(_) => Status::failed_precondition(with_hint(&refusal)),
        })?;
        Ok(Response::new(v1::CancelResponse { unit_ids: cancelled.iter().map(UnitId::to_string).collect() }))
    }

    async fn drain(&self, request: Request<v1::DrainRequest>) -> Result<Response<v1::DrainResponse>, Status> {
        let study = self.study(&request)?;
        let worker = match request.into_inner().worker_id.as_str() {
            "" => None,
            id => Some(worker_id(id)?),
        };
        match study.core.ask(|reply| Ask::Steer(Steering::Drain { worker, reply })).await.map_err(gone)? {
            true => Ok(Response::new(v1::DrainResponse {})),
            false => Err(Status::not_found("no such worker is there")),
        }
    }

    async fn pause(&self, request: Request<v1::PauseRequest>) -> Result<Response<v1::PauseResponse>, Status> {
        let study = self.study(&request)?;
        let reason = prose("reason", &request.into_inner().reason)?;
        let pause = study.core.ask(|reply| Ask::Steer(Steering::Pause { reason, reply })).await.map_err(gone)?;
        Ok(Response::new(v1::PauseResponse { pause: Some((&pause).into()) }))
    }

    async fn resume(&self, request: Request<v1::ResumeRequest>) -> Result<Response<v1::ResumeResponse>, Status> {
        let study = self.study(&request)?;
        let Resumed { pause, drained } =
            study.core.ask(|reply| Ask::Steer(Steering::Resume { reply })).await.map_err(gone)?;
        Ok(Response::new(v1::ResumeResponse { pause: pause.as_ref().map(Into::into), drained }))
    }

    type ListUnitsStream = Parts<v1::UnitsPart>;

    async fn list_units(
        &self,
        request: Request<v1::ListUnitsRequest>,
    ) -> Result<Response<Self::ListUnitsStream>, Status> {
        let study = self.study(&request)?;
        let Units { lines, unnamed_results, stages } = study.reader.read(RunReader::units).await?;
        let unnamed_results = u32::try_from(unnamed_results).unwrap_or(u32::MAX);
        let part = move |lines: Vec<UnitLine>| v1::UnitsPart {
            units: lines.into_iter().map(Into::into).collect(),
            unnamed_results,
            stages: stages.clone(),
        };
        Ok(Response::new(parts(lines, part)))
    }

    type ListWorkersStream = Parts<v1::WorkersPart>;

    async fn list_workers(
        &self,
        request: Request<v1::ListWorkersRequest>,
    ) -> Result<Response<Self::ListWorkersStream>, Status> {
        let study = self.study(&request)?;
        let workers = study.reader.read(|reader| Ok(reader.workers()?)).await?;
        let known = |worker: WorkerRecord| v1::KnownWorker { worker_id: worker.worker_id, info: Some(worker.info) };
        let part =
            move |workers: Vec<WorkerRecord>| v1::WorkersPart { workers: workers.into_iter().map(known).collect() };
        Ok(Response::new(parts(workers, part)))
    }

    async fn explain(&self, request: Request<v1::ExplainRequest>) -> Result<Response<v1::ExplainResponse>, Status> {
        let study = self.study(&request)?;
        let unit = request.into_inner().unit_id.parse().map_err(invalid)?;
        let waits = study.core.ask(|reply| Ask::Steer(Steering::WaitReason { unit, reply })).await.map_err(gone)?;
        let attempts = study.reader.read_single_units(move |reader| Ok(reader.attempts(unit)?)).await?;
        Ok(Response::new(v1::ExplainResponse { waits, attempts: attempts.into_iter().map(Into::into).collect() }))
    }

    async fn logs(&self, request: Request<v1::LogsRequest>) -> Result<Response<v1::LogsResponse>, Status> {
        let study = self.study(&request)?;
        let unit = request.into_inner().unit_id.parse().map_err(invalid)?;
        let logs = study.reader.read_single_units(move |reader| Ok(reader.logs(unit)?)).await?;
        Ok(Response::new(v1::LogsResponse { attempts: logs.into_iter().map(Into::into).collect() }))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<v1::StatusSnapshot, Status>> + Send>>;

    async fn watch(&self, request: Request<v1::WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let study = self.study(&request)?;
        // A watch channel has only the newest snapshot: a slow reader misses some and delays no one.
        let (snapshots, busy) = (study.core.snapshots(), study.core.busy().since());
        // While the store is locked the core takes no snapshots: the newest one is then sent again with that
        // information.
        let locked = WatchStream::from_changes(busy.clone()).map({
            let snapshots = snapshots.clone();
            move |_| Arc::clone(&snapshots.borrow())
        });
        let pictures = WatchStream::new(snapshots).merge(locked);
        let (auth, disk) = (Arc::clone(&self.auth), Arc::clone(&self.disk));
        let shown = move |picture: Arc<v1::StatusSnapshot>| Ok(shown(&picture, &auth, &disk, *busy.borrow()));
        Ok(Response::new(Box::pin(pictures.map(shown))))
    }

    async fn rotate_join(
        &self,
        request: Request<v1::RotateJoinRequest>,
    ) -> Result<Response<v1::RotateJoinResponse>, Status> {
        let study = self.study(&request)?;
        let after = match request.into_inner().expires_after_ms {
            0 => None,
            after => Some(Duration::from_millis(after)),
        };
        let (token, known) = study.keys.new_join(after, utc::now_ms());
        study.core.ask(|reply| Ask::SetToken { role: Role::Join, token: known, reply }).await.map_err(gone)?;
        let keys = study.keys.clone();
        // The store already has the token: if the file cannot be written, the next start makes another one.
        match tokio::task::spawn_blocking(move || keys.write(Role::Join, token, known.expires_ms)).await {
            Ok(Ok(())) => {
                Ok(Response::new(v1::RotateJoinResponse { expires_ms: known.expires_ms.unwrap_or_default() }))
            }
            Ok(Err(error)) => {
                Err(Status::unavailable(format!("the old join file is not valid any more, and {}", with_hint(&error))))
            }
            Err(_) => Err(Status::unavailable("writing was cut off")),
        }
    }

    async fn revoke_worker(
        &self,
        request: Request<v1::RevokeWorkerRequest>,
    ) -> Result<Response<v1::RevokeWorkerResponse>, Status> {
        let study = self.study(&request)?;
        let worker = worker_id(&request.into_inner().worker_id)?;
        let (core, auth) = (study.core.clone(), Arc::clone(&self.auth));
        // Runs to its end even if the caller has gone.
        let revoked = tokio::spawn(async move {
            let taken_back = core.ask(|reply| Ask::Revoke { worker, reply }).await;
            auth.close_revoked(Caller { study: core.id(), kind: CallerKind::Worker(worker) });
            taken_back
        });
        let taken_back = revoked.await.unwrap_or(Err(CoreGone)).map_err(gone)?;
        let taken_back = taken_back.ok_or_else(|| Status::not_found("no worker with this id has enrolled"))?;
        Ok(Response::new(v1::RevokeWorkerResponse { taken_back }))
    }
}
