//! Seedgrid's coordinator: the `seedgrid` command, from a spec to a report.
//!
//! In the order of the flow: [`plan`] reads a spec and makes its data set and its units in a [`run_directory`]. The [`scheduler`] decides, without
//! IO, which unit is trained next and what its end means; the [`core`] owns it together with the [`store`]. [`auth`] lets workers and commands in and
//! [`grpc`] answers them. [`views`] read a run for people; the [`aggregate`] makes numbers and curves of results with the help of [`statistics`],
//! [`report`] makes files of them, [`mod@export`] tables, and [`compare`] sets two runs side by side. [`cli`] is the command line.
//!
//! Imports run one way; `tests/layers.rs` holds them against the list of rooms in docs/architecture.md.

#![forbid(unsafe_code)]

pub mod aggregate;
pub mod auth;
pub mod cli;
pub mod compare;
pub mod core;
pub mod export;
pub mod grpc;
mod log_rate_limit;
pub mod plan;
pub mod report;
pub mod run_directory;
pub mod scheduler;
pub mod statistics;
pub mod store;
pub mod views;
