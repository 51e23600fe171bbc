//! The coordinator's services as a worker meets them: a real core, store and server in this process, and a bare client.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may")]

use std::time::Duration;

use seedgrid_common::{
    data::{self, encode},
    join::Token,
    matrix::{self, Selections},
    spec,
    training::{Ending, EpochMetrics, Scores, UnitResult},
    wire::{PROTOCOL_VERSION, v1},
};
use seedgrid_coordinator::{
    core::{Core, CoreError, Holders, StudyPlan},
    prepare::{Prepared, Spec},
    queue::Rules,
    run_directory::{Owned, RunDirectory},
    service::{Bound, Server},
    store::Store,
};
use seedgrid_tests::study::holdout;
use tonic::{Code, Request, transport::Channel};
use v1::{control_service_client::ControlServiceClient, worker_service_client::WorkerServiceClient};

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
            digest: prepared.draws.first().digest.clone(),
            encoded: prepared.draws.first().encoded.clone(),
        };
        cluster.host(store, &prepared).await;
        cluster
    }

    async fn host(&mut self, store: Store, prepared: &Prepared) {
        let plan = StudyPlan { study: prepared.spec.study.clone(), digests: prepared.draws.digests() };
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
        let request = self.request(v1::SubmitRequest {
            worker_id: self.id.clone(),
            attempt: Some(attempt.clone()),
            outcome: Some(outcome),
            train_seconds: 1.0,
            numerics_class: "test".to_owned(),
        });
        let answer = self.inner.submit(request).await;
        answer.map(|response| response.into_inner().outcome()).map_err(|status| status.code())
    }

    async fn finish(&mut self, attempt: &v1::AttemptId, wrong: u32) -> Result<v1::SubmitOutcome, Code> {
        self.submit(attempt, v1::submit_request::Outcome::Result((&result(wrong)).into())).await
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
    let digests = [(0, cluster.digest.clone())].into();
    assert_eq!(matrix::expand(&study, &digests, &Selections::new()).units().len(), 1);
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

/// Two configurations, two folds, and a stage that trains the better one.
const SELECTING: &str = r#"
name = "selecting"
[dataset]
kind = "glyph-pairs"
train_pairs = 200
test_pairs = 50
[[stage]]
name = "tune"
evaluation = { folds = 2 }
seeds = 1
stop = { loss_delta = 0.001, max_epochs = 1 }
select = "lowest"
[[stage.model]]
model = "fc"
learning_rate = { grid = [0.1, 0.01] }
batch_size = 20
[[stage]]
name = "final"
from = "tune"
evaluation = "holdout"
seeds = "1..=2"
"#;

/// Asks for another try of these units, or of all that failed.
async fn retry(cluster: &Cluster, units: &[&str]) -> Result<v1::RetryResponse, Code> {
    let address = format!("http://{}", cluster.server.as_ref().unwrap().address());
    let channel = Channel::from_shared(address).unwrap().connect().await.unwrap();
    let unit_ids = units.iter().map(|unit| (*unit).to_owned()).collect();
    let mut request = Request::new(v1::RetryRequest { unit_ids });
    let token = format!("Bearer {}", cluster.token.expose());
    request.metadata_mut().insert("authorization", token.parse().unwrap());
    let answer = ControlServiceClient::new(channel).retry(request).await;
    answer.map(tonic::Response::into_inner).map_err(|status| status.code())
}

#[tokio::test]
async fn a_retried_unit_reopens_what_was_selected_without_it() {
    let mut cluster = Cluster::start(SELECTING).await;
    let mut client = cluster.client(1).await;
    client.register(vec![]).await.unwrap();
    let assigned = |pulled: v1::PullResponse| -> Vec<(v1::AttemptId, f64)> {
        let rate = |unit: &v1::Unit| match &unit.configuration.as_ref().unwrap().hyperparameters["learning_rate"].kind {
            Some(v1::value::Kind::Number(rate)) => *rate,
            other => panic!("{other:?}"),
        };
        pulled.assignments.into_iter().map(|one| (one.attempt.unwrap(), rate(&one.unit.unwrap()))).collect()
    };
    // One unit of the first configuration fails for good; the other configuration is selected without it.
    let mut failing = None;
    for _ in 0..5 {
        let (attempt, rate) = assigned(client.pull(1).await.unwrap()).remove(0);
        if failing.as_ref().is_none_or(|failing| *failing == attempt.unit_id) && rate == 0.1 {
            failing = Some(attempt.unit_id.clone());
            client.fail(&attempt, v1::Failure::Error).await.unwrap();
        } else {
            client.finish(&attempt, if rate == 0.1 { 10 } else { 50 }).await.unwrap();
        }
    }
    let failing = failing.unwrap();
    let (held, rate) = assigned(client.pull(1).await.unwrap()).remove(0);
    assert_eq!(rate, 0.01, "the only complete one was selected");

    assert_eq!(retry(&cluster, &[&held.unit_id]).await, Err(Code::FailedPrecondition), "it has not failed");
    assert_eq!(retry(&cluster, &[&"0".repeat(32)]).await, Err(Code::NotFound));
    let retried = retry(&cluster, &[&failing]).await.unwrap();
    assert_eq!(retried.unit_ids, std::slice::from_ref(&failing));
    assert_eq!(retried.selections, [v1::ReopenedSelection { stage: "tune".to_owned(), model: "fc".to_owned() }]);
    assert_eq!(retry(&cluster, &[]).await.unwrap().unit_ids, Vec::<String>::new(), "nothing is left to retry");

    // What was started from the old selection is no longer wanted, and only the retried unit waits.
    assert_eq!(client.heartbeat(vec![held.clone()]).await.unwrap().dropped, [held]);
    let (attempt, _) = assigned(client.pull(2).await.unwrap()).remove(0);
    assert_eq!((attempt.unit_id.as_str(), attempt.attempt), (failing.as_str(), 3), "numbers of attempts only grow");
    // It is leased still when the coordinator comes back, and the selection is made of all.
    drop(client);
    cluster.restart().await;
    let mut client = cluster.client(1).await;
    assert_eq!(client.register(vec![attempt.clone()]).await.unwrap().dropped, []);
    assert_eq!(client.finish(&attempt, 10).await.unwrap(), v1::SubmitOutcome::Committed);
    let finals = assigned(client.pull(2).await.unwrap());
    assert_eq!(finals.iter().map(|(_, rate)| *rate).collect::<Vec<_>>(), [0.1, 0.1], "now the first one is better");
}

#[tokio::test]
async fn leases_stand_while_others_are_retried() {
    let cluster = Cluster::start(&holdout(&["fc"], "1..=3", 1)).await;
    let mut client = cluster.client(1).await;
    client.register(vec![]).await.unwrap();
    let failing = client.unit().await;
    client.fail(&failing, v1::Failure::Error).await.unwrap();
    let again = client.unit().await;
    assert_eq!(again.unit_id, failing.unit_id);
    client.fail(&again, v1::Failure::Error).await.unwrap();
    let held = client.unit().await;
    assert_eq!(retry(&cluster, &[]).await.unwrap().unit_ids, std::slice::from_ref(&failing.unit_id));
    assert_eq!(client.heartbeat(vec![held.clone()]).await.unwrap().dropped, []);
    assert_eq!(client.finish(&held, 25).await.unwrap(), v1::SubmitOutcome::Committed);
    assert_eq!(client.finish(&held, 25).await.unwrap(), v1::SubmitOutcome::Duplicate);
    // One error is forgiven again, as at first.
    let third = client.unit().await;
    assert_eq!((third.unit_id.as_str(), third.attempt), (failing.unit_id.as_str(), 3));
    client.fail(&third, v1::Failure::Error).await.unwrap();
    assert_eq!(client.unit().await.attempt, 4);
}
