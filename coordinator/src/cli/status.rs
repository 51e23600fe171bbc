//! `seedgrid status` shows a study's state.

use std::{collections::BTreeMap, path::Path, time::Duration};

use seedgrid_common::{
    join::{JoinError, Role},
    wire::v1,
};
use serde::Serialize;

use super::{
    Exit, Failure,
    arguments::{Format, StatusArguments},
    status_at_rest,
};
use crate::{
    cli::progress::{self, at_most, duration},
    grpc::control_client::{Control, ControlError},
    report::numbers::count,
    run_directory::RunDirectory,
    store,
};

pub(super) async fn status(arguments: StatusArguments) -> Result<Exit, Failure> {
    let picture = match Control::connect(&arguments.run_dir, Role::View, arguments.reach.into()).await {
        Ok(mut control) => control.status().await?,
        Err(error) => {
            status_at_rest::picture(&arguments.run_dir)?.ok_or_else(|| unanswered(&arguments.run_dir, error))?
        }
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

fn state(picture: &v1::StatusSnapshot) -> &'static str {
    match picture.state() {
        v1::StudyState::Running => "running",
        v1::StudyState::Draining => "draining",
        v1::StudyState::Paused => "paused",
        v1::StudyState::Done => "done",
        // The state of a study that is not done, without a coordinator.
        v1::StudyState::Unspecified => "stopped",
    }
}

fn text(picture: &v1::StatusSnapshot, place: &Path) -> String {
    let counts = picture.counts.unwrap_or_default();
    let mut lines = vec![format!(
        "{}: {}; {}{}: {} done, {} in training, {} assigned, {} waiting, {} diverged, {} quarantined{}",
        picture.study,
        state(picture),
        at_most(&counts),
        count(counts.total, "unit"),
        counts.done,
        counts.training,
        counts.assigned,
        counts.waiting,
        counts.diverged,
        counts.failed,
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
                "epoch {} of at most {}, loss {:.4}, training error {:.3}",
                latest.epoch, unit.epochs_max, latest.train_loss, latest.train_error
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
struct Listing {
    schema: &'static str,
    study: String,
    state: &'static str,
    pause: Option<Pause>,
    units: Units,
    eta_seconds: Option<f64>,
    eta_low_seconds: Option<f64>,
    eta_high_seconds: Option<f64>,
    elapsed_seconds: f64,
    workers: Vec<Worker>,
    training: Vec<Training>,
    /// The number of refusals by kind; kinds that did not occur are left out.
    refusals: BTreeMap<String, u64>,
    /// The coordinator's failed write to disk, if the newest try failed.
    disk_trouble: Option<String>,
    /// The seconds that the coordinator has waited for its store, which another program has locked.
    store_busy_seconds: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Pause {
    reason: String,
    by_hand: bool,
}

#[derive(Debug, Serialize)]
struct Units {
    total: u32,
    waiting: u32,
    assigned: u32,
    training: u32,
    done: u32,
    diverged: u32,
    failed: u32,
    cancelled: u32,
    undecided: u32,
}

#[derive(Debug, Serialize)]
struct Worker {
    id: String,
    host: String,
    place: String,
    pid: u32,
    slots: u32,
    device: String,
    isa: String,
    numerics_class: String,
    version: String,
    holds: u32,
    finished: u32,
    heard_seconds_ago: f64,
    aside: Option<String>,
    leaving: bool,
}

#[derive(Debug, Serialize)]
struct Training {
    unit: String,
    attempt: u32,
    label: String,
    worker: String,
    seconds: f64,
    epoch: Option<u32>,
    epochs_max: u32,
    train_loss: Option<f64>,
    train_error: Option<f64>,
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
            state: state(picture),
            pause: picture.pause.clone().map(|pause| Pause { reason: pause.reason, by_hand: pause.by_hand }),
            units: Units {
                total: counts.total,
                waiting: counts.waiting,
                assigned: counts.assigned,
                training: counts.training,
                done: counts.done,
                diverged: counts.diverged,
                failed: counts.failed,
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
