//! Checkpoints: accepted from the lease's holder alone, durable before they are acknowledged, given to the next
//! attempt.

use std::fs;

use seedgrid_common::{
    training::Progress,
    unit::Attempt,
    wire::{
        blob::{Arriving, Blob, BlobHead, Content},
        v1,
    },
};
use seedgrid_coordinator::store::{Store, blobs::BlobFolder};
use seedgrid_tests::study::holdout;
use tonic::Code;

use crate::cluster::{Client, Cluster};

const PROGRESS: Progress = Progress { epochs: 3, batches: 4, seconds: 5.5 };

fn state(first: u8) -> Blob {
    Blob::new((0..600_000_u32).map(|index| first.wrapping_add((index % 251) as u8)).collect())
}

impl Client {
    async fn save(&mut self, attempt: &v1::AttemptId, blob: &Blob) -> Result<bool, Code> {
        let id = Attempt::try_from(attempt.clone()).unwrap();
        self.send(blob.parts(self.id.clone(), id, Content::Checkpoint(PROGRESS)).collect()).await
    }

    async fn fetch(&mut self, attempt: &v1::AttemptId) -> Result<Vec<u8>, Code> {
        let request = self.request(v1::FetchBlobRequest {
            worker_id: self.id.clone(),
            attempt: Some(attempt.clone()),
            kind: v1::BlobKind::Checkpoint.into(),
        });
        let mut parts = self.inner.fetch_blob(request).await.map_err(|status| status.code())?.into_inner();
        let head = BlobHead::try_from(parts.message().await.unwrap().unwrap()).unwrap();
        assert_eq!(head.content, Content::Checkpoint(PROGRESS));
        let (mut arriving, mut bytes) = (Arriving::new(&head), Vec::new());
        while let Some(part) = parts.message().await.map_err(|status| status.code())? {
            bytes.extend(arriving.take(part).unwrap());
        }
        arriving.finish().map(|()| bytes).map_err(|_| Code::DataLoss)
    }

    /// Pulls one unit, with its checkpoint if there is one.
    async fn assignment(&mut self) -> (v1::AttemptId, Option<v1::Checkpoint>) {
        let given = self.pull(1).await.unwrap().assignments.remove(0);
        (given.attempt.unwrap(), given.checkpoint)
    }
}

async fn cluster() -> Cluster {
    Cluster::start(&holdout(&["fc"], "1..=1", 1)).await
}

fn rows(cluster: &Cluster) -> usize {
    Store::open_to_read(&cluster.directory.database()).unwrap().checkpoints().unwrap().len()
}

fn files(cluster: &Cluster) -> usize {
    let entries = fs::read_dir(cluster.directory.root().join("checkpoints"));
    entries.into_iter().flatten().filter(|entry| entry.as_ref().unwrap().path().is_file()).count()
}

#[tokio::test]
async fn the_next_attempt_is_given_the_newest_checkpoint() {
    let mut cluster = cluster().await;
    let mut first = cluster.client(1).await;
    first.register(vec![]).await.unwrap();
    let (attempt, none) = first.assignment().await;
    assert_eq!(none, None);
    assert_eq!(first.fetch(&attempt).await, Err(Code::NotFound));
    for blob in [state(1), state(2)] {
        assert!(first.save(&attempt, &blob).await.unwrap());
        assert_eq!(first.fetch(&attempt).await.unwrap(), blob.bytes());
        assert_eq!((rows(&cluster), files(&cluster)), (1, 1), "one replaces the other");
    }
    // No other worker can replace or read it.
    let mut other = cluster.client(2).await;
    other.register(vec![]).await.unwrap();
    assert_eq!(other.save(&attempt, &state(3)).await, Err(Code::NotFound), "it was never given this attempt");
    assert_eq!(other.fetch(&attempt).await, Err(Code::NotFound));
    // It survives a restart of the coordinator, and a preemption.
    cluster.restart().await;
    let (mut first, mut other) = (cluster.client(1).await, cluster.client(2).await);
    first.register(vec![attempt.clone()]).await.unwrap();
    first.fail(&attempt, v1::Failure::Preempted).await.unwrap();
    other.register(vec![]).await.unwrap();
    let (next, given) = other.assignment().await;
    assert_eq!((next.attempt, given.as_ref().unwrap().bytes_total), (2, 600_000));
    assert_eq!(given.unwrap().digest, state(2).digest().to_string());
    assert_eq!(other.fetch(&next).await.unwrap(), state(2).bytes());
    assert!(!first.save(&attempt, &state(9)).await.unwrap(), "the lease is gone");
    assert_eq!(other.fetch(&next).await.unwrap(), state(2).bytes());
    // The result removes it.
    other.finish(&next, 3).await.unwrap();
    assert_eq!((rows(&cluster), files(&cluster)), (0, 0));
    assert!(!other.save(&next, &state(2)).await.unwrap());
    assert_eq!(files(&cluster), 0);
}

#[tokio::test]
async fn a_failed_unit_is_tried_from_the_start() {
    let cluster = cluster().await;
    let mut client = cluster.client(1).await;
    client.register(vec![]).await.unwrap();
    let (attempt, _) = client.assignment().await;
    assert!(client.save(&attempt, &state(1)).await.unwrap());
    client.fail(&attempt, v1::Failure::Error).await.unwrap();
    let (_, given) = client.assignment().await;
    assert_eq!(given, None);
    assert_eq!((rows(&cluster), files(&cluster)), (0, 0));
}

#[tokio::test]
async fn a_file_that_is_gone_or_damaged_costs_nothing_but_time() {
    let mut cluster = cluster().await;
    let mut client = cluster.client(1).await;
    client.register(vec![]).await.unwrap();
    let (attempt, _) = client.assignment().await;
    assert!(client.save(&attempt, &state(1)).await.unwrap());
    let file = BlobFolder::checkpoints(cluster.directory.root()).file(attempt.unit_id.parse().unwrap());
    let mut bytes = fs::read(&file).unwrap();
    bytes[300_000] ^= 1;
    fs::write(&file, bytes).unwrap();
    assert_eq!(client.fetch(&attempt).await, Err(Code::DataLoss), "the receiver notices");
    fs::remove_file(&file).unwrap();
    assert_eq!(client.fetch(&attempt).await, Err(Code::NotFound));
    // A restart drops it.
    cluster.restart().await;
    let mut client = cluster.client(1).await;
    client.register(vec![attempt.clone()]).await.unwrap();
    client.fail(&attempt, v1::Failure::Preempted).await.unwrap();
    assert_eq!(client.assignment().await.1, None);
    assert_eq!(rows(&cluster), 0);
}

#[tokio::test]
async fn half_a_checkpoint_replaces_nothing() {
    let cluster = cluster().await;
    let mut client = cluster.client(1).await;
    client.register(vec![]).await.unwrap();
    let (attempt, _) = client.assignment().await;
    assert!(client.save(&attempt, &state(1)).await.unwrap());
    let id = Attempt::try_from(attempt.clone()).unwrap();
    let mut parts: Vec<_> = state(2).parts(client.id.clone(), id, Content::Checkpoint(PROGRESS)).collect();
    parts.pop();
    assert_eq!(client.send(parts).await, Err(Code::DataLoss));
    assert_eq!(client.fetch(&attempt).await.unwrap(), state(1).bytes());
}
