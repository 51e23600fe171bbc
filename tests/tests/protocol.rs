//! The coordinator's services as a worker meets them: a real core, store and server in this process, and a bare client.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may")]

use std::{fs, path::PathBuf, time::Duration};

use seedgrid_common::{
    data::{self, encode},
    join::Token,
    matrix::{self, Selections},
    spec,
    training::{Ending, EpochMetrics, Scores, UnitResult},
    wire::{PROTOCOL_VERSION, blob::Blob, v1},
};
use seedgrid_coordinator::{
    core::{Core, CoreError, Holders, StudyPlan},
    prepare::{Prepared, Spec},
    queue::Rules,
    run_directory::{Owned, RunDirectory},
    service::{Bound, Server},
    store::Store,
    weights::{Standing, WeightsFolder},
};
use seedgrid_tests::study::holdout;
use tonic::{Code, Request, transport::Channel};
use v1::worker_service_client::WorkerServiceClient;

const RULES: Rules = Rules { lease_ms: 300, errors_max: 2, ahead_seconds_max: 2.0 };

struct Cluster {
    _folder: tempfile::TempDir,
    directory: Owned,
    server: Option<Server>,
    core: Option<Core>,
    thread: Option<std::thread::JoinHandle<Result<(), CoreError>>>,
    token: Token,
    digest: String,
    encoded: Vec<u8>,
}

impl Cluster {
    async fn start(spec_text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let directory = RunDirectory::new(folder.path().join("run")).own().unwrap();
        let mut store = Store::open(&directory.database()).unwrap();
        let spec = Spec::parse("spec.toml", spec_text.to_owned()).unwrap();
        let prepared = Prepared::new(spec, None, &directory, Some(&store)).unwrap();
        prepared.keep(&directory, &mut store).unwrap();
        let mut cluster = Self {
            _folder: folder,
            directory,
            server: None,
            core: None,
            thread: None,
            token: Token::generate(),
            digest: prepared.digest.clone(),
            encoded: prepared.encoded.clone(),
        };
        cluster.host(store, &prepared).await;
        cluster
    }

    async fn host(&mut self, store: Store, prepared: &Prepared) {
        let plan = StudyPlan { study: prepared.spec.study.clone(), dataset_digest: self.digest.clone() };
        let (core, thread) = Core::start(store, plan, RULES, Holders::MayReturn).unwrap();
        self.thread = Some(thread);
        let datasets = vec![(self.digest.clone(), self.encoded.clone())];
        let bound = Bound::listen("127.0.0.1:0").await.unwrap();
        let server = bound.serve(core.clone(), self.token.clone(), datasets);
        self.core = Some(core);
        self.server = Some(server);
    }

    /// Ends server and core as a restart would, and starts them again from the store.
    async fn restart(&mut self) {
        self.core.take().unwrap().stop().await;
        self.server.take().unwrap().stop(Duration::from_secs(1)).await.unwrap();
        self.thread.take().unwrap().join().unwrap().unwrap();
        let store = Store::open(&self.directory.database()).unwrap();
        let prepared = Prepared::stored(&self.directory, &store).unwrap();
        self.host(store, &prepared).await;
    }

    async fn client(&self, number: u8) -> Client {
        let address = format!("http://{}", self.server.as_ref().unwrap().address());
        let channel = Channel::from_shared(address).unwrap().connect().await.unwrap();
        Client {
            inner: WorkerServiceClient::new(channel),
            token: self.token.expose().to_owned(),
            id: format!("{number:032x}"),
        }
    }
}

struct Client {
    inner: WorkerServiceClient<Channel>,
    token: String,
    id: String,
}

