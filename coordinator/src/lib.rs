//! Seedgrid's coordinator: the queue, the store, the services, the aggregate, the report and the `seedgrid` command.

pub mod core;
pub mod queue;
pub mod service;
pub mod store;
