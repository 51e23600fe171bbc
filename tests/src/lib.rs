//! Support for Seedgrid's integration tests: the real binaries as processes, small studies for them, and environments
//! for workers.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "this is test code: a failure ends the test")]

pub mod commit_points;
pub mod csv;
mod csv_rows;
pub mod faulty_proxy;
pub mod golden;
pub mod machine;
pub mod network;
pub mod process;
pub mod schemas;
pub mod simulation;
pub mod slurm;
pub mod sshd;
pub mod study;
