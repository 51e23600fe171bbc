//! Receives blobs that workers upload.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use seedgrid_common::{
    unit::Attempt,
    wire::{
        blob::{Arriving, BlobHead, Content, Damaged},
        v1,
    },
};
use tonic::{Status, Streaming};

use super::{
    CallingWorker, PART_TIMEOUT, full_disk::Disk, gone, invalid, newest_call_only::NewestCallOnly, unregistered,
};
use crate::{
    core::{CoreStudy, NotTaken, Request, Unregistered},
    store::blobs::{BlobError, BlobFolder, Receiving, checkpoints::UploadInterval},
};

/// The key of an upload, of which one runs at a time: an attempt, and whether it is a checkpoint.
type Upload = (Attempt, bool);

/// The common state of all uploads.
#[derive(Debug, Default)]
pub(super) struct Uploads {
    turns: NewestCallOnly<Upload>,
    pace: Mutex<UploadInterval>,
}

impl Uploads {
    /// The shortest time between two checkpoints of one unit.
    pub(super) fn allowed(&self, studies: &[CoreStudy]) -> Duration {
        let in_training = |study: &CoreStudy| study.snapshots().borrow().counts.map_or(0, |counts| counts.training);
        self.pace().allowed(studies.iter().map(in_training).sum())
    }

    fn pace(&self) -> MutexGuard<'_, UploadInterval> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Receives one blob. Returns false if it is not wanted; nothing is kept then.
pub(super) async fn receive(
    disk: &Disk,
    uploads: &Uploads,
    teller: &CallingWorker,
    mut parts: Streaming<v1::BlobPart>,
) -> Result<bool, Status> {
    let first = next(&mut parts).await?.ok_or_else(|| invalid("blob.head is missing"))?;
    let head = BlobHead::try_from(first).map_err(invalid)?;
    let worker = teller.named(&head.worker_id)?;
    let BlobHead { attempt: named, content, digest, bytes_total: bytes, .. } = head;
    let Attempt { study, unit, number: attempt } = named;
    if study != teller.study.id() {
        return Err(teller.never_given());
    }
    let wanted = teller
        .study
        .ask(|reply| Request::OfferBlob { worker, unit, attempt, content, reply })
        .await
        .map_err(gone)?
        .map_err(|refusal| match refusal {
            NotTaken::Unregistered => unregistered(Unregistered),
            NotTaken::NeverGiven => teller.never_given(),
        })?;
    if !wanted {
        return Ok(false);
    }
    let mut turn = uploads.turns.take((named, matches!(content, Content::Checkpoint(_))));
    let written = tokio::select! {
        written = write(teller.study.blobs(content).clone(), &head, &mut parts) => written,
        () = turn.lost() => return Err(Status::aborted("the same is uploaded anew")),
    };
    let (core, began) = (teller.study.clone(), Instant::now());
    let arrives = async move {
        let file = written?;
        blocking(move || file.finish()).await?;
        let arrived = |reply| Request::BlobArrived { worker, unit, attempt, content, digest, bytes, reply };
        core.ask(arrived).await.map_err(|error| Trouble::Parts(gone(error)))
    };
    // Runs to its end even if the caller has gone: a file under its final name is for the core to keep or to discard.
    let arrived = tokio::spawn(arrives).await.unwrap_or_else(|_| Err(Trouble::cut_off()));
    match arrived {
        Ok(kept) => {
            disk.took();
            // The time excludes the network's.
            if matches!(content, Content::Checkpoint(_)) {
                uploads.pace().took(began.elapsed());
            }
            Ok(kept)
        }
        Err(Trouble::Disk(error)) => disk.refused(content, &error),
        Err(Trouble::Parts(status)) => Err(status),
    }
}

enum Trouble {
    /// An error of this machine's disk.
    Disk(BlobError),
    /// An error of the sent data, or of the connection.
    Parts(Status),
}

impl Trouble {
    fn cut_off() -> Self {
        Self::Parts(Status::unavailable("writing was cut off"))
    }
}

/// Writes all parts of a blob to a file. Dropped before its end, it leaves nothing behind.
async fn write(folder: BlobFolder, head: &BlobHead, parts: &mut Streaming<v1::BlobPart>) -> Result<Receiving, Trouble> {
    let damaged = |damage: Damaged| Trouble::Parts(Status::data_loss(damage.to_string()));
    let mut arriving = Arriving::new(head);
    let (unit, digest) = (head.attempt.unit, head.digest);
    let mut file = blocking(move || folder.receive(unit, digest)).await?;
    while let Some(part) = next(parts).await.map_err(Trouble::Parts)? {
        let data = arriving.take(part).map_err(damaged)?;
        file = blocking(move || {
            file.write(&data)?;
            Ok(file)
        })
        .await?;
    }
    arriving.finish().map_err(damaged)?;
    Ok(file)
}

async fn next(parts: &mut Streaming<v1::BlobPart>) -> Result<Option<v1::BlobPart>, Status> {
    let late = |_| Status::deadline_exceeded(format!("nothing came for {} s", PART_TIMEOUT.as_secs()));
    tokio::time::timeout(PART_TIMEOUT, parts.message()).await.map_err(late)?
}

/// Runs an action that may wait for a disk on a blocking thread.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
) -> Result<T, Trouble> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(Trouble::Disk),
        Err(_) => Err(Trouble::cut_off()),
    }
}
