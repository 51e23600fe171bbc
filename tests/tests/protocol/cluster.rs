//! A real core, store and server in this process, and a bare client.

use std::{net::SocketAddr, time::Duration};

use seedgrid_common::{
    join::{JoinFile, Role, Token},
    made_up_results::ResultKind,
    network_outputs::Outputs,
    training::{Ending, EpochMetrics, Scores, UnitResult},
    utc,
    wire::{
        PROTOCOL_VERSION,
        blob::{Blob, Content},
        v1,
    },
};
use seedgrid_coordinator::{
    auth::{CredentialFiles, Place},
    core::{Core, CoreError, Holders, StudyPlan},
    grpc::{Bound, Entry, Server, StudyFiles},
    plan::{Prepared, Spec},
    run_directory::{Owned, RunDirectory},
    scheduler::queue::Rules,
    store::Store,
};
use tonic::{Code, Request, transport::Channel};
use v1::worker_service_client::WorkerServiceClient;

/// Leases are so long that no slow machine loses one.
pub(crate) const RULES: Rules = Rules {
    lease_ms: 600_000,
    errors_max: 2,
    retry_delays_ms: [0, 0],
    deaths_alone: 2,
    deaths_max: 3,
    alike_errors: 4,
    alike_units: 3,
    aside_errors: 2,
    ahead_seconds_max: 2.0,
};

/// Leases that run out while a test waits for it.
pub(crate) const SHORT_LEASES: Rules = Rules { lease_ms: 300, ..RULES };

/// An address without a listener.
const NOWHERE: &str = "http://127.0.0.1:9";

fn plan(prepared: &Prepared) -> StudyPlan {
    StudyPlan { study: prepared.spec.study.clone(), digests: prepared.draws.digests(), results: ResultKind::Trained }
}

pub(crate) struct Cluster {
    pub(crate) _folder: tempfile::TempDir,
    pub(crate) directory: Owned,
    pub(crate) server: Option<Server>,
    pub(crate) address: Option<SocketAddr>,
    pub(crate) core: Option<Core>,
    pub(crate) thread: Option<std::thread::JoinHandle<Result<(), CoreError>>>,
    pub(crate) rules: Rules,
    pub(crate) keys: CredentialFiles,
    pub(crate) digest: String,
}

impl Cluster {
    pub(crate) async fn start(spec_text: &str) -> Self {
        Self::with_rules(spec_text, RULES).await
    }

    pub(crate) async fn with_rules(spec_text: &str, rules: Rules) -> Self {
        let (mut cluster, store, prepared) = Self::prepare(spec_text, rules);
        cluster.host(store, &prepared).await;
        cluster
    }

    /// Two studies that one core and one server host. The first one has core, server and thread.
    pub(crate) async fn two(spec_text: &str) -> [Self; 2] {
        let [(mut first, store, prepared), (mut second, other_store, other_prepared)] =
            [(); 2].map(|()| Self::prepare(spec_text, RULES));
        let plans = vec![(store, plan(&prepared)), (other_store, plan(&other_prepared))];
        let files = vec![first.files(), second.files()];
        first.serve(plans, files).await;
        second.address = first.address;
        [first, second]
    }

    /// A run directory of the study, and all that is needed to host it.
    fn prepare(spec_text: &str, rules: Rules) -> (Self, Store, Prepared) {
        let folder = tempfile::tempdir().unwrap();
        let directory = RunDirectory::new(folder.path().join("run")).own().unwrap();
        let mut store = Store::open(&directory.database()).unwrap();
        let spec = Spec::parse("spec.toml", spec_text.to_owned()).unwrap();
        let mut prepared = Prepared::new(spec, None, &directory, Some(&store)).unwrap();
        prepared.keep(&directory, &mut store).unwrap();
        // Plaintext, and without a real address: the tests' clients know the port.
        let place = Place {
            study: "scratch".to_owned(),
            study_id: store.study_id().unwrap(),
            host: None,
            addresses: vec![NOWHERE.to_owned()],
            certificate: None,
        };
        let keys = CredentialFiles::open(&directory, place, None, &mut store, utc::now_ms()).unwrap();
        let cluster = Self {
            _folder: folder,
            directory,
            server: None,
            address: None,
            core: None,
            thread: None,
            rules,
            keys,
            digest: prepared.draws.first().digest.clone(),
        };
        (cluster, store, prepared)
    }

