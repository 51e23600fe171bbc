//! Seedgrid's coordinator: the `seedgrid` command, from a spec to a report.
//!
//! In order: [`plan`] reads a spec and makes its data set and its units in a [`run_directory`]. The [`scheduler`]
//! decides, without IO, which unit is trained next and how its end counts; the [`core`] owns it together with the
//! [`store`]. [`auth`] authenticates workers and commands, and [`grpc`] answers them. [`views`] read a run for people;
//! the [`aggregate`] computes numbers and curves from results with [`statistics`], [`report`] writes them as files,
//! [`mod@export`] as tables, and [`compare`] compares two runs. [`cli`] is the command line.
//!
//! Imports run one way; `tests/tests/source/allowed_imports.rs` compares them with the tables in docs/architecture.md.

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
