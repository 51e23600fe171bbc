//! Reading the store.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{OptionalExtension as _, Params, Row};
use seedgrid_common::{
    training::{Progress, UnitResult},
    unit::UnitId,
    wire::{
        blob::{BlobDigest, CheckpointRef},
        v1,
    },
};

use super::{Store, StoreError, damage_checks::Rows};
use crate::{
    scheduler::{
        attempt_ending::AttemptEnding,
        failure_blame::Blame,
        queue::{FailureRecord, Finished, Pause, Rules, WorkerId},
        race::{LeaveReason, Leaver, RungKey, Rungs},
        ranking::Ended,
        selection::Committed,
        unit_state::UnitState,
    },
    store::blobs::checkpoints::KeptCheckpoint,
};

/// The store's entry of a unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredUnit {
    /// The highest attempt that was ever given out; 0 for none.
    pub attempts: u32,
    /// The failures that count against it, since the last retry.
    pub record: FailureRecord,
    /// The id of the worker that was given the newest attempt, if that has no ending.
    pub holder: Option<String>,
    /// Whether that attempt was known to be in training.
    pub began: bool,
    /// Whether it was taken back from a worker that gave no reason.
    pub lost: bool,
    /// Whether people cancelled it.
    pub cancelled: bool,
    /// Its result, if it has one.
    pub result: Option<Finished>,
}

impl StoredUnit {
    /// Its state. `held`: whether its holder is a worker of a coordinator that runs.
    pub fn state(&self, rules: &Rules, held: bool) -> UnitState {
        match self.result {
            Some(result) if result.diverged => UnitState::Diverged,
            Some(_) => UnitState::Done,
            None if self.cancelled => UnitState::Cancelled,
            None if self.record.is_quarantined(rules) => UnitState::Quarantined,
            None if held && self.began => UnitState::Training,
            None if held => UnitState::Assigned,
            None => UnitState::Waiting,
        }
    }

    /// Whether it will get no result: it is quarantined or cancelled.
    pub fn is_given_up(&self, rules: &Rules) -> bool {
        self.result.is_none() && (self.cancelled || self.record.is_quarantined(rules))
    }
}

/// A spec under which a study was run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSpec {
    /// From 1 on.
    pub number: u32,
    /// Its text.
    pub text: String,
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
    /// The id of the worker; empty where that was lost.
    pub worker_id: String,
    /// Milliseconds since the Unix epoch.
    pub started_ms: i64,
    /// Whether its worker said that training had begun.
    pub began: bool,
    /// Milliseconds since the Unix epoch.
    pub ended_ms: Option<i64>,
    /// The ending; None: it has not ended, or its end was not heard of.
    pub ending: Option<AttemptEnding>,
    /// For people.
    pub detail: Option<String>,
    /// The time of training, in seconds.
    pub train_seconds: Option<f64>,
}

/// The columns of an [`AttemptRecord`], and where they are.
pub(super) const ATTEMPT: &str = "unit_id, attempt, ifnull(workers.worker_id, ''), started_ms, began, ended_ms, ending, detail, train_seconds \
                       FROM attempts CROSS JOIN units ON units.number = attempts.unit LEFT JOIN workers ON workers.number = attempts.worker";

/// The endings as a list of SQL.
fn listed(endings: impl Iterator<Item = AttemptEnding>) -> String {
    endings.map(|ending| format!("'{ending}'")).collect::<Vec<_>>().join(", ")
}

pub(super) fn attempt_record(row: &Row<'_>) -> rusqlite::Result<AttemptRecord> {
    Ok(AttemptRecord {
        unit: UnitId(row.get(0)?),
        attempt: row.get(1)?,
        worker_id: row.get(2)?,
        started_ms: row.get(3)?,
        began: row.get(4)?,
        ended_ms: row.get(5)?,
        ending: row.get(6)?,
        detail: row.get(7)?,
        train_seconds: row.get(8)?,
    })
}

