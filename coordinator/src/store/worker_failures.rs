//! The stored failures that count against workers.

use std::collections::BTreeMap;

use rusqlite::{ToSql, params};
use seedgrid_common::unit::UnitId;

use super::{Store, StoreError, row_numbers::Numbers};
use crate::scheduler::queue::{WorkerFailure, WorkerFailures, WorkerId};

/// Makes a change durable.
pub(super) fn apply(
    change: &WorkerFailure,
    numbers: &Numbers,
    run: impl Fn(&str, &[&dyn ToSql]) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    match change {
        // All rows of a worker say the same of `outdone`.
        WorkerFailure::Raised { worker, unit, detail } => run(
            "INSERT OR REPLACE INTO worker_failures (worker_id, unit, number, outdone, detail) \
             SELECT ?1, ?2, ifnull(max(number), 0) + 1, ifnull(max(outdone), 0), ?3 FROM worker_failures WHERE worker_id = ?1",
            params![worker.to_string(), numbers.unit(unit)?, detail],
        ),
        WorkerFailure::Lifted { worker, unit } => {
            let number = numbers.unit(unit)?;
            run("DELETE FROM worker_failures WHERE worker_id = ? AND unit = ?", params![worker.to_string(), number])
        }
        WorkerFailure::Outdone(worker) => {
            run("UPDATE worker_failures SET outdone = 1 WHERE worker_id = ?", params![worker.to_string()])
        }
        WorkerFailure::Cleared(worker) => {
            run("DELETE FROM worker_failures WHERE worker_id = ?", params![worker.to_string()])
        }
    }
}

impl Store {
    /// What speaks against which worker.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn worker_failures(&self) -> Result<BTreeMap<WorkerId, WorkerFailures>, StoreError> {
        let sql = "SELECT worker_id, unit_id, outdone, detail FROM worker_failures JOIN units ON units.number = worker_failures.unit \
                   ORDER BY worker_id, worker_failures.number";
        let rows = self.rows(sql, |row| {
            Ok((row.get::<_, String>(0)?, UnitId(row.get(1)?), row.get::<_, bool>(2)?, row.get::<_, String>(3)?))
        })?;
        let mut all: BTreeMap<WorkerId, WorkerFailures> = BTreeMap::new();
        for (worker, unit, outdone, detail) in rows {
            // The store holds no other ids than those that were checked when their worker came.
            let Ok(worker) = worker.parse() else { continue };
            let worker_failures = all.entry(worker).or_default();
            worker_failures.failures.push((unit, detail));
            worker_failures.outdone |= outdone;
        }
        Ok(all)
    }
}
