//! Read-only views of a run directory: units with their history, results, integrity, and the runs of a folder.

pub mod integrity_check;
pub mod results;
pub mod run_list;
pub mod run_reader;
pub mod units;
