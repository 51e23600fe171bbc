//! A scripted coordinator on a loopback port and a scripted trainer: what the session's tests play with. The coordinator keeps the
//! promises of worker.proto unless its script says to break them.

#![allow(missing_docs, unreachable_pub, dead_code, clippy::unwrap_used, reason = "only the tests beside it use this")]

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    error::Error,
    net::SocketAddr,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use seedgrid_common::{
    data::{
        Dataset, PAIR_PIXELS, Pairs,
        encode::{digest, encode},
    },
    join::{JoinFile, Plaintext, Role, Token, TokenDigest},
    training::{Ending, EpochMetrics, Normalize, Scores, StopLoss, StopRule, UnitResult},
    unit::{Configuration, Fold, Hyperparameters, Unit},
    wire::{
        PROTOCOL_VERSION,
        blob::{Arriving, Blob, BlobHead},
        v1::{
            worker_service_server::{WorkerService, WorkerServiceServer},
            *,
        },
    },
};
use seedgrid_worker::{
    connection::Connector,
    lifecycle::Rules,
    session::{self, Farewell, Settings, Tally},
    slots::Watched,
    trainer::{Description, Task, Trainer},
    training::{Observer, Wish},
    work::{Attempt, Output},
};
use tokio::net::TcpListener;
use tokio_stream::{Stream, wrappers::TcpListenerStream};
use tonic::{Request, Response, Status, Streaming};

/// What the coordinator does, and what it has seen.
#[derive(Debug)]
pub struct Script {
    pub token: Token,
    /// Digests of the secrets of workers that are known.
    pub enrolled: BTreeMap<String, TokenDigest>,
    pub enrolments: u32,
    pub study: String,
    pub dataset: Vec<u8>,
    /// Units to give out.
    pub waiting: VecDeque<Unit>,
    /// Attempts given out, by unit.
    pub attempts: BTreeMap<String, u32>,
    /// What to answer to pulls and heartbeats; `None`: done once every unit has ended.
    pub state: Option<StudyState>,
    pub known: BTreeSet<String>,
    /// Said to be unwanted in the next heartbeat.
    pub drop_next: Vec<AttemptId>,
    /// Given with every assignment instead of the unit's true id.
    pub false_id: Option<String>,
    /// Submits that are taken in but answered with UNAVAILABLE.
    pub lose_acknowledgements: u32,
    /// Results that are answered with INVALID_ARGUMENT.
    pub misread_results: u32,
    /// Fetches whose bytes are altered.
    pub corrupt_fetches: u32,
    /// The metrics stream is never read.
    pub stall_metrics: bool,
    pub registers: Vec<RegisterRequest>,
    pub beats: Vec<Vec<AttemptId>>,
    pub submits: Vec<SubmitRequest>,
    /// Units that have ended, by result or failure.
    pub ended: BTreeMap<String, SubmitRequest>,
    pub metrics: Vec<MetricsReport>,
    pub fetches: u32,
    pub left: Vec<String>,
    pub unauthenticated: u32,
    /// Weights are asked for.
    pub keep_weights: bool,
    /// Every blob that arrived whole.
    pub blobs: Vec<(BlobHead, Vec<u8>)>,
    /// Digests of those that are still here: a restart forgets them.
    pub arrived: BTreeSet<String>,
    /// Uploads that are cut off after their first part.
    pub cut_uploads: u32,
    /// Uploads that are refused as malformed.
    pub refuse_uploads: u32,
    /// Uploads that nobody wants, for the unit has a result by now.
    pub unwanted_uploads: u32,
    /// Blobs that are forgotten as soon as they have arrived.
    pub forget_uploads: u32,
    /// What was said of trainers that ended.
    pub losses: Vec<LossReport>,
}

/// Shares a script between a test and its servers.
#[derive(Clone, Debug)]
pub struct Play(Arc<Mutex<Script>>);

/// Pairs without meaning.
pub fn dataset() -> Dataset {
    let pairs = |count: usize| Pairs {
        pixels: (0..count * PAIR_PIXELS).map(|index| (index % 256) as f32).collect(),
        digits: (0..count).map(|index| [(index % 10) as u8, 3]).collect(),
    };
    Dataset { title: "scripted".to_owned(), seed: 0, train: pairs(1500), test: pairs(20) }
}

