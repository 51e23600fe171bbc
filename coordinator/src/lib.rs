//! Coordinator.

pub mod data_command;
