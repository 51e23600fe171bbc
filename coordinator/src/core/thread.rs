//! The core's thread: collects requests, and drives the [`Reactor`] by the machine's clocks.

use std::time::Duration;

use tokio::{runtime::Handle, sync::mpsc};

use super::{CoreError, clocks::Clocks, reactor::Reactor, request::Request};

/// The largest number of requests in one commit.
const GROUP_MAX: usize = 256;

/// Serves requests until the core is stopped or every sender is dropped.
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
