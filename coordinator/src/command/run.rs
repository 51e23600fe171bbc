//! `seedgrid run`: coordinator and workers on one machine, to the report.

use std::{sync::Arc, time::Duration};

use seedgrid_common::wire::v1;

use super::{
    Exit, Failure,
    arguments::RunArguments,
    follow::{StopSignals, until_done},
    hosting::{self, Entrance, Hosting},
    report,
};
use crate::{console, core::Holders, local_workers::LocalWorker, progress};

/// How long the local worker may take to hand over what it has and leave.
const LEAVE_GRACE: Duration = Duration::from_secs(15);

enum Ended {
    Done,
    CoreGone,
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
    let entrance = Entrance { listen: &arguments.listen, ..Entrance::LOCAL };
    let hosting = Hosting::start(opened, entrance, Holders::AreGone).await?;
    let slots = arguments.slots.map_or_else(super::cores, usize::from).min(left);
    let mut worker = LocalWorker::start(&hosting.directory.join_file(), slots, &hosting.directory.logs())?;
    let mut view = progress::view();
    let ended = tokio::select! {
        done = until_done(hosting.core.snapshots(), view.as_mut()) => if done { Ok(Ended::Done) } else { Ok(Ended::CoreGone) },
        () = signals.received() => Ok(Ended::Interrupted),
        watched = worker.watch() => match watched {
            Ok(()) if hosting.core.snapshots().borrow().state() == v1::StudyState::Done => Ok(Ended::Done),
            // It leaves well before that only when somebody told it to.
            Ok(()) => Ok(Ended::Interrupted),
            Err(error) => Err(error),
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
        Ended::Done | Ended::CoreGone => report::finish(&directory),
        Ended::Interrupted => {
            console::note(format_args!("interrupted; finished units are kept. Run the same command again to go on"));
            Ok(Exit::Interrupted)
        }
    }
}
