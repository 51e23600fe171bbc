//! The commands' client for a running coordinator.

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::Duration,
};

use seedgrid_common::{
    join::{
        JoinError, JoinFile, Plaintext, Role, Transport, TransportError,
        connect::{Patience, dial},
    },
    spec::size_limits::UNITS_MAX,
    unit::UnitId,
    wire::{limits, v1},
};
use tonic::{
    Code, Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::Channel,
};
use v1::control_service_client::ControlServiceClient;

use crate::{
    run_directory::{RunDirectory, lock_holder},
    scheduler::queue::WorkerId,
    views::units::{AttemptEntry, AttemptLog, UnitLine, Units},
};

/// The time limit of one address, and the interval of keep-alive messages.
const PATIENCE: Patience = Patience { connect: Duration::from_secs(3), keep_alive: Duration::from_secs(20) };

/// The largest number of lines of a listing: as many as a study may have units.
const LISTED_MAX: usize = UNITS_MAX as usize;

/// A client that sends a file's token.
pub type ControlClient = ControlServiceClient<InterceptedService<Channel, Credential>>;

/// Sends the token with every call.
#[derive(Clone)]
pub struct Credential {
    header: MetadataValue<Ascii>,
}

impl Interceptor for Credential {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.header.clone());
        Ok(request)
    }
}

/// The reason for a failed call to a coordinator.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ControlError {
    /// The file cannot be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Join(#[from] JoinError),
    /// The file is not a credential file.
    #[error("{path} is neither a run directory nor a view or admin file")]
    #[diagnostic(help(
        "name the run directory, as `seedgrid run` or `serve` printed it; while its coordinator runs, \
         its view.toml or admin.toml, or a copy, will do as well"
    ))]
    NoKey {
        /// The file's path.
        path: PathBuf,
    },
    /// The file and the command line disagree about encryption.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Transport(#[from] TransportError),
    /// No coordinator answers.
    #[error("no coordinator answers at {address}{whose}: {message}")]
    #[diagnostic(help(
        "it runs only while `seedgrid run` or `seedgrid serve` does, and `seedgrid report RUN_DIR` reads a run without it; if it does run, this file may be an old copy: take it from the run directory again"
    ))]
    Unreachable {
        /// The addresses that were tried.
        address: String,
        /// The machine on which it was started, if known.
        whose: String,
        /// The failure at the last address.
        message: String,
    },
    /// The coordinator closed the connection during the call.
    #[error("the coordinator at {address} closed the connection: {message}")]
    #[diagnostic(help(
        "either it has stopped, and `seedgrid report RUN_DIR` reads \
         the run without it; or too many wrong credentials came from this machine: use the run directory's files as they are now"
    ))]
    Lost {
        /// The coordinator's address.
        address: String,
        /// The cause.
        message: String,
    },
    /// The coordinator refused the call.
    #[error("the coordinator at {address} refused: {message}")]
    Refused {
        /// The coordinator's address.
        address: String,
        /// The coordinator's message.
        message: String,
    },
    /// The answer is invalid for this version.
    #[error("the coordinator at {address} answered what cannot be read: {message}")]
    #[diagnostic(help("use the same version of Seedgrid on both sides"))]
    Unreadable {
        /// The coordinator's address.
        address: String,
        /// The problem with the answer.
        message: String,
    },
}

/// The error for a file that cannot be read. A file with another name and other content is not a credential file.
fn not_read(path: &Path, error: JoinError) -> ControlError {
    let is_named = Role::ALL.into_iter().any(|role| path.file_name().is_some_and(|name| name == role.file_name()));
    match error {
        JoinError::Malformed { .. } if !is_named => ControlError::NoKey { path: path.to_owned() },
        error => error.into(),
    }
}

/// The coordinator's machine, for a run directory's file or a copy of it.
fn whose(run_directory_or_file: &Path, join: &JoinFile) -> String {
    let directory = RunDirectory::new(run_directory_or_file);
    match (directory.last_holder(), &join.host) {
        (Some(holder), _) if directory.is_owned() => format!(", where {holder}, has the run directory"),
        (Some(holder), _) => format!("; the last one here was {holder}"),
        (None, Some(host)) => format!("; the file was written on {host}"),
        (None, None) => String::new(),
    }
}

/// A connected client and the address that answered, with its machine's name.
pub struct Control {
    client: ControlClient,
    address: String,
}

