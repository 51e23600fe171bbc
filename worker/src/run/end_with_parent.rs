//! Ends this process with its parent: local workers of `seedgrid run` must not outlive it, however it ends.

use std::{io, thread, time::Duration};

use nix::unistd::{Pid, getppid};

/// The interval of checks of the parent where the kernel gives no signal.
const LOOK: Duration = Duration::from_millis(500);

/// Ends this process as soon as its parent process `parent` has ended. Fails where it has ended already.
///
/// Linux kills this process at that instant. The thread is for other systems, and for a parent whose starting thread
/// ends first: Linux watches that thread, not the process.
///
/// # Errors
/// When the parent has ended or cannot be watched.
pub fn die_with(parent: u32) -> io::Result<()> {
    let parent =
        Pid::from_raw(i32::try_from(parent).map_err(|_| io::Error::other(format!("{parent} is no process id")))?);
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL).map_err(|error| {
        io::Error::other(format!("cannot ask the kernel to end this worker with its parent: {error}"))
    })?;
    // Checked after the request: an earlier end of the parent would go unnoticed.
    if getppid() != parent {
        return Err(io::Error::other(format!("the parent process {parent} has ended")));
    }
    thread::Builder::new()
        .name("parent".to_owned())
        .spawn(move || {
            while getppid() == parent {
                thread::sleep(LOOK);
            }
            std::process::exit(i32::from(crate::run::exit_codes::FAILED));
        })
        .map(drop)
        .map_err(|error| io::Error::other(format!("cannot start the thread that watches the parent: {error}")))
}
