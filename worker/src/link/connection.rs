//! The connection to the coordinator: reads the join file, connects to its addresses in turn, enrolls an unknown
//! worker, and registers, as often as needed.
//!
//! The join file is read again before every try, since a restarted coordinator may have another port or token. A final
//! refusal (a wrong token, another protocol version) ends the tries with the same file.

use std::{
    future::Future,
    path::PathBuf,
    time::{Duration, Instant},
};

use seedgrid_common::{
    join::{
        JoinError, JoinFile, Plaintext, Role, Token, TransportError,
        connect::{DialError, Patience, dial},
    },
    wire::{
        limits,
        v1::{
            EnrollRequest, LossReport, RegisterRequest, RegisterResponse, worker_service_client::WorkerServiceClient,
        },
    },
};
use tokio::sync::watch;
use tonic::{
    Code, Request, Response, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Uri},
};
use tracing::{info, warn};

use crate::{lifecycle::attempt::cut, link::reconnect_delay::FailedTries};

/// A client that sends the token with every call.
pub type Client = WorkerServiceClient<InterceptedService<Channel, Bearer>>;

/// The limit for connecting to one address, and the interval and limit of keep-alive pings: a dead peer is noticed
/// after twice the latter.
const PATIENCE: Patience = Patience { connect: Duration::from_secs(5), keep_alive: Duration::from_secs(10) };
/// The limit for the coordinator's answer to a registration.
const REGISTER_TIMEOUT: Duration = Duration::from_secs(20);

/// Adds `authorization: Bearer SECRET` to every call.
#[derive(Clone, Debug)]
pub struct Bearer(MetadataValue<Ascii>);

impl Bearer {
    /// The join file's token, with which a worker enrolls.
    fn joining(token: &Token) -> Option<Self> {
        Self::new(token.expose())
    }

    /// A worker's own credential.
    fn own(worker_id: &str, secret: &Token) -> Option<Self> {
        Self::new(&format!("{worker_id}.{}", secret.expose()))
    }

    fn new(secret: &str) -> Option<Self> {
        let mut value = MetadataValue::try_from(format!("Bearer {secret}")).ok()?;
        // Sensitive values are not printed, nor kept in HTTP/2's compression tables.
        value.set_sensitive(true);
        Some(Self(value))
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

/// The consequence of a failed call for the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailedCall {
    /// The call may succeed when it is repeated.
    Again,
    /// The coordinator does not know an item named in the call.
    NotFound,
    /// The coordinator cannot read the call.
    Malformed,
    /// The refusal is final.
    Refused,
}

/// The verdict for a status code.
pub fn classify_failure(code: Code) -> FailedCall {
    match code {
        Code::NotFound => FailedCall::NotFound,
        Code::InvalidArgument => FailedCall::Malformed,
        Code::Unauthenticated | Code::PermissionDenied | Code::FailedPrecondition | Code::Unimplemented => {
            FailedCall::Refused
        }
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::DeadlineExceeded
        | Code::AlreadyExists
        | Code::ResourceExhausted
        | Code::Aborted
        | Code::OutOfRange
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss => FailedCall::Again,
    }
}

/// A refusal by the coordinator: another try would change nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("the coordinator at {address} refused this worker: {reason}")]
#[diagnostic(help("{hint}"))]
pub struct Refused {
    /// The coordinator's address.
    pub address: String,
    /// The coordinator's reason.
    pub reason: String,
    /// The remedy.
    pub hint: &'static str,
}

/// An accepted registration.
#[derive(Debug)]
pub struct Registration {
    /// The client, ready for calls.
    pub client: Client,
    /// The address that answered.
    pub address: String,
    /// The coordinator's answer.
    pub response: RegisterResponse,
}

/// Finds the coordinator, and finds it again after a loss.
#[derive(Debug)]
pub struct Connector {
    path: PathBuf,
    /// The last readable file: a file that somebody is replacing by hand must not end the worker.
    join: JoinFile,
    plaintext: Plaintext,
    host: String,
    /// The secret sent with every call. Only this process and its supervisor hold it, in memory.
    secret: Token,
    /// Whether the coordinator has enrolled the secret and still knows it.
    enrolled: bool,
    failed_tries: FailedTries,
    registered: Option<Instant>,
}

/// The reason why a worker cannot start.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum CannotJoin {
    /// The join file cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    File(#[from] JoinError),
    /// The file is for commands, not for workers.
    #[error("{path} lets commands in, not workers", path = .path.display())]
    #[diagnostic(help("name the join.toml beside it"))]
    OtherRole {
        /// The file's path.
        path: PathBuf,
    },
    /// The join file disagrees with the command line on encryption.
    #[error("{path}: {problem}", path = .path.display())]
    Transport {
        /// The join file's path.
        path: PathBuf,
        /// The disagreement.
        #[diagnostic_source]
        problem: TransportError,
    },
}

