//! What this machine is and where it runs: host, process, place in a batch system, and the time that is left there.

use std::{
    io::{self, Read as _},
    process::{Command, Stdio},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use seedgrid_common::prose;
use tracing::warn;

/// How long `squeue` may take.
const SQUEUE_TIMEOUT: Duration = Duration::from_secs(10);
/// What is read of its answer.
const OUTPUT_BYTES_MAX: u64 = 4096;

/// Looks up an environment variable; a parameter so that tests need not change the process's own.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The process's environment.
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// This machine's name.
pub fn host() -> String {
    match nix::unistd::gethostname() {
        // Shown to people, as it is.
        Ok(name) => prose::plain(&name.to_string_lossy()),
        Err(_) => "unknown".to_owned(),
    }
}

/// Number of cores that this process may use: its affinity and its control group's quota counted.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Where a batch system put this process: `slurm 1234`, `slurm 1234_7 task 2`, `pbs 99[3].head`. Empty outside of one.
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

/// How long Slurm leaves this job. None: not under Slurm, without a limit, or not to be found out.
///
/// `SLURM_JOB_END_TIME` tells on newer versions only; `squeue` tells on all. Its `%L`, the time left, follows the limit in whole
/// minutes that the job was given and misses an end that was moved since; `%e` is when the job will be ended.
pub fn slurm_time_left(environment: Environment<'_>) -> Option<Duration> {
    let job = environment("SLURM_JOB_ID")?;
    if let Some(left) = environment("SLURM_JOB_END_TIME").and_then(|text| time_left(&text)) {
        return Some(left);
    }
    // Seconds since 1970, which need no time zone.
    match output_of(Command::new("squeue").env("SLURM_TIME_FORMAT", "%s").args(["-h", "-j", &job, "-o", "%e"])) {
        Ok(text) => time_left(&text),
        Err(error) => {
            warn!("squeue does not tell when this job ends ({error}); give --time-limit to leave in time");
            None
        }
    }
}

/// What a command prints, where it succeeds within [`SQUEUE_TIMEOUT`]: a controller that is down would hold it for minutes.
fn output_of(command: &mut Command) -> io::Result<String> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if started.elapsed() > SQUEUE_TIMEOUT {
            child.kill()?;
            child.wait()?;
            return Err(io::ErrorKind::TimedOut.into());
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let mut text = String::new();
    if let Some(output) = child.stdout {
        output.take(OUTPUT_BYTES_MAX).read_to_string(&mut text)?;
    }
    if status.success() { Ok(text) } else { Err(io::Error::other(status.to_string())) }
}

/// Time until an end in seconds since 1970. None for the words that stand there where there is no limit.
fn time_left(text: &str) -> Option<Duration> {
    let end = Duration::from_secs(text.trim().parse().ok()?);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Some(end.saturating_sub(now))
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
    fn an_end_is_read() {
        let end = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 100;
        let left = time_left(&format!("{end}\n")).unwrap();
        assert!((98..=100).contains(&left.as_secs()), "{left:?}");
        assert_eq!(time_left("1000\n"), Some(Duration::ZERO), "in the past");
        for text in ["NONE\n", "N/A\n", "Unknown\n", ""] {
            assert_eq!(time_left(text), None);
        }
    }

    #[test]
    fn the_end_is_taken_from_slurms_variable() {
        let end = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 100;
        let left = slurm_time_left(&|name| match name {
            "SLURM_JOB_ID" => Some("1".to_owned()),
            "SLURM_JOB_END_TIME" => Some(end.to_string()),
            _ => None,
        });
        assert!(left.is_some_and(|left| (98..=100).contains(&left.as_secs())), "{left:?}");
        assert_eq!(slurm_time_left(&|_| None), None);
    }

    #[test]
    fn this_machine_has_a_name_and_cores() {
        assert!(!host().is_empty());
        assert!(cores() >= 1);
    }
}
