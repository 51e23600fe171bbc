//! The real binaries as processes, with waits for their output.

use std::{
    ffi::OsStr,
    io::{BufRead as _, BufReader, Read},
    os::unix::process::ExitStatusExt as _,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// Longest wait in a test; a machine that is merely slow must not fail it.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// Path of one of the workspace's binaries, in the folder above the test's own.
///
/// # Panics
/// When it was not built.
pub fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    let folder = test.parent().and_then(|deps| deps.parent()).expect("tests lie in target/PROFILE/deps");
    let path = folder.join(name);
    assert!(path.is_file(), "{} is missing; build it first: cargo build --release --workspace", path.display());
    path
}

/// A `seedgrid` command.
pub fn seedgrid<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(binary("seedgrid"));
    command.args(arguments).env_remove("SEEDGRID_DATA").env_remove("SEEDGRID_LOG");
    command
}

/// A `seedgrid-worker` command.
pub fn worker<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(binary("seedgrid-worker"));
    command.args(arguments);
    command
}

/// The result of an ended process.
#[derive(Debug)]
pub struct Ended {
    /// The process's exit status.
    pub status: ExitStatus,
    /// The process's standard output.
    pub stdout: String,
    /// The process's standard error.
    pub stderr: String,
}

impl Ended {
    /// The process's exit code.
    ///
    /// # Panics
    /// When a signal ended the process.
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| panic!("ended by a signal: {self:?}"))
    }

    /// The document that it printed, which fits its schema.
    ///
    /// # Panics
    /// When it printed none.
    pub fn json(&self) -> serde_json::Value {
        let document = serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"));
        crate::schemas::assert_valid(&document);
        document
    }
}

/// Runs a command to its end.
///
/// # Panics
/// When it cannot be started or takes longer than [`PATIENCE`].
pub fn finish(command: &mut Command) -> Ended {
    Running::start(command).wait()
}

/// Removes cargo's variables about the test's package from a command that builds. With them, some build scripts would
/// rebuild their packages, and again in the next build without them.
pub fn without_package(command: &mut Command) -> &mut Command {
    let told = |name: &str| {
        ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"].iter().any(|prefix| name.starts_with(prefix))
            || ["CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "CARGO_TARGET_TMPDIR"].contains(&name)
    };
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(told) {
            command.env_remove(name);
        }
    }
    command
}

/// A running process. Killed when dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdout: Arc<Output>,
    stderr: Arc<Output>,
}

#[derive(Debug, Default)]
struct Output {
    text: Mutex<String>,
    grown: Condvar,
    closed: AtomicUsize,
}

impl Output {
    fn collect(stream: impl Read + Send + 'static) -> Arc<Self> {
        let output = Arc::new(Self::default());
        let sink = Arc::clone(&output);
        thread::spawn(move || {
            let mut reader = BufReader::new(stream);
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
                sink.text.lock().unwrap().push_str(&String::from_utf8_lossy(&line));
                line.clear();
                sink.grown.notify_all();
            }
            // Done under the lock, so that no waiter misses the change.
            let _text = sink.text.lock().unwrap();
            sink.closed.store(1, Ordering::Release);
            sink.grown.notify_all();
        });
        output
    }

    fn until(&self, wanted: impl Fn(&str) -> bool) -> Result<String, String> {
        let deadline = Instant::now() + PATIENCE;
        let mut text = self.text.lock().unwrap();
        loop {
            if wanted(&text) {
                return Ok(text.clone());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || self.closed.load(Ordering::Acquire) == 1 {
                return Err(text.clone());
            }
            text = self.grown.wait_timeout(text, left).unwrap().0;
        }
    }
}

impl Running {
    /// Starts a command.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let stdout = Output::collect(child.stdout.take().unwrap());
        let stderr = Output::collect(child.stderr.take().unwrap());
        Self { child, stdout, stderr }
    }

    /// The process's id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the process's standard error holds `text` at least `times` times.
    ///
    /// # Panics
    /// When the process ends or [`PATIENCE`] runs out before.
    pub fn until_stderr(&self, text: &str, times: usize) {
        let seen = self.stderr.until(|all| all.matches(text).count() >= times);
        if let Err(all) = seen {
            panic!("waited for {times} x {text:?} in standard error, which is:\n{all}");
        }
    }

    /// Waits until the process's standard output holds `text` at least `times` times.
    ///
    /// # Panics
    /// When the process ends or [`PATIENCE`] runs out before.
    pub fn until_stdout(&self, text: &str, times: usize) {
        let seen = self.stdout.until(|all| all.matches(text).count() >= times);
        if let Err(all) = seen {
            panic!("waited for {times} x {text:?} in standard output, which is:\n{all}");
        }
    }

    /// Kills the process with SIGKILL once its standard error holds `text` at least `times` times, and waits for its
    /// end. False: it had already ended, as a small study sometimes does on a busy machine.
    ///
    /// # Panics
    /// When [`PATIENCE`] runs out before, or the process failed by itself.
    pub fn is_killed_after(mut self, text: &str, times: usize) -> bool {
        let seen = self.stderr.until(|all| all.matches(text).count() >= times);
        match seen {
            Ok(_) => self.signal(Signal::SIGKILL),
            Err(all) => {
                let closed = self.stderr.closed.load(Ordering::Acquire) == 1;
                assert!(closed, "waited for {times} x {text:?} in standard error, which is:\n{all}");
            }
        }
        let status = self.child.wait().expect("a child can be waited for");
        assert!(status.success() || status.signal() == Some(Signal::SIGKILL as i32), "{status}");
        !status.success()
    }

    /// Sends the process a signal.
    ///
    /// # Panics
    /// When the process has ended.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).expect("the process is there");
    }

    /// Waits for the process's end.
    ///
    /// # Panics
    /// When that takes longer than [`PATIENCE`].
    pub fn wait(mut self) -> Ended {
        // Each wait returns when its stream is closed, or when patience runs out.
        let _ = [self.stdout.until(|_| false), self.stderr.until(|_| false)];
        let [stdout, stderr] = [&self.stdout, &self.stderr].map(|output| output.text.lock().unwrap().clone());
        let done = [&self.stdout, &self.stderr].iter().all(|output| output.closed.load(Ordering::Acquire) == 1);
        assert!(done, "still running after {PATIENCE:?}; its standard error is:\n{stderr}");
        let status = self.child.wait().expect("a child can be waited for");
        Ended { status, stdout, stderr }
    }

    /// Kills the process with SIGKILL, and waits for its end.
    ///
    /// # Panics
    /// When the process has ended.
    pub fn kill_hard(mut self) {
        self.signal(Signal::SIGKILL);
        self.child.wait().expect("a child can be waited for");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A process that has already ended is not killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Process ids of the children of `parent`.
pub fn children(parent: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten();
    tasks
        .filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|text| text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}

/// Whether a process exists and is no zombie.
pub fn alive(pid: u32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    // The state follows the name, which is in parentheses and may contain any character.
    stat.rsplit(')').next().and_then(|rest| rest.trim_start().chars().next()).is_some_and(|state| state != 'Z')
}

/// Waits until a process catches SIGINT.
///
/// # Panics
/// When [`PATIENCE`] runs out.
pub fn listens(pid: u32) {
    let catches = || {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"))?;
        Some(u64::from_str_radix(mask.trim(), 16).ok()? & 1 << (Signal::SIGINT as u64 - 1) != 0)
    };
    until("it listens to signals", || catches() == Some(true));
}

/// Waits until `done` holds, and checks it often.
///
/// # Panics
/// When [`PATIENCE`] runs out.
pub fn until(what: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}
