//! `seedgrid`'s commands from the user's view.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may")]

mod bad_input;
mod check;
mod compare;
mod credentials;
mod export;
mod messages;
mod pause_cancel_retry;
mod plan;
mod read_only_folders;
mod tls;
