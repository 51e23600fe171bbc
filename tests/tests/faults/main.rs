//! Faults of workers with the real programs: workers are interrupted, crash, are stopped or disconnected, and the study
//! ends as without faults. One program, so that tests that wait for leases run in parallel.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may")]

mod checkpoints;
mod crashes;
mod interrupt;
mod network_partition;
mod signals;
