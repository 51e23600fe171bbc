//! A peer that makes any call, with any credential, under any worker id.

use std::{sync::Arc, time::Duration};

use seedgrid_common::{
    join::{
        JoinFile, Plaintext, Role, Token,
        connect::{Patience, dial},
    },
    network_outputs::Outputs,
    training::{Ending, EpochMetrics, Scores, UnitResult},
    unit::Attempt,
    wire::{
        PROTOCOL_VERSION,
        blob::{Blob, Content},
        v1,
    },
};
use tonic::{Code, Request, Status, Streaming, client::Grpc, codegen::http::uri::PathAndQuery, transport::Channel};
use tonic_prost::ProstCodec;
use v1::{control_service_client::ControlServiceClient, worker_service_client::WorkerServiceClient};

use crate::Victim;

/// The id of an attempt.
pub(crate) type Taken = v1::AttemptId;

/// The name of a status code.
pub(crate) type Refused = &'static str;

pub(crate) async fn connect(file: &JoinFile) -> Channel {
    let patience = Patience { connect: Duration::from_secs(20), keep_alive: Duration::from_secs(20) };
    dial(&file.addresses[0], file.transport(Plaintext::Refused).unwrap(), patience).await.unwrap()
}

pub(crate) fn now_ms() -> i64 {
    std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis() as i64
}

pub(crate) struct Peer {
    channel: Channel,
    pub(crate) id: String,
    /// The credential that it sends with every call, as bytes of a header.
    pub(crate) shown: Option<Vec<u8>>,
    secret: Token,
}

impl Peer {
    pub(crate) async fn new(victim: &Victim, number: u32, shown: &str) -> Self {
        let channel = connect(&victim.file(Role::Join)).await;
        let mut peer = Self { channel, id: format!("{number:032x}"), shown: None, secret: Token::generate() };
        peer.show(shown);
        peer
    }

    pub(crate) async fn enrolled(victim: &Victim, number: u32) -> Self {
        let mut peer = Self::new(victim, number, victim.file(Role::Join).token.expose()).await;
        peer.enroll().await.unwrap();
        peer
    }

    /// The same worker on a new connection.
    pub(crate) async fn elsewhere(&self, victim: &Victim) -> Self {
        let channel = connect(&victim.file(Role::Join)).await;
        Self { channel, id: self.id.clone(), shown: self.shown.clone(), secret: self.secret.clone() }
    }

    /// Another worker on the same connection, with the join token.
    pub(crate) fn beside(victim: &Victim, other: &Self, number: u32) -> Self {
        let id = format!("{number:032x}");
        let mut peer = Self { channel: other.channel.clone(), id, shown: None, secret: Token::generate() };
        peer.show(victim.file(Role::Join).token.expose());
        peer
    }

    pub(crate) fn show(&mut self, shown: &str) {
        self.shown = Some(format!("Bearer {shown}").into_bytes());
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(shown) = &self.shown {
            // Headers may hold bytes that are no ASCII; tonic's metadata may not.
            match std::str::from_utf8(shown).unwrap().parse() {
                Ok(value) => drop(request.metadata_mut().insert("authorization", value)),
                Err(_) => drop(request.metadata_mut().insert("authorization", "Bearer \u{7e}".parse().unwrap())),
            }
        }
        request
    }

    fn worker(&self) -> WorkerServiceClient<Channel> {
        WorkerServiceClient::new(self.channel.clone()).max_encoding_message_size(64 << 20)
    }

    /// Enrolls a secret, and uses it from then on.
    pub(crate) async fn enroll(&mut self) -> Result<(), Refused> {
        let request = self.request(v1::EnrollRequest {
            protocol_version: PROTOCOL_VERSION,
            worker_id: self.id.clone(),
            secret_sha256: self.secret.digest().to_vec(),
        });
        self.worker().enroll(request).await.map_err(name)?;
        self.show(&format!("{}.{}", self.id, self.secret.expose()));
        Ok(())
    }

