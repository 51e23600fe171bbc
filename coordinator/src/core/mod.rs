//! The core: the one owner of queue and store, on a thread of its own.
//!
//! Requests come over one bounded channel. Those that have gathered while the last commit ran are applied together, their changes
//! committed together, and only then answered: durable before acknowledged, at one synchronous commit for many requests.
//!
//! The [`Reactor`] decides and commits, without thread and clocks: [`thread`] drives it, and so do simulations.

mod attempt_outcomes;
mod enrolment;
mod operator_requests;
mod reactor;
mod request;
mod selections_and_rungs;
#[cfg(test)]
mod simulation;
mod snapshot;
mod study_units;
mod thread;
mod time_left;
mod worker_requests;

use std::{sync::Arc, thread::JoinHandle};

use seedgrid_common::wire::{blob::Content, v1};
use tokio::sync::{mpsc, oneshot, watch};

pub use reactor::{Moment, Reactor, Views};
pub use request::{
    Given, Heard, NotCancelled, NotRegistered, NotSubmitted, NotTaken, Outcome, Pulled, Registered, Request, Resumed,
    Steering, Unregistered,
};
pub use study_units::StudyPlan;

use crate::{
    auth::Credentials,
    scheduler::queue::Rules,
    store::{
        LockWait, Store, StoreError,
        blobs::{BlobError, BlobFolder},
    },
};

/// Requests that may wait for the core; more make their callers wait.
const REQUESTS_MAX: usize = 1024;

/// A way to ask the core; cheap to clone.
#[derive(Clone, Debug)]
pub struct Core {
    requests: mpsc::Sender<Request>,
    available: watch::Receiver<u64>,
    snapshots: watch::Receiver<Arc<v1::StatusSnapshot>>,
    rules: Rules,
    study: String,
    weights: BlobFolder,
    checkpoints: BlobFolder,
    credentials: Credentials,
    busy: LockWait,
}

/// What became of the workers that held units when an earlier life of the coordinator ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holders {
    /// They train on and will register again: their units wait for them for one lease.
    MayReturn,
    /// They ended with it: their units wait for anybody.
    AreGone,
}

/// Why the core ended.
#[derive(Debug, thiserror::Error)]
pub enum CoreError {
    /// The store refused. What was not acknowledged is not kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Weights or checkpoints cannot be kept.
    #[error(
        "{0}\n  hint: what was acknowledged is safe; check the disk's room and permissions, then run the same command again"
    )]
    Blob(#[from] BlobError),
    /// No thread could be started.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}

/// The core is gone: its store failed, or the coordinator is stopping.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the coordinator is stopping")]
pub struct CoreGone;

impl Core {
    /// Starts the core's thread for `plan` on `store`. The thread ends, with its error if it has one, when the store fails, at
    /// [`Core::stop`], or when every clone of the returned handle has been dropped.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn start(
        store: Store,
        plan: StudyPlan,
        rules: Rules,
        holders: Holders,
    ) -> Result<(Self, JoinHandle<Result<(), CoreError>>), CoreError> {
        let (requests, receiver) = mpsc::channel(REQUESTS_MAX);
        let study = plan.study.name.clone();
        let weights = BlobFolder::weights(store.folder());
        let checkpoints = BlobFolder::checkpoints(store.folder());
        let busy = store.busy().clone();
        let clocks = thread::Clocks::start(busy.clone());
        let (reactor, Views { available, snapshots }) = Reactor::new(store, plan, rules, holders, clocks.read())?;
        let credentials = reactor.credentials.clone();
        let runtime = tokio::runtime::Handle::current();
        let thread = std::thread::Builder::new()
            .name("core".to_owned())
            .spawn(move || thread::serve(reactor, clocks, receiver, &runtime))
            .map_err(CoreError::Thread)?;
        Ok((Self { requests, available, snapshots, rules, study, weights, checkpoints, credentials, busy }, thread))
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// When the core is gone.
    pub async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Result<T, CoreGone> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(request(reply)).await.map_err(|_| CoreGone)?;
        answer.await.map_err(|_| CoreGone)
    }

    /// Ends the core, however many clones of this handle connections still have.
    pub async fn stop(&self) {
        // A core that is gone has stopped.
        let _ = self.requests.send(Request::Stop).await;
    }

    /// Tells the core something that needs no answer and may be lost: dropped when the core is busy.
    pub fn mention(&self, request: Request) {
        // A full queue is the reason why this may be lost; a closed one means that nobody is interested any more.
        let _ = self.requests.try_send(request);
    }

    /// Changes whenever a worker that found nothing to do should ask again.
    pub fn available(&self) -> watch::Receiver<u64> {
        self.available.clone()
    }

    /// Pictures of the study as it stands, at most one every 200 ms, the last one never missing.
    pub fn snapshots(&self) -> watch::Receiver<Arc<v1::StatusSnapshot>> {
        self.snapshots.clone()
    }

    /// What is known of the store's waits for other programs.
    pub fn busy(&self) -> &LockWait {
        &self.busy
    }

    /// The numbers that leases go by.
    pub fn rules(&self) -> Rules {
        self.rules
    }

    /// Where blobs of this kind are kept.
    pub fn blobs(&self, content: Content) -> &BlobFolder {
        match content {
            Content::Weights => &self.weights,
            Content::Checkpoint(_) => &self.checkpoints,
        }
    }

    /// Who may come in.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// The study's name.
    pub fn study(&self) -> &str {
        &self.study
    }
}
