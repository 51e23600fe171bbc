//! Sends files in parts, read as the receiver takes them.

use std::{
    fs::File,
    io::{self, Read as _},
};

use seedgrid_common::wire::limits;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::{PART_TIMEOUT, newest_call_only::Turn};

/// The largest number of parts that wait for a slow receiver.
const PARTS_MAX: usize = 1;

/// The parts of a file.
pub(super) type Parts<T> = ReceiverStream<Result<T, Status>>;

/// `head`, then the file's bytes, each piece made a `part`, until another call takes the `turn`. The receiver checks the bytes
/// and so detects a damaged file.
pub(super) fn parts<T, K>(
    file: File,
    head: T,
    part: impl Fn(Vec<u8>) -> T + Send + 'static,
    mut turn: Turn<K>,
) -> Parts<T>
where
    T: Send + 'static,
    K: Ord + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(PARTS_MAX);
    tokio::spawn(async move {
        tokio::select! {
            () = send(file, head, part, &sender) => {}
            () = turn.lost() => {}
        }
    });
    ReceiverStream::new(receiver)
}

/// Sends head and bytes as they are taken; stops when the receiver is gone.
async fn send<T>(mut file: File, head: T, part: impl Fn(Vec<u8>) -> T, sender: &mpsc::Sender<Result<T, Status>>) {
    let mut next = head;
    loop {
        // No thread waits for a receiver: there are few threads.
        let taken = tokio::time::timeout(PART_TIMEOUT, sender.send(Ok(next))).await;
        if !matches!(taken, Ok(Ok(()))) {
            return;
        }
        let read = tokio::task::spawn_blocking(move || {
            let data = read(&mut file);
            (file, data)
        });
        let problem = match read.await {
            Ok((_, Ok(data))) if data.is_empty() => return,
            Ok((rest, Ok(data))) => {
                file = rest;
                next = part(data);
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
