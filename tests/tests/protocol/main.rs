//! The coordinator's services from a worker's view: a real core, store and server in this process, and a bare client.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may")]

mod checkpoints;
mod cluster;
mod credentials;
mod endings;
mod retry;
mod texts;
mod two_studies;
mod weights;

use cluster::{Cluster, SHORT_LEASES, result};
use seedgrid_common::{
    data::{self, encode},
    matrix::{self, Selections},
    network_outputs::Outputs,
    spec,
    training::Ending,
    wire::{PROTOCOL_VERSION, v1},
};
use seedgrid_coordinator::store::Store;
use seedgrid_tests::study::holdout;
use tonic::Code;

#[tokio::test]
async fn nobody_gets_in_without_a_credential() {
    let cluster = Cluster::start(&holdout(&["fc"], "1..=2", 1)).await;
    let mut client = cluster.client(1).await;
    let own = client.shown.clone();
    for shown in ["", "0", &own[1..], &format!("{own}0"), &own[..own.len() - 1]] {
        client.shown = shown.to_owned();
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
    assert_eq!(client.finish(&forged, 25).await.unwrap(), v1::SubmitOutcome::NeverGiven, "never given out");
    let store = Store::open_to_read(&cluster.directory.database()).unwrap();
    let stored = store.results().unwrap();
    assert_eq!(stored.len(), 1);
    assert_eq!(stored.values().next().unwrap(), &result(25), "the first one stands");
}

#[tokio::test]
async fn a_result_of_another_shape_than_its_units_is_refused_and_the_unit_goes_on() {
    let cluster = Cluster::start(&holdout(&["fc"], "1", 1)).await;
    let mut client = cluster.client(1).await;
    client.register(vec![]).await.unwrap();
    let attempt = client.unit().await;
    // 99 of 100 pairs, one pair more, and outputs of one and of four classes.
    for (rows, columns) in [(99, 2), (101, 2), (200, 1), (50, 4)] {
        let mut wrong = result(25);
        let Ending::Done(scores) = &mut wrong.ending else { panic!("it is done") };
        scores.outputs = Outputs::new(columns, vec![0.25; rows * columns]).unwrap();
        let outcome = v1::finished_attempt::Outcome::Result((&wrong).into());
        assert_eq!(client.submit(&attempt, outcome).await.unwrap(), v1::SubmitOutcome::Malformed, "{rows} x {columns}");
    }
    assert_eq!(client.heartbeat(vec![attempt.clone()]).await.unwrap().dropped, [], "nothing has changed");
    assert_eq!(client.finish(&attempt, 25).await.unwrap(), v1::SubmitOutcome::Committed);
}

#[tokio::test]
async fn an_expired_lease_is_given_to_another_and_the_first_result_wins() {
    let cluster = Cluster::with_rules(&holdout(&["fc"], "1", 1), SHORT_LEASES).await;
    let mut slow = cluster.client(1).await;
    slow.register(vec![]).await.unwrap();
    let first = slow.unit().await;
    let mut other = cluster.client(2).await;
    other.register(vec![]).await.unwrap();
    // The long poll is answered when the lease expires.
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
    client.register(vec![]).await.unwrap();
    let attempt = client.unit().await;
    // The queue's tests show by how much a heartbeat extends a lease.
    for _ in 0..8 {
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
    assert_eq!(registered.dropped, [done], "a done unit is not trained on");
    let third = client.unit().await;
    assert_ne!(third.unit_id, held.unit_id, "a leased unit is not given out");
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
    assert_eq!(slow.register(vec![held.clone()]).await.unwrap().dropped, [], "the slow worker comes back and goes on");
    assert_eq!(slow.finish(&held, 30).await.unwrap(), v1::SubmitOutcome::Committed);
}

#[tokio::test]
async fn after_a_restart_what_nobody_claims_is_given_out_again() {
    let mut cluster = Cluster::with_rules(&holdout(&["fc"], "1", 1), SHORT_LEASES).await;
    let mut lost = cluster.client(1).await;
    lost.register(vec![]).await.unwrap();
    let held = lost.unit().await;
    drop(lost);
    cluster.restart().await;
    let mut other = cluster.client(2).await;
    other.register(vec![]).await.unwrap();
    // The long poll is answered when the lease of the lost worker expires.
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
    // Now units are known to take a second.
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
    assert_eq!(client.fail(&attempt, v1::Failure::WorkerLost).await.unwrap(), v1::SubmitOutcome::Malformed);
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
    assert_eq!(encode::decode(bytes.into()).unwrap(), data::build(&study.dataset, &[]).unwrap());
    assert_eq!(fetch(&"0".repeat(64)).await.unwrap_err(), Code::NotFound);
    // It is read from the run directory each time.
    std::fs::write(cluster.directory.dataset(&cluster.digest), "other bytes").unwrap();
    assert_eq!(fetch(&cluster.digest).await.unwrap(), b"other bytes");
    std::fs::remove_file(cluster.directory.dataset(&cluster.digest)).unwrap();
    assert_eq!(fetch(&cluster.digest).await.unwrap_err(), Code::NotFound);
    let digests = [(0, cluster.digest.clone())].into();
    assert_eq!(matrix::expand(&study, &digests, &Selections::new()).units().len(), 1);
}

#[tokio::test]
async fn messages_over_a_limit_change_nothing() {
    let cluster = Cluster::start(&holdout(&["fc"], "1", 1)).await;
    let mut client = cluster.client(1).await;
    client.register(vec![]).await.unwrap();
    assert_eq!(client.pull(0).await.unwrap_err(), Code::InvalidArgument);
    assert_eq!(client.exchange(Vec::new(), 1).await.unwrap_err(), Code::InvalidArgument);
    let nameless = v1::FinishedAttempt::default();
    assert_eq!(client.exchange(vec![nameless; 65], 1).await.unwrap_err(), Code::InvalidArgument);
    assert_eq!(client.pull(1_000_000).await.unwrap_err(), Code::InvalidArgument);
    let attempt = client.unit().await;
    assert_eq!(client.heartbeat(vec![attempt.clone(); 2000]).await.unwrap_err(), Code::InvalidArgument);
    let mut bad = result(25);
    bad.epochs[0].epoch = 2;
    let outcome = v1::finished_attempt::Outcome::Result((&bad).into());
    assert_eq!(client.submit(&attempt, outcome).await.unwrap(), v1::SubmitOutcome::Malformed);
    assert_eq!(client.finish(&attempt, 101).await.unwrap(), v1::SubmitOutcome::Malformed, "more wrong than scored");
    assert_eq!(client.finish(&attempt, 25).await.unwrap(), v1::SubmitOutcome::Committed);
}

/// One call hands over several attempts, each with a receipt of its own, and brings the next units.
#[tokio::test]
async fn attempts_are_handed_over_and_units_taken_in_one_exchange() {
    let cluster = Cluster::start(&holdout(&["fc"], "1..=4", 1)).await;
    let mut client = cluster.client(1).await;
    client.register(vec![]).await.unwrap();
    let held = client.pull(2).await.unwrap().assignments;
    let ids: Vec<v1::AttemptId> = held.into_iter().flat_map(|assignment| assignment.attempt).collect();
    let done = |attempt: &v1::AttemptId| v1::FinishedAttempt {
        attempt: Some(attempt.clone()),
        outcome: Some(v1::finished_attempt::Outcome::Result((&result(25)).into())),
        // Longer than units may take that are taken ahead of need.
        train_seconds: 60.0,
        ..Default::default()
    };
    let malformed = v1::FinishedAttempt { train_seconds: f64::NAN, ..done(&ids[1]) };
    let never_given = v1::AttemptId { attempt: 9, ..ids[0].clone() };
    let sent = vec![done(&never_given), done(&ids[0]), malformed];
    let response = client.exchange(sent, 2).await.unwrap();
    let outcomes: Vec<v1::SubmitOutcome> = response.receipts.iter().map(v1::Receipt::outcome).collect();
    use v1::SubmitOutcome::{Committed, Duplicate, Malformed, NeverGiven};
    assert_eq!(outcomes, [NeverGiven, Committed, Malformed]);
    assert!(response.receipts[2].detail.contains("train_seconds"), "{:?}", response.receipts[2]);
    assert_eq!((response.assignments.len(), response.state()), (1, v1::StudyState::Running), "it has one free slot");
    // The same again, as after a lost answer: the result is acknowledged again, and its slot is not free again.
    let again = client.exchange(vec![done(&ids[0])], 0).await.unwrap();
    assert_eq!((again.receipts[0].outcome(), again.assignments.len()), (Duplicate, 0));
}