/// The reason why one try failed.
enum Failure {
    Again(String),
    Refused(Refused),
}

impl Connector {
    /// Reads the join file at `path` for the first time. `host` is this machine's name, `secret` the worker's own,
    /// drawn at its start.
    ///
    /// # Errors
    /// When the file cannot be read, or disagrees with `plaintext`.
    pub fn new(path: PathBuf, host: String, plaintext: Plaintext, secret: Token) -> Result<Self, CannotJoin> {
        let join = JoinFile::read(&path)?;
        if join.role != Role::Join {
            return Err(CannotJoin::OtherRole { path });
        }
        if let Err(problem) = join.transport(plaintext) {
            return Err(CannotJoin::Transport { path, problem });
        }
        Ok(Self {
            path,
            join,
            plaintext,
            host,
            secret,
            enrolled: false,
            failed_tries: FailedTries::default(),
            registered: None,
        })
    }

    /// The study that the join file names.
    pub fn study(&self) -> &str {
        &self.join.study
    }

    /// Tries until a coordinator accepts or refuses. `request` makes a new registration for each try. While `hurry` is
    /// true, as when the worker is about to end, waits are short.
    pub async fn connect(
        &mut self,
        request: impl Fn() -> RegisterRequest,
        mut hurry: watch::Receiver<bool>,
    ) -> Result<Registration, Refused> {
        let mut wait = match self.registered.take() {
            Some(at) => {
                self.failed_tries.disconnected(at.elapsed());
                true
            }
            None => false,
        };
        loop {
            if wait {
                self.rest(&mut hurry).await;
            }
            wait = true;
            self.read_again().await;
            let mut problems = Vec::new();
            for address in self.addresses() {
                match self.register(&address, request()).await {
                    Ok(registration) => {
                        self.registered = Some(Instant::now());
                        self.failed_tries.connected();
                        return Ok(registration);
                    }
                    Err(Failure::Again(problem)) => problems.push(format!("{address}: {problem}")),
                    Err(Failure::Refused(refused)) => return Err(self.named(refused)),
                }
            }
            self.failed_tries.add();
            if self.failed_tries.is_logged() {
                warn!("cannot reach the coordinator{}, trying again: {}", self.machine(), problems.join("; "));
            }
        }
    }

    /// " on node7": the machine that wrote the join file, if the file names it.
    fn machine(&self) -> String {
        self.join.host.as_ref().map(|host| format!(" on {host}")).unwrap_or_default()
    }

    /// Adds that machine's name: the address may be a tunnel's.
    fn named(&self, refused: Refused) -> Refused {
        Refused { address: format!("{}{}", refused.address, self.machine()), ..refused }
    }

    /// Waits before the next try.
    async fn rest(&self, hurry: &mut watch::Receiver<bool>) {
        let hurried = *hurry.borrow();
        tokio::select! {
            () = tokio::time::sleep(self.failed_tries.delay(hurried, rand::random())) => {}
            Ok(_) = hurry.wait_for(|hurried| *hurried), if !hurried => {}
        }
    }

    async fn read_again(&mut self) {
        let path = self.path.clone();
        match tokio::task::spawn_blocking(move || JoinFile::read(&path)).await {
            Ok(Ok(join)) => {
                if join != self.join {
                    info!("the join file has changed");
                    self.join = join;
                }
            }
            Ok(Err(error)) => warn!("going on with the join file as it was: {error}"),
            Err(error) => warn!("going on with the join file as it was: {error}"),
        }
    }

