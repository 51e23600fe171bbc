//! Sends blobs that workers ask for.

use std::{fs::File, path::PathBuf};

use seedgrid_common::{
    unit::Attempt,
    wire::{
        blob::{BlobHead, CheckpointRef, Content},
        v1,
    },
};
use tonic::Status;

use super::{
    file_download::{self, Parts},
    newest_call_only::Turn,
};

/// The parts of the checkpoint in the file at `path`, until another call takes the `turn`.
pub(super) async fn open(
    path: PathBuf,
    attempt: Attempt,
    reference: CheckpointRef,
    turn: Turn<Attempt>,
) -> Result<Parts<v1::BlobPart>, Status> {
    let gone = |problem: String| {
        tracing::warn!(unit = %attempt.unit, "its checkpoint cannot be given out, it is trained from the start: {problem}");
        Status::not_found("the checkpoint is gone")
    };
    let opened = tokio::task::spawn_blocking(move || File::open(path)).await;
    let file = match opened {
        Ok(Ok(file)) => file,
        Ok(Err(error)) => return Err(gone(error.to_string())),
        Err(error) => return Err(gone(error.to_string())),
    };
    let content = Content::Checkpoint(reference.progress);
    let CheckpointRef { digest, bytes: bytes_total, .. } = reference;
    let head = BlobHead { worker_id: String::new(), attempt, content, bytes_total, digest };
    let part = |part| v1::BlobPart { part: Some(part) };
    let head = part(v1::blob_part::Part::Head(head.into()));
    Ok(file_download::parts(file, head, move |data| part(v1::blob_part::Part::Data(data)), turn))
}
