//! Coordinator.
pub mod aggregate;
pub mod report;
