//! What Seedgrid's coordinator and worker share, and nothing else.
//!
//! In the order of the flow: a [`spec`] is read and checked, [`matrix`] expands it into [`unit`](mod@unit)s with [`hyperparameters`], [`data`] holds what they
//! are trained on, [`label`]s are what people call them, [`model`] describes the networks as plain data, [`training`] the rules and results of training,
//! [`mod@outputs`] what a network gives and [`decision`] what that means, [`random`] the seeded streams, [`text`] texts that others read, [`terminal`] how they fit a
//! screen, [`durable`] how files are written and [`temporary_files`] what is not whole yet, [`wire`] the messages between the two binaries, [`join`] the files that let workers and commands in, and
//! how they get to the coordinator; [`sighup`] tells whether SIGHUP means anything to them, and [`batch`] when their batch job ends. For
//! people, [`error_chain`] says why something failed, [`suggest`] what was meant, and [`command_line`] reads what was written behind a binary's name.

#![forbid(unsafe_code)]

pub mod batch;
pub mod command_line;
pub mod data;
pub mod decision;
pub mod durable;
pub mod error_chain;
pub mod hyperparameters;
pub mod join;
pub mod json;
pub mod label;
pub mod matrix;
pub mod model;
pub mod outputs;
pub mod random;
pub mod sighup;
pub mod spec;
pub mod suggest;
pub mod temporary_files;
pub mod terminal;
pub mod text;
pub mod training;
pub mod unit;
pub mod utc;
pub mod wire;