    /// The addresses to try. Loopback is left out on other machines than the coordinator's: a program that listens
    /// there is not the coordinator, and must not receive the token.
    fn addresses(&self) -> Vec<String> {
        let elsewhere = self.join.host.as_ref().is_some_and(|host| *host != self.host);
        let all = &self.join.addresses;
        // A file with loopback addresses alone implies a tunnel.
        let far = elsewhere && all.iter().any(|address| !is_loopback(address));
        all.iter().filter(|address| !(far && is_loopback(address))).cloned().collect()
    }

    /// Reports the unexpected end of a trainer, as soon as a coordinator answers.
    pub async fn report_loss(&mut self, report: &LossReport) -> Result<(), Refused> {
        loop {
            for address in self.addresses() {
                let told = async {
                    let mut client = self.own(&address, self.channel(&address).await?, &report.worker_id)?;
                    client.report_loss(report.clone()).await.map_err(|status| judge(&address, &status))
                };
                match told.await {
                    Ok(_) => return Ok(()),
                    Err(Failure::Again(_)) => {}
                    Err(Failure::Refused(refused)) => return Err(self.named(refused)),
                }
            }
            tokio::time::sleep(self.failed_tries.delay(false, rand::random())).await;
            self.failed_tries.add();
            self.read_again().await;
        }
    }

    async fn channel(&self, address: &str) -> Result<Channel, Failure> {
        let transport = self.join.transport(self.plaintext).map_err(|problem| {
            refused(address, problem.to_string(), "the join file has changed since this worker started: start it again, with --plaintext or without it as the file needs")
        })?;
        dial(address, transport, PATIENCE).await.map_err(|error| match error {
            DialError::Connect(problem) => Failure::Again(problem),
            other => refused(address, other.to_string(), "use the join file that the coordinator wrote"),
        })
    }

    /// A client that calls with the worker's own credential.
    fn own(&self, address: &str, channel: Channel, worker_id: &str) -> Result<Client, Failure> {
        let own = Bearer::own(worker_id, &self.secret).ok_or_else(|| no_header(address))?;
        Ok(WorkerServiceClient::with_interceptor(channel, own)
            .max_decoding_message_size(limits::MESSAGE_BYTES_MAX)
            .max_encoding_message_size(limits::MESSAGE_BYTES_MAX))
    }

    async fn register(&mut self, address: &str, request: RegisterRequest) -> Result<Registration, Failure> {
        let channel = self.channel(address).await?;
        let joining = Bearer::joining(&self.join.token).ok_or_else(|| no_header(address))?;
        let mut client = self.own(address, channel.clone(), &request.worker_id)?;
        let mut enroll = WorkerServiceClient::with_interceptor(channel, joining);
        let enrolling = EnrollRequest {
            protocol_version: request.protocol_version,
            worker_id: request.worker_id.clone(),
            secret_sha256: self.secret.digest().to_vec(),
        };
        // An enrolled worker no longer needs the join token, which may have been rotated or have expired. Only an
        // unknown or forgotten worker enrolls.
        let mut fresh = false;
        let response = loop {
            if !self.enrolled {
                let answer = timely(enroll.enroll(enrolling.clone())).await?;
                let enrolled = answer.map_err(|status| judge(address, &status))?;
                // Before it registers: the other study would count it as one of its workers.
                self.check_study(address, &enrolled.study, &enrolled.study_id)?;
                (self.enrolled, fresh) = (true, true);
            }
            match timely(client.register(request.clone())).await? {
                Ok(response) => break response,
                Err(status) if status.code() == Code::Unauthenticated => {
                    self.enrolled = false;
                    // Forgotten again at once: many workers are enrolling, so try later.
                    if fresh {
                        return Err(Failure::Again(format!("{:?}: {}", status.code(), status.message())));
                    }
                }
                Err(status) => return Err(judge(address, &status)),
            }
        };
        self.check_study(address, &response.study, &response.study_id)?;
        Ok(Registration { client, address: address.to_owned(), response })
    }

    /// Checks that the coordinator's answer is about the study that the join file names.
    fn check_study(&self, address: &str, name: &str, id: &str) -> Result<(), Failure> {
        let (own_name, own_id) = (&self.join.study, self.join.study_id.to_string());
        if id == own_id {
            return Ok(());
        }
        let reason = format!("it runs the study {name:?} ({id}), the join file names {own_name:?} ({own_id})");
        Err(refused(address, reason, "copy the join file from the run directory again"))
    }
}