    pub(crate) async fn register(&mut self) -> Result<(), Refused> {
        let info = v1::WorkerInfo { host: "<script>alert(1)</script>".to_owned(), slots: 1, ..Default::default() };
        let request = self.request(v1::RegisterRequest {
            protocol_version: PROTOCOL_VERSION,
            worker_id: self.id.clone(),
            info: Some(info),
            held: vec![],
        });
        self.worker().register(request).await.map(|_| ()).map_err(name)
    }

    pub(crate) async fn pull(&self) -> Result<Vec<Taken>, Refused> {
        let request = self.request(v1::PullRequest { worker_id: self.id.clone(), units_max: 1 });
        let pulled = self.worker().pull(request).await.map_err(name)?.into_inner();
        Ok(pulled.assignments.into_iter().flat_map(|one| one.attempt).collect())
    }

    /// Registers and pulls one unit.
    pub(crate) async fn take(&mut self) -> Taken {
        self.register().await.unwrap();
        self.pull().await.unwrap().remove(0)
    }

    async fn submit(&self, attempt: &Taken, outcome: v1::finished_attempt::Outcome) -> Result<(), Refused> {
        let finished = v1::FinishedAttempt {
            attempt: Some(attempt.clone()),
            outcome: Some(outcome),
            train_seconds: 1.0,
            ..Default::default()
        };
        let request = self.request(v1::SubmitRequest {
            worker_id: self.id.clone(),
            attempts: vec![finished],
            numerics_class: "forged".to_owned(),
            units_max: 1,
        });
        let response = self.worker().submit(request).await.map_err(name)?.into_inner();
        match response.receipts[0].outcome() {
            v1::SubmitOutcome::NeverGiven => Err("NeverGiven"),
            v1::SubmitOutcome::Malformed => Err("Malformed"),
            _ => Ok(()),
        }
    }

    /// Submits an implausibly good result.
    pub(crate) async fn finish(&self, attempt: &Taken) -> Result<(), Refused> {
        let epoch = EpochMetrics { epoch: 1, train_loss: 0.0, train_error: 0.0, validation_error: None };
        let outputs = Outputs::new(2, vec![0.5; 200]).unwrap();
        let scores = Scores { converged: true, outputs, wrong: 0, loss: 0.0 };
        let result = UnitResult { epochs: vec![epoch], ending: Ending::Done(scores) };
        self.submit(attempt, v1::finished_attempt::Outcome::Result((&result).into())).await
    }

    pub(crate) async fn fail(&self, attempt: &Taken) -> Result<(), Refused> {
        self.fail_with(attempt, "sabotage".to_owned()).await
    }

    async fn fail_with(&self, attempt: &Taken, detail: String) -> Result<(), Refused> {
        let report = v1::FailureReport { failure: v1::Failure::Error.into(), detail };
        self.submit(attempt, v1::finished_attempt::Outcome::Failure(report)).await
    }

    /// Uploads a blob; returns whether it was kept.
    pub(crate) async fn upload(&self, attempt: &Taken, blob: &Blob, content: Content) -> Result<bool, Refused> {
        let attempt = Attempt::try_from(attempt.clone()).unwrap();
        let parts: Vec<_> = blob.parts(self.id.clone(), attempt, content).collect();
        let request = self.request(tokio_stream::iter(parts));
        self.worker().upload_blob(request).await.map(|receipt| receipt.into_inner().kept).map_err(name)
    }

    /// Requests the attempt's checkpoint, without reading it.
    pub(crate) async fn fetch(&self, attempt: &Taken) -> Result<Streaming<v1::BlobPart>, Refused> {
        let request = self.request(v1::FetchBlobRequest {
            worker_id: self.id.clone(),
            attempt: Some(attempt.clone()),
            kind: v1::BlobKind::Checkpoint.into(),
        });
        self.worker().fetch_blob(request).await.map(tonic::Response::into_inner).map_err(name)
    }

    pub(crate) async fn beat(&self, held: &Taken) -> Result<Vec<Taken>, Refused> {
        let request = self.request(v1::HeartbeatRequest { worker_id: self.id.clone(), held: vec![held.clone()] });
        self.worker().heartbeat(request).await.map(|answer| answer.into_inner().dropped).map_err(name)
    }

