//! The code that Seedgrid's coordinator and worker share, and nothing else.
//!
//! In the order of the flow:
//!
//! - [`spec`] reads and checks a study's spec; [`matrix`] expands it into [`unit`](mod@unit)s with [`hyperparameters`].
//! - [`data`] holds the data sets, [`label`] the names of configurations and units for people.
//! - [`mod@network`] is the language of networks.
//! - [`model`] describes the networks as plain data, [`training`] the rules and results of training.
//! - [`mod@network_outputs`] holds a network's raw values, [`classification`] interprets them, [`random`] gives the seeded streams.
//! - [`metrics`](mod@metrics) measures predictions; [`exact_sum`] adds numbers in any order to the same sum.
//! - [`study_id`] names a study, [`hexadecimal`] writes ids and digests as text.
//! - [`copy_on_write`] holds a value once for many holders.
//! - [`made_up_results`] tells trained results from made-up ones, which only measure a coordinator.
//! - [`text`] and [`terminal`] prepare text for people; [`durable_files`] and [`temporary_files`] write files.
//! - [`wire`] has the messages between the two binaries; [`join`] the files with which workers and commands connect to
//!   the coordinator.
//! - [`sighup`] tells whether SIGHUP is ignored, [`batch_job_end`] when the batch job ends.
//! - [`error_chain`] prints errors with their causes, [`nearest_word`] finds the probable word, and [`command_line`] reads
//!   the arguments; [`exit_codes`] has the exit codes of both programs.

#![forbid(unsafe_code)]

pub mod batch_job_end;
pub mod classification;
pub mod command_line;
pub mod copy_on_write;
pub mod data;
pub mod durable_files;
pub mod error_chain;
pub mod exact_sum;
pub mod exit_codes;
pub mod hexadecimal;
pub mod hyperparameters;
pub mod join;
pub mod json;
pub mod label;
pub mod made_up_results;
pub mod matrix;
pub mod metrics;
pub mod model;
pub mod nearest_word;
pub mod network;
pub mod network_outputs;
pub mod random;
pub mod sighup;
pub mod spec;
pub mod study_id;
pub mod temporary_files;
pub mod terminal;
pub mod text;
pub mod training;
pub mod unit;
pub mod utc;
pub mod wire;
