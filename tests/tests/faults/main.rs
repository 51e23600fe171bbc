//! What fails around workers, with the real programs: they are interrupted, crash, are stopped or cut off, and the study ends as if nothing
//! had been. One program, so that tests that wait for a lease wait beside others.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may")]

mod cable;
mod checkpoints;
mod crashes;
mod interrupt;
mod signals;
