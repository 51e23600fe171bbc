//! Reading the store.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension as _, Row};
use seedgrid_common::{
    training::{Progress, UnitResult},
    unit::UnitId,
    wire::{
        blob::{BlobDigest, CheckpointRef},
        v1,
    },
};

use super::{Store, StoreError};
use crate::{
    checkpoints::KeptCheckpoint,
    queue::{Finished, Rules},
    race::{Leaver, RungKey, Rungs, Why},
    retrying::Fate,
    selection::{Committed, Ended},
};

/// What the store knows of a unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredUnit {
    /// The highest attempt that was ever given out; 0 for none.
    pub attempts: u32,
    /// How many attempts ended with an error, since the last retry.
    pub errors: u32,
    /// Who was given the newest attempt, if that has no ending.
    pub holder: Option<String>,
    /// Its result, if it has one.
    pub result: Option<Finished>,
}

impl StoredUnit {
    /// Where it stands for those who want to try it again.
    pub fn fate(&self, rules: &Rules) -> Fate {
        match self.result {
            Some(result) if result.diverged => Fate::Diverged,
            Some(_) => Fate::Done,
            None if self.is_given_up(rules) => Fate::Failed { attempts: self.attempts },
            None => Fate::Open,
        }
    }

    /// Whether it failed too often to be tried again.
    pub fn is_given_up(&self, rules: &Rules) -> bool {
        self.result.is_none() && self.errors >= rules.errors_max
    }
}

/// Weights that were kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptWeights {
    /// The attempt whose result they belong to.
    pub attempt: u32,
    /// Of the file.
    pub digest: BlobDigest,
    /// Its length.
    pub bytes: u64,
}

/// One attempt, as the store keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptRecord {
    /// The unit.
    pub unit: UnitId,
    /// The attempt's number.
    pub attempt: u32,
    /// Who had it.
    pub worker_id: String,
    /// Milliseconds since the Unix epoch.
    pub started_ms: i64,
    /// Milliseconds since the Unix epoch.
    pub ended_ms: Option<i64>,
    /// One of the words in schema.sql.
    pub ending: Option<String>,
    /// For people.
    pub detail: Option<String>,
    /// How long it trained.
    pub train_seconds: Option<f64>,
}

/// One worker, as it last introduced itself.
#[derive(Clone, Debug)]
pub struct WorkerRecord {
    /// Its id.
    pub worker_id: String,
    /// Milliseconds since the Unix epoch.
    pub registered_ms: i64,
    /// What it is.
    pub info: v1::WorkerInfo,
}

impl Store {
    pub(super) fn failed(&self, cause: rusqlite::Error) -> StoreError {
        StoreError::Read { path: self.path.clone(), cause }
    }

    pub(super) fn rows<T>(
        &self,
        sql: &str,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.connection.prepare(sql).map_err(|cause| self.failed(cause))?;
        let rows = statement.query_map([], read).map_err(|cause| self.failed(cause))?;
        rows.collect::<rusqlite::Result<_>>().map_err(|cause| self.failed(cause))
    }

