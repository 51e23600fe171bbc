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

/// `count` ports of the loopback interface, free at the time of the call.
///
/// # Panics
/// When there are not enough.
pub fn free_ports(count: usize) -> Vec<String> {
    let held: Vec<TcpListener> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    held.iter().map(|listener| listener.local_addr().unwrap().port().to_string()).collect()
}
