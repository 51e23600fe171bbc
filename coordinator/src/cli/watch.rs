//! `seedgrid watch` follows a study to its end, across restarts of its coordinator.

use std::{
    io,
    ops::ControlFlow,
    time::{Duration, Instant},
};

use seedgrid_common::{
    error_chain::with_hint,
    join::{Role, reconnect_limits},
    text::count,
    wire::v1,
};

use super::{Exit, Failure, arguments::WatchArguments, status, status_without_coordinator};
use crate::{
    cli::{
        progress,
        standard_streams::{self, Stream},
    },
    grpc::control_client::{Control, ControlError},
};

/// The interval between two tries.
const EVERY: Duration = Duration::from_secs(1);

pub(super) async fn watch(arguments: WatchArguments) -> Result<Exit, Failure> {
    let mut control = match Control::connect(&arguments.run_dir, Role::View, arguments.reach.into()).await {
        Ok(control) => control,
        Err(error) => {
            let Some(at_rest) = status_without_coordinator::picture(&arguments.run_dir)? else {
                return Err(status::unanswered(&arguments.run_dir, error));
            };
            return match at_rest.state() {
                v1::StudyState::Done => ended_with(&at_rest),
                _ => Err(Failure::not_running(&arguments.run_dir)),
            };
        }
    };
    loop {
        let mut view = progress::view(Stream::Output, &arguments.run_dir);
        let mut last = v1::StatusSnapshot::default();
        let mut lost = None;
        let followed = control
            .watch(|picture| {
                last.clone_from(picture);
                match view.show(picture) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(error) => {
                        lost = Some(error);
                        ControlFlow::Break(())
                    }
                }
            })
            .await;
        view.finish();
        match lost {
            // A reader that closed the pipe (`| head`) needs no more output.
            Some(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(Exit::Done),
            Some(error) => return Err(Failure::Output(error)),
            None => {}
        }
        match followed {
            Ok(()) if last.state() == v1::StudyState::Done => return ended_with(&last),
            Ok(()) | Err(ControlError::Lost { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        standard_streams::note(format_args!(
            "the coordinator has gone; trying to reach it for {} (Ctrl-C stops this)",
            progress::duration(reconnect_limits::WITHOUT_UNITS.as_millis() as u64)
        ));
        control = match found_again(&arguments).await? {
            Found::Running(control) => *control,
            Found::Ended(picture) => return ended_with(&picture),
        };
    }
}

/// The outcome of the search for a lost coordinator.
enum Found {
    Running(Box<Control>),
    /// The study has ended meanwhile, and no coordinator runs it.
    Ended(Box<v1::StatusSnapshot>),
}

async fn found_again(arguments: &WatchArguments) -> Result<Found, Failure> {
    let lost = Instant::now();
    let mut said = false;
    loop {
        // Waits first: a lost coordinator does not return at once, and one that closes connections must not be hurried.
        tokio::time::sleep(EVERY).await;
        let error = match Control::connect(&arguments.run_dir, Role::View, arguments.reach.into()).await {
            Ok(control) => return Ok(Found::Running(Box::new(control))),
            Err(error @ ControlError::Unreachable { .. }) => error,
            Err(error) => return Err(error.into()),
        };
        match status_without_coordinator::picture(&arguments.run_dir)? {
            Some(picture) if picture.state() == v1::StudyState::Done => return Ok(Found::Ended(Box::new(picture))),
            Some(_) | None if lost.elapsed() >= reconnect_limits::WITHOUT_UNITS => return Err(error.into()),
            Some(_) | None if !std::mem::replace(&mut said, true) => {
                standard_streams::note(format_args!("{}", with_hint(&error)))
            }
            Some(_) | None => {}
        }
    }
}

fn ended_with(picture: &v1::StatusSnapshot) -> Result<Exit, Failure> {
    let last = picture.counts.unwrap_or_default();
    super::print(&format!(
        "{} of {} done, {} diverged, {} quarantined{}\n",
        last.done,
        count(last.total, "unit"),
        last.diverged,
        last.quarantined,
        status::cancelled(&last)
    ))?;
    Ok(if last.quarantined + last.cancelled > 0 { Exit::MissingCells } else { Exit::Done })
}
