//! `seedgrid cancel`, `drain`, `pause` and `resume` control a study. Without a running coordinator, they write to the
//! store.

use seedgrid_common::{
    join::{JoinError, Role},
    unit::UnitId,
    utc,
    wire::v1,
};
use serde::Serialize;

use super::{
    Exit, Failure,
    shared_arguments::Format,
    status_without_coordinator,
    unit_and_worker_arguments::{CancelArguments, DrainArguments, PauseArguments, ResumeArguments},
    units::Source,
};
use crate::{
    cli::progress,
    core::NotCancelled,
    grpc::control_client::{Control, ControlError},
    run_directory::RunDirectory,
    scheduler::{attempt_ending::AttemptEnding, queue::Pause, unit_state::UnitState},
    store::{Store, Write},
};

/// The schema of `seedgrid cancel --format json`, described in docs/cli.md.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Cancelled {
    schema: &'static str,
    /// Whether a coordinator runs.
    running: bool,
    /// The ids of the units that this command cancelled.
    units: Vec<String>,
}

/// The schema of `seedgrid pause --format json` and of `resume`, described in docs/cli.md.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Paused {
    schema: &'static str,
    /// Whether a coordinator runs.
    running: bool,
    /// The pause that is in force, or that this command ended; null if the study was not paused, or if every unit has ended.
    pause: Option<Reason>,
}

/// A pause.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Reason {
    /// The reason, as text for people.
    reason: String,
    /// Whether an operator paused the study.
    by_hand: bool,
}

/// The schema of `seedgrid drain --format json`, described in docs/cli.md.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Drained {
    schema: &'static str,
    /// The worker; null for all workers.
    worker: Option<String>,
}

pub(super) async fn cancel(arguments: CancelArguments) -> Result<Exit, Failure> {
    let reach = arguments.reach.into();
    let mut source = Source::open_for_single_units(&arguments.run_dir, Role::Admin, reach).await?;
    let mut units: Vec<UnitId> = Vec::new();
    for line in source.find(&arguments.units).await? {
        match line.state {
            UnitState::HeldBack => return Err(NotCancelled::HeldBack(line.id).into()),
            UnitState::Done | UnitState::Diverged | UnitState::Quarantined | UnitState::Skipped => {
                return Err(NotCancelled::Ended(line.id).into());
            }
            UnitState::Waiting | UnitState::Assigned | UnitState::Training | UnitState::Cancelled => {
                if !units.contains(&line.id) {
                    units.push(line.id);
                }
            }
        }
    }
    drop(source);
    let running = is_running(&arguments.run_dir)?;
    let cancelled = if running {
        Control::connect(&arguments.run_dir, Role::Admin, reach).await?.cancel(&units).await?
    } else {
        let (directory, mut store) = take(&arguments.run_dir)?;
        let known = store.units()?;
        units.retain(|id| known.get(id).is_none_or(|unit| !unit.cancelled));
        let at_ms = utc::now_ms();
        let ends = units.iter().filter_map(|id| {
            let unit = known.get(id).filter(|unit| unit.holder.is_some())?;
            let detail = "the unit was cancelled".to_owned();
            let (unit, attempt) = (*id, unit.attempts);
            // No coordinator runs, so the time of the attempt's end is unknown.
            Some(Write::Ended {
                unit,
                attempt,
                at_ms: None,
                ending: AttemptEnding::Cancelled,
                detail,
                train_seconds: None,
            })
        });
        let cancels = units.iter().map(|id| Write::Cancelled { unit: *id, at_ms });
        store.commit(&ends.chain(cancels).collect::<Vec<_>>())?;
        drop(directory);
        units.iter().map(UnitId::to_string).collect()
    };
    match arguments.format {
        Format::Json => super::print_json(&Cancelled { schema: "seedgrid.cancel/1", running, units: cancelled })?,
        Format::Text if cancelled.is_empty() => super::print("they are cancelled already\n")?,
        Format::Text => {
            super::print(&cancelled.iter().map(|unit| format!("unit {unit} is cancelled\n")).collect::<String>())?
        }
    }
    Ok(Exit::Done)
}

/// Takes the run directory for this process alone.
fn take(run_dir: &std::path::Path) -> Result<(crate::run_directory::Owned, Store), Failure> {
    let directory = RunDirectory::existing(run_dir)?.own_to_steer()?;
    let store = Store::open(&directory.database())?;
    Ok((directory, store))
}

/// Whether a coordinator can answer: one runs on the directory, or the path is a credential file.
pub(super) fn is_running(run_dir: &std::path::Path) -> Result<bool, Failure> {
    if run_dir.is_file() { Ok(true) } else { Ok(RunDirectory::existing(run_dir)?.is_owned()) }
}