    pub(crate) async fn host(&mut self, store: Store, prepared: &Prepared) {
        let files = vec![self.files()];
        self.serve(vec![(store, plan(prepared))], files).await;
    }

    fn files(&self) -> StudyFiles {
        StudyFiles {
            keys: self.keys.clone(),
            datasets: [(self.digest.clone(), self.directory.dataset(&self.digest))].into(),
        }
    }

    async fn serve(&mut self, studies: Vec<(Store, StudyPlan)>, files: Vec<StudyFiles>) {
        let (core, thread) = Core::start(studies, self.rules, Holders::MayReturn).unwrap();
        self.thread = Some(thread);
        let bound = Bound::listen("127.0.0.1:0").await.unwrap();
        let server = bound.serve(core.clone(), Entry { identity: None, one_address: false }, files);
        self.core = Some(core);
        self.address = Some(server.address());
        self.server = Some(server);
    }

    /// Stops server and core as a restart would, and starts them again from the store.
    pub(crate) async fn restart(&mut self) {
        self.core.take().unwrap().stop().await;
        self.server.take().unwrap().stop(Duration::from_secs(1)).await.unwrap();
        self.thread.take().unwrap().join().unwrap().unwrap();
        let store = Store::open(&self.directory.database()).unwrap();
        let prepared = Prepared::stored(&self.directory, &store).unwrap();
        self.host(store, &prepared).await;
    }

    pub(crate) async fn channel(&self) -> Channel {
        let address = format!("http://{}", self.address.unwrap());
        Channel::from_shared(address).unwrap().connect().await.unwrap()
    }

    /// The token in a file of the run directory.
    pub(crate) fn token(&self, role: Role) -> Token {
        JoinFile::read(&self.directory.key_file(role)).unwrap().token
    }

    /// An enrolled worker. The same number gives the same worker.
    pub(crate) async fn client(&self, number: u8) -> Client {
        let mut client = Client {
            inner: WorkerServiceClient::new(self.channel().await),
            shown: self.token(Role::Join).expose().to_owned(),
            id: format!("{number:032x}"),
        };
        let secret = Token::parse(&format!("the-secret-of-worker-{number}")).unwrap();
        client.enroll(&secret).await.unwrap();
        client.shown = format!("{}.{}", client.id, secret.expose());
        client
    }
}

pub(crate) struct Client {
    pub(crate) inner: WorkerServiceClient<Channel>,
    /// The credential that it sends with every call.
    pub(crate) shown: String,
    pub(crate) id: String,
}

impl Client {
    pub(crate) async fn enroll(&mut self, secret: &Token) -> Result<(), Code> {
        let request = self.request(v1::EnrollRequest {
            protocol_version: PROTOCOL_VERSION,
            worker_id: self.id.clone(),
            secret_sha256: secret.digest().to_vec(),
        });
        self.inner.enroll(request).await.map(|_| ()).map_err(|status| status.code())
    }

