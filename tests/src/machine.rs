//! The machine of the tests: the repository's files, programs, free ports, other users, read-only folders.

use std::{
    fs,
    net::TcpListener,
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::{
    process::{binary, finish},
    study::Scratch,
};

/// Path of a file of this repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path).canonicalize().expect("the repository is there")
}

/// Whether this process runs as root.
pub fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// A copy of `seedgrid` for another user, without files of the test.
#[derive(Debug)]
pub struct AnotherUser {
    program: PathBuf,
}

impl AnotherUser {
    /// Puts the copy into `scratch`, and opens that folder to every user.
    ///
    /// # Panics
    /// When the copy cannot be written.
    pub fn new(scratch: &Scratch) -> Self {
        let program = scratch.path("seedgrid");
        fs::copy(binary("seedgrid"), &program).unwrap();
        let everybody = || fs::Permissions::from_mode(0o755);
        fs::set_permissions(&program, everybody()).unwrap();
        fs::set_permissions(scratch.path(""), everybody()).unwrap();
        Self { program }
    }

    /// The command, as that user. Without root it is the tests' own user, whom permissions restrict anyway.
    pub fn seedgrid(&self) -> Command {
        let mut command = Command::new(&self.program);
        if is_root() {
            command.uid(65534).gid(65534);
        }
        command
    }
}

/// `program` with `arguments`, for which `folder` is on a read-only file system: in a namespace that ends with it. None
/// where no namespace can be made.
pub fn read_only(folder: &Path, program: &Path, arguments: &[String]) -> Option<Command> {
    const SCRIPT: &str = "set -e; mount --bind \"$1\" \"$1\"; mount -o remount,ro,bind \"$1\"; shift; exec \"$@\"";
    let unshared = |folder: &Path| {
        let mut command = Command::new("unshare");
        command.args(["-rm", "sh", "-c", SCRIPT, "sh"]).arg(folder);
        command
    };
    if finish(unshared(folder).arg("true")).status.code() != Some(0) {
        return None;
    }
    let mut command = unshared(folder);
    command.arg(program).args(arguments);
    Some(command)
}

/// Whether a program is on the path.
pub fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// The lowest port that [`free_ports`] gives.
const LOWEST_PORT: u16 = 10_000;

/// `count` ports of the loopback interface on which no process listens. No connection gets one by chance, because the
/// system takes those from another range: a program can leave such a port and listen there again.
///
/// # Panics
/// When there are not enough.
pub fn free_ports(count: usize) -> Vec<u16> {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let ports = LOWEST_PORT..first_port_of_connections();
    let all = u32::from(ports.end - ports.start);
    // Other tests and other processes begin elsewhere.
    let begin =
        std::process::id().wrapping_mul(131).wrapping_add(CALLS.fetch_add(1, Ordering::Relaxed).wrapping_mul(17));
    let tried = (0..all).map(|step| ports.start + (begin.wrapping_add(step) % all) as u16);
    let free: Vec<u16> = tried.filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).take(count).collect();
    assert_eq!(free.len(), count, "no {count} ports are free in {ports:?}");
    free
}

/// One such port.
///
/// # Panics
/// When there is none.
pub fn free_port() -> u16 {
    free_ports(1)[0]
}

/// The first port of the range from which the system takes those of connections.
fn first_port_of_connections() -> u16 {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let first = range.split_whitespace().next().and_then(|first| first.parse().ok());
    first.filter(|first| *first > LOWEST_PORT + 1000).unwrap_or(32_768)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn free_ports_are_none_that_connections_get() {
        let ports: BTreeSet<u16> = (0..5).flat_map(|_| free_ports(3)).collect();
        assert_eq!(ports.len(), 15, "each is given once: {ports:?}");
        assert!(ports.iter().all(|port| (LOWEST_PORT..first_port_of_connections()).contains(port)), "{ports:?}");
        let listener = TcpListener::bind(("127.0.0.1", *ports.first().unwrap())).unwrap();
        drop(listener);
        TcpListener::bind(("127.0.0.1", *ports.first().unwrap())).unwrap();
    }
}
