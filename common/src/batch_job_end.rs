//! The batch job that the environment names, and when it ends.
//!
//! The environment alone may mislead: a shell that outlives its job, or a terminal multiplexer, hands its variables on
//! to later programs. So Slurm is asked where this process is not seen to be in the job.

use std::{
    fs,
    io::{self, Read as _},
    process::{Command, Stdio},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// The limit for `squeue`.
const SQUEUE_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest prefix of squeue's answer that is read, in bytes.
const OUTPUT_BYTES_MAX: u64 = 4096;
/// Most ancestors of this process that are looked at.
const ANCESTORS_MAX: usize = 64;
/// States of a job whose processes may run.
const ALIVE: [&str; 9] = [
    "RUNNING",
    "SUSPENDED",
    "COMPLETING",
    "CONFIGURING",
    "RESIZING",
    "SIGNALING",
    "STAGE_OUT",
    "STOPPED",
    "SPECIAL_EXIT",
];

/// Looks up an environment variable; a parameter so that tests need not change the process's own.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The process's environment.
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The end of this process's job, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobEnd {
    /// There is no job, or its time is not limited.
    Never,
    /// The job ends after this long.
    After {
        /// The job's id.
        job: String,
        /// The time left.
        left: Duration,
    },
    /// The job that the environment names has ended, and this process is in none.
    LeftOver {
        /// The job's id.
        job: String,
    },
    /// The job may end, and its end is not known.
    Unknown {
        /// The job's id.
        job: String,
        /// The reason why its end is not known.
        why: String,
    },
}

impl JobEnd {
    /// A sentence for people about the job's end, where there is something to say.
    pub fn note(&self) -> Option<String> {
        match self {
            Self::Never | Self::Unknown { .. } => None,
            Self::After { job, left } => {
                let minutes = left.as_secs().div_ceil(60);
                Some(format!(
                    "Slurm ends job {job} in {minutes} min at most: training stops shortly before, and what is under way is kept"
                ))
            }
            Self::LeftOver { job } => Some(format!(
                "SLURM_JOB_ID names job {job}, which has ended: it is left over from where this was started, and is ignored. \
                 `unset SLURM_JOB_ID` ends this message"
            )),
        }
    }

    /// The end of this process's job, by its environment and by Slurm's answer.
    pub fn find(environment: Environment<'_>) -> Self {
        let Some(id) = environment("SLURM_JOB_ID") else { return Self::Never };
        let job = match (environment("SLURM_ARRAY_JOB_ID"), environment("SLURM_ARRAY_TASK_ID")) {
            // The id of one task is also that of the whole array.
            (Some(array), Some(task)) => format!("{array}_{task}"),
            (None, _) | (_, None) => id.clone(),
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let told = environment("SLURM_JOB_END_TIME").and_then(|text| text.trim().parse().ok());
        decide(job.clone(), told, now, is_in_job(&id), || Answer::parse(squeue(&job)))
    }
}

/// Slurm's answer about a job.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    /// The job runs until this second since 1970.
    RunsUntil(u64),
    /// The job runs without a limit.
    Runs,
    /// The job is gone, or waits.
    Ended,
    /// No answer, for this reason.
    Silent(String),
}

impl Answer {
    /// Reads the result of `squeue -h -o '%T %e'`: its standard output where it succeeded, else its standard error.
    fn parse(asked: io::Result<Result<String, String>>) -> Self {
        match asked {
            Ok(Ok(text)) => match text.split_whitespace().collect::<Vec<_>>()[..] {
                [state, ..] if !ALIVE.contains(&state) => Self::Ended,
                [_, end, ..] => end.parse().map_or(Self::Runs, Self::RunsUntil),
                [_] => Self::Runs,
                [] => Self::Ended,
            },
            Ok(Err(problem)) if problem.contains("Invalid job id") => Self::Ended,
            Ok(Err(problem)) => Self::Silent(problem.lines().next().unwrap_or("squeue failed").trim().to_owned()),
            Err(cause) => Self::Silent(format!("squeue cannot be asked: {cause}")),
        }
    }
}

/// Decides from `told`, the second at which the job ends by the environment, and `is_member`, whether this process is
/// seen to be in the job.
fn decide(job: String, told: Option<u64>, now: u64, is_member: bool, ask: impl FnOnce() -> Answer) -> JobEnd {
    let after = |job, end: u64| JobEnd::After { job, left: Duration::from_secs(end.saturating_sub(now)) };
    let to_come = told.filter(|&end| end > now);
    if let (Some(end), true) = (to_come, is_member) {
        return after(job, end);
    }
    match (ask(), told) {
        (Answer::RunsUntil(end), _) if end > now || is_member => after(job, end),
        (Answer::Runs, _) => JobEnd::Never,
        // Nothing shows that the job has ended.
        (Answer::Silent(_), Some(end)) if end > now || is_member => after(job, end),
        (Answer::Silent(why), None) => JobEnd::Unknown { job, why },
        (Answer::Ended, _) if is_member => JobEnd::Never,
        (Answer::RunsUntil(_) | Answer::Ended | Answer::Silent(_), _) => JobEnd::LeftOver { job },
    }
}

/// Whether this process is seen to be in the job with this id: in its control group, or below a Slurm process that runs
/// steps.
fn is_in_job(id: &str) -> bool {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    in_groups(&groups, id) || ancestors().any(|name| name == "slurmstepd")
}

fn in_groups(groups: &str, id: &str) -> bool {
    let job = format!("job_{id}");
    groups.lines().flat_map(|line| line.split('/')).any(|part| part == job)
}

/// The names of the processes above this one.
fn ancestors() -> impl Iterator<Item = String> {
    let mut pid = std::os::unix::process::parent_id();
    std::iter::from_fn(move || {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (name, parent) = name_and_parent(&stat)?;
        pid = parent;
        Some(name)
    })
    .take(ANCESTORS_MAX)
}