    pub(crate) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", format!("Bearer {}", self.shown).parse().unwrap());
        request
    }

    pub(crate) async fn register(&mut self, held: Vec<v1::AttemptId>) -> Result<v1::RegisterResponse, Code> {
        let info = v1::WorkerInfo { host: "test".to_owned(), slots: 2, ..v1::WorkerInfo::default() };
        let request = self.request(v1::RegisterRequest {
            protocol_version: PROTOCOL_VERSION,
            worker_id: self.id.clone(),
            info: Some(info),
            held,
        });
        self.inner.register(request).await.map(tonic::Response::into_inner).map_err(|status| status.code())
    }

    pub(crate) async fn pull(&mut self, units_max: u32) -> Result<v1::PullResponse, Code> {
        let request = self.request(v1::PullRequest { worker_id: self.id.clone(), units_max });
        self.inner.pull(request).await.map(tonic::Response::into_inner).map_err(|status| status.code())
    }

    pub(crate) async fn heartbeat(&mut self, held: Vec<v1::AttemptId>) -> Result<v1::HeartbeatResponse, Code> {
        let request = self.request(v1::HeartbeatRequest { worker_id: self.id.clone(), held });
        self.inner.heartbeat(request).await.map(tonic::Response::into_inner).map_err(|status| status.code())
    }

    pub(crate) async fn submit(
        &mut self,
        attempt: &v1::AttemptId,
        outcome: v1::finished_attempt::Outcome,
    ) -> Result<v1::SubmitOutcome, Code> {
        self.submit_with(attempt, outcome, "").await
    }

    pub(crate) async fn submit_with(
        &mut self,
        attempt: &v1::AttemptId,
        outcome: v1::finished_attempt::Outcome,
        weights_digest: &str,
    ) -> Result<v1::SubmitOutcome, Code> {
        let finished = v1::FinishedAttempt {
            attempt: Some(attempt.clone()),
            outcome: Some(outcome),
            train_seconds: 1.0,
            weights_digest: weights_digest.to_owned(),
            log: String::new(),
        };
        let response = self.exchange(vec![finished], 0).await?;
        Ok(response.receipts[0].outcome())
    }

    /// Hands attempts over, and asks for units.
    pub(crate) async fn exchange(
        &mut self,
        attempts: Vec<v1::FinishedAttempt>,
        units_max: u32,
    ) -> Result<v1::SubmitResponse, Code> {
        let worker_id = self.id.clone();
        let numerics_class = "test".to_owned();
        let request = self.request(v1::SubmitRequest { worker_id, attempts, numerics_class, units_max });
        self.inner.submit(request).await.map(tonic::Response::into_inner).map_err(|status| status.code())
    }

    pub(crate) async fn finish(&mut self, attempt: &v1::AttemptId, wrong: u32) -> Result<v1::SubmitOutcome, Code> {
        self.submit(attempt, v1::finished_attempt::Outcome::Result((&result(wrong)).into())).await
    }

    pub(crate) async fn finish_with(
        &mut self,
        attempt: &v1::AttemptId,
        weights: &Blob,
    ) -> Result<v1::SubmitOutcome, Code> {
        let outcome = v1::finished_attempt::Outcome::Result((&result(25)).into());
        self.submit_with(attempt, outcome, &weights.digest().to_string()).await
    }

    /// Sends these parts of a blob; returns whether it was kept.
    pub(crate) async fn send(&mut self, parts: Vec<v1::BlobPart>) -> Result<bool, Code> {
        let request = self.request(tokio_stream::iter(parts));
        let receipt = self.inner.upload_blob(request).await;
        receipt.map(|receipt| receipt.into_inner().kept).map_err(|status| status.code())
    }

    pub(crate) fn parts(&self, attempt: &v1::AttemptId, blob: &Blob) -> Vec<v1::BlobPart> {
        blob.parts(self.id.clone(), attempt.clone().try_into().unwrap(), Content::Weights).collect()
    }

    pub(crate) async fn upload(&mut self, attempt: &v1::AttemptId, blob: &Blob) -> Result<bool, Code> {
        self.send(self.parts(attempt, blob)).await
    }

    pub(crate) async fn fail(
        &mut self,
        attempt: &v1::AttemptId,
        failure: v1::Failure,
    ) -> Result<v1::SubmitOutcome, Code> {
        let report = v1::FailureReport { failure: failure.into(), detail: "as the test wants".to_owned() };
        self.submit(attempt, v1::finished_attempt::Outcome::Failure(report)).await
    }

    /// Pulls one unit.
    pub(crate) async fn unit(&mut self) -> v1::AttemptId {
        let mut pulled = self.pull(1).await.unwrap();
        assert_eq!(pulled.assignments.len(), 1);
        pulled.assignments.remove(0).attempt.unwrap()
    }
}

pub(crate) fn result(wrong: u32) -> UnitResult {
    UnitResult {
        epochs: vec![EpochMetrics { epoch: 1, train_loss: 0.5, train_error: 0.25, validation_error: None }],
        ending: Ending::Done(Scores {
            converged: true,
            outputs: Outputs::new(2, vec![0.25; 200]).unwrap(),
            wrong,
            loss: 0.6,
        }),
    }
}
