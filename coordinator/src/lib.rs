//! Seedgrid's coordinator: the queue, the store, the services, the aggregate, the report and the `seedgrid` command.
//!
//! In the order of the flow: [`prepare`] reads a spec and makes its data set and plan in a [`run_directory`]; the [`core`] owns the
//! [`queue`] and the [`store`]; the [`service`] answers workers and commands; [`local_workers`] are those of `seedgrid run`;
//! [`selection`] lets later stages start from what earlier ones select, a [`race`] ends hopeless configurations early, [`ranking`] orders them, and [`retrying`]
//! reopens what failed; [`weights`] are kept where the spec asks for them;
//! [`progress`] shows what happens, and [`listing`] units one by one, from a run directory's [`books`], and [`catalogue`] the runs of a folder; [`collect`] takes results out of the store, [`aggregate`] makes numbers and curves of them and
//! [`report`] files, in which [`layers`] describes the networks; [`mod@export`] writes tables and [`comparing`] sets two runs side by side; [`checking`] compares a run directory with its digests; [`forecast`] says how long what is left
//! will take; [`command`] is the command line, and [`signals`] end it.

#![forbid(unsafe_code)]

pub mod aggregate;
pub mod attempt_ending;
pub mod blobs;
pub mod books;
pub mod catalogue;
pub mod checking;
pub mod checkpoints;
pub mod collect;
pub mod command;
pub mod comparing;
pub mod console;
pub mod control_client;
pub mod core;
pub mod data_command;
pub mod door;
pub mod draws;
mod exact;
pub mod export;
pub mod file_system;
pub mod forecast;
pub mod holder;
pub mod layers;
mod layout;
pub mod listing;
pub mod local_workers;
mod lock;
pub mod prepare;
pub mod progress;
pub mod queue;
pub mod race;
pub mod ranking;
pub mod report;
pub mod retrying;
pub mod run_directory;
pub mod selection;
pub mod service;
pub mod signals;
pub mod store;
mod throttle;
pub mod unit_state;
pub mod weights;