/// Reads /proc/PID/stat. The name is in parentheses and may contain any character.
fn name_and_parent(stat: &str) -> Option<(String, u32)> {
    let (before, after) = stat.rsplit_once(')')?;
    let (_, name) = before.split_once('(')?;
    Some((name.to_owned(), after.split_whitespace().nth(1)?.parse().ok()?))
}

/// Asks Slurm for a job's state and the second of its end. `%L`, the time left, follows the job's first limit in whole
/// minutes, and misses a later change of it.
fn squeue(job: &str) -> io::Result<Result<String, String>> {
    // Seconds since 1970, which need no time zone.
    output_of(Command::new("squeue").env("SLURM_TIME_FORMAT", "%s").args(["-h", "-j", job, "-o", "%T %e"]))
}

/// A command's output, or its error output where it fails. The command is killed after [`SQUEUE_TIMEOUT`]: a controller
/// that is down would hold it for minutes.
fn output_of(command: &mut Command) -> io::Result<Result<String, String>> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
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
    fn read(stream: Option<impl io::Read>) -> io::Result<String> {
        let mut text = String::new();
        match stream {
            Some(stream) => stream.take(OUTPUT_BYTES_MAX).read_to_string(&mut text).map(|_| text),
            None => Ok(text),
        }
    }
    if status.success() { read(child.stdout).map(Ok) } else { read(child.stderr).map(Err) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_000_000;

    fn end(told: Option<u64>, is_member: bool, answer: Answer) -> JobEnd {
        decide("12".to_owned(), told, NOW, is_member, || answer)
    }

    fn after(seconds: u64) -> JobEnd {
        JobEnd::After { job: "12".to_owned(), left: Duration::from_secs(seconds) }
    }

    fn left_over() -> JobEnd {
        JobEnd::LeftOver { job: "12".to_owned() }
    }

    #[test]
    fn a_job_ends_when_its_variable_or_slurm_says() {
        let nobody_asked = || -> Answer { panic!("the variable is enough") };
        assert_eq!(decide("12".to_owned(), Some(NOW + 60), NOW, true, nobody_asked), after(60));
        assert_eq!(end(None, true, Answer::RunsUntil(NOW + 30)), after(30));
        assert_eq!(end(Some(NOW + 60), false, Answer::RunsUntil(NOW + 30)), after(30), "an end that was moved");
        assert_eq!(end(Some(NOW - 60), true, Answer::RunsUntil(NOW + 30)), after(30), "an end that was moved");
        assert_eq!(end(Some(NOW + 60), false, Answer::Silent(String::new())), after(60));
        assert_eq!(end(Some(NOW - 5), true, Answer::Silent(String::new())), after(0), "it is about to be ended");
        assert_eq!(end(None, false, Answer::Runs), JobEnd::Never);
        let unknown = JobEnd::Unknown { job: "12".to_owned(), why: "no squeue".to_owned() };
        assert_eq!(end(None, false, Answer::Silent("no squeue".to_owned())), unknown);
    }

    #[test]
    fn an_environment_that_outlived_its_job_is_recognised() {
        for told in [None, Some(NOW - 60), Some(NOW + 60)] {
            assert_eq!(end(told, false, Answer::Ended), left_over(), "{told:?}");
        }
        assert_eq!(end(Some(NOW - 60), false, Answer::Silent(String::new())), left_over());
        assert_eq!(end(Some(NOW - 60), false, Answer::RunsUntil(NOW - 60)), left_over());
        let variables = |name: &str| match name {
            "SLURM_JOB_ID" => Some("4294967293".to_owned()),
            "SLURM_JOB_END_TIME" => Some("1000".to_owned()),
            _ => None,
        };
        // No Slurm on this machine has such a job.
        assert_eq!(JobEnd::find(&variables), JobEnd::LeftOver { job: "4294967293".to_owned() });
        assert_eq!(JobEnd::find(&|_| None), JobEnd::Never);
    }

    #[test]
    fn what_squeue_says_is_read() {
        let said = |text: &str| Answer::parse(Ok(Ok(text.to_owned())));
        assert_eq!(said("RUNNING 1700000000\n"), Answer::RunsUntil(1_700_000_000));
        assert_eq!(said("RUNNING 1700000000\nPENDING N/A\n"), Answer::RunsUntil(1_700_000_000));
        for text in ["RUNNING NONE\n", "RUNNING Unknown\n", "RUNNING\n"] {
            assert_eq!(said(text), Answer::Runs);
        }
        for text in ["COMPLETED 1700000000\n", "TIMEOUT 1700000000\n", "PENDING N/A\n", ""] {
            assert_eq!(said(text), Answer::Ended, "{text}");
        }
        let failed = |text: &str| Answer::parse(Ok(Err(text.to_owned())));
        assert_eq!(failed("slurm_load_jobs error: Invalid job id specified\n"), Answer::Ended);
        let down = "slurm_load_jobs error: Unable to contact slurm controller";
        assert_eq!(failed(&format!("{down} (connect failure)\n")), Answer::Silent(format!("{down} (connect failure)")));
    }

    #[test]
    fn members_of_a_job_are_seen() {
        let groups = "0::/system.slice/slurmstepd.scope/job_12/step_batch/user/task_0\n";
        assert!(in_groups(groups, "12") && !in_groups(groups, "1"));
        assert!(in_groups("4:memory:/slurm/uid_0/job_12/step_0\n", "12"));
        let stat = "77 (a (b) c) S 42 77 77 0 -1\n";
        assert_eq!(name_and_parent(stat), Some(("a (b) c".to_owned(), 42)));
        assert!(ancestors().count() > 0);
    }
}
