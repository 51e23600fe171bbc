//! The core's thread: gathers requests, and drives the [`Reactor`] by the machine's clocks.

use std::time::{Duration, Instant};

use tokio::{runtime::Handle, sync::mpsc};

use super::{
    CoreError,
    reactor::{Moment, Reactor},
    request::Request,
};
use crate::{queue::Millis, wall_clock::wall_ms};

/// Requests that one commit may cover.
const GROUP_MAX: usize = 256;

/// The machine's clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clocks {
    started: Instant,
}

impl Clocks {
    /// A core's life begins now.
    pub(super) fn start() -> Self {
        Self { started: Instant::now() }
    }

    /// What they say.
    pub(super) fn read(self) -> Moment {
        let now = Millis::try_from(self.started.elapsed().as_millis()).unwrap_or(Millis::MAX);
        Moment { now, wall_ms: wall_ms() }
    }
}

/// Serves requests until the core is told to stop, or every sender is gone.
pub(super) fn serve(
    mut reactor: Reactor,
    clocks: Clocks,
    mut requests: mpsc::Receiver<Request>,
    runtime: &Handle,
) -> Result<(), CoreError> {
    loop {
        let wait = reactor.next_event().map(|at| Duration::from_millis(at.saturating_sub(clocks.read().now)));
        let first = runtime.block_on(async {
            match wait {
                Some(wait) => tokio::time::timeout(wait, requests.recv()).await,
                None => Ok(requests.recv().await),
            }
        });
        let at = clocks.read();
        match first {
            Ok(None) => {
                reactor.take_picture(at.now);
                return Ok(());
            }
            Ok(Some(request)) => {
                reactor.apply(request, at);
                for _ in 1..GROUP_MAX {
                    let Ok(request) = requests.try_recv() else { break };
                    reactor.apply(request, at);
                }
            }
            Err(_elapsed) => {}
        }
        if !reactor.turn(at)? {
            return Ok(());
        }
    }
}
