//! Kept weights are durable before the result counts.

use std::{fs, path::PathBuf};

use seedgrid_common::{
    training::{Ending, UnitResult},
    wire::{blob::Blob, v1},
};
use seedgrid_coordinator::{
    plan::Prepared,
    store::{
        Store,
        blobs::{BlobFolder, weights::WeightCounts},
    },
};
use seedgrid_tests::study::holdout;
use tonic::Code;

use crate::cluster::{Cluster, RULES, SHORT_LEASES, result};

/// A cluster whose study keeps weights, with `units` units.
async fn keeping(units: u32) -> Cluster {
    Cluster::start(&keeping_spec(units)).await
}

fn keeping_spec(units: u32) -> String {
    holdout(&["fc"], &format!("1..={units}"), 1).replace("evaluation =", "keep_weights = true\nevaluation =")
}

impl Cluster {
    /// A unit's kept weights, if there are any.
    fn kept(&self, attempt: &v1::AttemptId) -> Option<Vec<u8>> {
        fs::read(BlobFolder::weights(self.directory.root()).file(attempt.unit_id.parse().unwrap())).ok()
    }

    /// The weights files that are still arriving.
    fn arriving(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.directory.root().join("weights/.arriving"));
        entries.into_iter().flatten().map(|entry| entry.unwrap().path()).collect()
    }

    fn standing(&self) -> WeightCounts {
        let store = Store::open_to_read(&self.directory.database()).unwrap();
        let prepared = Prepared::stored(&self.directory, &store).unwrap();
        let (units, kept) = (store.units().unwrap(), store.weights().unwrap());
        WeightCounts::count(&prepared.spec.study, &prepared.plan, &units, &kept, self.directory.root())
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
    // A repeated upload changes nothing.
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
    assert_eq!(cluster.standing(), WeightCounts { wanted: 1, kept: 1, not_kept: 0, gone: 0 });
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
    stranger.shown = "0".repeat(64);
    assert_eq!(stranger.upload(&attempt, &weights).await.unwrap_err(), Code::Unauthenticated);
    for forged in
        [v1::AttemptId { attempt: 2, ..attempt.clone() }, v1::AttemptId { unit_id: "0".repeat(32), ..attempt.clone() }]
    {
        assert_eq!(client.upload(&forged, &weights).await.unwrap_err(), Code::NotFound);
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
    // A restart between the upload and the result: the worker is asked for the weights again.
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
    // A restart between the commit and the renaming, with the files of that instant.
    drop(client);
    let file = BlobFolder::weights(cluster.directory.root()).file(attempt.unit_id.parse().unwrap());
    let arrived = format!("weights/.arriving/{}.{}", attempt.unit_id, weights.digest());
    fs::rename(&file, cluster.directory.root().join(arrived)).unwrap();
    assert_eq!((cluster.standing().gone, cluster.standing().kept), (0, 1), "they are here, under another name");
    cluster.restart().await;
    assert_eq!(cluster.kept(&attempt).unwrap(), weights.bytes());
    assert_eq!(cluster.arriving(), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn the_weights_that_stay_are_those_of_the_result_that_won() {
    let mut cluster = Cluster::with_rules(&keeping_spec(1), SHORT_LEASES).await;
    let mut slow = cluster.client(1).await;
    slow.register(vec![]).await.unwrap();
    let first = slow.unit().await;
    let mut other = cluster.client(2).await;
    other.register(vec![]).await.unwrap();
    // The long poll is answered when the slow worker's lease expires.
    let second = other.unit().await;
    drop((slow, other));
    cluster.rules = RULES;
    cluster.restart().await;
    let (mut slow, mut other) = (cluster.client(1).await, cluster.client(2).await);
    slow.register(vec![]).await.unwrap();
    assert_eq!(other.register(vec![second.clone()]).await.unwrap().dropped, []);
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
async fn units_without_weights_are_committed_without_them() {
    let cluster = keeping(3).await;
    let mut client = cluster.client(1).await;
    client.register(vec![]).await.unwrap();
    let diverged = client.unit().await;
    let result = UnitResult { epochs: Vec::new(), ending: Ending::Diverged { epoch: 1 } };
    let outcome = v1::finished_attempt::Outcome::Result((&result).into());
    assert_eq!(client.submit(&diverged, outcome).await.unwrap(), v1::SubmitOutcome::Committed);
    // The result of a worker that began to train before the spec had keep_weights.
    let early = client.unit().await;
    assert_eq!(client.finish(&early, 25).await.unwrap(), v1::SubmitOutcome::Committed);
    let standing = cluster.standing();
    assert_eq!(standing, WeightCounts { wanted: 3, kept: 0, not_kept: 1, gone: 0 });
    assert!(standing.notes()[0].contains("the weights of 1 unit were not kept"), "{:?}", standing.notes());
    let outcome = v1::finished_attempt::Outcome::Result((&self::result(25)).into());
    let bad = client.submit_with(&early, outcome, "0123").await;
    assert_eq!(bad.unwrap(), v1::SubmitOutcome::Malformed, "no digest");
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