/// One worker, as it last introduced itself.
#[derive(Clone, Debug)]
pub struct WorkerRecord {
    /// Its id.
    pub worker_id: String,
    /// Milliseconds since the Unix epoch.
    pub registered_ms: i64,
    /// The worker's description of itself.
    pub info: v1::WorkerInfo,
}

/// The columns of a [`WorkerRecord`].
const WORKER: &str = "worker_id, registered_ms, host, pid, cores, slots, device, isa, numerics_class, version, place";

fn worker_record(row: &Row<'_>) -> rusqlite::Result<WorkerRecord> {
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
}

/// The columns of a [`score`].
const SCORE: &str = "SELECT unit_id, wrong, scored";

fn score(row: &Row<'_>) -> rusqlite::Result<(UnitId, Ended)> {
    let ended = match (row.get(1)?, row.get(2)?) {
        (Some(wrong), Some(of)) => Ended::Scored { wrong, of },
        (_, _) => Ended::Diverged,
    };
    Ok((UnitId(row.get(0)?), ended))
}

/// A query of rows that belong to units, with the units' ids. CROSS makes SQLite read the rows in the order in which they lie. Else it reads
/// the units in the order of their ids, and each row from another page.
pub(super) fn of_units(select: &str, table: &str) -> String {
    format!("{select} FROM {table} CROSS JOIN units ON units.number = {table}.unit")
}

/// The SQL condition for the rows of the unit with an id.
pub(super) const OF_UNIT: &str = "unit = (SELECT number FROM units WHERE unit_id = ?)";

impl Store {
    pub(super) fn failed(&self, cause: rusqlite::Error) -> StoreError {
        StoreError::Read { path: self.path.clone(), cause }
    }

    pub(super) fn rows<T>(
        &self,
        sql: &str,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let read_all = || self.connection.prepare(sql)?.query_map([], read)?.collect();
        self.done(read_all())
    }

    /// Maps the outcome of reading. A wait for the database is over.
    pub(super) fn done<T>(&self, read: rusqlite::Result<T>) -> Result<T, StoreError> {
        self.busy.over();
        read.map_err(|cause| self.failed(cause))
    }

    /// The first row, if there is one.
    pub(super) fn row<T>(
        &self,
        sql: &str,
        parameters: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        let read_one = || self.connection.prepare_cached(sql)?.query_row(parameters, read).optional();
        self.done(read_one())
    }

