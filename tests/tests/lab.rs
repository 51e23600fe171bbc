//! Workers on lab machines: the ssh launcher with a real ssh server.

#![allow(clippy::unwrap_used, reason = "this is a test")]

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use seedgrid_tests::{
    machine::repository,
    process::{Ended, Running, alive, binary, finish, seedgrid, until},
    sshd::{GONE, LAB, Sshd},
    study::{Scratch, holdout},
};

/// A lab of one machine, with unusual paths on both sides.
struct Lab {
    // Dropped in this order: the files with the workers' ids are in the folder.
    workers: Workers,
    _sshd: Sshd,
    scratch: Scratch,
}

/// The folder on the host with the launched workers' process ids; the workers are killed when this is dropped.
struct Workers(PathBuf);

impl Workers {
    /// The files named `name` in the hosts' folders.
    fn files(&self, name: &str) -> Vec<PathBuf> {
        let hosts = fs::read_dir(self.0.join("scratch")).into_iter().flatten().flatten();
        hosts.map(|host| host.path().join(name)).filter(|path| path.is_file()).collect()
    }

    fn pids(&self) -> Vec<u32> {
        let texts = self.files("worker.pid").into_iter().filter_map(|path| fs::read_to_string(path).ok());
        texts.filter_map(|text| text.split(' ').next()?.parse().ok()).collect()
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        for pid in self.pids().into_iter().filter(|pid| alive(*pid)) {
            // The worker may have ended in the meantime.
            let _ = kill(Pid::from_raw(pid as i32), Signal::SIGKILL);
        }
    }
}

impl Lab {
    fn new() -> Option<Self> {
        let scratch = Scratch::new();
        let ssh = scratch.path("ssh");
        fs::create_dir(&ssh).unwrap();
        let sshd = Sshd::start(&ssh, &format!("XDG_CACHE_HOME={}", scratch.path("cache").display()))?;
        // Records ssh's command line, which every user of the machine can read.
        let noting = scratch.write(
            "noting ssh",
            &format!(
                "#!/bin/sh\nprintf '%s\\n' \"$@\" >>'{}'\nexec ssh -F '{}' \"$@\"\n",
                scratch.path("arguments").display(),
                sshd.client().display()
            ),
        );
        fs::set_permissions(noting, fs::Permissions::from_mode(0o755)).unwrap();
        let workers = Workers(scratch.path("it's the host's"));
        Some(Self { workers, _sshd: sshd, scratch })
    }

    fn launch(&self, hosts: &str, action: &str) -> Ended {
        let hosts = self.scratch.write("the hosts.txt", hosts);
        let mut command = Command::new(repository("scripts/lab/launch.sh"));
        command
            .arg(self.scratch.path("a run"))
            .arg(hosts)
            .arg(action)
            .env("SEEDGRID_SSH", format!("'{}'", self.scratch.path("noting ssh").display()))
            .env("SEEDGRID_WORKER", binary("seedgrid-worker"))
            .env("SEEDGRID_HOST_DIR", &self.workers.0);
        finish(&mut command)
    }

    fn serve(&self, spec: &str) -> Running {
        let spec = self.scratch.write("spec.toml", spec);
        let mut command = seedgrid(["serve", "--listen", "127.0.0.1:0", "--run-dir"]);
        let coordinator = Running::start(command.arg(self.scratch.path("a run")).arg(spec));
        coordinator.until_stderr("seedgrid-worker --join", 1);
        coordinator
    }