    /// A fact by name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn fact(&self, name: &str) -> Result<Option<String>, StoreError> {
        self.connection
            .query_row("SELECT value FROM facts WHERE name = ?", [name], |row| row.get(0))
            .optional()
            .map_err(|cause| self.failed(cause))
    }

    /// The newest spec under which the study was run.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn latest_spec(&self) -> Result<Option<String>, StoreError> {
        self.connection
            .query_row("SELECT text FROM specs ORDER BY number DESC LIMIT 1", [], |row| row.get(0))
            .optional()
            .map_err(|cause| self.failed(cause))
    }

    /// What is known of every unit that was ever given out or finished.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn units(&self) -> Result<BTreeMap<UnitId, StoredUnit>, StoreError> {
        let mut units: BTreeMap<UnitId, StoredUnit> = self
            .rows(
                // Beside max(), plain columns are those of the row that has the maximum.
                "SELECT unit_id, max(attempt), iif(ending IS NULL, worker_id, NULL), \
                 count(*) FILTER (WHERE ending = 'error' AND attempt > ifnull(after_attempt, 0)) \
                 FROM attempts LEFT JOIN retries USING (unit_id) GROUP BY unit_id",
                |row| {
                    let known =
                        StoredUnit { attempts: row.get(1)?, holder: row.get(2)?, errors: row.get(3)?, result: None };
                    Ok((UnitId(row.get(0)?), known))
                },
            )?
            .into_iter()
            .collect();
        let results = self.rows("SELECT unit_id, digest, ending = 'diverged' FROM results", |row| {
            Ok((UnitId(row.get(0)?), Finished { digest: row.get(1)?, diverged: row.get(2)? }))
        })?;
        for (id, result) in results {
            units.entry(id).or_default().result = Some(result);
        }
        Ok(units)
    }

    /// Every selection that was made, and every rung of a race that was decided.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn committed(&self) -> Result<Committed, StoreError> {
        let selections = self.rows("SELECT key, chosen FROM selections", |row| {
            Ok((row.get(0)?, row.get::<_, Option<u32>>(1)?.map(|place| place as usize)))
        })?;
        let rungs = self.rows("SELECT key FROM rungs", |row| Ok((row.get(0)?, Vec::new())))?;
        let mut rungs: Rungs = rungs.into_iter().collect();
        let leavers = self.rows("SELECT key, configuration, why FROM leavers ORDER BY key, configuration", |row| {
            let word: String = row.get(2)?;
            let why = Why::ALL.into_iter().find(|why| why.name() == word);
            let why = why.ok_or_else(|| rusqlite::Error::InvalidColumnType(2, word, rusqlite::types::Type::Text))?;
            Ok((row.get(0)?, Leaver { place: row.get::<_, u32>(1)? as usize, why }))
        })?;
        for (key, leaver) in leavers {
            let key: RungKey = key;
            rungs.entry(key).or_default().push(leaver);
        }
        Ok(Committed { selections: selections.into_iter().collect(), rungs })
    }

    /// How every unit with a result ended, as far as selecting needs it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn scores(&self) -> Result<BTreeMap<UnitId, Ended>, StoreError> {
        let rows = self.rows("SELECT unit_id, wrong, scored FROM results", |row| {
            let ended = match (row.get(1)?, row.get(2)?) {
                (Some(wrong), Some(of)) => Ended::Scored { wrong, of },
                (_, _) => Ended::Diverged,
            };
            Ok((UnitId(row.get(0)?), ended))
        })?;
        Ok(rows.into_iter().collect())
    }

    /// How long finished units trained, by unit.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn train_seconds(&self) -> Result<Vec<(UnitId, f64)>, StoreError> {
        self.rows(
            "SELECT unit_id, train_seconds FROM attempts \
             WHERE ending IN ('done', 'diverged') AND train_seconds IS NOT NULL ORDER BY unit_id, attempt",
            |row| Ok((UnitId(row.get(0)?), row.get(1)?)),
        )
    }

    /// The weights that were kept, by unit.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn weights(&self) -> Result<BTreeMap<UnitId, KeptWeights>, StoreError> {
        // A database that no coordinator has opened since this table came does not have it.
        let tables = self.rows("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'weights'", |_| Ok(()))?;
        if tables.is_empty() {
            return Ok(BTreeMap::new());
        }
        let rows = self.rows("SELECT unit_id, attempt, sha256, bytes FROM weights", |row| {
            let kept = KeptWeights {
                attempt: row.get(1)?,
                digest: BlobDigest(row.get(2)?),
                bytes: row.get::<_, i64>(3)?.unsigned_abs(),
            };
            Ok((UnitId(row.get(0)?), kept))
        })?;
        Ok(rows.into_iter().collect())
    }

    /// The checkpoints of units in training, by unit.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn checkpoints(&self) -> Result<BTreeMap<UnitId, KeptCheckpoint>, StoreError> {
        let rows = self.rows(
            "SELECT unit_id, attempt, epochs, batches, seconds, numerics_class, sha256, bytes FROM checkpoints",
            |row| {
                let progress = Progress { epochs: row.get(2)?, batches: row.get(3)?, seconds: row.get(4)? };
                let bytes = row.get::<_, i64>(7)?.unsigned_abs();
                let reference = CheckpointRef { digest: BlobDigest(row.get(6)?), bytes, progress };
                let kept = KeptCheckpoint { attempt: row.get(1)?, reference, numerics_class: row.get(5)? };
                Ok((UnitId(row.get(0)?), kept))
            },
        )?;
        Ok(rows.into_iter().collect())
    }

    /// The result of every finished unit, each checked against its digest.
    ///
    /// # Errors
    /// When the database cannot be read, or a result is damaged.
    pub fn results(&self) -> Result<BTreeMap<UnitId, UnitResult>, StoreError> {
        let rows = self.rows("SELECT unit_id, digest, payload FROM results ORDER BY unit_id", |row| {
            Ok((UnitId(row.get(0)?), row.get::<_, [u8; 32]>(1)?, row.get::<_, Vec<u8>>(2)?))
        })?;
        rows.into_iter().map(|(unit, digest, payload)| Ok((unit, self.decoded(unit, digest, &payload)?))).collect()
    }

    /// Every attempt, by unit and number.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn attempts(&self) -> Result<Vec<AttemptRecord>, StoreError> {
        self.rows(
            "SELECT unit_id, attempt, worker_id, started_ms, ended_ms, ending, detail, train_seconds FROM attempts \
             ORDER BY unit_id, attempt",
            |row| {
                Ok(AttemptRecord {
                    unit: UnitId(row.get(0)?),
                    attempt: row.get(1)?,
                    worker_id: row.get(2)?,
                    started_ms: row.get(3)?,
                    ended_ms: row.get(4)?,
                    ending: row.get(5)?,
                    detail: row.get(6)?,
                    train_seconds: row.get(7)?,
                })
            },
        )
    }

    /// Every worker that ever registered, by id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn workers(&self) -> Result<Vec<WorkerRecord>, StoreError> {
        self.rows(
            "SELECT worker_id, registered_ms, host, pid, cores, slots, device, isa, numerics_class, version, place FROM workers \
             ORDER BY worker_id",
            |row| {
                let info = v1::WorkerInfo {
                    host: row.get(2)?,
                    pid: row.get(3)?,
                    cores: row.get(4)?,
                    slots: row.get(5)?,
                    device: row.get(6)?,
                    isa: row.get(7)?,
                    numerics_class: row.get(8)?,
                    version: row.get(9)?,
                    place: row.get(10)?,
                };
                Ok(WorkerRecord { worker_id: row.get(0)?, registered_ms: row.get(1)?, info })
            },
        )
    }
}
