//! A private Slurm cluster on this machine, if Slurm is installed.

use std::{
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    process::{Child, Command, Stdio},
    time::Duration,
};

use crate::{
    machine::{free_ports, installed, is_root, repository},
    process::{finish, until},
};

/// The limit for stopping the cluster: its jobs have KillWait seconds to end.
const DOWN: Duration = Duration::from_secs(30);

/// A running cluster; dropping it stops it.
#[derive(Debug)]
pub struct Slurm {
    script: Child,
    folder: tempfile::TempDir,
}

impl Slurm {
    /// Starts `nodes` nodes of `cpus` CPUs each. None, with a printed reason, where that is not possible.
    ///
    /// # Panics
    /// When it is possible and fails.
    pub fn start(nodes: usize, cpus: usize) -> Option<Self> {
        for program in ["slurmctld", "slurmd", "sbatch", "munged"] {
            if !installed(program) {
                println!("skipped: {program} is not installed (Debian: apt install slurm-wlm munge)");
                return None;
            }
        }
        if !is_root() {
            println!("skipped: a private Slurm cluster needs root");
            return None;
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        // Munge refuses a socket that other users cannot reach.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut script = Command::new(repository("tests/slurm/cluster.sh"))
            .arg(folder.path())
            .arg(cpus.to_string())
            .args(free_ports(1 + nodes).iter().map(u16::to_string))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("cluster.sh can be started");
        let mut said = String::new();
        BufReader::new(script.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let slurm = Self { script, folder };
        assert!(
            said.starts_with("ready "),
            "the cluster did not come up; it said {said:?}, and its logs:\n{}",
            slurm.logs()
        );
        Some(slurm)
    }

    /// One of Slurm's commands, for this cluster.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env("SLURM_CONF", self.folder.path().join("slurm.conf"));
        // The test itself may run in a job of another cluster.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text != "SLURM_CONF" && (text.starts_with("SLURM") || text.starts_with("SBATCH")) {
                command.env_remove(name);
            }
        }
        command
    }

    /// Runs an `sbatch --parsable` and returns the job's id.
    ///
    /// # Panics
    /// When Slurm refuses.
    pub fn submit(&self, sbatch: &mut Command) -> String {
        let ended = finish(sbatch);
        assert!(ended.status.success(), "{}", ended.stderr);
        ended.stdout.trim().to_owned()
    }

    /// One field of `scontrol show job` for a job or `JOB_TASK`: "JobState", "ExitCode", "Restarts".
    pub fn field(&self, job: &str, name: &str) -> Option<String> {
        let shown = finish(self.command("scontrol").args(["-o", "show", "job", job])).stdout;
        let key = format!("{name}=");
        shown.split_whitespace().find_map(|word| word.strip_prefix(&key)).map(str::to_owned)
    }

    /// Waits until a job or `JOB_TASK` is in the state `state`.
    ///
    /// # Panics
    /// When that takes too long.
    pub fn until_state(&self, job: &str, state: &str) {
        until(&format!("job {job} is {state}"), || self.field(job, "JobState").as_deref() == Some(state));
    }

    fn logs(&self) -> String {
        let files = std::fs::read_dir(self.folder.path().join("log")).into_iter().flatten().flatten();
        files.filter_map(|file| std::fs::read_to_string(file.path()).ok()).collect()
    }
}

impl Drop for Slurm {
    fn drop(&mut self) {
        // The closed stdin makes the script stop the cluster.
        drop(self.script.stdin.take());
        let deadline = std::time::Instant::now() + DOWN;
        while matches!(self.script.try_wait(), Ok(None)) && std::time::Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
