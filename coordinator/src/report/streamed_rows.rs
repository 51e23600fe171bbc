//! Rows that a report reads while it is written.

use std::io;

use seedgrid_common::{training::EpochMetrics, unit::UnitId};

use super::provenance::AttemptRecord;

/// The rows of a run that a report reads while it is written, as there may be too many to hold.
pub trait Rows {
    /// The whole epochs of each of these units, in their order; all have results.
    ///
    /// # Errors
    /// When they cannot be read.
    fn epochs(&self, units: &[UnitId]) -> io::Result<Vec<Vec<EpochMetrics>>>;

    /// Gives each attempt that ended, of a unit that the spec names, to `row`: by unit, in the order of the plan, and number.
    ///
    /// # Errors
    /// When they cannot be read, or `row` fails.
    fn attempts(&self, row: &mut dyn FnMut(&AttemptRecord) -> io::Result<()>) -> io::Result<()>;
}
