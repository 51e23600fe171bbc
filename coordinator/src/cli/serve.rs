//! `seedgrid serve` runs the coordinator alone, for workers elsewhere.

use std::time::Duration;

use seedgrid_common::{made_up_results::ResultKind, text::shell};

use super::{
    Exit, Failure,
    arguments::ServeArguments,
    follow_study::{Followed, follow},
    host_study::{self, Hosting},
    report,
    server_settings::ServerSettings,
};
use crate::{
    cli::{
        progress,
        standard_streams::{self, Stream},
        stop_signals::Attended,
    },
    core::Holders,
};

/// The time limit for workers to leave after the study is done.
const LEAVE_GRACE: Duration = Duration::from_secs(30);

pub(super) async fn serve(arguments: ServeArguments) -> Result<Exit, Failure> {
    let results = if arguments.no_op { ResultKind::MadeUp } else { ResultKind::Trained };
    let opened = host_study::open(&arguments.study, arguments.replace, results)?;
    if opened.units_left() == 0 {
        standard_streams::note(format_args!(
            "{}: every unit is trained; nothing to do but the report",
            opened.prepared.spec.study.name
        ));
        return report::finish(&opened.directory);
    }
    let plaintext = arguments.plaintext;
    let settings = ServerSettings {
        listen: &arguments.listen,
        advertise: arguments.advertise.as_deref(),
        plaintext,
        join_expires: arguments.join_expires,
        one_address: arguments.one_address,
    };
    let hosting = Hosting::start(opened, settings, Holders::MayReturn).await?;
    // Before this line, a signal ends the process at once.
    let mut signals = Attended::begin();
    let encryption =
        if plaintext { "in plaintext: anyone on the network can read and change everything" } else { "with TLS" };
    standard_streams::note(format_args!("listening on {}, {encryption}", hosting.address()));
    standard_streams::note(format_args!(
        "start workers with: seedgrid-worker --join {}{} (copy the file, mode 0600, where there is no shared file system)",
        shell(&hosting.directory.join_file()),
        if plaintext { " --plaintext" } else { "" }
    ));
    let mut view = progress::view(Stream::Error, hosting.directory.root());
    let (followed, mut signal) = tokio::select! {
        followed = follow(hosting.study.snapshots(), view.as_mut(), false) => (Some(followed), None),
        signal = signals.received() => (None, Some(signal)),
    };
    view.finish();
    let done = followed == Some(Followed::Done);
    if done {
        tokio::select! {
            () = workers_gone(&hosting) => {}
            () = tokio::time::sleep(LEAVE_GRACE) => {}
            told = signals.received() => signal = Some(told),
        }
    }
    let directory = match signal {
        Some(_) => hosting.stop_soon().await?,
        None => hosting.stop().await?,
    };
    // From here on, a signal ends the process at once again.
    let Some(signal) = signal.or(signals.end()) else { return report::finish(&directory) };
    let workers = if done { "every unit has ended" } else { "workers train on" };
    standard_streams::note(format_args!(
        "interrupted; finished units are kept, {workers}. Run the same command again to go on"
    ));
    Ok(Exit::Interrupted(signal))
}

/// Returns when every worker has left.
async fn workers_gone(hosting: &Hosting) {
    let mut pictures = hosting.study.snapshots();
    // An error means that the core has ended, and every worker with it.
    let _ = pictures.wait_for(|picture| picture.workers.is_empty()).await;
}
