//! Reading who gave each result, where and in what time; and results one by one.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
};

use rusqlite::Row;
use seedgrid_common::{training::UnitResult, unit::UnitId};

use super::{
    AttemptRecord, Store, StoreError, damage_checks,
    read::{ATTEMPT, OF_UNIT, attempt_record, of_units},
};
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

/// A worker's description of itself.
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

/// A result's digest and its bytes.
type StoredResult = (ResultDigest, Vec<u8>);

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
             FROM results CROSS JOIN units ON units.number = results.unit LEFT JOIN attempts USING (unit, attempt) \
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
        let sql = format!("{} WHERE {OF_UNIT}", of_units("SELECT digest, payload", "results"));
        let found = self.row(&sql, [unit.0], |row| Ok((row.get::<_, ResultDigest>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
        found.map(|(digest, payload)| self.decoded(unit, digest, &payload)).transpose()
    }

    /// Every unit with a result.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn units_with_result(&self) -> Result<BTreeSet<UnitId>, StoreError> {
        let rows = self.rows(&of_units("SELECT unit_id", "results"), |row| Ok(UnitId(row.get(0)?)))?;
        Ok(rows.into_iter().collect())
    }

    /// The numerics classes of all results.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn numerics_classes(&self) -> Result<Vec<String>, StoreError> {
        self.rows("SELECT DISTINCT numerics_class FROM results ORDER BY numerics_class", |row| row.get(0))
    }

    /// The results of these units, in their order, each checked against its digest; None for a unit without one.
    ///
    /// # Errors
    /// When the database cannot be read, or a result is damaged.
    pub fn results_of(&self, units: &[UnitId]) -> Result<Vec<Option<UnitResult>>, StoreError> {
        let mut near = self.rows_near(units)?;
        let result = |unit: &UnitId| match near.remove(unit) {
            Some(row) => row.map(|(digest, payload)| self.decoded(*unit, digest, &payload)).transpose(),
            None => self.result(*unit),
        };
        units.iter().map(result).collect()
    }

    /// The rows from the first of these units to the last, read together: mostly these are numbered one after the other. None where they are
    /// not.
    fn rows_near(&self, units: &[UnitId]) -> Result<BTreeMap<UnitId, Option<StoredResult>>, StoreError> {
        let number = |unit: Option<&UnitId>| match unit {
            Some(unit) => self.row("SELECT number FROM units WHERE unit_id = ?", [unit.0], |row| row.get::<_, i64>(0)),
            None => Ok(None),
        };
        let (Some(first), Some(last)) = (number(units.first())?, number(units.last())?) else {
            return Ok(BTreeMap::new());
        };
        if !(0..4 * units.len() as i64).contains(&(last - first)) {
            return Ok(BTreeMap::new());
        }
        let sql = "SELECT unit_id, digest, payload FROM units LEFT JOIN results ON results.unit = units.number \
                   WHERE units.number BETWEEN ? AND ?";
        let read = |row: &Row<'_>| {
            let digest: Option<ResultDigest> = row.get(1)?;
            let payload: Option<Vec<u8>> = row.get(2)?;
            Ok((UnitId(row.get(0)?), digest.zip(payload)))
        };
        let read_all = || self.connection.prepare_cached(sql)?.query_map([first, last], read)?.collect();
        self.done(read_all())
    }

    /// Gives every attempt to `take`: by unit, in the order of the plan, and number. They are not held, as there may be millions.
    ///
    /// # Errors
    /// When the database cannot be read, or `take` fails.
    pub fn each_attempt(&self, take: &mut dyn FnMut(AttemptRecord) -> io::Result<()>) -> io::Result<()> {
        let failed = |cause| io::Error::other(self.failed(cause));
        let sql = format!("SELECT {ATTEMPT} ORDER BY attempts.unit, attempt");
        let mut statement = self.connection.prepare(&sql).map_err(failed)?;
        let attempts = statement.query_map([], attempt_record).map_err(failed)?;
        let given = attempts.into_iter().try_for_each(|attempt| take(attempt.map_err(failed)?));
        self.busy.over();
        given
    }

    /// A stored result, checked against its digest.
    pub(super) fn decoded(&self, unit: UnitId, digest: ResultDigest, payload: &[u8]) -> Result<UnitResult, StoreError> {
        damage_checks::decoded(digest, payload)
            .ok_or_else(|| StoreError::DamagedResult { path: self.path.clone(), unit })
    }
}
