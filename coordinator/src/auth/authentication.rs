//! Authentication and authorisation of every call: checks the credential, then the table of permitted calls.

use std::{
    future::Future,
    net::{IpAddr, Ipv4Addr},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use seedgrid_common::{study_id::StudyId, utc};
use tokio::sync::watch;
use tonic::{
    Code, Request, Status,
    codegen::{Service, http},
};
use tower::Layer;

use super::{
    AuthState, Caller, CallerKind, ConnectionHandle, Credentials, Refusal, Revocations,
    failed_login_limit::FailedLogins,
    permissions::{Needs, is_streamed},
};

/// The time limit of a call with a single message: pulls wait, and a slow disk delays answers.
const PATIENCE: Duration = Duration::from_secs(60);

/// Passes calls with a valid credential on to the services, together with the caller.
#[derive(Clone, Debug)]
pub(crate) struct Authentication(Arc<Post>);

#[derive(Debug)]
struct Post {
    /// The registries of all studies.
    credentials: Vec<Credentials>,
    revocations: Revocations,
    auth: Arc<AuthState>,
    failed_logins: Mutex<FailedLogins>,
    started: Instant,
}

impl Authentication {
    pub(crate) fn new(credentials: Vec<Credentials>, revocations: Revocations, auth: Arc<AuthState>) -> Self {
        Self(Arc::new(Post {
            credentials,
            revocations,
            auth,
            failed_logins: Mutex::default(),
            started: Instant::now(),
        }))
    }

    fn admit<B>(&self, request: &http::Request<B>) -> Result<Caller, Status> {
        let visitor = request.extensions().get::<ConnectionHandle>();
        let judged = self.judge(request);
        if let Err(refusal) = &judged {
            self.refuse(*refusal, address(request.extensions()), visitor);
        }
        if let (Ok(caller), Some(visitor)) = (&judged, visitor) {
            match visitor.welcome(caller) {
                // The worker was revoked after the check, and after the connections known as its own were closed.
                Ok(true) if self.is_revoked(caller) => visitor.put_out(),
                Ok(_) => {}
                Err(full) => {
                    self.0.auth.refuse(Refusal::Crowded, visitor.address());
                    visitor.put_out();
                    return Err(Status::unavailable(full.to_string()));
                }
            }
        }
        let needs = Needs::for_call(request.uri().path());
        judged.map_err(|refusal| says(refusal, needs))
    }

    fn judge<B>(&self, request: &http::Request<B>) -> Result<Caller, Refusal> {
        let header = request.headers().get(http::header::AUTHORIZATION).ok_or(Refusal::NoCredential)?;
        let shown = header.to_str().ok().and_then(|text| text.strip_prefix("Bearer ")).ok_or(Refusal::NoCredential)?;
        let caller = self.owner(shown)?;
        // The last check, so that callers without a credential cannot find out which calls exist.
        let needs = Needs::for_call(request.uri().path()).ok_or(Refusal::UnknownCall)?;
        if needs.are_met_by(&caller) { Ok(caller) } else { Err(Refusal::WrongRole) }
    }

    /// The owner of a credential. The secrets of studies differ, so at most one study knows it.
    fn owner(&self, shown: &str) -> Result<Caller, Refusal> {
        let mut refusal = Refusal::WrongCredential;
        for credentials in &self.0.credentials {
            match credentials.read().judge(shown, utc::now_ms()) {
                Err(Refusal::WrongCredential) => {}
                Err(other) => refusal = other,
                Ok(caller) => return Ok(caller),
            }
        }
        Err(refusal)
    }

    fn credentials(&self, study: StudyId) -> Option<&Credentials> {
        self.0.credentials.iter().find(|credentials| credentials.read().study() == study)
    }

    fn is_revoked(&self, caller: &Caller) -> bool {
        let CallerKind::Worker(worker) = &caller.kind else { return false };
        self.credentials(caller.study).is_some_and(|credentials| credentials.read().is_revoked(worker))
    }

    /// Resolves when the caller has been revoked.
    async fn revoked(&self, caller: &Caller, mut revocations: watch::Receiver<()>) {
        while revocations.changed().await.is_ok() {
            if self.is_revoked(caller) {
                return;
            }
        }
        // The sender of revocations is gone, so no more can come.
        std::future::pending().await
    }

    fn refuse(&self, refusal: Refusal, address: IpAddr, visitor: Option<&ConnectionHandle>) {
        self.0.auth.refuse(refusal, address);
        // A known caller without permission gets its answer at any rate of calls.
        if matches!(refusal, Refusal::WrongRole | Refusal::Revoked | Refusal::UnknownCall) {
            return;
        }
        let now = u64::try_from(self.0.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        // A panic leaves the limits usable.
        let too_many = self.0.failed_logins.lock().unwrap_or_else(PoisonError::into_inner).add(address, now);
        if too_many && let Some(visitor) = visitor {
            self.0.auth.refuse(Refusal::TooManyFailures, address);
            visitor.put_out();
        }
    }

    /// Counts answers that report a malformed message.
    fn look_at<B>(&self, response: &http::Response<B>, address: IpAddr) {
        let status = response.headers().get("grpc-status").and_then(|code| code.to_str().ok()?.parse::<i32>().ok());
        // Messages over a limit or that tonic cannot decode, and those that the services refuse.
        if let Some(Code::OutOfRange | Code::Internal | Code::InvalidArgument) = status.map(Code::from) {
            self.0.auth.refuse(Refusal::Malformed, address);
        }
    }
}

async fn after(patience: Option<Duration>) {
    match patience {
        Some(patience) => tokio::time::sleep(patience).await,
        None => std::future::pending().await,
    }
}

/// The address of a call's connection; unspecified in tests without connections.
pub(crate) fn address(of_call: &http::Extensions) -> IpAddr {
    of_call.get::<ConnectionHandle>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), ConnectionHandle::address)
}

