//! Reading who gave each result, where and in what time; and results one by one.

use std::collections::BTreeMap;

use seedgrid_common::{training::UnitResult, unit::UnitId};

use super::{Store, StoreError, damage_checks, read::of_units};
use crate::scheduler::queue::ResultDigest;

/// A result without its payload, and the attempt and worker that it is from.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainedRecord {
    /// The attempt that gave it.
    pub attempt: u32,
    /// Of its bytes.
    pub digest: ResultDigest,
    /// Results of equal units within one class are bit-identical.
    pub numerics_class: String,
    /// Whether training diverged.
    pub diverged: bool,
    /// Number of whole epochs.
    pub epochs: u32,
    /// How long it trained, where the worker said so.
    pub train_seconds: Option<f64>,
    /// The worker, where it is known.
    pub worker: Option<TrainedBy>,
}

/// What a worker said of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrainedBy {
    /// Its machine.
    pub host: String,
    /// Where in a cluster it ran: a job, say. May be empty.
    pub place: String,
    /// "cpu" or "cuda:N".
    pub device: String,
    /// Instruction set.
    pub isa: String,
    /// Of Seedgrid.
    pub version: String,
}

impl Store {
    /// Lets everything that is read from now on through this store show one state, whatever is committed meanwhile. It ends with
    /// the store.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn hold(&self) -> Result<(), StoreError> {
        self.connection.execute_batch("BEGIN").map_err(|cause| self.failed(cause))
    }

    /// Where every result is from, by unit.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn trained(&self) -> Result<BTreeMap<UnitId, TrainedRecord>, StoreError> {
        let rows = self.rows(
            "SELECT unit_id, results.attempt, results.digest, results.numerics_class, results.ending = 'diverged', \
             results.epochs, attempts.train_seconds, workers.host, workers.place, workers.device, workers.isa, workers.version \
             FROM results JOIN units ON units.number = results.unit LEFT JOIN attempts USING (unit, attempt) \
             LEFT JOIN workers ON workers.number = attempts.worker",
            |row| {
                let worker = match row.get(7)? {
                    Some(host) => Some(TrainedBy {
                        host,
                        place: row.get(8)?,
                        device: row.get(9)?,
                        isa: row.get(10)?,
                        version: row.get(11)?,
                    }),
                    None => None,
                };
                let record = TrainedRecord {
                    attempt: row.get(1)?,
                    digest: row.get(2)?,
                    numerics_class: row.get(3)?,
                    diverged: row.get(4)?,
                    epochs: row.get(5)?,
                    train_seconds: row.get(6)?,
                    worker,
                };
                Ok((UnitId(row.get(0)?), record))
            },
        )?;
        Ok(rows.into_iter().collect())
    }

    /// The facts whose name begins with `prefix`: (name, value).
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn facts(&self, prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
        let all = self.rows("SELECT name, value FROM facts ORDER BY name", |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(all.into_iter().filter(|(name, _): &(String, String)| name.starts_with(prefix)).collect())
    }

    /// The result of one unit, checked against its digest; None while it has none.
    ///
    /// # Errors
    /// When the database cannot be read, or the result is damaged.
    pub fn result(&self, unit: UnitId) -> Result<Option<UnitResult>, StoreError> {
        let sql = of_units("SELECT digest, payload", "results") + " WHERE unit_id = ?";
        let found = self.row(&sql, [unit.0], |row| Ok((row.get::<_, ResultDigest>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
        found.map(|(digest, payload)| self.decoded(unit, digest, &payload)).transpose()
    }

    /// A stored result, checked against its digest.
    pub(super) fn decoded(&self, unit: UnitId, digest: ResultDigest, payload: &[u8]) -> Result<UnitResult, StoreError> {
        damage_checks::decoded(digest, payload)
            .ok_or_else(|| StoreError::DamagedResult { path: self.path.clone(), unit })
    }
}
