//! Gives out blobs that workers ask for.

use std::{
    io::{self, Read as _},
    path::PathBuf,
};

use seedgrid_common::{
    unit::UnitId,
    wire::{
        blob::{BlobHead, CheckpointRef, Content},
        limits, v1,
    },
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

/// Parts that wait for a slow receiver.
const PARTS_MAX: usize = 4;

/// A blob's parts, read as they are taken.
pub(super) type Parts = ReceiverStream<Result<v1::BlobPart, Status>>;

/// The parts of the checkpoint in the file at `path`. The receiver checks the bytes: a file that was damaged is noticed there.
pub(super) async fn open(
    path: PathBuf,
    (unit, attempt): (UnitId, u32),
    reference: CheckpointRef,
) -> Result<Parts, Status> {
    let gone = |problem: String| {
        tracing::warn!(%unit, "its checkpoint cannot be given out, it is trained from the start: {problem}");
        Status::not_found("the checkpoint is gone")
    };
    let opened = tokio::task::spawn_blocking(move || std::fs::File::open(path)).await;
    let mut file = match opened {
        Ok(Ok(file)) => file,
        Ok(Err(error)) => return Err(gone(error.to_string())),
        Err(error) => return Err(gone(error.to_string())),
    };
    let content = Content::Checkpoint(reference.progress);
    let CheckpointRef { digest, bytes: bytes_total, .. } = reference;
    let head = BlobHead { worker_id: String::new(), unit, attempt, content, bytes_total, digest };
    let (sender, receiver) = mpsc::channel(PARTS_MAX);
    tokio::task::spawn_blocking(move || {
        let part = |part| Ok(v1::BlobPart { part: Some(part) });
        // Where nobody receives any more, the rest is of no interest.
        if sender.blocking_send(part(v1::blob_part::Part::Head(head.into()))).is_err() {
            return;
        }
        loop {
            let sent = match read(&mut file) {
                Ok(data) if data.is_empty() => return,
                Ok(data) => sender.blocking_send(part(v1::blob_part::Part::Data(data))),
                Err(error) => {
                    let _ = sender.blocking_send(Err(Status::not_found(format!("it cannot be read: {error}"))));
                    return;
                }
            };
            if sent.is_err() {
                return;
            }
        }
    });
    Ok(ReceiverStream::new(receiver))
}

fn read(file: &mut std::fs::File) -> io::Result<Vec<u8>> {
    let mut data = Vec::with_capacity(limits::CHUNK_BYTES_MAX);
    file.take(limits::CHUNK_BYTES_MAX as u64).read_to_end(&mut data)?;
    Ok(data)
}
