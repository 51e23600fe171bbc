//! Support for Seedgrid's integration tests: the real binaries as processes, and small studies for them.

pub mod process;
pub mod study;