impl Control {
    /// Connects to the coordinator of a run directory, with its file for this role, or with a given credential file.
    ///
    /// # Errors
    /// When the file cannot be read or disagrees with `plaintext`, or none of its addresses answers.
    pub async fn connect(run_directory_or_file: &Path, role: Role, plaintext: Plaintext) -> Result<Self, ControlError> {
        let path = if run_directory_or_file.is_dir() {
            run_directory_or_file.join(role.file_name())
        } else {
            run_directory_or_file.to_owned()
        };
        let join = JoinFile::read(&path).map_err(|error| not_read(&path, error))?;
        let transport = join.transport(plaintext)?;
        let mut last = "the file names no address".to_owned();
        for address in &join.addresses {
            match connect(address, transport, &join).await {
                Ok(client) => {
                    let elsewhere = join.host.as_ref().filter(|host| lock_holder::host().as_ref() != Some(host));
                    let on = elsewhere.map(|host| format!(" on {host}")).unwrap_or_default();
                    return Ok(Self { client, address: format!("{address}{on}") });
                }
                Err(message) => last = message,
            }
        }
        let whose = whose(run_directory_or_file, &join);
        Err(ControlError::Unreachable { address: join.addresses.join(", "), whose, message: last })
    }

    fn error(&self, status: &Status) -> ControlError {
        let (address, message) = (self.address.clone(), status.message().to_owned());
        match status.code() {
            Code::Unavailable | Code::Unknown | Code::DeadlineExceeded | Code::Cancelled => {
                ControlError::Lost { address, message }
            }
            Code::Unimplemented => ControlError::Unreadable { address, message },
            _ => ControlError::Refused { address, message },
        }
    }

    fn unreadable(&self, problem: &impl ToString) -> ControlError {
        ControlError::Unreadable { address: self.address.clone(), message: problem.to_string() }
    }

    /// Checks the length of a listing against the limit.
    fn bounded(&self, items: usize) -> Result<(), ControlError> {
        match items > LISTED_MAX {
            true => Err(self.unreadable(&format!("a listing of more than {LISTED_MAX} lines"))),
            false => Ok(()),
        }
    }

    /// Returns one snapshot of the study.
    ///
    /// # Errors
    /// When the coordinator refuses or has ended.
    pub async fn status(&mut self) -> Result<v1::StatusSnapshot, ControlError> {
        let answer = self.client.get_status(v1::GetStatusRequest {}).await;
        answer.map(tonic::Response::into_inner).map_err(|status| self.error(&status))
    }

    /// Retries failed units, or all of them if `units` is empty.
    ///
    /// # Errors
    /// When the coordinator refuses or has ended.
    pub async fn retry(&mut self, units: &[UnitId]) -> Result<v1::RetryResponse, ControlError> {
        let request = v1::RetryRequest { unit_ids: units.iter().map(UnitId::to_string).collect() };
        let answer = self.client.retry(request).await;
        answer.map(tonic::Response::into_inner).map_err(|status| self.error(&status))
    }

    /// Cancels units. Returns those that were not cancelled before.
    ///
    /// # Errors
    /// When the coordinator refuses or has ended.
    pub async fn cancel(&mut self, units: &[UnitId]) -> Result<Vec<String>, ControlError> {
        let request = v1::CancelRequest { unit_ids: units.iter().map(UnitId::to_string).collect() };
        let answer = self.client.cancel(request).await;
        answer.map(|answer| answer.into_inner().unit_ids).map_err(|status| self.error(&status))
    }

    /// Drains one worker, or all of them: they finish their units and leave.
    ///
    /// # Errors
    /// When the coordinator refuses or has ended.
    pub async fn drain(&mut self, worker: Option<&str>) -> Result<(), ControlError> {
        let request = v1::DrainRequest { worker_id: worker.unwrap_or_default().to_owned() };
        self.client.drain(request).await.map(drop).map_err(|status| self.error(&status))
    }

    /// Pauses the study. Returns the present pause.
    ///
    /// # Errors
    /// When the coordinator refuses or has ended.
    pub async fn pause(&mut self, reason: String) -> Result<v1::Pause, ControlError> {
        let answer = self.client.pause(v1::PauseRequest { reason }).await;
        answer.map(|answer| answer.into_inner().pause.unwrap_or_default()).map_err(|status| self.error(&status))
    }

    /// Resumes the study. Returns the former pause or drain.
    ///
    /// # Errors
    /// When the coordinator refuses or has ended.
    pub async fn resume(&mut self) -> Result<v1::ResumeResponse, ControlError> {
        let answer = self.client.resume(v1::ResumeRequest {}).await;
        answer.map(tonic::Response::into_inner).map_err(|status| self.error(&status))
    }

    /// Every unit of the study, in the order of its plan.
    ///
    /// # Errors
    /// When the coordinator refuses, has ended or sends an invalid answer.
    pub async fn units(&mut self) -> Result<Units, ControlError> {
        let answer = self.client.list_units(v1::ListUnitsRequest {}).await;
        let mut parts = answer.map_err(|status| self.error(&status))?.into_inner();
        let (mut lines, mut unnamed_results, mut stages) = (Vec::new(), 0, Vec::new());
        while let Some(part) = parts.message().await.map_err(|status| self.error(&status))? {
            unnamed_results = part.unnamed_results as usize;
            stages = part.stages;
            for unit in part.units {
                lines.push(UnitLine::try_from(unit).map_err(|problem| self.unreadable(&problem))?);
            }
            self.bounded(lines.len())?;
        }
        Ok(Units { lines, unnamed_results, stages })
    }

