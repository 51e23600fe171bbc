//! `seedgrid run`: coordinator and workers on one machine, to the report.

use std::{sync::Arc, time::Duration};

use seedgrid_common::wire::v1;

use super::{
    Exit, Failure,
    arguments::RunArguments,
    follow::{Followed, StopSignals, follow},
    hosting::{self, Entrance, Hosting},
    report,
};
use crate::{console, core::Holders, local_workers::LocalWorker, progress};

/// How long the local worker may take to hand over what it has and leave.
const LEAVE_GRACE: Duration = Duration::from_secs(15);

enum Ended {
    Followed(Followed),
    Drained,
    Interrupted,
}

pub(super) async fn run(arguments: RunArguments) -> Result<Exit, Failure> {
    let mut signals = StopSignals::new()?;
    let opened = hosting::open(&arguments.study)?;
    let left = opened.units_left()?;
    if left == 0 {
        console::note(format_args!(
            "{}: every unit is trained; nothing to do but the report",
            opened.prepared.spec.study.name
        ));
        return report::finish(&opened.directory);
    }
    if let Some(pause) = opened.store.pause()? {
        return Ok(stands_still(&(&pause).into()));
    }
    let entrance = Entrance { listen: &arguments.listen, ..Entrance::LOCAL };
    let hosting = Hosting::start(opened, entrance, Holders::AreGone).await?;
    let slots = arguments.slots.map_or_else(super::cores, usize::from).min(left);
    let mut worker = LocalWorker::start(&hosting.directory.join_file(), slots, &hosting.directory.logs())?;
    let mut view = progress::view();
    let ended = tokio::select! {
        followed = follow(hosting.core.snapshots(), view.as_mut(), true) => Ok(Ended::Followed(followed)),
        () = signals.received() => Ok(Ended::Interrupted),
        watched = worker.watch() => match (watched, hosting.core.snapshots().borrow().state()) {
            (Ok(()), v1::StudyState::Done) => Ok(Ended::Followed(Followed::Done)),
            (Ok(()), v1::StudyState::Draining) => Ok(Ended::Drained),
            // It leaves well before that only when somebody told it to.
            (Ok(()), _) => Ok(Ended::Interrupted),
            (Err(error), _) => Err(error),
        },
    };
    // The worker may have left before the last picture was shown.
    let last = Arc::clone(&hosting.core.snapshots().borrow());
    view.show(&last);
    view.finish();
    tokio::select! {
        () = worker.stop(LEAVE_GRACE) => {}
        // Asked twice: no more waiting. Dropping the worker ends it.
        () = signals.received() => {}
    }
    let directory = hosting.stop().await?;
    match ended? {
        Ended::Followed(Followed::Done | Followed::CoreGone) => report::finish(&directory),
        Ended::Followed(Followed::Paused(pause)) => Ok(stands_still(&pause)),
        Ended::Drained => {
            console::note(format_args!("drained; finished units are kept. Run the same command again to go on"));
            Ok(Exit::StandsStill)
        }
        Ended::Interrupted => {
            console::note(format_args!("interrupted; finished units are kept. Run the same command again to go on"));
            Ok(Exit::Interrupted)
        }
    }
}

/// Says that the study is paused. Where nobody is there to see it, ending says it louder than waiting.
fn stands_still(pause: &v1::Pause) -> Exit {
    console::note(format_args!("{}", progress::paused(pause)));
    console::note(format_args!(
        "finished units are kept. Once the cause is gone, resume and run the same command again"
    ));
    Exit::StandsStill
}