    /// A fact by name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn fact(&self, name: &str) -> Result<Option<String>, StoreError> {
        self.row("SELECT value FROM facts WHERE name = ?", [name], |row| row.get(0))
    }

    /// Every spec under which the study was run, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn specs(&self) -> Result<Vec<StoredSpec>, StoreError> {
        let spec = |row: &Row<'_>| Ok(StoredSpec { number: row.get(0)?, text: row.get(1)? });
        self.rows("SELECT number, text FROM specs ORDER BY number", spec)
    }

    /// How often the database was opened to be written, and how many commits were made since the last time. Each commit makes it older.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn age(&self) -> Result<(i64, i64), StoreError> {
        let age = self.row("SELECT epoch, commits FROM owner", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(age.unwrap_or_default())
    }

    /// The entry of every unit that was ever given out or finished.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn units(&self) -> Result<BTreeMap<UnitId, StoredUnit>, StoreError> {
        self.stored_units(|_| "true".to_owned())
    }

    /// The entry of every unit that was cancelled, or of which an attempt ended without a result: mostly few of all units.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn troubled_units(&self) -> Result<BTreeMap<UnitId, StoredUnit>, StoreError> {
        let results = listed([AttemptEnding::Done, AttemptEnding::Diverged].into_iter());
        self.stored_units(|table| {
            format!(
                "{table}.unit IN (SELECT unit FROM attempts WHERE ending NOT IN ({results}) UNION SELECT unit FROM cancellations)"
            )
        })
    }

    /// The entry of one unit, whose rows match their seals.
    ///
    /// # Errors
    /// When the database cannot be read, or one of the rows is damaged.
    pub fn stored_unit(&self, unit: UnitId) -> Result<StoredUnit, StoreError> {
        let Some(number) =
            self.row("SELECT number FROM units WHERE unit_id = ?", [unit.0], |row| row.get::<_, i64>(0))?
        else {
            return Ok(StoredUnit::default());
        };
        self.check_seals(Rows::OfUnit(number))?;
        let mut units = self.stored_units(|table| format!("{table}.unit = {number}"))?;
        Ok(units.remove(&unit).unwrap_or_default())
    }

    /// The entries of the units of these rows: `of` gives the SQL condition for a table.
    fn stored_units(&self, of: impl Fn(&str) -> String) -> Result<BTreeMap<UnitId, StoredUnit>, StoreError> {
        let errors = listed(Blame::Unit.endings(true));
        let (deaths, of_begun) = (listed(Blame::Death.endings(false)), listed(Blame::Death.endings(true)));
        let workers = self.rows("SELECT number, worker_id FROM workers", |row| Ok((row.get(0)?, row.get(1)?)))?;
        let workers: HashMap<i64, String> = workers.into_iter().collect();
        let worker = |number: Option<i64>| number.and_then(|number| workers.get(&number));
        let mut units: BTreeMap<UnitId, StoredUnit> = self
            .rows(
                // Beside max(), plain columns are those of the row that has the maximum. CROSS: as in `of_units`; the rows have the order of the
                // groups, too.
                &format!(
                    "SELECT unit_id, max(attempt), iif(ending IS NULL, worker, NULL), began, \
                 ifnull(ending = 'worker-lost', 0) AND attempt > ifnull(after_attempt, 0), \
                 count(*) FILTER (WHERE ending IN ({errors}) AND attempt > ifnull(after_attempt, 0)), \
                 count(*) FILTER (WHERE (ending IN ({deaths}) OR ending IN ({of_begun}) AND began) \
                 AND attempt > ifnull(after_attempt, 0)) \
                 FROM attempts CROSS JOIN units ON units.number = attempts.unit LEFT JOIN retries ON retries.unit = attempts.unit \
                 WHERE {} GROUP BY attempts.unit",
                    of("attempts")
                ),
                |row| {
                    let record = FailureRecord { errors: row.get(5)?, deaths: row.get(6)?, ..FailureRecord::default() };
                    let known = StoredUnit {
                        attempts: row.get(1)?,
                        record,
                        holder: worker(row.get(2)?).cloned(),
                        began: row.get(3)?,
                        lost: row.get(4)?,
                        ..StoredUnit::default()
                    };
                    Ok((UnitId(row.get(0)?), known))
                },
            )?
            .into_iter()
            .collect();
        let failed = self.rows(
            &format!(
                "SELECT unit_id, worker FROM attempts CROSS JOIN units ON units.number = attempts.unit LEFT JOIN retries USING (unit) \
                 WHERE {} AND ending IN ({errors}) AND attempt > ifnull(after_attempt, 0)",
                of("attempts")
            ),
            |row| Ok((UnitId(row.get(0)?), row.get(1)?)),
        )?;
        for (id, number) in failed {
            // The store holds no other ids than those that were checked when their worker came.
            let worker = worker(number).and_then(|worker| worker.parse::<WorkerId>().ok());
            units.entry(id).or_default().record.failed_on.extend(worker);
        }
        let of_units = |select: &str, table: &str| format!("{} WHERE {}", of_units(select, table), of(table));
        for id in self.rows(&of_units("SELECT unit_id", "cancellations"), |row| Ok(UnitId(row.get(0)?)))? {
            units.entry(id).or_default().cancelled = true;
        }
        let results = self.rows(&of_units("SELECT unit_id, digest, ending = 'diverged'", "results"), |row| {
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
            let why: LeaveReason =
                word.parse().map_err(|_| rusqlite::Error::InvalidColumnType(2, word, rusqlite::types::Type::Text))?;
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
        Ok(self.rows(&of_units(SCORE, "results"), score)?.into_iter().collect())
    }

    /// How these units ended, as far as they have a result.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn scores_of(&self, units: impl IntoIterator<Item = UnitId>) -> Result<BTreeMap<UnitId, Ended>, StoreError> {
        let sql = format!("{} WHERE {OF_UNIT}", of_units(SCORE, "results"));
        units.into_iter().filter_map(|unit| self.row(&sql, [unit.0], score).transpose()).collect()
    }

    /// How long finished units trained, in the order of the plan.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn train_seconds(&self) -> Result<Vec<(UnitId, f64)>, StoreError> {
        self.rows(
            "SELECT unit_id, train_seconds FROM attempts CROSS JOIN units ON units.number = attempts.unit \
             WHERE ending IN ('done', 'diverged') AND train_seconds IS NOT NULL ORDER BY unit, attempt",
            |row| Ok((UnitId(row.get(0)?), row.get(1)?)),
        )
    }

    /// The weights that were kept, by unit.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn weights(&self) -> Result<BTreeMap<UnitId, KeptWeights>, StoreError> {
        let rows = self.rows(&of_units("SELECT unit_id, attempt, sha256, bytes", "weights"), |row| {
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
            &of_units(
                "SELECT unit_id, attempt, epochs, batches, seconds, numerics_class, sha256, bytes",
                "checkpoints",
            ),
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
        let rows = self.rows(&of_units("SELECT unit_id, digest, payload", "results"), |row| {
            Ok((UnitId(row.get(0)?), row.get::<_, [u8; 32]>(1)?, row.get::<_, Vec<u8>>(2)?))
        })?;
        rows.into_iter().map(|(unit, digest, payload)| Ok((unit, self.decoded(unit, digest, &payload)?))).collect()
    }

    /// Every attempt, by unit and number.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn attempts(&self) -> Result<Vec<AttemptRecord>, StoreError> {
        let mut attempts = self.rows(&format!("SELECT {ATTEMPT}"), attempt_record)?;
        attempts.sort_by_key(|attempt| (attempt.unit, attempt.attempt));
        Ok(attempts)
    }

    /// Every attempt of one unit, by number.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn attempts_of(&self, unit: UnitId) -> Result<Vec<AttemptRecord>, StoreError> {
        let sql = format!("SELECT {ATTEMPT} WHERE {OF_UNIT} ORDER BY attempt");
        self.rows_for(&sql, unit, attempt_record)
    }

    /// The logs of a unit's newest attempts: (attempt, lines), by number.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn logs_of(&self, unit: UnitId) -> Result<Vec<(u32, String)>, StoreError> {
        let sql = format!("{} WHERE {OF_UNIT} ORDER BY attempt", of_units("SELECT attempt, text", "logs"));
        self.rows_for(&sql, unit, |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// The study's pause, if it is paused.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn pause(&self) -> Result<Option<Pause>, StoreError> {
        let sql = "SELECT reason, by_hand FROM pauses WHERE resumed_ms IS NULL ORDER BY number DESC LIMIT 1";
        let paused = self.rows(sql, |row| Ok(Pause { reason: row.get(0)?, by_hand: row.get(1)? }))?;
        Ok(paused.into_iter().next())
    }

    fn rows_for<T>(
        &self,
        sql: &str,
        unit: UnitId,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let read_all = || self.connection.prepare_cached(sql)?.query_map([unit.0], read)?.collect();
        self.done(read_all())
    }

    /// Every worker that ever registered, by id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn workers(&self) -> Result<Vec<WorkerRecord>, StoreError> {
        self.rows(&format!("SELECT {WORKER} FROM workers ORDER BY worker_id"), worker_record)
    }

    /// A worker, if it ever registered.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn worker(&self, worker: &WorkerId) -> Result<Option<WorkerRecord>, StoreError> {
        let sql = format!("SELECT {WORKER} FROM workers WHERE worker_id = ?");
        self.row(&sql, [worker.to_string()], worker_record)
    }
}
