//! Fetches the checkpoint that an attempt continues from.

use seedgrid_common::{
    unit::Attempt,
    wire::{
        blob::{Arriving, Blob, BlobHead, CheckpointRef},
        v1::{BlobKind, FetchBlobRequest},
    },
};
use tokio::sync::{mpsc, watch};
use tonic::Response;
use tracing::warn;

use crate::{
    lifecycle::Event,
    link::{
        connection::Client,
        download::{self, Failure, Final, PIECE_TIMEOUT, TRUSTED_BYTES, Up},
    },
};

/// The checkpoint of `attempt` that the coordinator announced. None where it is not available: the unit is trained from
/// the start.
pub async fn fetch(
    link: watch::Receiver<Option<Up>>,
    events: &mpsc::Sender<Event>,
    worker_id: &str,
    attempt: Attempt,
    announced: CheckpointRef,
) -> Option<Blob> {
    let what = format!("the checkpoint of {attempt}");
    let request = FetchBlobRequest {
        worker_id: worker_id.to_owned(),
        attempt: Some(attempt.into()),
        kind: BlobKind::Checkpoint.into(),
    };
    match download::fetch(link, events, &what, |client| once(client, request.clone(), announced)).await {
        Ok(blob) => Some(blob),
        Err(Final::CutOff) => None,
        Err(Final::Refused(reason) | Final::Damaged(reason)) => {
            warn!("{what} cannot be had, training from the start: {reason}");
            None
        }
    }
}

async fn once(mut client: Client, request: FetchBlobRequest, announced: CheckpointRef) -> Result<Blob, Failure> {
    let damaged = |problem: String| Failure::Damaged(problem);
    let call = tokio::time::timeout(PIECE_TIMEOUT, client.fetch_blob(request)).await;
    let mut parts =
        call.map_err(|_| Failure::late())?.map(Response::into_inner).map_err(|status| Failure::from_status(&status))?;
    let mut arriving: Option<Arriving> = None;
    let mut bytes = Vec::new();
    while let Some(part) = tokio::time::timeout(PIECE_TIMEOUT, parts.message())
        .await
        .map_err(|_| Failure::late())?
        .map_err(|status| Failure::from_status(&status))?
    {
        match &mut arriving {
            Some(arriving) => bytes.extend(arriving.take(part).map_err(|problem| damaged(problem.to_string()))?),
            None => {
                let head = BlobHead::try_from(part).map_err(|problem| damaged(problem.to_string()))?;
                if (head.digest, head.bytes_total) != (announced.digest, announced.bytes) {
                    return Err(Failure::Refused("it is another one than was announced".to_owned()));
                }
                bytes.reserve(usize::try_from(head.bytes_total.min(TRUSTED_BYTES)).unwrap_or_default());
                arriving = Some(Arriving::new(&head));
            }
        }
    }
    let arriving = arriving.ok_or_else(|| damaged("nothing came".to_owned()))?;
    arriving.finish().map_err(|problem| damaged(problem.to_string()))?;
    Ok(Blob::new(bytes))
}
