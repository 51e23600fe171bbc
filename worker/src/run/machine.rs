//! This machine and its batch system: host, cores, place, and the time left.

use std::time::Duration;

use seedgrid_common::{
    batch_job_end::{Environment, JobEnd},
    text,
    wire::{limits, v1::WorkerInfo},
};
use tracing::warn;

use super::trainer::{Description, Trainer};
use crate::lifecycle::attempt::cut;

/// This machine's name.
pub fn host() -> String {
    match nix::unistd::gethostname() {
        // The name is shown to people.
        Ok(name) => text::plain(&name.to_string_lossy()),
        Err(_) => "unknown".to_owned(),
    }
}

/// Number of cores that this process may use, by its affinity and its control group's quota.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The place of this process in a batch system: `slurm 1234`, `slurm 1234_7 task 2`, `pbs 99[3].head`. Empty outside of
/// one.
pub fn place(environment: Environment<'_>) -> String {
    let get = |name: &str| environment(name);
    if let Some(job) = get("SLURM_JOB_ID") {
        let name = match (get("SLURM_ARRAY_JOB_ID"), get("SLURM_ARRAY_TASK_ID")) {
            (Some(array), Some(task)) => format!("slurm {array}_{task}"),
            (None, _) | (_, None) => format!("slurm {job}"),
        };
        let many = get("SLURM_STEP_NUM_TASKS").is_some_and(|tasks| tasks != "1");
        return match get("SLURM_PROCID") {
            Some(process) if many => format!("{name} task {process}"),
            Some(_) | None => name,
        };
    }
    match get("PBS_JOBID") {
        Some(job) => format!("pbs {job}"),
        None => String::new(),
    }
}

/// The description of a worker on this machine, with its names cut to the limits of messages. `pid` receives signals from
/// users: a supervisor's, where the worker has one.
pub fn describe(pid: u32, cores: usize, slots: usize, trainer: &dyn Trainer, place: &str) -> WorkerInfo {
    let Description { device, isa, numerics_class } = trainer.describe();
    let name = |text: &str| cut(text.trim(), limits::NAME_BYTES_MAX).trim_end().to_owned();
    WorkerInfo {
        host: name(&host()),
        pid,
        cores: u32::try_from(cores).unwrap_or(u32::MAX),
        slots: u32::try_from(slots).unwrap_or(u32::MAX),
        device,
        isa,
        numerics_class,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        place: name(place),
    }
}

/// The time that a job with this end leaves this process, as far as it is known; logs a note for people.
pub fn time_left(end: &JobEnd) -> Option<Duration> {
    match end {
        JobEnd::Never => None,
        JobEnd::After { left, .. } => Some(*left),
        JobEnd::LeftOver { .. } => {
            warn!("{}", end.note()?);
            None
        }
        JobEnd::Unknown { job, why } => {
            warn!("Slurm does not tell when job {job} ends ({why}); give --time-limit to leave in time");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn place_of(variables: &[(&str, &str)]) -> String {
        let variables: BTreeMap<_, _> = variables.iter().copied().collect();
        place(&|name| variables.get(name).map(|&value| value.to_owned()))
    }

    #[test]
    fn places_are_named_by_job_and_task() {
        assert_eq!(place_of(&[]), "");
        assert_eq!(place_of(&[("SLURM_JOB_ID", "12"), ("SLURM_PROCID", "0")]), "slurm 12");
        let task = [("SLURM_JOB_ID", "15"), ("SLURM_ARRAY_JOB_ID", "12"), ("SLURM_ARRAY_TASK_ID", "3")];
        assert_eq!(place_of(&task), "slurm 12_3");
        let step = [("SLURM_JOB_ID", "12"), ("SLURM_STEP_NUM_TASKS", "4"), ("SLURM_PROCID", "2")];
        assert_eq!(place_of(&step), "slurm 12 task 2");
        assert_eq!(place_of(&[("PBS_JOBID", "99[3].head")]), "pbs 99[3].head");
    }

    #[test]
    fn this_machine_has_a_name_and_cores() {
        assert!(!host().is_empty());
        assert!(cores() >= 1);
    }
}