impl Client {
    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", format!("Bearer {}", self.token).parse().unwrap());
        request
    }

    async fn register(&mut self, held: Vec<v1::AttemptId>) -> Result<v1::RegisterResponse, Code> {
        let info = v1::WorkerInfo { host: "test".to_owned(), slots: 2, ..v1::WorkerInfo::default() };
        let request = self.request(v1::RegisterRequest {
            protocol_version: PROTOCOL_VERSION,
            worker_id: self.id.clone(),
            info: Some(info),
            held,
        });
        self.inner.register(request).await.map(tonic::Response::into_inner).map_err(|status| status.code())
    }

    async fn pull(&mut self, units_max: u32) -> Result<v1::PullResponse, Code> {
        let request = self.request(v1::PullRequest { worker_id: self.id.clone(), units_max });
        self.inner.pull(request).await.map(tonic::Response::into_inner).map_err(|status| status.code())
    }

    async fn heartbeat(&mut self, held: Vec<v1::AttemptId>) -> Result<v1::HeartbeatResponse, Code> {
        let request = self.request(v1::HeartbeatRequest { worker_id: self.id.clone(), held });
        self.inner.heartbeat(request).await.map(tonic::Response::into_inner).map_err(|status| status.code())
    }

    async fn submit(
        &mut self,
        attempt: &v1::AttemptId,
        outcome: v1::submit_request::Outcome,
    ) -> Result<v1::SubmitOutcome, Code> {
        self.submit_with(attempt, outcome, "").await
    }

    async fn submit_with(
        &mut self,
        attempt: &v1::AttemptId,
        outcome: v1::submit_request::Outcome,
        weights_digest: &str,
    ) -> Result<v1::SubmitOutcome, Code> {
        let request = self.request(v1::SubmitRequest {
            worker_id: self.id.clone(),
            attempt: Some(attempt.clone()),
            outcome: Some(outcome),
            train_seconds: 1.0,
            numerics_class: "test".to_owned(),
            weights_digest: weights_digest.to_owned(),
        });
        let answer = self.inner.submit(request).await;
        answer.map(|response| response.into_inner().outcome()).map_err(|status| status.code())
    }

    async fn finish(&mut self, attempt: &v1::AttemptId, wrong: u32) -> Result<v1::SubmitOutcome, Code> {
        self.submit(attempt, v1::submit_request::Outcome::Result((&result(wrong)).into())).await
    }

    async fn finish_with(&mut self, attempt: &v1::AttemptId, weights: &Blob) -> Result<v1::SubmitOutcome, Code> {
        let outcome = v1::submit_request::Outcome::Result((&result(25)).into());
        self.submit_with(attempt, outcome, &weights.digest().to_string()).await
    }

    /// Sends these parts of a blob. Whether it was kept.
    async fn send(&mut self, parts: Vec<v1::BlobPart>) -> Result<bool, Code> {
        let request = self.request(tokio_stream::iter(parts));
        let receipt = self.inner.upload_blob(request).await;
        receipt.map(|receipt| receipt.into_inner().kept).map_err(|status| status.code())
    }

    fn parts(&self, attempt: &v1::AttemptId, blob: &Blob) -> Vec<v1::BlobPart> {
        blob.parts(self.id.clone(), attempt.clone(), v1::BlobKind::Weights).collect()
    }

    async fn upload(&mut self, attempt: &v1::AttemptId, blob: &Blob) -> Result<bool, Code> {
        self.send(self.parts(attempt, blob)).await
    }

    async fn fail(&mut self, attempt: &v1::AttemptId, failure: v1::Failure) -> Result<v1::SubmitOutcome, Code> {
        let report = v1::FailureReport { failure: failure.into(), detail: "as the test wants".to_owned() };
        self.submit(attempt, v1::submit_request::Outcome::Failure(report)).await
    }

    /// Pulls one unit.
    async fn unit(&mut self) -> v1::AttemptId {
        let mut pulled = self.pull(1).await.unwrap();
        assert_eq!(pulled.assignments.len(), 1);
        pulled.assignments.remove(0).attempt.unwrap()
    }
}

fn result(wrong: u32) -> UnitResult {
    UnitResult {
        epochs: vec![EpochMetrics { epoch: 1, train_loss: 0.5, train_error: 0.25, validation_error: None }],
        ending: Ending::Done(Scores { converged: true, probabilities: vec![0.25; 100], wrong, loss: 0.6 }),
    }
}

