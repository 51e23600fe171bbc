//! Views of a run directory, which they never change: units with their history, results, integrity, backups, and the
//! runs of a folder.

pub mod backup;
pub mod integrity_check;
pub mod recorded_files;
pub mod report_inputs;
pub mod run_list;
pub mod run_reader;
pub mod run_state;
pub mod units;
