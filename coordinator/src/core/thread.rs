//! The core's thread: collects requests, and drives the [`Studies`] by the machine's clocks.

use std::time::{Duration, Instant};

use seedgrid_common::study_id::StudyId;
use tokio::{runtime::Handle, sync::mpsc};

use super::{CoreError, clocks::Clocks, request::Request, studies::Studies};

/// The largest number of requests in one commit.
const GROUP_MAX: usize = 256;

/// A turn that takes longer is logged at level debug: heartbeats wait for it.
const LONG_TURN: Duration = Duration::from_millis(10);

/// Serves requests until every study is stopped or every sender is dropped.
pub(super) fn serve(
    mut studies: Studies,
    clocks: Clocks,
    mut requests: mpsc::Receiver<(StudyId, Request)>,
    runtime: &Handle,
) -> Result<(), CoreError> {
    loop {
        let wait = studies.next_event().map(|at| Duration::from_millis(at.saturating_sub(clocks.read().now)));
        let first = runtime.block_on(async {
            match wait {
                Some(wait) => tokio::time::timeout(wait, requests.recv()).await,
                None => Ok(requests.recv().await),
            }
        });
        let at = clocks.read();
        let begun = Instant::now();
        match first {
            Ok(None) => {
                studies.take_pictures(at.now);
                return Ok(());
            }
            Ok(Some((study, request))) => {
                studies.apply(study, request, at);
                for _ in 1..GROUP_MAX {
                    let Ok((study, request)) = requests.try_recv() else { break };
                    studies.apply(study, request, at);
                }
            }
            Err(_elapsed) => {}
        }
        let goes_on = studies.turn(at)?;
        let took = begun.elapsed();
        if took > LONG_TURN {
            tracing::debug!(ms = took.as_millis() as u64, "long turn");
        }
        if !goes_on {
            return Ok(());
        }
    }
}
