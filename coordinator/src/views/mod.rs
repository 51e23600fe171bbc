//! What people ask of a run directory: its units and their history, its results, its integrity, and the runs of a folder. Reads only.

pub mod integrity_check;
pub mod results;
pub mod run_list;
pub mod run_reader;
pub mod units;