#[tokio::test]
async fn nobody_gets_in_without_the_token() {
    let cluster = Cluster::start(&holdout(&["fc"], "1..=2", 1)).await;
    let mut client = cluster.client(1).await;
    for token in ["", "0", &cluster.token.expose()[1..], &format!("{}0", cluster.token.expose())] {
        client.token = token.to_owned();
        assert_eq!(client.register(vec![]).await.unwrap_err(), Code::Unauthenticated);
        assert_eq!(client.pull(1).await.unwrap_err(), Code::Unauthenticated);
    }
}

#[tokio::test]
async fn another_protocol_version_is_refused_for_good() {
    let cluster = Cluster::start(&holdout(&["fc"], "1..=2", 1)).await;
    let mut client = cluster.client(1).await;
    let request = client.request(v1::RegisterRequest {
        protocol_version: PROTOCOL_VERSION + 1,
        worker_id: client.id.clone(),
        info: Some(v1::WorkerInfo { slots: 1, ..v1::WorkerInfo::default() }),
        held: vec![],
    });
    let refused = client.inner.register(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("version"), "{}", refused.message());
}

#[tokio::test]
async fn a_worker_registers_before_anything_else() {
    let cluster = Cluster::start(&holdout(&["fc"], "1..=2", 1)).await;
    let mut client = cluster.client(1).await;
    assert_eq!(client.pull(1).await.unwrap_err(), Code::NotFound);
    assert_eq!(client.heartbeat(vec![]).await.unwrap_err(), Code::NotFound);
    client.register(vec![]).await.unwrap();
    client.unit().await;
}

#[tokio::test]
async fn a_result_counts_once() {
    let cluster = Cluster::start(&holdout(&["fc"], "1..=2", 1)).await;
    let mut client = cluster.client(1).await;
    client.register(vec![]).await.unwrap();
    let attempt = client.unit().await;
    assert_eq!(client.finish(&attempt, 25).await.unwrap(), v1::SubmitOutcome::Committed);
    assert_eq!(client.finish(&attempt, 25).await.unwrap(), v1::SubmitOutcome::Duplicate, "a replay is acknowledged");
    assert_eq!(client.finish(&attempt, 26).await.unwrap(), v1::SubmitOutcome::Conflict);
    let forged = v1::AttemptId { attempt: 7, ..attempt.clone() };
    assert_eq!(client.finish(&forged, 25).await.unwrap_err(), Code::NotFound, "never given out");
    let store = Store::open_to_read(&cluster.directory.database()).unwrap();
    let stored = store.results().unwrap();
    assert_eq!(stored.len(), 1);
    assert_eq!(stored.values().next().unwrap(), &result(25), "the first one stands");
}

#[tokio::test]
async fn an_expired_lease_is_given_to_another_and_the_first_result_wins() {
    let cluster = Cluster::start(&holdout(&["fc"], "1", 1)).await;
    let mut slow = cluster.client(1).await;
    slow.register(vec![]).await.unwrap();
    let first = slow.unit().await;
    let mut other = cluster.client(2).await;
    other.register(vec![]).await.unwrap();
    // The long poll is answered when the lease runs out.
    let second = other.unit().await;
    assert_eq!((second.unit_id.as_str(), second.attempt), (first.unit_id.as_str(), 2));
    let answer = slow.heartbeat(vec![first.clone()]).await.unwrap();
    assert_eq!(answer.dropped, std::slice::from_ref(&first), "the slow one is told to stop");
    assert_eq!(slow.finish(&first, 25).await.unwrap(), v1::SubmitOutcome::Committed, "but its result came first");
    assert_eq!(other.finish(&second, 25).await.unwrap(), v1::SubmitOutcome::Duplicate);
    assert_eq!(other.pull(1).await.unwrap().state(), v1::StudyState::Done);
}

#[tokio::test]
async fn heartbeats_keep_a_lease() {
    let cluster = Cluster::start(&holdout(&["fc"], "1", 1)).await;
    let mut client = cluster.client(1).await;
    let heartbeat_ms = client.register(vec![]).await.unwrap().heartbeat_ms;
    let attempt = client.unit().await;
    for _ in 0..8 {
        tokio::time::sleep(Duration::from_millis(heartbeat_ms.into())).await;
        assert_eq!(client.heartbeat(vec![attempt.clone()]).await.unwrap().dropped, []);
    }
    assert_eq!(client.finish(&attempt, 25).await.unwrap(), v1::SubmitOutcome::Committed);
}

