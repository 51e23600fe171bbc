//! Follows a study in this process: shows its pictures until it is done.

use std::sync::Arc;

use seedgrid_common::wire::v1;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};

use super::Failure;
use crate::progress::View;

/// Shows pictures until the study is done (true) or the core is gone (false).
pub(super) async fn until_done(mut pictures: watch::Receiver<Arc<v1::StatusSnapshot>>, view: &mut dyn View) -> bool {
    loop {
        let picture = Arc::clone(&pictures.borrow_and_update());
        view.show(&picture);
        if picture.state() == v1::StudyState::Done {
            return true;
        }
        if pictures.changed().await.is_err() {
            return false;
        }
    }
}

/// The signals that ask to stop.
pub(super) struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    pub(super) fn new() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).map_err(Failure::Signals);
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    /// Returns when one comes.
    pub(super) async fn received(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