impl Play {
    /// A study of `units` units.
    pub fn new(units: u64) -> Self {
        let dataset = encode(&dataset()).unwrap();
        let waiting = (1..=units).map(|seed| unit(&digest(&dataset), seed)).collect();
        Self(Arc::new(Mutex::new(Script {
            token: Token::generate(),
            enrolled: BTreeMap::new(),
            enrolments: 0,
            study: "scripted".to_owned(),
            dataset,
            waiting,
            attempts: BTreeMap::new(),
            state: None,
            known: BTreeSet::new(),
            drop_next: Vec::new(),
            false_id: None,
            lose_acknowledgements: 0,
            misread_results: 0,
            corrupt_fetches: 0,
            stall_metrics: false,
            registers: Vec::new(),
            beats: Vec::new(),
            submits: Vec::new(),
            ended: BTreeMap::new(),
            metrics: Vec::new(),
            fetches: 0,
            left: Vec::new(),
            unauthenticated: 0,
            keep_weights: false,
            blobs: Vec::new(),
            arrived: BTreeSet::new(),
            cut_uploads: 0,
            refuse_uploads: 0,
            unwanted_uploads: 0,
            forget_uploads: 0,
            losses: Vec::new(),
        })))
    }

    pub fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap()
    }

    /// Waits until `holds`; fails the test after 20 s.
    pub async fn until(&self, what: &str, holds: impl Fn(&Script) -> bool) {
        let started = Instant::now();
        while !holds(&self.script()) {
            assert!(started.elapsed() < Duration::from_secs(20), "waited in vain until {what}: {:?}", self.summary());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn summary(&self) -> String {
        let script = self.script();
        format!(
            "{} registered, {} beats, {} submits, {} ended, {} waiting",
            script.registers.len(),
            script.beats.len(),
            script.submits.len(),
            script.ended.len(),
            script.waiting.len()
        )
    }

    fn admit<T>(&self, request: &Request<T>) -> Result<(), Status> {
        let mut script = self.script();
        let shown = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
        let secret = shown.and_then(|shown| shown.strip_prefix("Bearer ")?.split_once('.'));
        let known = secret.and_then(|(id, secret)| Some((script.enrolled.get(id)?, Token::parse(secret)?)));
        if known.is_some_and(|(digest, secret)| *digest == secret.digest()) {
            return Ok(());
        }
        script.unauthenticated += 1;
        Err(Status::unauthenticated("no such credential"))
    }
}

impl Script {
    fn state(&self) -> StudyState {
        let open = self.attempts.len() > self.ended.len() || !self.waiting.is_empty();
        self.state.unwrap_or(if open { StudyState::Running } else { StudyState::Done })
    }

    fn know(&self, worker: &str) -> Result<(), Status> {
        if self.known.contains(worker) { Ok(()) } else { Err(Status::not_found("unknown worker")) }
    }

    /// Every failure that was handed over, with its detail.
    pub fn failures(&self) -> Vec<(Failure, String)> {
        self.submits
            .iter()
            .filter_map(|submit| match submit.outcome.as_ref().unwrap() {
                submit_request::Outcome::Failure(report) => Some((report.failure(), report.detail.clone())),
                submit_request::Outcome::Result(_) => None,
            })
            .collect()
    }

    /// Number of units that ended with a result.
    pub fn results(&self) -> usize {
        let is_result = |submit: &&SubmitRequest| matches!(submit.outcome, Some(submit_request::Outcome::Result(_)));
        self.ended.values().filter(is_result).count()
    }
}

/// A unit that the scripted trainer takes.
pub fn unit(dataset_digest: &str, seed: u64) -> Unit {
    let stop = StopRule {
        loss_delta: 0.001,
        max_epochs: 300,
        min_epochs: 1,
        patience: 1,
        loss_drop: 0.0,
        loss: StopLoss::Mean,
    };
    Unit {
        dataset_digest: dataset_digest.to_owned(),
        configuration: Configuration {
            model: "cnn".to_owned(),
            hyperparameters: Hyperparameters::new(),
            stop,
            normalize: Normalize::Standardize,
        },
        fold: Fold::Holdout,
        seed,
    }
}

struct Service(Play);

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
        Ok(Response::new(EnrollResponse { study: script.study.clone() }))
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
        let study = script.study.clone();
        Ok(Response::new(RegisterResponse { study, lease_ms: 2_000, heartbeat_ms: 50, dropped: vec![] }))
    }

    async fn pull(&self, request: Request<PullRequest>) -> Result<Response<PullResponse>, Status> {
        self.0.admit(&request)?;
        let request = request.into_inner();
        for _ in 0..20 {
            {
                let mut script = self.0.script();
                script.know(&request.worker_id)?;
                let count = script.waiting.len().min(request.units_max as usize);
                let units: Vec<Unit> = script.waiting.drain(..count).collect();
                let assignments: Vec<Assignment> = units
                    .iter()
                    .map(|unit| {
                        let id = unit.id().to_string();
                        let attempt = script.attempts.entry(id.clone()).or_default();
                        *attempt += 1;
                        let attempt = *attempt;
                        let unit_id = script.false_id.clone().unwrap_or(id);
                        let attempt = Some(AttemptId { unit_id, attempt });
                        Assignment {
                            attempt,
                            unit: Some(unit.into()),
                            keep_weights: script.keep_weights,
                            checkpoint: None,
                        }
                    })
                    .collect();
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
        let is_result = matches!(request.outcome, Some(submit_request::Outcome::Result(_)));
        script.submits.push(request.clone());
        if is_result && script.misread_results > 0 {
            script.misread_results -= 1;
            return Err(Status::invalid_argument("result.done is odd"));
        }
        let unit_id = request.attempt.clone().unwrap().unit_id;
        let digest = &request.weights_digest;
        if !digest.is_empty() && !script.ended.contains_key(&unit_id) && !script.arrived.contains(digest) {
            return Ok(Response::new(SubmitResponse { outcome: SubmitOutcome::WeightsFirst.into() }));
        }
        let outcome = match script.ended.contains_key(&unit_id) {
            true => SubmitOutcome::Committed,
            false => {
                if is_result {
                    SubmitOutcome::Committed
                } else {
                    SubmitOutcome::Recorded
                }
            }
        };
        script.ended.entry(unit_id).or_insert(request);
        if script.lose_acknowledgements > 0 {
            script.lose_acknowledgements -= 1;
            return Err(Status::unavailable("the answer got lost"));
        }
        Ok(Response::new(SubmitResponse { outcome: outcome.into() }))
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
                return Ok(Response::new(BlobReceipt { kept: false }));
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
        Ok(Response::new(BlobReceipt { kept: true }))
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

/// A running coordinator. Dropping it is a crash: every connection is cut.
pub struct Coordinator {
    runtime: Option<tokio::runtime::Runtime>,
    pub address: SocketAddr,
}

impl Coordinator {
    pub fn start(play: &Play) -> Self {
        Self::start_at(play, "127.0.0.1:0".parse().unwrap())
    }

    pub fn start_at(play: &Play, address: SocketAddr) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let std_listener = std::net::TcpListener::bind(address).unwrap();
        std_listener.set_nonblocking(true).unwrap();
        let address = std_listener.local_addr().unwrap();
        let service = WorkerServiceServer::new(Service(play.clone()));
        runtime.spawn(async move {
            let incoming = TcpListenerStream::new(TcpListener::from_std(std_listener).unwrap());
            tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming).await.unwrap();
        });
        Self { runtime: Some(runtime), address }
    }

    /// Writes the join file for this coordinator.
    pub fn write_join(&self, play: &Play, path: &Path) {
        let script = play.script();
        let join = JoinFile {
            role: Role::Join,
            study: script.study.clone(),
            host: None,
            // The first one leads nowhere.
            addresses: vec!["http://127.0.0.1:9".to_owned(), format!("http://{}", self.address)],
            token: script.token.clone(),
            expires_ms: None,
            certificate: None,
        };
        join.write(path).unwrap();
    }
}

impl Drop for Coordinator {
    fn drop(&mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }
}

/// Seeds that the scripted trainer treats in a special way.
pub const PANICS: u64 = 1_000;
pub const FAILS: u64 = 1_001;

/// Trains nothing: counts batches, and what trains at a time.
#[derive(Debug)]
pub struct Drill {
    pub epochs: u32,
    pub batches: u32,
    pub batch: Duration,
    pub training: AtomicUsize,
    pub peak: AtomicUsize,
    pub starts: AtomicUsize,
}

impl Drill {
    /// Units of about `duration` in 5 epochs.
    pub fn of(duration: Duration) -> Arc<Self> {
        let (epochs, batches) = (5, 10);
        Arc::new(Self {
            epochs,
            batches,
            batch: duration / (epochs * batches),
            training: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
            starts: AtomicUsize::new(0),
        })
    }
}

impl Trainer for Drill {
    fn describe(&self) -> Description {
        Description { device: "cpu".to_owned(), isa: "none".to_owned(), numerics_class: "drill".to_owned() }
    }

    fn train(
        &self,
        Task { unit, keep_weights, .. }: Task<'_>,
        dataset: &Dataset,
        observer: &mut dyn Observer,
    ) -> Result<Option<Output>, Box<dyn Error + Send + Sync>> {
        assert_eq!(dataset.title, "scripted");
        self.starts.fetch_add(1, Ordering::SeqCst);
        match unit.seed {
            PANICS => panic!("a panic in training"),
            FAILS => return Err("an error in training".into()),
            _ => {}
        }
        self.peak.fetch_max(self.training.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let result = self.train_batches(unit, observer);
        self.training.fetch_sub(1, Ordering::SeqCst);
        Ok(result.map(|result| Output { result, weights: keep_weights.then(|| weights(unit.seed)) }))
    }
}

impl Drill {
    fn train_batches(&self, unit: &Unit, observer: &mut dyn Observer) -> Option<UnitResult> {
        let mut epochs = Vec::new();
        for epoch in 1..=self.epochs {
            for _ in 0..self.batches {
                std::thread::sleep(self.batch);
                if matches!(observer.batch(), Wish::Stop | Wish::SaveAndStop) {
                    return None;
                }
            }
            let loss = 1.0 / f64::from(epoch) + unit.seed as f64;
            let metrics = EpochMetrics { epoch, train_loss: loss, train_error: 0.25, validation_error: None };
            epochs.push(metrics);
            observer.epoch(&metrics);
        }
        let probabilities = (0..20).map(|pair| ((unit.seed + pair) % 7) as f32 / 7.0).collect();
        let ending = Ending::Done(Scores { converged: true, probabilities, wrong: 5, loss: 0.5 });
        Some(UnitResult { epochs, ending })
    }
}

/// What the scripted trainer calls the weights of a unit: three parts of a blob.
pub fn weights(seed: u64) -> Blob {
    Blob::new((0..600_000_u64).map(|index| (index * seed % 251) as u8).collect())
}

/// Where a worker's test keeps its files, and how its worker behaves.
pub struct Bench {
    pub folder: tempfile::TempDir,
    pub rules: Rules,
    pub drill: Arc<Drill>,
    pub cache: Option<PathBuf>,
}

impl Bench {
    pub fn new(slots: usize, unit: Duration) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            rules: Rules { slots, idle_timeout: None, connect_timeout: Duration::from_secs(20), time_limit: None },
            drill: Drill::of(unit),
            cache: None,
        }
    }

    pub fn join(&self) -> PathBuf {
        self.folder.path().join("join.toml")
    }

    /// A worker's whole life; fails the test after 30 s.
    pub async fn live(&self, told: impl Future<Output = ()>) -> (Farewell, Tally) {
        let connector = Connector::new(self.join(), "here".to_owned(), Plaintext::Wanted, Token::generate()).unwrap();
        let cache = self.cache.as_ref().and_then(|path| seedgrid_worker::cache_folder::CacheFolder::open(path).ok());
        let info = WorkerInfo { host: "here".to_owned(), slots: self.rules.slots as u32, ..WorkerInfo::default() };
        let settings = Settings {
            rules: self.rules.clone(),
            worker_id: "ab".repeat(16),
            info,
            cache,
            save_every: None,
            watched: Watched::default(),
        };
        let life = session::run(settings, connector, self.drill.clone(), told);
        tokio::time::timeout(Duration::from_secs(30), life).await.expect("the worker ends in time").unwrap()
    }
}

/// The attempts that `ids` name.
pub fn attempts(ids: &[AttemptId]) -> Vec<Attempt> {
    ids.iter().map(|id| Attempt::try_from(id.clone()).unwrap()).collect()
}
