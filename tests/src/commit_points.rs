//! Kills a process at a chosen commit point: the instant before or after one of its calls that make data durable.
//!
//! A small C library, which the test compiles and preloads into the program, counts the program's calls of `fsync` and
//! `fdatasync` and kills it at the chosen one. So the real programs run without test hooks.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Counts the wanted calls of a process: one byte in the file at `SYNCS` for each.
const SOURCE: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_long calls;

static int is_meant(void) {
    static atomic_int known;
    int state = atomic_load(&known);
    if (state == 0) {
        char path[4096] = {0};
        if (readlink("/proc/self/exe", path, sizeof path - 1) < 0) path[0] = 0;
        const char *base = strrchr(path, '/');
        state = base && strcmp(base + 1, "seedgrid") == 0 ? 1 : 2;
        atomic_store(&known, state);
    }
    return state == 1;
}

static int counted(const char *call, int fd) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, call);
    if (!is_meant()) return real(fd);
    long now = atomic_fetch_add(&calls, 1) + 1;
    const char *log = getenv("SYNCS");
    if (log) {
        int file = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        if (file >= 0) {
            if (write(file, ".", 1) < 0) abort();
            close(file);
        }
    }
    const char *before = getenv("DIE_BEFORE_SYNC"), *after = getenv("DIE_AFTER_SYNC");
    if (before && atol(before) == now) kill(getpid(), SIGKILL);
    int result = real(fd);
    if (after && atol(after) == now) kill(getpid(), SIGKILL);
    return result;
}

int fsync(int fd) { return counted("fsync", fd); }
int fdatasync(int fd) { return counted("fdatasync", fd); }
"#;

/// The compiled library.
#[derive(Debug)]
pub struct CommitPoints {
    library: PathBuf,
}

/// The instant at which a process is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instant {
    /// Before its n-th call (from 1) reaches the system.
    Before(usize),
    /// After its n-th call has succeeded, before the program continues.
    After(usize),
}

impl CommitPoints {
    /// Compiles the library into `folder`. None where there is no C compiler.
    ///
    /// # Panics
    /// When the folder cannot be written.
    pub fn compile(folder: &Path) -> Option<Self> {
        let (source, library) = (folder.join("commit_points.c"), folder.join("commit_points.so"));
        fs::write(&source, SOURCE).expect("the folder is writable");
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(&library)
            .arg(&source)
            .arg("-ldl")
            .status()
            .is_ok_and(|status| status.success());
        compiled.then_some(Self { library })
    }

    /// Makes `command` count its calls in the file at `log`.
    pub fn count(&self, command: &mut Command, log: &Path) {
        command.env("LD_PRELOAD", &self.library).env("SYNCS", log);
    }

    /// Makes `command` end at `instant`.
    pub fn kill(&self, command: &mut Command, instant: Instant) {
        command.env("LD_PRELOAD", &self.library);
        match instant {
            Instant::Before(call) => command.env("DIE_BEFORE_SYNC", call.to_string()),
            Instant::After(call) => command.env("DIE_AFTER_SYNC", call.to_string()),
        };
    }
}
