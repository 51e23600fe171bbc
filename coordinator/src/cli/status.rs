//! `seedgrid status` shows a study's state.

use std::{collections::BTreeMap, path::Path, time::Duration};

use seedgrid_common::{
    join::{JoinError, Role},
    wire::v1,
};
use serde::Serialize;

use super::{Exit, Failure, arguments::StatusArguments, shared_arguments::Format, status_without_coordinator};
use crate::{
    cli::progress::{self, at_most, duration},
    grpc::control_client::{Control, ControlError},
    report::numbers::{count, rate},
    run_directory::RunDirectory,
    store,
    views::run_state::RunState,
};

pub(super) async fn status(arguments: StatusArguments) -> Result<Exit, Failure> {
    let picture = match Control::connect(&arguments.run_dir, Role::View, arguments.reach.into()).await {
        Ok(mut control) => control.status().await?,
        Err(error) => status_without_coordinator::picture(&arguments.run_dir)?
            .ok_or_else(|| unanswered(&arguments.run_dir, error))?,
    };
    match arguments.format {
        Format::Text => super::print(&text(&picture, &arguments.run_dir))?,
        Format::Json => super::print_json(&Listing::from(&picture))?,
    }
    Ok(Exit::Done)
}

/// The failure for a path without an answer.
pub(super) fn unanswered(named: &Path, error: ControlError) -> Failure {
    match (RunDirectory::existing(named), error) {
        // The path is neither a credential file nor a run, or a run has lost its database.
        (Err(missing), ControlError::Join(JoinError::Missing { .. })) => missing.into(),
        (Err(missing), ControlError::Unreachable { .. }) if named.is_dir() => missing.into(),
        (_, error) => error.into(),
    }
}

fn text(picture: &v1::StatusSnapshot, place: &Path) -> String {
    let counts = picture.counts.unwrap_or_default();
    let mut lines = vec![format!(
        "{}: {}; {}{}: {} done, {} in training, {} assigned, {} waiting, {} diverged, {} quarantined{}",
        picture.study,
        RunState::from(picture.state()),
        at_most(&counts),
        count(counts.total, "unit"),
        counts.done,
        counts.training,
        counts.assigned,
        counts.waiting,
        counts.diverged,
        counts.quarantined,
        cancelled(&counts)
    )];
    if let Some(pause) = &picture.pause {
        lines.push(progress::paused(pause, place));
    }
    if picture.state() == v1::StudyState::Unspecified {
        lines.push("no coordinator runs; `seedgrid run` or `seedgrid serve` with the spec goes on".to_owned());
    }
    if counts.undecided > 0 {
        lines.push(format!("{} of those waiting are undecided: races will skip some", counts.undecided));
    }
    lines.extend(progress::time_left(picture));
    if let Some(trouble) = &picture.disk_trouble {
        lines.push(format!("not kept, make room or an interruption costs time: {trouble}"));
    }
    if let Some(busy) = picture.store_busy_ms {
        lines.push(store::Told(Duration::from_millis(busy)).to_string());
    }
    if !picture.refusals.is_empty() {
        let kinds: Vec<String> = picture.refusals.iter().map(|one| format!("{} {}", one.count, one.kind)).collect();
        lines.push(format!("refused at the door: {}", kinds.join(", ")));
    }
    for worker in &picture.workers {
        let info = worker.info.clone().unwrap_or_default();
        let place = if info.place.is_empty() { String::new() } else { format!(" ({})", info.place) };
        lines.push(format!(
            "worker {} on {}{place}: {} on {}, holds {}, finished {}, heard {} ago",
            worker.worker_id.get(..8).unwrap_or(&worker.worker_id),
            info.host,
            count(info.slots as usize, "slot"),
            info.device,
            worker.held,
            worker.finished,
            duration(worker.last_seen_ms)
        ));
        if !worker.aside.is_empty() {
            lines.push(format!("  set aside, it gets no units: {}", worker.aside));
        }
        if worker.leaving {
            lines.push("  it leaves when it has finished what it holds".to_owned());
        }
    }
    for unit in &picture.training {
        let latest = unit.latest.as_ref().map_or("first epoch".to_owned(), |latest| {
            format!(
                "epoch {} of at most {}, loss {}, training error {}",
                latest.epoch,
                unit.epochs_max,
                rate(latest.train_loss),
                rate(latest.train_error)
            )
        });
        lines.push(format!("training {}: {latest}, for {}", unit.label, duration(unit.running_ms)));
    }
    lines.join("\n") + "\n"
}

/// Example: ", 2 cancelled", or nothing.
pub(super) fn cancelled(counts: &v1::UnitCounts) -> String {
    if counts.cancelled > 0 { format!(", {} cancelled", counts.cancelled) } else { String::new() }
}

/// The schema of `seedgrid status --format json`, described in docs/cli.md.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Listing {
    schema: &'static str,
    /// The study's name.
    study: String,
    /// The state of the run.
    state: RunState,
    /// The pause; null if the study is not paused.
    pause: Option<Pause>,
    /// The numbers of units by state.
    units: Units,
    /// The expected remaining seconds; null if nothing is known.
    eta_seconds: Option<f64>,
    /// The lower end of the remaining seconds.
    eta_low_seconds: Option<f64>,
    /// The upper end of the remaining seconds.
    eta_high_seconds: Option<f64>,
    /// The seconds since the start of this coordinator.
    elapsed_seconds: f64,
    /// The connected workers.
    workers: Vec<Worker>,
    /// The units in training, at most 4096 of them.
    training: Vec<Training>,
    /// The number of refusals by kind; kinds that did not occur are left out.
    refusals: BTreeMap<String, u64>,
    /// The coordinator's failed write to disk; null if the newest one succeeded.
    disk_trouble: Option<String>,
    /// The seconds that the coordinator has waited for its store, which another program has locked; null if it does not wait.
    store_busy_seconds: Option<f64>,
}

