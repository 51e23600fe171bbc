//! `seedgrid run`: coordinator and workers on one machine, to the report.

use std::{path::Path, sync::Arc, time::Duration};

use seedgrid_common::{
    batch_job_end::{self, JobEnd},
    made_up_results::ResultKind,
    wire::v1,
};

use super::{
    Exit, Failure,
    arguments::RunArguments,
    follow_study::{Followed, follow, show},
    host_study::{self, Hosting},
    report,
    server_settings::ServerSettings,
};
use crate::{
    cli::{
        local_workers::{LocalWorker, Surroundings, WorkerEnd},
        progress,
        standard_streams::{self, Stream},
        stop_signals::{Attended, StopSignal},
    },
    core::Holders,
    scheduler::queue::Pause,
};

/// The time limit for the local worker to submit its results and leave.
const LEAVE_GRACE: Duration = Duration::from_secs(15);

enum Ended {
    Followed(Followed),
    Drained,
    OutOfTime,
    Signalled(StopSignal),
}

pub(super) async fn run(arguments: RunArguments) -> Result<Exit, Failure> {
    let opened = host_study::open(&arguments.study, arguments.replace, ResultKind::Trained)?;
    let left = opened.units_left();
    if left == 0 {
        standard_streams::note(format_args!(
            "{}: every unit is trained; nothing to do but the report",
            opened.prepared.spec.study.name
        ));
        return report::finish(&opened.directory);
    }
    if let Some(pause) = opened.store.pause()? {
        return Ok(stands_still(&pause, opened.directory.root()));
    }
    let settings = ServerSettings { listen: &arguments.listen, ..ServerSettings::LOCAL };
    let hosting = Hosting::start(opened, settings, Holders::AreGone).await?;
    let slots = arguments.slots.map_or_else(super::cores, usize::from).min(left);
    let job = JobEnd::find(&batch_job_end::environment);
    if let Some(note) = job.note() {
        standard_streams::note(format_args!("note: {note}"));
    }
    let (join_file, logs) = (hosting.directory.join_file(), hosting.directory.logs());
    let mut worker = LocalWorker::start(&join_file, slots, &logs, Surroundings::new(&job))?;
    let mut view = progress::view(Stream::Error, hosting.directory.root());
    // Before this line, a signal ends the process at once.
    let mut signals = Attended::begin();
    let ended = tokio::select! {
        followed = follow(hosting.study.snapshots(), view.as_mut(), true) => Ok(Ended::Followed(followed)),
        signal = signals.received() => Ok(Ended::Signalled(signal)),
        watched = worker.watch() => match (watched, hosting.study.snapshots().borrow().state()) {
            (Ok(_), v1::StudyState::Done) => Ok(Ended::Followed(Followed::Done)),
            (Ok(WorkerEnd::OutOfTime), _) => Ok(Ended::OutOfTime),
            (Ok(WorkerEnd::Left), v1::StudyState::Draining) => Ok(Ended::Drained),
            // The worker leaves well before the end only on request.
            (Ok(WorkerEnd::Left), _) => Ok(Ended::Signalled(StopSignal::Terminate)),
            (Err(error), _) => Err(error),
        },
    };
    // The worker may have left before the last snapshot was shown.
    let last = Arc::clone(&hosting.study.snapshots().borrow());
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
    // From here on, a signal ends the process at once again.
    match signal.or(signals.end()).map_or(ended, |signal| Ok(Ended::Signalled(signal)))? {
        Ended::Followed(Followed::Done | Followed::CoreGone) => report::finish(&directory),
        Ended::Followed(Followed::Paused(pause)) => Ok(stands_still(&Pause::from(&pause), directory.root())),
        Ended::Drained => {
            standard_streams::note(format_args!(
                "drained; finished units are kept. Run the same command again to go on"
            ));
            Ok(Exit::PausedOrDrained)
        }
        Ended::OutOfTime => {
            standard_streams::note(format_args!(
                "out of time: the batch job ends soon. Results and checkpoints are kept; the same command in a new job goes on"
            ));
            Ok(Exit::OutOfTime)
        }
        Ended::Signalled(signal) => {
            standard_streams::note(format_args!(
                "interrupted; finished units are kept. Run the same command again to go on"
            ));
            Ok(Exit::Interrupted(signal))
        }
    }
}

/// Reports that the study is paused: it paused itself, or was paused before this command began. The command ends,
/// because an unattended process would otherwise wait unnoticed.
fn stands_still(pause: &Pause, directory: &Path) -> Exit {
    standard_streams::note(format_args!("{pause}; finished units are kept"));
    standard_streams::note(format_args!("{}", how_it_goes_on(pause, directory)));
    Exit::PausedOrDrained
}

/// The hint for a pause with which `run` ended. A pause by hand has no known cause to remove first.
fn how_it_goes_on(pause: &Pause, directory: &Path) -> String {
    let then = format!("{}, then the same command again", progress::resume(directory));
    match pause.by_hand {
        true => format!("the study was paused before this command began: to go on, {then}"),
        false => format!("once the cause is gone: {then}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_by_hand_is_not_told_as_one_with_a_cause() {
        let told = |by_hand| how_it_goes_on(&Pause { reason: String::new(), by_hand }, Path::new("runs/a"));
        assert!(told(true).contains("paused before this command") && !told(true).contains("cause"), "{}", told(true));
        assert!(told(false).starts_with("once the cause is gone"), "{}", told(false));
        for by_hand in [true, false] {
            assert!(told(by_hand).contains("`seedgrid resume runs/a`, then the same command"), "{}", told(by_hand));
        }
    }
}