#[tokio::test]
async fn a_restarted_coordinator_takes_back_what_is_held() {
    let mut cluster = Cluster::start(&holdout(&["fc"], "1..=3", 1)).await;
    let mut client = cluster.client(1).await;
    client.register(vec![]).await.unwrap();
    let done = client.unit().await;
    let held = client.unit().await;
    client.finish(&done, 25).await.unwrap();
    drop(client);
    cluster.restart().await;
    let mut client = cluster.client(1).await;
    assert_eq!(client.heartbeat(vec![held.clone()]).await.unwrap_err(), Code::NotFound);
    let registered = client.register(vec![held.clone(), done.clone()]).await.unwrap();
    assert_eq!(registered.dropped, [done], "what is done is not trained on");
    let third = client.unit().await;
    assert_ne!(third.unit_id, held.unit_id, "what is held is not given out");
    assert_eq!(client.finish(&held, 30).await.unwrap(), v1::SubmitOutcome::Committed);
    assert_eq!(client.finish(&third, 30).await.unwrap(), v1::SubmitOutcome::Committed);
    assert_eq!(client.pull(1).await.unwrap().state(), v1::StudyState::Done);
}

#[tokio::test]
async fn after_a_restart_nobody_is_given_what_another_may_still_train() {
    let mut cluster = Cluster::start(&holdout(&["fc"], "1..=2", 1)).await;
    let mut slow = cluster.client(1).await;
    slow.register(vec![]).await.unwrap();
    let held = slow.unit().await;
    drop(slow);
    cluster.restart().await;
    let mut quick = cluster.client(2).await;
    quick.register(vec![]).await.unwrap();
    let pulled = quick.pull(2).await.unwrap().assignments;
    assert_eq!(pulled.len(), 1, "the other one has its holder");
    let mut slow = cluster.client(1).await;
    assert_eq!(slow.register(vec![held.clone()]).await.unwrap().dropped, [], "who comes back and goes on");
    assert_eq!(slow.finish(&held, 30).await.unwrap(), v1::SubmitOutcome::Committed);
}

#[tokio::test]
async fn after_a_restart_what_nobody_claims_is_given_out_again() {
    let mut cluster = Cluster::start(&holdout(&["fc"], "1", 1)).await;
    let mut lost = cluster.client(1).await;
    lost.register(vec![]).await.unwrap();
    let held = lost.unit().await;
    drop(lost);
    cluster.restart().await;
    let mut other = cluster.client(2).await;
    other.register(vec![]).await.unwrap();
    // The long poll is answered when the lease of the one who never came back runs out.
    assert_eq!(other.unit().await, v1::AttemptId { attempt: 2, ..held });
}

#[tokio::test]
async fn units_of_unknown_length_are_not_taken_ahead() {
    let cluster = Cluster::start(&holdout(&["fc"], "1..=4", 1)).await;
    let mut first = cluster.client(1).await;
    first.register(vec![]).await.unwrap();
    assert_eq!(first.pull(3).await.unwrap().assignments.len(), 2, "it has two slots");
    let mut second = cluster.client(2).await;
    second.register(vec![]).await.unwrap();
    let attempts: Vec<_> = second.pull(3).await.unwrap().assignments.into_iter().flat_map(|got| got.attempt).collect();
    assert_eq!(attempts.len(), 2, "nothing lay in waiting elsewhere");
    // Now they are known to take a second.
    assert_eq!(second.finish(&attempts[0], 30).await.unwrap(), v1::SubmitOutcome::Committed);
}

