//! A scripted coordinator on a loopback port and a scripted trainer, for the session's tests. The coordinator keeps the
//! contract of worker.proto unless its script breaks it.

#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    unused_imports,
    clippy::unwrap_used,
    reason = "only the tests beside it use this"
)]

mod bench;
mod coordinator;
mod drill;
mod script;
mod service;

use std::time::Duration;

pub use bench::Bench;
pub use coordinator::{Coordinator, write_join};
pub use drill::{FAILS, PANICS, weights};
pub use script::{Play, Script, attempts, unit};

/// The time after which a test that waits has failed. No slow machine takes as long.
pub const PATIENCE: Duration = Duration::from_secs(300);
