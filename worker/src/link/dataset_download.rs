//! Data sets for the slots: from memory, from the cache folder, or from the coordinator, in this order, each checked
//! against its digest before it is used or stored. Each is decoded once and shared.

use std::{collections::VecDeque, sync::Arc};

use seedgrid_common::{
    data::{
        Dataset,
        encode::{DecodeError, decode, digest},
    },
    wire::{limits, v1::FetchDatasetRequest},
};
use tokio::sync::{Mutex, mpsc, watch};
use tracing::{info, warn};

use crate::{
    lifecycle::Event,
    link::{
        connection::Client,
        dataset_cache::CacheFolder,
        download::{self, FETCHES_MAX, Failure, Final, PIECE_TIMEOUT, TRUSTED_BYTES, Up},
    },
};

/// Most decoded data sets in memory. A study has one; a worker that serves one study after another drops the old one.
const DECODED_MAX: usize = 2;

/// The reason why there is no data set. Final for the attempt.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum DatasetError {
    /// The coordinator does not have the data set, or refuses it.
    #[error("the coordinator does not serve the data set {digest}: {reason}")]
    #[diagnostic(help(
        "`seedgrid check RUN_DIR` tells whether it is damaged; `run` and `serve` make it anew at their start"
    ))]
    Refused {
        /// The data set's digest.
        digest: String,
        /// The coordinator's reason.
        reason: String,
    },
    /// Other bytes arrived, repeatedly.
    #[error("the data set {digest} arrived damaged {FETCHES_MAX} times, last: {problem}")]
    #[diagnostic(help(
        "`seedgrid check RUN_DIR` tells whether it is damaged; `run` and `serve` make it anew at their start"
    ))]
    Damaged {
        /// The data set's digest.
        digest: String,
        /// The fault.
        problem: String,
    },
    /// The bytes have the right digest and cannot be decoded.
    #[error("the data set {digest} cannot be read: {source}")]
    #[diagnostic(help("use a worker of the coordinator's version"))]
    Unreadable {
        /// The data set's digest.
        digest: String,
        /// The cause.
        source: DecodeError,
    },
    /// A thread of the runtime failed.
    #[error("reading the data set {digest} was cut off")]
    CutOff {
        /// The data set's digest.
        digest: String,
    },
}

/// All data sets of a worker.
#[derive(Debug)]
pub struct Datasets {
    folder: Option<CacheFolder>,
    link: watch::Receiver<Option<Up>>,
    events: mpsc::Sender<Event>,
    /// The decoded data sets, newest first. The lock is held during a fetch, so that slots that want the same data set
    /// wait for one fetch.
    decoded: Mutex<VecDeque<(String, Arc<Dataset>)>>,
}

impl Datasets {
    /// `folder` stores data sets on disk. `link` has the connection while there is one; its failures go to `events`.
    pub fn new(folder: Option<CacheFolder>, link: watch::Receiver<Option<Up>>, events: mpsc::Sender<Event>) -> Self {
        Self { folder, link, events, decoded: Mutex::new(VecDeque::new()) }
    }

    /// The data set with this digest. Waits for the coordinator where it must be fetched.
    pub async fn get(&self, wanted: &str) -> Result<Arc<Dataset>, DatasetError> {
        let mut decoded = self.decoded.lock().await;
        if let Some(at) = decoded.iter().position(|(digest, _)| digest == wanted) {
            return Ok(Arc::clone(&decoded[at].1));
        }
        let bytes = match self.cached(wanted).await {
            Some(bytes) => bytes,
            None => {
                let bytes = self.fetch(wanted).await?;
                self.keep(wanted, bytes).await?
            }
        };
        let named = wanted.to_owned();
        let dataset = tokio::task::spawn_blocking(move || decode(bytes.into()))
            .await
            .map_err(|_| DatasetError::CutOff { digest: named.clone() })?
            .map_err(|source| DatasetError::Unreadable { digest: named, source })?;
        let dataset = Arc::new(dataset);
        decoded.push_front((wanted.to_owned(), Arc::clone(&dataset)));
        decoded.truncate(DECODED_MAX);
        Ok(dataset)
    }

    async fn cached(&self, wanted: &str) -> Option<Vec<u8>> {
        let (folder, wanted) = (self.folder.clone()?, wanted.to_owned());
        tokio::task::spawn_blocking(move || folder.read(&wanted)).await.ok().flatten()
    }

    /// Stores `bytes` on disk where possible, and returns them.
    async fn keep(&self, name: &str, bytes: Vec<u8>) -> Result<Vec<u8>, DatasetError> {
        let Some(folder) = self.folder.clone() else { return Ok(bytes) };
        let named = name.to_owned();
        let (bytes, written) = tokio::task::spawn_blocking(move || {
            let written = folder.write(&named, &bytes);
            (bytes, written)
        })
        .await
        .map_err(|_| DatasetError::CutOff { digest: name.to_owned() })?;
        if let Err(error) = written {
            warn!("cannot keep the data set in the cache folder, going on without: {error}");
        }
        Ok(bytes)
    }

    async fn fetch(&self, wanted: &str) -> Result<Vec<u8>, DatasetError> {
        let once = |client| fetch_once(client, wanted);
        let bytes = download::fetch(self.link.clone(), &self.events, "the data set", once).await.map_err(|end| {
            let digest = wanted.to_owned();
            match end {
                Final::Refused(reason) => DatasetError::Refused { digest, reason },
                Final::Damaged(problem) => DatasetError::Damaged { digest, problem },
                Final::CutOff => DatasetError::CutOff { digest },
            }
        })?;
        info!("fetched the data set {} ({} bytes)", &wanted[..12.min(wanted.len())], bytes.len());
        Ok(bytes)
    }
}

async fn fetch_once(mut client: Client, wanted: &str) -> Result<Vec<u8>, Failure> {
    let damaged = |problem: &str| Failure::Damaged(problem.to_owned());
    let request = FetchDatasetRequest { digest: wanted.to_owned() };
    let call = tokio::time::timeout(PIECE_TIMEOUT, client.fetch_dataset(request)).await;
    let mut chunks = call.map_err(|_| Failure::late())?.map_err(|status| Failure::from_status(&status))?.into_inner();
    let mut bytes: Vec<u8> = Vec::new();
    let mut total = None;
    while let Some(chunk) = tokio::time::timeout(PIECE_TIMEOUT, chunks.message())
        .await
        .map_err(|_| Failure::late())?
        .map_err(|s| Failure::from_status(&s))?
    {
        let expected = *total.get_or_insert(chunk.bytes_total);
        if expected == 0 || expected > limits::DATASET_BYTES_MAX {
            return Err(damaged("its size is not in 1 byte to 4 GiB"));
        }
        if bytes.is_empty() {
            bytes.reserve(usize::try_from(expected.min(TRUSTED_BYTES)).unwrap_or_default());
        }
        if chunk.data.len() > limits::CHUNK_BYTES_MAX || (bytes.len() + chunk.data.len()) as u64 > expected {
            return Err(damaged("more came than was announced"));
        }
        bytes.extend_from_slice(&chunk.data);
    }
    let wanted = wanted.to_owned();
    // Hashing a large data set takes a while, and heartbeats share this thread.
    let checked = tokio::task::spawn_blocking(move || (digest(&bytes) == wanted).then_some(bytes)).await;
    match checked {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(damaged("its digest is another")),
        Err(_) => Err(damaged("checking it was cut off")),
    }
}