    pub(crate) async fn report_metrics(&self, attempt: &Taken) -> Result<(), Refused> {
        let report = v1::MetricsReport { worker_id: self.id.clone(), attempt: Some(attempt.clone()), metrics: None };
        let request = self.request(tokio_stream::iter([report]));
        self.worker().metrics(request).await.map(|_| ()).map_err(name)
    }

    pub(crate) async fn leave(&self) {
        let request = self.request(v1::LeaveRequest { worker_id: self.id.clone(), reason: "\x1b[2J".to_owned() });
        self.worker().leave(request).await.unwrap();
    }

    pub(crate) async fn status(&self) -> Result<(), Refused> {
        let request = self.request(v1::GetStatusRequest {});
        ControlServiceClient::new(self.channel.clone()).get_status(request).await.map(|_| ()).map_err(name)
    }

    pub(crate) async fn retry(&self) -> Result<(), Refused> {
        let request = self.request(v1::RetryRequest { unit_ids: vec![] });
        ControlServiceClient::new(self.channel.clone()).retry(request).await.map(|_| ()).map_err(name)
    }

    /// Sends `message`, of any type, as a call's message.
    async fn raw<M: prost::Message + 'static>(&self, path: &'static str, message: M) -> Result<(), Refused> {
        let mut grpc = Grpc::new(self.channel.clone());
        grpc.ready().await.unwrap();
        let codec = ProstCodec::<M, v1::SubmitResponse>::default();
        let answer = grpc.unary(self.request(message), PathAndQuery::from_static(path), codec).await;
        answer.map(|_| ()).map_err(name)
    }
}

/// Messages over a limit, messages of the wrong form, and calls that do not exist.
pub(crate) async fn malformed(member: Peer, own: &Taken) {
    assert_eq!(member.fail_with(own, "x".repeat(5_000)).await, Err("Malformed"), "a text over its limit");
    assert_eq!(member.fail_with(own, "x".repeat(17 << 20)).await, Err("OutOfRange"), "a message over its limit");
    let long = v1::EnrollRequest { worker_id: "f".repeat(20 << 10), ..Default::default() };
    assert_eq!(member.raw("/seedgrid.v1.WorkerService/Leave", long).await, Err("OutOfRange"), "over its call's limit");
    let nameless = Taken { unit_id: "../../etc/passwd".to_owned(), ..own.clone() };
    assert_eq!(member.finish(&nameless).await, Err("InvalidArgument"));
    let submit = "/seedgrid.v1.WorkerService/Submit";
    let other = v1::StatusSnapshot { study: member.id.clone(), state: 1, taken_ms: 5, ..Default::default() };
    assert_eq!(member.raw(submit, other).await, Err("Internal"), "another type's bytes");
    assert_eq!(member.raw(submit, v1::SubmitRequest::default()).await, Err("InvalidArgument"), "nothing in it");
    for path in ["/seedgrid.v1.WorkerService/Nothing", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"] {
        assert_eq!(member.raw(path, v1::GetStatusRequest {}).await, Err("Unimplemented"));
    }
    member.leave().await;
}

/// Sends heartbeats for the held attempt, well within its lease, for as long as it may be held.
pub(crate) async fn beat_on(peer: Arc<Peer>, held: Taken) {
    let mut beats = tokio::time::interval(Duration::from_secs(5));
    loop {
        beats.tick().await;
        assert_eq!(peer.beat(&held).await, Ok(vec![]));
    }
}

fn name(status: Status) -> Refused {
    match status.code() {
        Code::Unauthenticated => "Unauthenticated",
        Code::PermissionDenied => "PermissionDenied",
        Code::NotFound => "NotFound",
        Code::InvalidArgument => "InvalidArgument",
        Code::OutOfRange => "OutOfRange",
        Code::Internal => "Internal",
        Code::Unimplemented => "Unimplemented",
        _ => "cut off",
    }
}
