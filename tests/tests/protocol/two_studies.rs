//! One coordinator hosts two studies: each has its own store, its own credentials and its own workers.

use seedgrid_common::{
    join::Role,
    wire::{blob::Blob, v1},
};
use seedgrid_coordinator::store::Store;
use seedgrid_tests::study::holdout;
use tonic::Code;
use v1::control_service_client::ControlServiceClient;

use crate::cluster::Cluster;

/// The state of a study, as its own view token shows it.
async fn status(cluster: &Cluster) -> v1::StatusSnapshot {
    let mut request = tonic::Request::new(v1::GetStatusRequest {});
    let shown = format!("Bearer {}", cluster.token(Role::View).expose());
    request.metadata_mut().insert("authorization", shown.parse().unwrap());
    ControlServiceClient::new(cluster.channel().await).get_status(request).await.unwrap().into_inner()
}

async fn pause(cluster: &Cluster) {
    let mut request = tonic::Request::new(v1::PauseRequest { reason: String::new() });
    let shown = format!("Bearer {}", cluster.token(Role::Admin).expose());
    request.metadata_mut().insert("authorization", shown.parse().unwrap());
    ControlServiceClient::new(cluster.channel().await).pause(request).await.unwrap();
}

fn results(cluster: &Cluster) -> usize {
    Store::open_to_read(&cluster.directory.database()).unwrap().results().unwrap().len()
}

/// Both studies have the same spec, so their units have the same ids.
#[tokio::test]
async fn each_worker_trains_for_the_study_of_its_credential() {
    let [first, second] = Cluster::two(&holdout(&["fc"], "1..=2", 1)).await;
    let (mut own, mut other) = (first.client(1).await, second.client(2).await);
    let registered = [own.register(vec![]).await.unwrap(), other.register(vec![]).await.unwrap()];
    let ids = registered.map(|registered| registered.study_id);
    assert_ne!(ids[0], ids[1]);
    let (mine, theirs) = (own.unit().await, other.unit().await);
    assert_eq!((&mine.study_id, &theirs.study_id), (&ids[0], &ids[1]));
    assert_eq!((&mine.unit_id, mine.attempt), (&theirs.unit_id, theirs.attempt), "only the study tells them apart");

    assert_eq!(own.finish(&theirs, 25).await, Ok(v1::SubmitOutcome::NeverGiven));
    assert_eq!(own.heartbeat(vec![mine.clone(), theirs.clone()]).await.unwrap().dropped, std::slice::from_ref(&theirs));
    assert_eq!(own.register(vec![mine.clone(), theirs.clone()]).await.unwrap().dropped, std::slice::from_ref(&theirs));
    assert_eq!(own.upload(&theirs, &Blob::new(vec![1])).await, Err(Code::NotFound));
    assert_eq!((results(&first), results(&second)), (0, 0));

    assert_eq!(own.finish(&mine, 25).await, Ok(v1::SubmitOutcome::Committed));
    assert_eq!((results(&first), results(&second)), (1, 0));
    assert_eq!(other.finish(&theirs, 26).await, Ok(v1::SubmitOutcome::Committed), "no conflict: it is another study");
    assert_eq!((results(&first), results(&second)), (1, 1));
}

#[tokio::test]
async fn commands_steer_the_study_of_their_credential() {
    let [first, second] = Cluster::two(&holdout(&["fc"], "1..=2", 1)).await;
    let (mut own, mut other) = (first.client(1).await, second.client(2).await);
    own.register(vec![]).await.unwrap();
    other.register(vec![]).await.unwrap();
    pause(&first).await;
    let states = [status(&first).await, status(&second).await];
    assert_ne!(states[0].study_id, states[1].study_id);
    assert_eq!(states.map(|status| status.state()), [v1::StudyState::Paused, v1::StudyState::Running]);
    // The paused study keeps its worker waiting, and the other one goes on to its end.
    for _ in 0..2 {
        let attempt = other.unit().await;
        assert_eq!(other.finish(&attempt, 25).await, Ok(v1::SubmitOutcome::Committed));
    }
    assert_eq!(other.pull(1).await.unwrap().state(), v1::StudyState::Done);
    assert_eq!(own.heartbeat(vec![]).await.unwrap().state(), v1::StudyState::Paused);
    let done = [status(&first).await, status(&second).await].map(|status| status.counts.unwrap().done);
    assert_eq!(done, [0, 2]);
}

/// A study's data set is for its own workers.
#[tokio::test]
async fn a_data_set_is_sent_to_workers_of_its_study_alone() {
    let [mut first, second] = Cluster::two(&holdout(&["fc"], "1..=2", 1)).await;
    let mut own = first.client(1).await;
    own.register(vec![]).await.unwrap();
    let request = own.request(v1::FetchDatasetRequest { digest: first.digest.clone() });
    assert!(own.inner.fetch_dataset(request).await.is_ok());
    first.core.take().unwrap().stop().await;
    first.thread.take().unwrap().join().unwrap().unwrap();
    assert_eq!((results(&first), results(&second)), (0, 0), "both stores were closed in good order");
}
