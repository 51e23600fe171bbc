//! `seedgrid workers` lists present and former workers.

use std::collections::BTreeSet;

use seedgrid_common::{join::Role, wire::v1};
use serde::Serialize;

use super::{
    Exit, Failure, cancel_drain_pause::is_running, shared_arguments::Format,
    unit_and_worker_arguments::WorkersArguments,
};
use crate::{
    cli::{progress::duration, standard_streams},
    grpc::control_client::Control,
    report::numbers::count,
    run_directory::RunDirectory,
    views::run_reader::RunReader,
};

/// The schema of `seedgrid workers --format json`, described in docs/cli.md.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Listing {
    schema: &'static str,
    /// The workers that fit the options of the command.
    workers: Vec<Worker>,
}

/// A worker.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Worker {
    /// The worker's id.
    id: String,
    /// The worker's state.
    state: WorkerState,
    /// The worker's machine.
    host: String,
    /// The worker's place on that machine, such as a batch job; may be empty.
    place: String,
    /// The process id.
    pid: u32,
    /// The number of the machine's cores.
    cores: u32,
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
    /// The number of units that the worker has now; null if it is not connected.
    holds: Option<u32>,
    /// The number of units that the worker has finished; null if it is not connected.
    finished: Option<u32>,
    /// The seconds since its last message; null if it is not connected.
    heard_seconds_ago: Option<f64>,
    /// The reason for which it gets no more units; null if it gets some.
    aside: Option<String>,
}

/// The state of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, strum::Display)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
enum WorkerState {
    /// The worker is connected.
    There,
    /// The worker was told to leave, and finishes its units before.
    Leaving,
    /// The worker is connected and gets no more units.
    SetAside,
    /// The worker is not connected.
    Gone,
}

impl Worker {
    fn new(id: String, state: WorkerState, info: v1::WorkerInfo) -> Self {
        let v1::WorkerInfo { host, pid, cores, slots, device, isa, numerics_class, version, place } = info;
        Self {
            id,
            state,
            host,
            place,
            pid,
            cores,
            slots,
            device,
            isa,
            numerics_class,
            version,
            holds: None,
            finished: None,
            heard_seconds_ago: None,
            aside: None,
        }
    }
}

impl From<&v1::WorkerStatus> for Worker {
    fn from(status: &v1::WorkerStatus) -> Self {
        let state = match (status.aside.is_empty(), status.leaving) {
            (false, _) => WorkerState::SetAside,
            (true, true) => WorkerState::Leaving,
            (true, false) => WorkerState::There,
        };
        Self {
            holds: Some(status.held),
            finished: Some(status.finished),
            heard_seconds_ago: Some(status.last_seen_ms as f64 / 1000.0),
            aside: Some(status.aside.clone()).filter(|reason| !reason.is_empty()),
            ..Self::new(status.worker_id.clone(), state, status.info.clone().unwrap_or_default())
        }
    }
}

pub(super) async fn workers(arguments: WorkersArguments) -> Result<Exit, Failure> {
    let mut workers: Vec<Worker> = Vec::new();
    let mut control = match is_running(&arguments.run_dir)? {
        true => Some(Control::connect(&arguments.run_dir, Role::View, arguments.reach.into()).await?),
        false => None,
    };
    if let Some(control) = &mut control {
        workers.extend(control.status().await?.workers.iter().map(Worker::from));
    }
    if arguments.all {
        let there: BTreeSet<String> = workers.iter().map(|worker| worker.id.clone()).collect();
        let known: Vec<(String, v1::WorkerInfo)> = match &mut control {
            Some(control) => {
                let known = control.workers().await?.into_iter();
                known.map(|worker| (worker.worker_id, worker.info.unwrap_or_default())).collect()
            }
            None => {
                let known = RunReader::open(RunDirectory::existing(&arguments.run_dir)?)?.workers()?.into_iter();
                known.map(|worker| (worker.worker_id, worker.info)).collect()
            }
        };
        let gone = known.into_iter().filter(|(id, _)| !there.contains(id));
        workers.extend(gone.map(|(id, info)| Worker::new(id, WorkerState::Gone, info)));
    }
    workers.retain(|worker| arguments.host.as_ref().is_none_or(|host| worker.host == *host));
    match arguments.format {
        Format::Json => super::print_json(&Listing { schema: "seedgrid.workers/1", workers })?,
        Format::Text => {
            if workers.is_empty() {
                standard_streams::note(format_args!("{}", nobody(&arguments)));
            }
            super::print(&workers.iter().map(line).collect::<String>())?;
        }
    }
    Ok(Exit::Done)
}

/// The reason for an empty list.
fn nobody(arguments: &WorkersArguments) -> &'static str {
    match (&arguments.host, arguments.all) {
        (Some(_), true) => "no worker was ever on this machine",
        (Some(_), false) => "no worker is connected on this machine; --all lists earlier ones",
        (None, true) => "no worker was ever there",
        (None, false) => "no worker is connected; --all lists earlier ones",
    }
}

fn line(worker: &Worker) -> String {
    let place = if worker.place.is_empty() { String::new() } else { format!(" ({})", worker.place) };
    let now = match (worker.holds, worker.finished, worker.heard_seconds_ago) {
        (Some(holds), Some(finished), Some(heard)) => {
            format!(", holds {holds}, finished {finished}, heard {} ago", duration((1000.0 * heard) as u64))
        }
        _ => String::new(),
    };
    let aside = worker.aside.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!(
        "{}  {:<9}  {}{place}, process {}: {} on {}{now}{aside}\n",
        worker.id,
        worker.state,
        worker.host,
        worker.pid,
        count(worker.slots as usize, "slot"),
        worker.device
    )
}
