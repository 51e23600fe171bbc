//! Calls that are begun and abandoned: they delay no other call, and end with their caller.

use std::sync::Arc;

use seedgrid_common::{
    training::Progress,
    wire::blob::{Blob, Content},
};
use seedgrid_tests::process::{finish, seedgrid};

use crate::{
    Victim,
    calls::{Peer, Taken},
};

/// More calls than there are threads that may wait for a disk.
const FETCHES: usize = 600;

/// Fetches of a checkpoint that nobody reads: uploads and other fetches continue.
pub(crate) async fn fetches(victim: &Victim, holder: &Peer, held: &Taken) {
    let progress = Progress { epochs: 1, batches: 0, seconds: 1.0 };
    let first = Blob::new(vec![7; 4 << 20]);
    assert_eq!(holder.upload(held, &first, Content::Checkpoint(progress)).await, Ok(true));
    let mut unread = Vec::new();
    let mut connections = Vec::new();
    for number in 0..FETCHES {
        // A connection may have 256 concurrent calls.
        if number % 200 == 0 {
            connections.push(holder.elsewhere(victim).await);
        }
        unread.push(connections.last().unwrap().fetch(held).await.unwrap());
    }
    let second = Blob::new(vec![8; 4 << 20]);
    assert_eq!(holder.upload(held, &second, Content::Checkpoint(progress)).await, Ok(true));
    let mut bytes = 0;
    let mut fetched = holder.fetch(held).await.unwrap();
    while let Some(part) = fetched.message().await.unwrap() {
        if let Some(seedgrid_common::wire::v1::blob_part::Part::Data(data)) = part.part {
            bytes += data.len();
        }
    }
    assert_eq!(bytes, 4 << 20);
    drop(unread);
}

/// A worker on another one's connection has at most one pull under way, and none once it is revoked.
pub(crate) async fn pulls(victim: &Victim, holder: &Peer) {
    // Leases of the hostile workers may have run out: no pull is to be answered with their units.
    let steer = |command: &str| {
        let ended = finish(seedgrid([command]).arg(victim.scratch.path("run")));
        assert_eq!(ended.code(), 0, "{}", ended.stderr);
    };
    steer("pause");
    let mut lodger = Peer::beside(victim, holder, 11);
    lodger.enroll().await.unwrap();
    lodger.register().await.unwrap();
    let lodger = Arc::new(lodger);
    let pull = |lodger: &Arc<Peer>| {
        let lodger = Arc::clone(lodger);
        tokio::spawn(async move { lodger.pull().await })
    };
    let (mut one, mut other) = (pull(&lodger), pull(&lodger));
    let left = tokio::select! {
        ended = &mut one => { assert_eq!(ended.unwrap(), Ok(vec![])); other }
        ended = &mut other => { assert_eq!(ended.unwrap(), Ok(vec![])); one }
    };
    assert!(!left.is_finished(), "only the older one has ended");
    let revoked = finish(seedgrid(["credentials", "revoke"]).arg(victim.scratch.path("run")).arg(&lodger.id));
    assert_eq!(revoked.code(), 0, "{}", revoked.stderr);
    assert_eq!(left.await.unwrap(), Err("PermissionDenied"), "the call under way ends");
    steer("resume");
}
