//! Fetches an attempt's data from the coordinator, over as many connections as needed.

use std::{future::Future, time::Duration};

use tokio::sync::{mpsc, watch};
use tonic::{Code, Status};
use tracing::warn;

use crate::{
    lifecycle::Event,
    link::connection::{Client, FailedCall, classify_failure},
};

/// Most fetches of data that arrives damaged.
pub const FETCHES_MAX: u32 = 3;
/// The limit for the next piece.
pub const PIECE_TIMEOUT: Duration = Duration::from_secs(30);
/// Most bytes allocated for an announced length alone.
pub const TRUSTED_BYTES: u64 = 64 * 1024 * 1024;

/// A connection that has registered.
#[derive(Clone, Debug)]
pub struct Up {
    /// The connection's generation: it grows with every registration.
    pub generation: u64,
    /// The client, ready for calls.
    pub client: Client,
}

/// The reason why one try failed.
#[derive(Debug)]
pub enum Failure {
    /// The connection failed.
    Again(String),
    /// Other bytes arrived.
    Damaged(String),
    /// The coordinator refuses.
    Refused(String),
}

/// The reason why a fetch failed for good.
#[derive(Debug)]
pub enum Final {
    /// The coordinator refuses, with its reason.
    Refused(String),
    /// Other bytes arrived, repeatedly; with the last fault.
    Damaged(String),
    /// The worker ends.
    CutOff,
}

impl Failure {
    /// The failure that a call's status means.
    pub fn from_status(status: &Status) -> Self {
        let said = format!("{:?}: {}", status.code(), status.message());
        match (status.code(), classify_failure(status.code())) {
            // A new registration finds a coordinator with another token, or receives the final refusal.
            (Code::Unauthenticated | Code::PermissionDenied, _) | (_, FailedCall::Again) => Self::Again(said),
            (_, FailedCall::NotFound | FailedCall::Malformed | FailedCall::Refused) => Self::Refused(said),
        }
    }

    /// The failure of a piece that did not arrive in time.
    pub fn late() -> Self {
        Self::Again(format!("nothing came for {} s", PIECE_TIMEOUT.as_secs()))
    }
}

/// Tries `once` over each connection in `link` until it succeeds or fails for good. A failed connection is reported to
/// `events`. The log calls the data `what`.
pub async fn fetch<T, F>(
    mut link: watch::Receiver<Option<Up>>,
    events: &mpsc::Sender<Event>,
    what: &str,
    once: impl Fn(Client) -> F,
) -> Result<T, Final>
where
    F: Future<Output = Result<T, Failure>>,
{
    let mut damaged = 0;
    loop {
        // This waits while the worker reconnects. The worker's end drops it.
        let up = link.wait_for(Option::is_some).await.map_err(|_| Final::CutOff)?.clone();
        let Some(up) = up else { continue };
        match once(up.client).await {
            Ok(fetched) => return Ok(fetched),
            Err(Failure::Again(problem)) => {
                warn!("fetching {what} failed, trying again: {problem}");
                let told = events.send(Event::LinkLost { generation: up.generation }).await.is_ok();
                let newer = |now: &Option<Up>| now.as_ref().is_none_or(|now| now.generation > up.generation);
                if !told || link.wait_for(newer).await.is_err() {
                    return Err(Final::CutOff);
                }
            }
            Err(Failure::Damaged(problem)) => {
                damaged += 1;
                warn!("{what} arrived damaged: {problem}");
                if damaged == FETCHES_MAX {
                    return Err(Final::Damaged(problem));
                }
            }
            Err(Failure::Refused(reason)) => return Err(Final::Refused(reason)),
        }
    }
}
