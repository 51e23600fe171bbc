//! Retries of units that failed for good.

use seedgrid_common::{join::Role, wire::v1};
use seedgrid_tests::study::holdout;
use tonic::{Code, Request};
use v1::control_service_client::ControlServiceClient;

use crate::cluster::Cluster;

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

/// Retries these units, or all failed ones.
async fn retry(cluster: &Cluster, units: &[&str]) -> Result<v1::RetryResponse, Code> {
    let channel = cluster.channel().await;
    let unit_ids = units.iter().map(|unit| (*unit).to_owned()).collect();
    let mut request = Request::new(v1::RetryRequest { unit_ids });
    let token = format!("Bearer {}", cluster.token(Role::Admin).expose());
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

    // Units of the old selection are no longer wanted, and only the retried unit waits.
    assert_eq!(client.heartbeat(vec![held.clone()]).await.unwrap().dropped, [held]);
    let (attempt, _) = assigned(client.pull(2).await.unwrap()).remove(0);
    assert_eq!((attempt.unit_id.as_str(), attempt.attempt), (failing.as_str(), 3), "numbers of attempts only grow");
    // The unit is still leased when the coordinator is back, and the selection is made from all configurations.
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
    // One error is allowed again, as at first.
    let third = client.unit().await;
    assert_eq!((third.unit_id.as_str(), third.attempt), (failing.unit_id.as_str(), 3));
    client.fail(&third, v1::Failure::Error).await.unwrap();
    assert_eq!(client.unit().await.attempt, 4);
}