    /// Every worker that ever registered, by id.
    ///
    /// # Errors
    /// When the coordinator refuses or has ended.
    pub async fn workers(&mut self) -> Result<Vec<v1::KnownWorker>, ControlError> {
        let answer = self.client.list_workers(v1::ListWorkersRequest {}).await;
        let mut parts = answer.map_err(|status| self.error(&status))?.into_inner();
        let mut workers = Vec::new();
        while let Some(part) = parts.message().await.map_err(|status| self.error(&status))? {
            workers.extend(part.workers);
            self.bounded(workers.len())?;
        }
        Ok(workers)
    }

    /// The reason for which a unit waits (None if it does not wait), and its attempts.
    ///
    /// # Errors
    /// When the coordinator refuses, has ended or sends an invalid answer.
    pub async fn explain(&mut self, unit: UnitId) -> Result<(Option<String>, Vec<AttemptEntry>), ControlError> {
        let answer = self.client.explain(v1::ExplainRequest { unit_id: unit.to_string() }).await;
        let v1::ExplainResponse { waits, attempts } = answer.map_err(|status| self.error(&status))?.into_inner();
        let attempts = attempts.into_iter().map(AttemptEntry::try_from).collect::<Result<_, _>>();
        Ok((waits, attempts.map_err(|problem| self.unreadable(&problem))?))
    }

    /// The logs of a unit's newest attempts.
    ///
    /// # Errors
    /// When the coordinator refuses, has ended or sends an invalid answer.
    pub async fn logs(&mut self, unit: UnitId) -> Result<Vec<AttemptLog>, ControlError> {
        let answer = self.client.logs(v1::LogsRequest { unit_id: unit.to_string() }).await;
        let logs = answer.map_err(|status| self.error(&status))?.into_inner().attempts;
        let logs = logs.into_iter().map(AttemptLog::try_from).collect::<Result<_, _>>();
        logs.map_err(|problem| self.unreadable(&problem))
    }

    /// Makes a new join file. Returns its expiry in milliseconds since the Unix epoch.
    ///
    /// # Errors
    /// When the coordinator refuses, has ended or cannot write the file.
    pub async fn rotate_join(&mut self, after: Option<Duration>) -> Result<i64, ControlError> {
        let after = after.map_or(0, |after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
        let answer = self.client.rotate_join(v1::RotateJoinRequest { expires_after_ms: after }).await;
        answer.map(|answer| answer.into_inner().expires_ms).map_err(|status| self.error(&status))
    }

    /// Revokes a worker. Returns the number of attempts that were taken back.
    ///
    /// # Errors
    /// When the coordinator refuses or has ended.
    pub async fn revoke(&mut self, worker: &WorkerId) -> Result<u32, ControlError> {
        let answer = self.client.revoke_worker(v1::RevokeWorkerRequest { worker_id: worker.to_string() }).await;
        answer.map(|answer| answer.into_inner().taken_back).map_err(|status| self.error(&status))
    }

    /// Calls `show` with a snapshot now and after each change until the study is done, or the coordinator stops before
    /// that.
    ///
    /// # Errors
    /// When the coordinator refuses or has ended.
    pub async fn watch(
        &mut self,
        mut show: impl FnMut(&v1::StatusSnapshot) -> ControlFlow<()>,
    ) -> Result<(), ControlError> {
        let answer = self.client.watch(v1::WatchRequest {}).await;
        let mut pictures = answer.map_err(|status| self.error(&status))?.into_inner();
        while let Some(picture) = pictures.message().await.map_err(|status| self.error(&status))? {
            if show(&picture).is_break() || picture.state() == v1::StudyState::Done {
                break;
            }
        }
        Ok(())
    }
}

async fn connect(address: &str, transport: Transport<'_>, join: &JoinFile) -> Result<ControlClient, String> {
    let mut header: MetadataValue<Ascii> =
        format!("Bearer {}", join.token.expose()).parse().map_err(|_| "the token is malformed".to_owned())?;
    // Sensitive values are not printed, and are excluded from HTTP/2's compression tables.
    header.set_sensitive(true);
    let channel = dial(address, transport, PATIENCE).await.map_err(|error| error.to_string())?;
    let client = ControlServiceClient::with_interceptor(channel, Credential { header });
    Ok(client.max_decoding_message_size(limits::MESSAGE_BYTES_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_key_is_not_called_a_malformed_one() {
        let malformed = |path: &str| {
            let problem = "`version` is missing or not a number".to_owned();
            let told = not_read(Path::new(path), JoinError::Malformed { path: path.into(), problem });
            told.to_string()
        };
        for path in ["mine.toml", "runs/mine/study.db"] {
            let told = malformed(path);
            assert!(told.starts_with(&format!("{path} is neither a run directory nor a view")), "{told}");
        }
        assert!(malformed("copy/view.toml").starts_with("the view file copy/view.toml is malformed"));
    }
}
