//! Sends blobs that workers ask for.

use std::{
    fs::File,
    io::{self, Read as _},
    path::PathBuf,
};

use seedgrid_common::{
    unit::Attempt,
    wire::{
        blob::{BlobHead, CheckpointRef, Content},
        limits, v1,
    },
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::{PART_TIMEOUT, newest_call_only::Turn};

/// The largest number of parts that wait for a slow receiver.
const PARTS_MAX: usize = 4;

/// The parts of a blob, read as the receiver takes them.
pub(super) type Parts = ReceiverStream<Result<v1::BlobPart, Status>>;

/// The parts of the checkpoint in the file at `path`, until another call takes the `turn`. The receiver checks the
/// bytes and so detects a damaged file.
pub(super) async fn open(
    path: PathBuf,
    attempt: Attempt,
    reference: CheckpointRef,
    mut turn: Turn<Attempt>,
) -> Result<Parts, Status> {
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
    let (sender, receiver) = mpsc::channel(PARTS_MAX);
    tokio::spawn(async move {
        tokio::select! {
            () = send(file, head, &sender) => {}
            () = turn.lost() => {}
        }
    });
    Ok(ReceiverStream::new(receiver))
}

/// Sends head and bytes as they are taken; stops when the receiver is gone.
async fn send(mut file: File, head: BlobHead, sender: &mpsc::Sender<Result<v1::BlobPart, Status>>) {
    let mut part = v1::blob_part::Part::Head(head.into());
    loop {
        // No thread waits for a receiver: there are few threads.
        let taken = tokio::time::timeout(PART_TIMEOUT, sender.send(Ok(v1::BlobPart { part: Some(part) }))).await;
        if !matches!(taken, Ok(Ok(()))) {
            return;
        }
        let next = tokio::task::spawn_blocking(move || {
            let data = read(&mut file);
            (file, data)
        });
        let problem = match next.await {
            Ok((_, Ok(data))) if data.is_empty() => return,
            Ok((rest, Ok(data))) => {
                file = rest;
                part = v1::blob_part::Part::Data(data);
                continue;
            }
            Ok((_, Err(error))) => error.to_string(),
            Err(error) => error.to_string(),
        };
        let problem = Err(Status::not_found(format!("it cannot be read: {problem}")));
        let _ = tokio::time::timeout(PART_TIMEOUT, sender.send(problem)).await;
        return;
    }
}

fn read(file: &mut File) -> io::Result<Vec<u8>> {
    let mut data = Vec::with_capacity(limits::CHUNK_BYTES_MAX);
    file.take(limits::CHUNK_BYTES_MAX as u64).read_to_end(&mut data)?;
    Ok(data)
}
