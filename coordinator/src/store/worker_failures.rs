//! What speaks against workers, as the store keeps it.

use std::collections::BTreeMap;

use rusqlite::{ToSql, params};
use seedgrid_common::unit::UnitId;

use super::{Store, StoreError};
use crate::scheduler::queue::{WorkerFailure, WorkerFailures, WorkerId};

/// Makes a change durable.
pub(super) fn apply(
    doubt: &WorkerFailure,
    run: impl Fn(&str, &[&dyn ToSql]) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    match doubt {
        // All rows of a worker say the same of `outdone`.
        WorkerFailure::Raised { worker, unit, detail } => run(
            "INSERT OR REPLACE INTO doubts (worker_id, unit_id, number, outdone, detail) \
             SELECT ?1, ?2, ifnull(max(number), 0) + 1, ifnull(max(outdone), 0), ?3 FROM doubts WHERE worker_id = ?1",
            params![worker.to_string(), unit.0, detail],
        ),
        WorkerFailure::Lifted { worker, unit } => {
            run("DELETE FROM doubts WHERE worker_id = ? AND unit_id = ?", params![worker.to_string(), unit.0])
        }
        WorkerFailure::Outdone(worker) => {
            run("UPDATE doubts SET outdone = 1 WHERE worker_id = ?", params![worker.to_string()])
        }
        WorkerFailure::Cleared(worker) => run("DELETE FROM doubts WHERE worker_id = ?", params![worker.to_string()]),
    }
}

impl Store {
    /// What speaks against which worker.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn doubts(&self) -> Result<BTreeMap<WorkerId, WorkerFailures>, StoreError> {
        let sql = "SELECT worker_id, unit_id, outdone, detail FROM doubts ORDER BY worker_id, number";
        let rows = self.rows(sql, |row| {
            Ok((row.get::<_, String>(0)?, UnitId(row.get(1)?), row.get::<_, bool>(2)?, row.get::<_, String>(3)?))
        })?;
        let mut all: BTreeMap<WorkerId, WorkerFailures> = BTreeMap::new();
        for (worker, unit, outdone, detail) in rows {
            // The store holds no other ids than those that were checked when their worker came.
            let Ok(worker) = worker.parse() else { continue };
            let doubts = all.entry(worker).or_default();
            doubts.failures.push((unit, detail));
            doubts.outdone |= outdone;
        }
        Ok(all)
    }
}