/// The answer to a refused caller.
fn says(refusal: Refusal, needs: Option<Needs>) -> Status {
    match refusal {
        Refusal::UnknownCall => Status::unimplemented("there is no such call"),
        Refusal::NoCredential => Status::unauthenticated(
            "no credential was shown: use the join file of this study's run directory, or name the run directory",
        ),
        Refusal::Expired => Status::unauthenticated(
            "the join file has expired: ask for a new one, which `seedgrid credentials rotate RUN_DIR` makes",
        ),
        Refusal::Revoked => Status::permission_denied("this worker was revoked"),
        Refusal::WrongRole => Status::permission_denied(format!(
            "this credential is for other calls; this one needs {}",
            needs.map_or("another one", Needs::name)
        )),
        _ => Status::unauthenticated(
            "the credential is wrong: use the files of this study's run directory as they are now",
        ),
    }
}

/// The owner of the credential that came with this call.
///
/// # Errors
/// UNAUTHENTICATED if there is none.
pub(crate) fn caller<T>(request: &Request<T>) -> Result<Caller, Status> {
    request.extensions().get::<Caller>().copied().ok_or_else(|| says(Refusal::NoCredential, None))
}

impl<S> Layer<S> for Authentication {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded { guard: self.clone(), inner }
    }
}

/// A service behind authentication.
#[derive(Clone, Debug)]
pub(crate) struct Guarded<S> {
    guard: Authentication,
    inner: S,
}

impl<S, B, R> Service<http::Request<B>> for Guarded<S>
where
    S: Service<http::Request<B>, Response = http::Response<R>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    R: Default + Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: http::Request<B>) -> Self::Future {
        // Subscribes before the check of the credential, so that no revocation is missed.
        let revocations = self.guard.0.revocations.subscribe();
        match self.guard.admit(&request) {
            Ok(caller) => {
                let address = address(request.extensions());
                let patience = (!is_streamed(request.uri().path())).then_some(PATIENCE);
                request.extensions_mut().insert(caller);
                let (guard, answered) = (self.guard.clone(), self.inner.call(request));
                Box::pin(async move {
                    let response = tokio::select! {
                        response = answered => response?,
                        () = guard.revoked(&caller, revocations) => {
                            guard.refuse(Refusal::Revoked, address, None);
                            return Ok(says(Refusal::Revoked, None).into_http());
                        }
                        () = after(patience) => return Ok(Status::deadline_exceeded("the call took too long").into_http()),
                    };
                    guard.look_at(&response, address);
                    Ok(response)
                })
            }
            Err(status) => Box::pin(std::future::ready(Ok(status.into_http()))),
        }
    }
}
