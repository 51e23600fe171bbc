//! The core: the single owner of a list of studies, each with its queue and its store, on a thread of its own.
//!
//! Requests arrive over one bounded channel. Requests that arrive during a commit are applied together, then their
//! changes are committed together, and only then are they answered. So acknowledged changes are durable, with one
//! synchronous commit for many requests.
//!
//! A [`Reactor`] decides and commits for one study, without threads and clocks. [`studies`] is the list of them; [`thread`] drives it.
//! Simulations drive a reactor.

mod attempt_outcomes;
mod clocks;
mod enrolment;
#[cfg(test)]
mod fixtures;
mod long_polls;
mod operator_requests;
mod preempted_with_coordinator;
mod pulls;
mod reactor;
mod remaining_time_estimate;
mod request;
mod selections_and_rungs;
mod status_snapshot;
mod studies;
mod study_units;
mod thread;
mod worker_requests;

use std::{sync::Arc, thread::JoinHandle};

use seedgrid_common::{
    study_id::StudyId,
    wire::{blob::Content, v1},
};
use tokio::sync::{mpsc, oneshot, watch};

pub use long_polls::LONG_POLL_MS;
pub use reactor::{Moment, Reactor, Views};
pub use request::{
    FinishedAttempt, Given, Heard, NotCancelled, NotRegistered, NotSubmitted, NotTaken, Outcome, Pulled, Registered,
    Request, Resumed, Steering, Submitted, Unregistered,
};
use studies::Studies;
pub use study_units::StudyPlan;

use crate::{
    auth::{Credentials, Revocations},
    scheduler::queue::Rules,
    store::{
        LockWait, Store, StoreError,
        blobs::{BlobError, BlobFolder},
    },
};

/// The largest number of requests that wait for the core; further callers wait.
const REQUESTS_MAX: usize = 1024;

/// A handle for the core and its list of studies; cheap to clone.
#[derive(Clone, Debug)]
pub struct Core {
    /// In the order in which they were given.
    studies: Arc<[CoreStudy]>,
    revocations: Revocations,
}

/// A handle for requests about one study; cheap to clone.
#[derive(Clone, Debug)]
pub struct CoreStudy {
    requests: mpsc::Sender<(StudyId, Request)>,
    id: StudyId,
    name: Arc<str>,
    snapshots: watch::Receiver<Arc<v1::StatusSnapshot>>,
    rules: Rules,
    weights: BlobFolder,
    checkpoints: BlobFolder,
    credentials: Credentials,
    busy: LockWait,
}

/// The workers that held units when an earlier run of the coordinator ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holders {
    /// The workers train on and will register again: their units wait for them for one lease.
    MayReturn,
    /// The workers ended with the coordinator: their units wait for any worker.
    AreGone,
}

/// The reason for the core's end.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum CoreError {
    /// The store failed. Unacknowledged changes are lost.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] StoreError),
    /// Weights or checkpoints cannot be stored.
    #[error("{0}")]
    #[diagnostic(help(
        "what was acknowledged is safe; check the disk's room and permissions, then run the same command again"
    ))]
    Blob(#[from] BlobError),
    /// The thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}

/// The error for requests after the core has ended: its store failed, or the coordinator is stopping.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the coordinator is stopping")]
pub struct CoreGone;

impl Core {
    /// Starts the core's thread for these studies, each on its own store. The thread ends when a store fails, when every study
    /// was [stopped](Self::stop), or when every clone of the returned handle has been dropped; it returns its error, if any.
    ///
    /// # Errors
    /// When a store cannot be read.
    pub fn start(
        studies: Vec<(Store, StudyPlan)>,
        rules: Rules,
        holders: Holders,
    ) -> Result<(Self, JoinHandle<Result<(), CoreError>>), CoreError> {
        let (requests, receiver) = mpsc::channel(REQUESTS_MAX);
        let revocations = Revocations::default();
        let clocks = clocks::Clocks::start(studies.iter().map(|(store, _)| store.busy().clone()).collect());
        let (mut reactors, mut handles) = (Vec::new(), Vec::new());
        for (store, plan) in studies {
            let name = plan.study.name.as_str().into();
            let weights = BlobFolder::weights(store.folder());
            let checkpoints = BlobFolder::checkpoints(store.folder());
            let busy = store.busy().clone();
            let (reactor, Views { snapshots }) =
                Reactor::new(store, plan, rules, holders, clocks.read(), revocations.clone())?;
            handles.push(CoreStudy {
                requests: requests.clone(),
                id: reactor.id(),
                name,
                snapshots,
                rules,
                weights,
                checkpoints,
                credentials: reactor.credentials.clone(),
                busy,
            });
            reactors.push(reactor);
        }
        let runtime = tokio::runtime::Handle::current();
        let thread = std::thread::Builder::new()
            .name("core".to_owned())
            .spawn(move || thread::serve(Studies::new(reactors), clocks, receiver, &runtime))
            .map_err(CoreError::Thread)?;
        Ok((Self { studies: handles.into(), revocations }, thread))
    }

    /// The studies, in the order in which they were given.
    pub fn studies(&self) -> &[CoreStudy] {
        &self.studies
    }

    /// The study with this id, if the core has it.
    pub fn study(&self, id: StudyId) -> Option<&CoreStudy> {
        self.studies.iter().find(|study| study.id == id)
    }

    /// Ends the core, even if connections still have clones of this handle.
    pub async fn stop(&self) {
        for study in &*self.studies {
            // A core that has ended is already stopped.
            let _ = study.requests.send((study.id, Request::Stop)).await;
        }
    }

    /// The notifications of revocations in any study.
    pub fn revocations(&self) -> &Revocations {
        &self.revocations
    }
}

impl CoreStudy {
    /// Sends a request and waits for the answer.
    ///
    /// # Errors
    /// When the core has ended.
    pub async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Result<T, CoreGone> {
        let (reply, answer) = oneshot::channel();
        self.requests.send((self.id, request(reply))).await.map_err(|_| CoreGone)?;
        answer.await.map_err(|_| CoreGone)
    }

    /// Sends a request that needs no answer and may be lost: it is dropped when the core is busy.
    pub fn mention(&self, request: Request) {
        // A full channel is the permitted loss; a closed one has no receiver left.
        let _ = self.requests.try_send((self.id, request));
    }

    /// Pictures of the study as it stands, at most one every 200 ms, the last one never missing.
    pub fn snapshots(&self) -> watch::Receiver<Arc<v1::StatusSnapshot>> {
        self.snapshots.clone()
    }

    /// The state of the store's waits for other programs.
    pub fn busy(&self) -> &LockWait {
        &self.busy
    }

    /// The queue's limits for leases and retries.
    pub fn rules(&self) -> Rules {
        self.rules
    }

    /// The folder for blobs of this kind.
    pub fn blobs(&self, content: Content) -> &BlobFolder {
        match content {
            Content::Weights => &self.weights,
            Content::Checkpoint(_) => &self.checkpoints,
        }
    }

    /// The registry of credentials.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// The study's id.
    pub fn id(&self) -> StudyId {
        self.id
    }

    /// The study's name.
    pub fn name(&self) -> &str {
        &self.name
    }
}