    /// The one worker that was launched.
    fn pid(&self) -> u32 {
        let pids = self.workers.pids();
        assert_eq!(pids.len(), 1, "one worker a host");
        pids[0]
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_worker_is_started_once_outlives_the_login_and_trains_to_the_end() {
    let Some(lab) = Lab::new() else { return };
    let coordinator = lab.serve(&holdout(&["fc-aux", "cnn"], "1..=4", 40));
    let hosts = format!("# the lab\n\n{LAB} slots=1   # a slow one");
    let started = lab.launch(&hosts, "start");
    assert_eq!(started.code(), 0, "{started:?}");
    let pid = lab.pid();
    assert!(started.stdout.starts_with(&format!("{LAB}  started: pid {pid}, log ")), "{started:?}");
    // The login's process has ended with the launcher; the worker continues in its own session.
    assert!(alive(pid));
    assert_eq!(nix::unistd::getsid(Some(Pid::from_raw(pid as i32))).unwrap().as_raw(), pid as i32);
    let join = &lab.workers.files("join.toml")[0];
    assert_eq!(mode(join), 0o600);
    let text = fs::read_to_string(join).unwrap();
    assert_eq!(text, fs::read_to_string(lab.scratch.path("a run/join.toml")).unwrap());
    let token = text.lines().find_map(|line| line.strip_prefix("token = ")).unwrap().trim_matches('"');
    let arguments = fs::read_to_string(lab.scratch.path("arguments")).unwrap();
    assert!(arguments.contains("join.toml") && !arguments.contains(token), "the secret is on a command line");

    let again = lab.launch(&hosts, "start");
    assert_eq!((again.code(), again.stdout.trim_end()), (0, format!("{LAB}  already running: pid {pid}").as_str()));
    let status = lab.launch(&hosts, "status");
    assert_eq!(status.code(), 0, "{status:?}");
    assert!(status.stdout.starts_with(&format!("{LAB}  running: pid {pid}, since ")), "{status:?}");

    let ended = coordinator.wait();
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert_eq!(lab.scratch.report_json("a run")["complete"], true);
    until("the worker leaves when the study is done", || !alive(pid));
    let status = lab.launch(&hosts, "status");
    assert!(status.stdout.starts_with(&format!("{LAB}  not running")), "{status:?}");
}

#[test]
fn a_worker_is_stopped_and_a_host_that_does_not_answer_is_named() {
    let Some(lab) = Lab::new() else { return };
    let _coordinator = lab.serve(&holdout(&["cnn-shared"], "1..=2", 100_000));
    let hosts = format!("{LAB} slots=2\n{GONE}\n");
    let started = lab.launch(&hosts, "start");
    assert_eq!(started.code(), 1, "{started:?}");
    assert!(
        started.stdout.contains(&format!("\n{GONE}  UNREACHABLE: "))
            || started.stdout.starts_with(&format!("{GONE}  UNREACHABLE: "))
    );
    assert!(started.stdout.contains(&format!("{LAB}   started: ")), "{started:?}");
    assert!(started.stderr.contains("1 of 2 hosts failed"), "{started:?}");
    let pid = lab.pid();
    until("both units train", || lab.scratch.status("a run")["units"]["training"] == 2);

    let stopped = lab.launch(&format!("{LAB}\n"), "stop");
    assert_eq!(stopped.code(), 0, "{stopped:?}");
    assert!(stopped.stdout.starts_with(&format!("{LAB}  stopped")), "{stopped:?}");
    assert!(!alive(pid));
    assert!(lab.workers.files("join.toml").is_empty(), "the secret does not stay behind");
    let status = lab.scratch.status("a run");
    assert_eq!(status["units"]["waiting"], 2, "its units were given back: {status}");
    let again = lab.launch(&format!("{LAB}\n"), "stop");
    assert_eq!((again.code(), again.stdout.as_str()), (0, "lab  not running\n"));
}

/// Wrong usage is refused before any host is contacted.
#[test]
fn wrong_usage_is_refused_with_a_hint() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path("run")).unwrap();
    scratch.write("run/join.toml", "version = 1\r\nstudy = \"scratch\"\r\n");
    let refused = |hosts: &str, arguments: &[&str]| {
        scratch.write("hosts.txt", hosts);
        let mut command = Command::new(repository("scripts/lab/launch.sh"));
        let ended = finish(command.current_dir(scratch.path("")).args(arguments).env("SEEDGRID_SSH", "false"));
        assert_eq!(ended.code(), 2, "{ended:?}");
        assert!(ended.stderr.contains("\n  hint: "), "{ended:?}");
        ended.stderr
    };
    let usual = ["run", "hosts.txt"];
    assert!(refused("a\n", &[]).contains("expected RUN_DIR HOSTS"));
    assert!(refused("a\n", &["run", "hosts.txt", "restart"]).contains("unknown action 'restart'"));
    assert!(refused("a\n", &["other", "hosts.txt"]).contains("there is no other"));
    assert!(refused("a\n", &["run", "nowhere.txt"]).contains("cannot read nowhere.txt"));
    assert!(refused("# nobody\n", &usual).contains("names no host"));
    assert!(refused("a\nb slots=0\n", &usual).contains("hosts.txt:2: cannot read 'slots=0'"));
    // The file of an editor on Windows: with a byte-order mark and carriage returns.
    let windows = "\u{feff}a slots=2\r\n# the lab\r\n\r\nb slots=0\r\n";
    assert!(refused(windows, &usual).contains("hosts.txt:4: cannot read 'slots=0'"));
    assert!(refused("\u{feff}\r\n# nobody\r\n", &usual).contains("hosts.txt names no host"));
    assert!(refused("-oProxyCommand=true\n", &usual).contains("hosts.txt:1: '-oProxyCommand=true' is not a host"));
    assert!(refused("a;true\n", &usual).contains("is not a host"));
    assert!(refused("a\na slots=2\n", &usual).contains("hosts.txt:2: a is named twice"));
}
