//! `seedgrid run`: coordinator and workers on one machine, to the report.

use std::{sync::Arc, time::Duration};

use seedgrid_common::{
    batch::{self, JobEnd},
    wire::v1,
};

use super::{
    Exit, Failure,
    arguments::RunArguments,
    follow::{Followed, follow, show},
    hosting::{self, Entrance, Hosting},
    report,
};
use crate::{
    console::{self, Stream},
    core::Holders,
    local_workers::{LocalWorker, Surroundings, WorkerEnd},
    progress,
    signals::{Attended, StopSignal},
};

/// How long the local worker may take to hand over what it has and leave.
const LEAVE_GRACE: Duration = Duration::from_secs(15);

enum Ended {
    Followed(Followed),
    Drained,
    OutOfTime,
    Signalled(StopSignal),
}

pub(super) async fn run(arguments: RunArguments) -> Result<Exit, Failure> {
    let opened = hosting::open(&arguments.study, arguments.replace)?;
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
    let job = JobEnd::find(&batch::environment);
    if let Some(note) = job.note() {
        console::note(format_args!("note: {note}"));
    }
    let (join_file, logs) = (hosting.directory.join_file(), hosting.directory.logs());
    let mut worker = LocalWorker::start(&join_file, slots, &logs, Surroundings::of(&job))?;
    let mut view = progress::view(Stream::Error);
    // Until here a signal ends the process at once.
    let mut signals = Attended::begin();
    let ended = tokio::select! {
        followed = follow(hosting.core.snapshots(), view.as_mut(), true) => Ok(Ended::Followed(followed)),
        signal = signals.received() => Ok(Ended::Signalled(signal)),
        watched = worker.watch() => match (watched, hosting.core.snapshots().borrow().state()) {
            (Ok(_), v1::StudyState::Done) => Ok(Ended::Followed(Followed::Done)),
            (Ok(WorkerEnd::OutOfTime), _) => Ok(Ended::OutOfTime),
            (Ok(WorkerEnd::Left), v1::StudyState::Draining) => Ok(Ended::Drained),
            // It leaves well before that only when somebody told it to.
            (Ok(WorkerEnd::Left), _) => Ok(Ended::Signalled(StopSignal::Terminate)),
            (Err(error), _) => Err(error),
        },
    };
    // The worker may have left before the last picture was shown.
    let last = Arc::clone(&hosting.core.snapshots().borrow());
    show(view.as_mut(), &last);
    view.finish();
    let signal = tokio::select! {
        () = worker.stop(LEAVE_GRACE) => None,
        // Dropping the worker ends it.
        signal = signals.received() => Some(signal),
    };
    let directory = match (&ended, signal) {
        (_, Some(_)) | (Ok(Ended::Signalled(_) | Ended::OutOfTime), None) => hosting.stop_soon().await?,
        (_, None) => hosting.stop().await?,
    };
    // And from here on again.
    match signal.or(signals.end()).map_or(ended, |signal| Ok(Ended::Signalled(signal)))? {
        Ended::Followed(Followed::Done | Followed::CoreGone) => report::finish(&directory),
        Ended::Followed(Followed::Paused(pause)) => Ok(stands_still(&pause)),
        Ended::Drained => {
            console::note(format_args!("drained; finished units are kept. Run the same command again to go on"));
            Ok(Exit::StandsStill)
        }
        Ended::OutOfTime => {
            console::note(format_args!(
                "out of time: the batch job ends soon. Results and checkpoints are kept; the same command in a new job goes on"
            ));
            Ok(Exit::OutOfTime)
        }
        Ended::Signalled(signal) => {
            console::note(format_args!("interrupted; finished units are kept. Run the same command again to go on"));
            Ok(Exit::Interrupted(signal))
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
