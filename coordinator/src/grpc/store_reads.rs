//! Commands' reads of the store, over a connection of their own, so that a long listing delays no one.

use std::sync::Arc;

use seedgrid_common::error_chain::with_hint;
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::{plan::PrepareError, run_directory::RunDirectory, store::StoreError, views::run_reader::RunReader};

/// The largest number of concurrent reads. More would compete with the core for the disk.
const READERS_MAX: usize = 2;
/// The number of items in one message of a listing.
pub(super) const PART_ITEMS: usize = 1000;
/// The number of messages of a listing that wait for a slow reader.
const PARTS_WAITING: usize = 2;

/// A stream of a listing's parts.
pub(super) type Parts<T> = ReceiverStream<Result<T, Status>>;

/// The reader for commands.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    directory: RunDirectory,
    turns: Arc<Semaphore>,
}

impl Reader {
    pub(super) fn new(directory: RunDirectory) -> Self {
        Self { directory, turns: Arc::new(Semaphore::new(READERS_MAX)) }
    }

    /// Runs `read` when a reader is free, and returns its result.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&RunReader) -> Result<T, PrepareError> + Send + 'static,
    ) -> Result<T, Status> {
        self.read_from(RunReader::open, read).await
    }

    /// As [`Self::read`], of single units alone.
    pub(super) async fn read_single_units<T: Send + 'static>(
        &self,
        read: impl FnOnce(&RunReader) -> Result<T, PrepareError> + Send + 'static,
    ) -> Result<T, Status> {
        self.read_from(RunReader::open_for_single_units, read).await
    }

    async fn read_from<T: Send + 'static>(
        &self,
        open: fn(RunDirectory) -> Result<RunReader, StoreError>,
        read: impl FnOnce(&RunReader) -> Result<T, PrepareError> + Send + 'static,
    ) -> Result<T, Status> {
        let closed = |_| Status::unavailable("the coordinator is stopping; try again");
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(closed)?;
        let directory = self.directory.clone();
        let found = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            read(&open(directory)?)
        });
        match found.await {
            Ok(found) => found.map_err(|error| Status::internal(with_hint(&error))),
            Err(_) => Err(Status::internal("reading the store was cut off")),
        }
    }
}

/// A listing in parts, sent as fast as the caller takes them.
pub(super) fn parts<I: Send + 'static, T: Send + 'static>(
    items: Vec<I>,
    part: impl Fn(Vec<I>) -> T + Send + 'static,
) -> Parts<T> {
    let (sender, receiver) = mpsc::channel(PARTS_WAITING);
    tokio::spawn(async move {
        let mut items = items.into_iter();
        loop {
            let next: Vec<I> = items.by_ref().take(PART_ITEMS).collect();
            // A failed send means that the caller has gone.
            if next.is_empty() || sender.send(Ok(part(next))).await.is_err() {
                return;
            }
        }
    });
    ReceiverStream::new(receiver)
}

#[cfg(test)]
mod tests {
    use tokio_stream::StreamExt as _;

    use super::*;

    #[tokio::test]
    async fn a_listing_comes_whole_and_in_order() {
        for count in [0, 1, PART_ITEMS, 2 * PART_ITEMS + 1] {
            let items: Vec<usize> = (0..count).collect();
            let found: Vec<Vec<usize>> = parts(items.clone(), |part| part).map(Result::unwrap).collect().await;
            assert!(found.iter().all(|part| (1..=PART_ITEMS).contains(&part.len())));
            assert_eq!(found.concat(), items);
        }
    }
}
