//! The limit of open files and connections of this process.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// The assumed limit if the system reports none.
const UNKNOWN: u64 = 1024;

/// Raises this process's limit as far as the system allows. Returns the new limit.
pub fn raise() -> u64 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return UNKNOWN };
    match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
        Ok(()) => hard,
        Err(_) => soft,
    }
}