#[tokio::test]
async fn errors_are_tried_again_and_then_given_up_and_preemption_never_counts() {
    let cluster = Cluster::start(&holdout(&["fc"], "1", 1)).await;
    let mut client = cluster.client(1).await;
    client.register(vec![]).await.unwrap();
    for failure in [v1::Failure::Preempted, v1::Failure::Error, v1::Failure::OutOfTime] {
        let attempt = client.unit().await;
        assert_eq!(client.fail(&attempt, failure).await.unwrap(), v1::SubmitOutcome::Recorded);
    }
    let attempt = client.unit().await;
    assert_eq!(attempt.attempt, 4);
    client.fail(&attempt, v1::Failure::Error).await.unwrap();
    assert_eq!(client.pull(1).await.unwrap().state(), v1::StudyState::Done, "two errors were one too many");
    assert_eq!(client.fail(&attempt, v1::Failure::WorkerLost).await.unwrap_err(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_data_set_is_served_by_its_digest() {
    let cluster = Cluster::start(&holdout(&["fc"], "1", 1)).await;
    let mut client = cluster.client(1).await;
    let mut fetch = async |digest: &str| {
        let request = client.request(v1::FetchDatasetRequest { digest: digest.to_owned() });
        let mut chunks = client.inner.fetch_dataset(request).await.map_err(|status| status.code())?.into_inner();
        let mut bytes = Vec::new();
        while let Some(chunk) = chunks.message().await.unwrap() {
            bytes.extend(chunk.data);
        }
        Ok::<_, Code>(bytes)
    };
    let bytes = fetch(&cluster.digest).await.unwrap();
    assert_eq!(encode::digest(&bytes), cluster.digest);
    let study = spec::parse("spec.toml", &holdout(&["fc"], "1", 1)).unwrap();
    assert_eq!(encode::decode(&bytes).unwrap(), data::build(&study.dataset, &[]).unwrap());
    assert_eq!(fetch(&"0".repeat(64)).await.unwrap_err(), Code::NotFound);
    assert_eq!(matrix::expand(&study, &cluster.digest, &Selections::new()).units().len(), 1);
}

#[tokio::test]
async fn what_is_over_a_limit_changes_nothing() {
    let cluster = Cluster::start(&holdout(&["fc"], "1", 1)).await;
    let mut client = cluster.client(1).await;
    client.register(vec![]).await.unwrap();
    assert_eq!(client.pull(0).await.unwrap_err(), Code::InvalidArgument);
    assert_eq!(client.pull(1_000_000).await.unwrap_err(), Code::InvalidArgument);
    let attempt = client.unit().await;
    assert_eq!(client.heartbeat(vec![attempt.clone(); 2000]).await.unwrap_err(), Code::InvalidArgument);
    let mut bad = result(25);
    bad.epochs[0].epoch = 2;
    let outcome = v1::submit_request::Outcome::Result((&bad).into());
    assert_eq!(client.submit(&attempt, outcome).await.unwrap_err(), Code::InvalidArgument);
    assert_eq!(client.finish(&attempt, 101).await.unwrap_err(), Code::InvalidArgument, "more wrong than scored");
    assert_eq!(client.finish(&attempt, 25).await.unwrap(), v1::SubmitOutcome::Committed);
}

/// A cluster whose study keeps weights, with `units` units.
async fn keeping(units: u32) -> Cluster {
    let spec = holdout(&["fc"], &format!("1..={units}"), 1);
    Cluster::start(&spec.replace("evaluation =", "keep_weights = true\nevaluation =")).await
}

impl Cluster {
    /// A unit's kept weights, if there are any.
    fn kept(&self, attempt: &v1::AttemptId) -> Option<Vec<u8>> {
        fs::read(WeightsFolder::of(self.directory.root()).file(attempt.unit_id.parse().unwrap())).ok()
    }

    /// Files on their way to it.
    fn arriving(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.directory.root().join("weights/.arriving"));
        entries.into_iter().flatten().map(|entry| entry.unwrap().path()).collect()
    }

    fn standing(&self) -> Standing {
        let store = Store::open_to_read(&self.directory.database()).unwrap();
        let prepared = Prepared::stored(&self.directory, &store).unwrap();
        let (units, kept) = (store.units().unwrap(), store.weights().unwrap());
        Standing::of(&prepared.spec.study, &prepared.plan, &units, &kept, self.directory.root())
    }
}

/// Weights of several parts.
fn some_weights() -> Blob {
    Blob::new((0..600_000_u32).map(|index| (index % 251) as u8).collect())
}

#[tokio::test]
async fn a_result_counts_once_its_weights_are_there() {
    let cluster = keeping(1).await;
    let mut client = cluster.client(1).await;
    client.register(vec![]).await.unwrap();
    let pulled = client.pull(1).await.unwrap();
    assert!(pulled.assignments[0].keep_weights, "the assignment says so");
    let attempt = pulled.assignments[0].attempt.clone().unwrap();
    let weights = some_weights();
    for _ in 0..2 {
        assert_eq!(client.finish_with(&attempt, &weights).await.unwrap(), v1::SubmitOutcome::WeightsFirst);
    }
    assert_eq!(Store::open_to_read(&cluster.directory.database()).unwrap().results().unwrap().len(), 0);
    // The same upload again is as good as one.
    assert!(client.upload(&attempt, &weights).await.unwrap());
    assert!(client.upload(&attempt, &weights).await.unwrap());
    assert_eq!(cluster.kept(&attempt), None, "no result, no weights");
    assert_eq!(client.finish_with(&attempt, &weights).await.unwrap(), v1::SubmitOutcome::Committed);
    assert_eq!(cluster.kept(&attempt).unwrap(), weights.bytes());
    assert_eq!(cluster.arriving(), Vec::<PathBuf>::new());
    let kept = Store::open_to_read(&cluster.directory.database()).unwrap().weights().unwrap();
    let kept = kept[&attempt.unit_id.parse().unwrap()];
    assert_eq!((kept.attempt, kept.digest, kept.bytes), (1, weights.digest(), 600_000));
    assert_eq!(client.finish_with(&attempt, &weights).await.unwrap(), v1::SubmitOutcome::Duplicate);
    assert!(!client.upload(&attempt, &weights).await.unwrap(), "nobody needs them any more");
    assert_eq!(cluster.arriving(), Vec::<PathBuf>::new());
    assert_eq!(cluster.standing(), Standing { wanted: 1, kept: 1, not_kept: 0, gone: 0 });
}

#[tokio::test]
async fn only_a_known_attempt_of_a_registered_worker_may_upload() {
    let cluster = keeping(2).await;
    let mut client = cluster.client(1).await;
    client.register(vec![]).await.unwrap();
    let attempt = client.unit().await;
    let weights = some_weights();
    let mut stranger = cluster.client(2).await;
    assert_eq!(stranger.upload(&attempt, &weights).await.unwrap_err(), Code::NotFound);
    stranger.token = "0".repeat(64);
    assert_eq!(stranger.upload(&attempt, &weights).await.unwrap_err(), Code::Unauthenticated);
    for forged in
        [v1::AttemptId { attempt: 2, ..attempt.clone() }, v1::AttemptId { unit_id: "0".repeat(32), ..attempt.clone() }]
    {
        assert!(!client.upload(&forged, &weights).await.unwrap());
    }
    assert_eq!(client.send(vec![]).await.unwrap_err(), Code::InvalidArgument);
    assert_eq!(client.send(client.parts(&attempt, &weights)[1..].to_vec()).await.unwrap_err(), Code::InvalidArgument);
    let mut long = client.parts(&attempt, &weights);
    if let Some(v1::blob_part::Part::Head(head)) = &mut long[0].part {
        head.bytes_total = u64::MAX;
    }
    assert_eq!(client.send(long).await.unwrap_err(), Code::InvalidArgument);
    let mut damaged = client.parts(&attempt, &weights);
    if let Some(v1::blob_part::Part::Data(data)) = &mut damaged[2].part {
        data[7] ^= 1;
    }
    let cut = client.parts(&attempt, &weights)[..3].to_vec();
    for parts in [damaged, cut] {
        assert_eq!(client.send(parts).await.unwrap_err(), Code::DataLoss);
    }
    assert_eq!(cluster.arriving(), Vec::<PathBuf>::new(), "nothing of all that stays");
    assert_eq!(client.finish_with(&attempt, &weights).await.unwrap(), v1::SubmitOutcome::WeightsFirst);
}

#[tokio::test]
async fn a_coordinator_that_is_killed_at_any_instant_loses_no_weights() {
    let mut cluster = keeping(1).await;
    let mut client = cluster.client(1).await;
    client.register(vec![]).await.unwrap();
    let attempt = client.unit().await;
    let weights = some_weights();
    // Between the upload and the result: the worker is asked again.
    assert!(client.upload(&attempt, &weights).await.unwrap());
    fs::write(cluster.directory.root().join("weights/.arriving/.writing-x"), "half a file").unwrap();
    drop(client);
    cluster.restart().await;
    assert_eq!(cluster.arriving(), Vec::<PathBuf>::new());
    let mut client = cluster.client(1).await;
    client.register(vec![attempt.clone()]).await.unwrap();
    assert_eq!(client.finish_with(&attempt, &weights).await.unwrap(), v1::SubmitOutcome::WeightsFirst);
    assert!(client.upload(&attempt, &weights).await.unwrap());
    assert_eq!(client.finish_with(&attempt, &weights).await.unwrap(), v1::SubmitOutcome::Committed);
    // Between the commit and the final name: as it was then.
    drop(client);
    let file = WeightsFolder::of(cluster.directory.root()).file(attempt.unit_id.parse().unwrap());
    let arrived = format!("weights/.arriving/{}.{}", attempt.unit_id, weights.digest());
    fs::rename(&file, cluster.directory.root().join(arrived)).unwrap();
    assert_eq!(cluster.standing().gone, 1);
    cluster.restart().await;
    assert_eq!(cluster.kept(&attempt).unwrap(), weights.bytes());
    assert_eq!(cluster.arriving(), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn the_weights_that_stay_are_those_of_the_result_that_won() {
    let cluster = keeping(1).await;
    let mut slow = cluster.client(1).await;
    slow.register(vec![]).await.unwrap();
    let first = slow.unit().await;
    let mut other = cluster.client(2).await;
    other.register(vec![]).await.unwrap();
    let second = other.unit().await;
    let (won, lost) = (some_weights(), Blob::new(vec![7; 1000]));
    assert!(slow.upload(&first, &lost).await.unwrap());
    assert!(other.upload(&second, &won).await.unwrap());
    assert_eq!(cluster.arriving().len(), 2);
    assert_eq!(other.finish_with(&second, &won).await.unwrap(), v1::SubmitOutcome::Committed);
    assert_eq!(slow.finish_with(&first, &lost).await.unwrap(), v1::SubmitOutcome::Duplicate);
    assert_eq!(cluster.kept(&first).unwrap(), won.bytes());
    assert_eq!(cluster.arriving(), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn what_has_no_weights_is_committed_without_them() {
    let cluster = keeping(3).await;
    let mut client = cluster.client(1).await;
    client.register(vec![]).await.unwrap();
    let diverged = client.unit().await;
    let result = UnitResult { epochs: Vec::new(), ending: Ending::Diverged { epoch: 1 } };
    let outcome = v1::submit_request::Outcome::Result((&result).into());
    assert_eq!(client.submit(&diverged, outcome).await.unwrap(), v1::SubmitOutcome::Committed);
    // As a worker does that began to train before the spec said keep_weights.
    let early = client.unit().await;
    assert_eq!(client.finish(&early, 25).await.unwrap(), v1::SubmitOutcome::Committed);
    let standing = cluster.standing();
    assert_eq!(standing, Standing { wanted: 3, kept: 0, not_kept: 1, gone: 0 });
    assert!(standing.notes()[0].contains("the weights of 1 unit were not kept"), "{:?}", standing.notes());
    let outcome = v1::submit_request::Outcome::Result((&self::result(25)).into());
    let bad = client.submit_with(&early, outcome, "0123").await;
    assert_eq!(bad.unwrap_err(), Code::InvalidArgument, "no digest");
}

#[tokio::test]
async fn weights_that_the_study_does_not_want_are_not_taken() {
    let cluster = Cluster::start(&holdout(&["fc"], "1", 1)).await;
    let mut client = cluster.client(1).await;
    client.register(vec![]).await.unwrap();
    let pulled = client.pull(1).await.unwrap();
    assert!(!pulled.assignments[0].keep_weights);
    let attempt = pulled.assignments[0].attempt.clone().unwrap();
    assert!(!client.upload(&attempt, &some_weights()).await.unwrap());
    assert_eq!(client.finish_with(&attempt, &some_weights()).await.unwrap(), v1::SubmitOutcome::Committed);
    assert!(!cluster.directory.root().join("weights").exists());
}