/// A pause.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Pause {
    /// The reason, as text for people.
    reason: String,
    /// Whether an operator paused the study.
    by_hand: bool,
}

/// The numbers of units by state.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Units {
    /// All units of the plan; an upper bound while some are undecided.
    total: u32,
    /// Units that wait for a worker.
    waiting: u32,
    /// Units at a worker that has not begun them.
    assigned: u32,
    /// Units in training.
    training: u32,
    /// Units with a result that did not diverge.
    done: u32,
    /// Units with a result that diverged.
    diverged: u32,
    /// Units in quarantine.
    quarantined: u32,
    /// Cancelled units.
    cancelled: u32,
    /// Waiting units that a race may skip.
    undecided: u32,
}

/// A connected worker.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Worker {
    /// The worker's id.
    id: String,
    /// The worker's machine.
    host: String,
    /// The worker's place on that machine, such as a batch job; may be empty.
    place: String,
    /// The process id.
    pid: u32,
    /// The number of slots.
    slots: u32,
    /// The device.
    device: String,
    /// The instruction set.
    isa: String,
    /// The numerics class.
    numerics_class: String,
    /// The version of Seedgrid.
    version: String,
    /// The number of units that the worker has now.
    holds: u32,
    /// The number of units that the worker has finished.
    finished: u32,
    /// The seconds since its last message.
    heard_seconds_ago: f64,
    /// The reason for which it gets no more units; null if it gets some.
    aside: Option<String>,
    /// Whether it was told to leave.
    leaving: bool,
}

/// A unit in training.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Training {
    /// The unit's id.
    unit: String,
    /// The attempt's number.
    attempt: u32,
    /// The unit's label, for people.
    label: String,
    /// The worker's id.
    worker: String,
    /// The seconds since the start of training.
    seconds: f64,
    /// The last whole epoch; null before the first.
    epoch: Option<u32>,
    /// The largest number of epochs.
    epochs_max: u32,
    /// Training loss of that epoch.
    train_loss: Option<f64>,
    /// Training error of that epoch.
    train_error: Option<f64>,
    /// Error of that epoch on the held-out pairs; null if none is measured.
    validation_error: Option<f64>,
}

fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}

impl From<&v1::StatusSnapshot> for Listing {
    fn from(picture: &v1::StatusSnapshot) -> Self {
        let counts = picture.counts.unwrap_or_default();
        let worker = |status: &v1::WorkerStatus| {
            let info = status.info.clone().unwrap_or_default();
            Worker {
                id: status.worker_id.clone(),
                host: info.host,
                place: info.place,
                pid: info.pid,
                slots: info.slots,
                device: info.device,
                isa: info.isa,
                numerics_class: info.numerics_class,
                version: info.version,
                holds: status.held,
                finished: status.finished,
                heard_seconds_ago: seconds(status.last_seen_ms),
                aside: Some(status.aside.clone()).filter(|reason| !reason.is_empty()),
                leaving: status.leaving,
            }
        };
        let training = |unit: &v1::TrainingUnit| {
            let attempt = unit.attempt.clone().unwrap_or_default();
            Training {
                unit: attempt.unit_id,
                attempt: attempt.attempt,
                label: unit.label.clone(),
                worker: unit.worker_id.clone(),
                seconds: seconds(unit.running_ms),
                epoch: unit.latest.as_ref().map(|latest| latest.epoch),
                epochs_max: unit.epochs_max,
                train_loss: unit.latest.as_ref().map(|latest| latest.train_loss),
                train_error: unit.latest.as_ref().map(|latest| latest.train_error),
                validation_error: unit.latest.as_ref().and_then(|latest| latest.validation_error),
            }
        };
        Self {
            schema: "seedgrid.status/1",
            study: picture.study.clone(),
            state: picture.state().into(),
            pause: picture.pause.clone().map(|pause| Pause { reason: pause.reason, by_hand: pause.by_hand }),
            units: Units {
                total: counts.total,
                waiting: counts.waiting,
                assigned: counts.assigned,
                training: counts.training,
                done: counts.done,
                diverged: counts.diverged,
                quarantined: counts.quarantined,
                cancelled: counts.cancelled,
                undecided: counts.undecided,
            },
            eta_seconds: picture.eta_ms.map(seconds),
            eta_low_seconds: picture.eta_low_ms.map(seconds),
            eta_high_seconds: picture.eta_high_ms.map(seconds),
            elapsed_seconds: seconds(picture.elapsed_ms),
            workers: picture.workers.iter().map(worker).collect(),
            training: picture.training.iter().map(training).collect(),
            refusals: picture.refusals.iter().map(|one| (one.kind.clone(), one.count)).collect(),
            disk_trouble: picture.disk_trouble.clone(),
            store_busy_seconds: picture.store_busy_ms.map(seconds),
        }
    }
}
