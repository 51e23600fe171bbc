//! Takes in blobs that workers hand over.

use std::time::Duration;

use seedgrid_common::wire::{
    blob::{Arriving, BlobHead, Damaged},
    v1,
};
use tonic::{Status, Streaming};

use super::{Teller, gone, invalid, unregistered};
use crate::{
    core::{Core, NotTaken, Request, Unregistered},
    weights::WeightsError,
};

/// How long the next part of a blob may take.
const PART_TIMEOUT: Duration = Duration::from_secs(60);

/// Receives one blob. False: it is not wanted, and nothing was kept.
pub(super) async fn receive(core: &Core, teller: &Teller, mut parts: Streaming<v1::BlobPart>) -> Result<bool, Status> {
    let first = next(&mut parts).await?.ok_or_else(|| invalid("blob.head is missing"))?;
    let head = BlobHead::try_from(first).map_err(invalid)?;
    let worker = teller.named(&head.worker_id)?;
    let (unit, attempt, digest, bytes) = (head.unit, head.attempt, head.digest, head.bytes_total);
    let wanted =
        core.ask(|reply| Request::OfferWeights { worker, unit, attempt, reply }).await.map_err(gone)?.map_err(
            |refusal| match refusal {
                NotTaken::Unregistered => unregistered(Unregistered),
                NotTaken::NeverGiven => teller.never_given(),
            },
        )?;
    if !wanted {
        return Ok(false);
    }
    let mut arriving = Arriving::new(&head);
    let folder = core.weights().clone();
    let mut file = blocking(move || folder.receive(unit, digest)).await?;
    while let Some(part) = next(&mut parts).await? {
        let data = arriving.take(part).map_err(damaged)?;
        file = blocking(move || {
            file.write(&data)?;
            Ok(file)
        })
        .await?;
    }
    arriving.finish().map_err(damaged)?;
    blocking(move || file.finish()).await?;
    core.ask(|reply| Request::WeightsArrived { unit, attempt, digest, bytes, reply }).await.map_err(gone)?;
    Ok(true)
}

async fn next(parts: &mut Streaming<v1::BlobPart>) -> Result<Option<v1::BlobPart>, Status> {
    let late = |_| Status::deadline_exceeded(format!("nothing came for {} s", PART_TIMEOUT.as_secs()));
    tokio::time::timeout(PART_TIMEOUT, parts.message()).await.map_err(late)?
}

fn damaged(damage: Damaged) -> Status {
    Status::data_loss(damage.to_string())
}

/// Runs what may wait for a disk where it holds nobody up.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, WeightsError> + Send + 'static,
) -> Result<T, Status> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => {
            // Said here as well: the disk is this machine's, and the worker can only try again.
            tracing::error!("{error}");
            Err(Status::unavailable(error.to_string()))
        }
        Err(_) => Err(Status::unavailable("writing was cut off")),
    }
}
