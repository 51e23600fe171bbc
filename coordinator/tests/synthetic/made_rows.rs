//! The rows that a report reads while it is written, made up.

use std::{collections::BTreeMap, io};

use seedgrid_common::{training::EpochMetrics, unit::UnitId};
use seedgrid_coordinator::{
    aggregate::Aggregate,
    report::{Rows, provenance::AttemptRecord},
};

/// The rows of a run: the epochs of an aggregate of few units, which has them all, and these attempts.
pub(crate) struct MadeRows {
    epochs: BTreeMap<UnitId, Vec<EpochMetrics>>,
    attempts: Vec<AttemptRecord>,
}

impl MadeRows {
    pub(crate) fn new(aggregate: &Aggregate, attempts: Vec<AttemptRecord>) -> Self {
        let units = aggregate.curves.iter().flatten().flat_map(|curves| &curves.units);
        Self { epochs: units.map(|unit| (unit.unit, unit.history.clone())).collect(), attempts }
    }
}

impl Rows for MadeRows {
    fn epochs(&self, units: &[UnitId]) -> io::Result<Vec<Vec<EpochMetrics>>> {
        Ok(units.iter().map(|unit| self.epochs[unit].clone()).collect())
    }

    fn attempts(&self, row: &mut dyn FnMut(&AttemptRecord) -> io::Result<()>) -> io::Result<()> {
        self.attempts.iter().try_for_each(row)
    }
}