pub(super) async fn pause(arguments: PauseArguments) -> Result<Exit, Failure> {
    let running = is_running(&arguments.run_dir)?;
    let pause: Option<v1::Pause> = if running {
        let mut control = Control::connect(&arguments.run_dir, Role::Admin, arguments.reach.into()).await?;
        Some(control.pause(arguments.reason).await?)
    } else {
        let (directory, mut store) = take(&arguments.run_dir)?;
        match store.pause()? {
            Some(pause) => Some((&pause).into()),
            None if status_without_coordinator::has_ended(&directory, &store) => None,
            None => {
                let pause = Pause { reason: arguments.reason, by_hand: true };
                store.commit(&[Write::Paused { at_ms: utc::now_ms(), pause: pause.clone() }])?;
                Some((&pause).into())
            }
        }
    };
    match (arguments.format, &pause) {
        (Format::Json, _) => super::print_json(&paused("seedgrid.pause/1", running, pause))?,
        (Format::Text, Some(pause)) => super::print(&(progress::paused(pause, &arguments.run_dir) + "\n"))?,
        (Format::Text, None) => super::print("every unit has ended: there is nothing to pause\n")?,
    }
    Ok(Exit::Done)
}

pub(super) async fn resume(arguments: ResumeArguments) -> Result<Exit, Failure> {
    let running = is_running(&arguments.run_dir)?;
    let (v1::ResumeResponse { pause, drained }, next) = if running {
        let mut control = Control::connect(&arguments.run_dir, Role::Admin, arguments.reach.into()).await?;
        (control.resume().await?, "units are given out")
    } else {
        let (directory, mut store) = take(&arguments.run_dir)?;
        let pause = store.pause()?;
        store.commit(&[Write::Resumed { at_ms: utc::now_ms() }])?;
        let has_ended = status_without_coordinator::has_ended(&directory, &store);
        let next = if has_ended { "every unit has ended" } else { "run the study again to go on" };
        (v1::ResumeResponse { pause: pause.as_ref().map(Into::into), drained: false }, next)
    };
    if arguments.format == Format::Json {
        super::print_json(&paused("seedgrid.resume/1", running, pause))?;
        return Ok(Exit::Done);
    }
    let was = match &pause {
        Some(pause) if pause.reason.is_empty() => "the pause is over",
        Some(pause) => &format!("the pause is over (it was: {})", pause.reason),
        None if drained => "the drain is over",
        None => "the study was not paused",
    };
    super::print(&format!("{was}; {next}\n"))?;
    Ok(Exit::Done)
}

fn paused(schema: &'static str, running: bool, pause: Option<v1::Pause>) -> Paused {
    let pause = pause.map(|pause| Reason { reason: pause.reason, by_hand: pause.by_hand });
    Paused { schema, running, pause }
}

pub(super) async fn drain(arguments: DrainArguments) -> Result<Exit, Failure> {
    let running = is_running(&arguments.run_dir)?;
    // Asks even if the directory's lock is not visible, for example from another machine.
    let answer = Control::connect(&arguments.run_dir, Role::Admin, arguments.reach.into()).await;
    let mut control = answer.map_err(|error| match error {
        ControlError::Join(JoinError::Missing { .. }) | ControlError::Unreachable { .. } if !running => {
            Failure::not_running(&arguments.run_dir)
        }
        error => error.into(),
    })?;
    let worker = match &arguments.worker {
        None => None,
        Some(text) => Some(meant(&control.status().await?.workers, text)?),
    };
    control.drain(worker.as_deref()).await?;
    match arguments.format {
        Format::Json => super::print_json(&Drained { schema: "seedgrid.drain/1", worker })?,
        Format::Text => {
            let who = worker.map_or("every worker finishes".to_owned(), |worker| format!("worker {worker} finishes"));
            super::print(&format!("{who} what it holds and leaves; `seedgrid resume` gives units out again\n"))?;
        }
    }
    Ok(Exit::Done)
}

/// The only worker with this id prefix, or on this machine.
fn meant(workers: &[v1::WorkerStatus], text: &str) -> Result<String, Failure> {
    let host = |worker: &v1::WorkerStatus| worker.info.as_ref().is_some_and(|info| info.host == text);
    let is = |worker: &&v1::WorkerStatus| !text.is_empty() && (worker.worker_id.starts_with(text) || host(worker));
    let found: Vec<&v1::WorkerStatus> = workers.iter().filter(is).collect();
    match found[..] {
        [worker] => Ok(worker.worker_id.clone()),
        _ => Err(Failure::WhichWorker { text: text.to_owned(), count: found.len() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_meant_by_its_id_or_its_machine() {
        let worker = |id: &str, host: &str| v1::WorkerStatus {
            worker_id: id.to_owned(),
            info: Some(v1::WorkerInfo { host: host.to_owned(), ..v1::WorkerInfo::default() }),
            ..v1::WorkerStatus::default()
        };
        let workers = [worker("aa01", "node7"), worker("aa02", "node8"), worker("bb03", "node8")];
        assert_eq!(meant(&workers, "node7").unwrap(), "aa01");
        assert_eq!(meant(&workers, "bb").unwrap(), "bb03");
        for text in ["aa", "node8", "node", ""] {
            assert!(meant(&workers, text).is_err(), "{text}");
        }
    }
}
