//! Fetching from the coordinator what an attempt needs, over as many connections as it takes.

use std::{future::Future, time::Duration};

use tokio::sync::{mpsc, watch};
use tonic::{Code, Status};
use tracing::warn;

use crate::{
    lifecycle::Event,
    link::connection::{Client, Verdict, verdict},
};

/// How often what arrives damaged is fetched again.
pub const FETCHES_MAX: u32 = 3;
/// How long the next piece may take.
pub const PIECE_TIMEOUT: Duration = Duration::from_secs(30);
/// What is set aside for what was announced, on its sender's word alone.
pub const TRUSTED_BYTES: u64 = 64 * 1024 * 1024;

/// A connection that has registered.
#[derive(Clone, Debug)]
pub struct Up {
    /// Grows with every registration.
    pub generation: u64,
    /// Ready for calls.
    pub client: Client,
}

/// Why one try failed.
#[derive(Debug)]
pub enum Failure {
    /// The connection failed.
    Again(String),
    /// Something else came.
    Damaged(String),
    /// The coordinator does not give it.
    Refused(String),
}

/// Why there is nothing, however often it is tried.
#[derive(Debug)]
pub enum Final {
    /// The coordinator does not give it: what it said.
    Refused(String),
    /// Something else came, again and again: what was wrong the last time.
    Damaged(String),
    /// The worker ends.
    CutOff,
}

impl Failure {
    /// What a call's status means.
    pub fn of(status: &Status) -> Self {
        let said = format!("{:?}: {}", status.code(), status.message());
        match (status.code(), verdict(status.code())) {
            // Registering again finds a coordinator with another token, or tells the final refusal.
            (Code::Unauthenticated | Code::PermissionDenied, _) | (_, Verdict::Again) => Self::Again(said),
            (_, Verdict::NotFound | Verdict::Malformed | Verdict::Refused) => Self::Refused(said),
        }
    }

    /// Nothing came in time.
    pub fn late() -> Self {
        Self::Again(format!("nothing came for {} s", PIECE_TIMEOUT.as_secs()))
    }
}

/// Tries `once` over each connection that `link` shows until it succeeds or cannot. A connection that fails is told to `events`.
/// `what` it is, for the log.
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
        // While the worker reconnects, this waits. The worker's end drops it.
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