/// The coordinator's answer to an enrolment or registration, within the time limit.
async fn timely<T>(call: impl Future<Output = Result<Response<T>, Status>>) -> Result<Result<T, Status>, Failure> {
    match tokio::time::timeout(REGISTER_TIMEOUT, call).await {
        Ok(answer) => Ok(answer.map(Response::into_inner)),
        Err(_) => Err(Failure::Again("it does not answer the registration".to_owned())),
    }
}

fn judge(address: &str, status: &Status) -> Failure {
    let message = cut(status.message(), limits::DETAIL_BYTES_MAX);
    let hint = match status.code() {
        Code::Unauthenticated => "copy the join file from the run directory again",
        Code::PermissionDenied => {
            "ask whoever runs the study: this worker is not to come in, or its file is for something else"
        }
        Code::InvalidArgument => "correct the named field, or use a worker and a coordinator of the same version",
        _ => "use a worker and a coordinator of the same version",
    };
    match classify_failure(status.code()) {
        FailedCall::Again | FailedCall::NotFound => Failure::Again(format!("{:?}: {message}", status.code())),
        FailedCall::Malformed | FailedCall::Refused => {
            refused(address, format!("{:?}: {message}", status.code()), hint)
        }
    }
}

fn no_header(address: &str) -> Failure {
    refused(address, "the token is no header value".to_owned(), "copy the join file again")
}

fn refused(address: &str, reason: String, hint: &'static str) -> Failure {
    Failure::Refused(Refused { address: address.to_owned(), reason, hint })
}

fn is_loopback(address: &str) -> bool {
    let Ok(uri) = address.parse::<Uri>() else { return false };
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use seedgrid_common::study_id::StudyId;

    use super::*;

    #[test]
    fn the_bearer_is_not_printed() {
        let bearer = Bearer::joining(&Token::parse("0123456789abcdef-secret").unwrap()).unwrap();
        assert!(!format!("{bearer:?}").contains("secret"));
    }

    fn connector(host: &str, join: &JoinFile) -> Connector {
        Connector {
            path: PathBuf::new(),
            join: join.clone(),
            plaintext: Plaintext::Wanted,
            secret: Token::generate(),
            enrolled: false,
            host: host.to_owned(),
            failed_tries: FailedTries::default(),
            registered: None,
        }
    }

    fn join() -> JoinFile {
        JoinFile {
            role: Role::Join,
            study: "a".to_owned(),
            study_id: StudyId([9; 16]),
            host: Some("login".to_owned()),
            addresses: vec!["http://login:1".to_owned(), "http://127.0.0.1:1".to_owned(), "http://[::1]:1".to_owned()],
            token: Token::generate(),
            expires_ms: None,
            certificate: None,
        }
    }

    #[tokio::test]
    async fn a_signal_cuts_the_wait_before_the_next_try() {
        let mut waiting = connector("node7", &join());
        (0..20).for_each(|_| waiting.failed_tries.add());
        let (signal, mut hurry) = watch::channel(false);
        let mut rest = std::pin::pin!(waiting.rest(&mut hurry));
        let mut context = Context::from_waker(Waker::noop());
        assert!(rest.as_mut().poll(&mut context).is_pending(), "it waits for seconds");
        signal.send_replace(true);
        assert!(rest.as_mut().poll(&mut context).is_ready());
    }

    #[test]
    fn loopback_is_tried_only_where_it_means_the_coordinator() {
        let join = join();
        assert_eq!(connector("node7", &join).addresses(), ["http://login:1"]);
        assert_eq!(connector("login", &join).addresses().len(), 3);
        let unknown = JoinFile { host: None, ..join.clone() };
        assert_eq!(connector("node7", &unknown).addresses().len(), 3);
        assert_eq!(
            (connector("node7", &join).machine(), connector("node7", &unknown).machine()),
            (" on login".to_owned(), String::new())
        );
        // A tunnel: the file has loopback addresses alone.
        let tunnel = JoinFile { addresses: vec!["http://localhost:1".to_owned()], ..join };
        assert_eq!(connector("node7", &tunnel).addresses(), ["http://localhost:1"]);
    }
}
