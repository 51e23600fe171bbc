//! Support for Seedgrid's integration tests: the real binaries as processes, small studies for them, and places where workers run.

pub mod machine;
pub mod process;
pub mod slurm;
pub mod sshd;
pub mod study;
