//! Changes to the store, applied in groups.

use rusqlite::{Connection, Transaction, params};
use seedgrid_common::{
    training::Progress,
    unit::{Unit, UnitId},
    wire::{blob::BlobDigest, v1},
};

#[cfg(doc)]
use super::LockWait;
use super::{
    CACHE_KIB, CredentialWrite, LARGE_CACHE_KIB, MANY_CHANGES, Store, StoreError, lock_wait, owner_fencing,
    row_numbers::{Numbers, Place},
    unit_rows, worker_failures,
};
use crate::{
    scheduler::{
        attempt_ending::AttemptEnding,
        queue::{Pause, ResultDigest, WorkerFailure},
        race::{RungDecision, RungKey},
        retry::Retry,
        selection::{Decision, SelectionKey},
    },
    store::blobs::checkpoints::KeptCheckpoint,
};

/// Attempts of a unit whose logs are kept, the newest.
const LOGS_MAX: u32 = 8;

/// One change. Times are milliseconds since the Unix epoch.
#[derive(Clone, Debug)]
pub enum Write {
    /// The study is run under this spec from now on.
    Spec {
        /// The time.
        at_ms: i64,
        /// The spec's text.
        text: String,
    },
    /// A named value, such as the study's name.
    Fact {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
    /// A unit that the spec names.
    Unit(UnitId, Box<Unit>),
    /// A worker registered.
    Worker {
        /// The worker's id.
        worker_id: String,
        /// The time.
        at_ms: i64,
        /// Its description of itself.
        info: Box<v1::WorkerInfo>,
    },
    /// An attempt was given out.
    Started {
        /// The unit.
        unit: UnitId,
        /// The attempt's number.
        attempt: u32,
        /// The worker's id.
        worker_id: String,
        /// The time.
        at_ms: i64,
        /// The progress of an earlier attempt, where this one goes on from there.
        from: Option<Progress>,
    },
    /// Training of an attempt has begun.
    Began {
        /// The unit.
        unit: UnitId,
        /// The attempt's number.
        attempt: u32,
    },
    /// An attempt that was thought to have ended goes on.
    Reopened {
        /// The unit.
        unit: UnitId,
        /// The attempt's number.
        attempt: u32,
        /// The worker's id.
        worker_id: String,
    },
    /// An attempt ended.
    Ended {
        /// The unit.
        unit: UnitId,
        /// The attempt's number.
        attempt: u32,
        /// The time of the end; None: nobody saw it.
        at_ms: Option<i64>,
        /// The ending.
        ending: AttemptEnding,
        /// The error's text, for people.
        detail: String,
        /// The time of training in seconds, where it is known.
        train_seconds: Option<f64>,
    },
    /// A selection was made.
    Selection {
        /// The time.
        at_ms: i64,
        /// The decision.
        decision: Decision,
    },
    /// A selection is to be made again.
    Unselected(SelectionKey),
    /// A unit that failed for good, or was cancelled, waits again.
    Retried {
        /// The unit.
        unit: UnitId,
        /// Its newest attempt: errors up to it no longer count.
        after_attempt: u32,
        /// The time.
        at_ms: i64,
    },
    /// People cancelled a unit.
    Cancelled {
        /// The unit.
        unit: UnitId,
        /// The time.
        at_ms: i64,
    },
    /// The study is paused.
    Paused {
        /// The time.
        at_ms: i64,
        /// The pause, with its reason.
        pause: Pause,
    },
    /// The study is paused no longer.
    Resumed {
        /// The time.
        at_ms: i64,
    },
    /// A worker's log of an attempt.
    Log {
        /// The unit.
        unit: UnitId,
        /// The attempt's number.
        attempt: u32,
        /// The lines.
        text: String,
    },
    /// A rung of a race is to be decided again.
    Unraced(RungKey),
    /// A rung of a race was decided.
    Rung {
        /// The time.
        at_ms: i64,
        /// The decision, with the leavers.
        decision: RungDecision,
    },
    /// The unit's result.
    Result(Box<ResultRecord>),
    /// The weights that belong to it are kept.
    Weights {
        /// The unit.
        unit: UnitId,
        /// The attempt's number.
        attempt: u32,
        /// The digest of the file.
        digest: BlobDigest,
        /// The length of the file, in bytes.
        bytes: u64,
    },
    /// A unit's checkpoint is replaced.
    Checkpoint {
        /// The unit.
        unit: UnitId,
        /// The time.
        at_ms: i64,
        /// The new one.
        kept: KeptCheckpoint,
    },
    /// A unit's checkpoint is of no use any more.
    NoCheckpoint(UnitId),
    /// A result that differs from the one that won.
    Conflict(Box<ResultRecord>),
    /// The failures that count against a worker have changed.
    WorkerFailure(WorkerFailure),
    /// A credential has changed.
    Credential(CredentialWrite),
}

impl Write {
    /// All that makes a retry durable at this time.
    pub fn all_of(retry: &Retry, at_ms: i64) -> impl Iterator<Item = Self> {
        let units = retry.units.iter().map(move |&(unit, after_attempt)| Self::Retried { unit, after_attempt, at_ms });
        let unraced = retry.selections.iter().flat_map(|one| &one.rungs).map(|key| Self::Unraced(*key));
        let unselected = retry.selections.iter().filter_map(|one| one.key).map(Self::Unselected);
        units.chain(unraced).chain(unselected)
    }
}

/// A result as the store keeps it.
#[derive(Clone, Debug)]
pub struct ResultRecord {
    /// The unit.
    pub unit: UnitId,
    /// The attempt's number.
    pub attempt: u32,
    /// When it is committed, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// In which class it was computed.
    pub numerics_class: String,
    /// Whether training diverged.
    pub diverged: bool,
    /// Number of whole epochs.
    pub epochs: u32,
    /// Wrongly classified and scored pairs.
    pub wrong_of: Option<(u32, u32)>,
    /// SHA-256 of the payload.
    pub digest: ResultDigest,
    /// The encoded `seedgrid.v1.UnitResult`.
    pub payload: Vec<u8>,
}

impl Store {
    /// Brings what the write-ahead log holds into the database's file, as far as no reader stands in the way: a log that is lost later
    /// takes with it no more than what came after.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn fold_log(&mut self) -> Result<(), StoreError> {
        let fold = |connection: &mut Connection| {
            lock_wait::wait_for_nobody(connection)?;
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        };
        let folded = fold(&mut self.connection).and_then(|()| self.busy.attend(&mut self.connection, &self.path));
        folded.map_err(|cause| StoreError::Write { path: self.path.clone(), cause })
    }

    /// Makes all `writes` durable, or none. Other programs that have locked the database are waited for ([`LockWait`]).
    ///
    /// # Errors
    /// When the database refuses: a full disk, a lost file system, a lock that is held for too long; when its file was taken away.
    pub fn commit(&mut self, writes: &[Write]) -> Result<(), StoreError> {
        let is_large = writes.len() >= MANY_CHANGES;
        if is_large {
            self.set_cache(LARGE_CACHE_KIB)?;
        }
        let committed = self.try_commit(writes);
        if is_large {
            // A cache that stays large costs no more than time.
            let _ = self.set_cache(CACHE_KIB);
        }
        match committed {
            Ok(()) => self.numbers.keep(),
            Err(_) => self.numbers.undo(),
        }
        self.busy.over();
        committed
    }

    fn set_cache(&mut self, kib: i64) -> Result<(), StoreError> {
        let failed = |cause| StoreError::Write { path: self.path.clone(), cause };
        self.connection.pragma_update(None, "cache_size", -kib).map_err(failed)
    }

    fn try_commit(&mut self, writes: &[Write]) -> Result<(), StoreError> {
        let path = self.path.clone();
        let failed = |cause| StoreError::Write { path: path.clone(), cause };
        let transaction =
            self.connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(failed)?;
        // SQLite refuses a connection that may only read above.
        let owns = self.owner.map_or(Ok(true), |owner| owner.counts(&transaction)).map_err(failed)?;
        if !owns {
            let holder = owner_fencing::holder(&transaction).unwrap_or_else(|| "somebody else".to_owned());
            return Err(StoreError::TakenOver { path, holder });
        }
        let numbers = &mut self.numbers;
        writes.iter().try_for_each(|write| apply(&transaction, numbers, write)).map_err(failed)?;
        // After the last write and before it counts: the time in which a loss would go unnoticed is as short as can be.
        self.file.check(&path)?;
        transaction.commit().map_err(failed)
    }
}

fn apply(transaction: &Transaction<'_>, numbers: &mut Numbers, write: &Write) -> rusqlite::Result<()> {
    let changed = |sql: &str, values: &[&dyn rusqlite::ToSql]| transaction.prepare_cached(sql)?.execute(values);
    let run = |sql: &str, values: &[&dyn rusqlite::ToSql]| changed(sql, values).map(|_| ());
    match write {
        Write::Spec { at_ms, text } => run(
            "INSERT INTO specs (number, started_ms, text, seal) SELECT number, ?1, ?2, seal('specs', number, ?1, ?2) \
             FROM (SELECT ifnull(max(number), 0) + 1 AS number FROM specs)",
            params![at_ms, text],
        ),
        Write::Fact { name, value } => run(
            "INSERT OR REPLACE INTO facts (name, value, seal) VALUES (?1, ?2, seal('facts', ?1, ?2))",
            params![name, value],
        ),
        Write::Unit(id, unit) => unit_rows::write(*id, unit, numbers, run),
        Write::Worker { worker_id, at_ms, info } => {
            let Place { number, is_new } = numbers.place_worker(worker_id);
            let sql = if is_new {
                "INSERT INTO workers (number, worker_id, registered_ms, host, pid, cores, slots, device, isa, numerics_class, \
                 version, place) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
            } else {
                "UPDATE workers SET worker_id = ?2, registered_ms = ?3, host = ?4, pid = ?5, cores = ?6, slots = ?7, device = ?8, \
                 isa = ?9, numerics_class = ?10, version = ?11, place = ?12 WHERE number = ?1"
            };
            run(
                sql,
                params![
                    number,
                    worker_id,
                    at_ms,
                    info.host,
                    info.pid,
                    info.cores,
                    info.slots,
                    info.device,
                    info.isa,
                    info.numerics_class,
                    info.version,
                    info.place
                ],
            )
        }
        Write::Started { unit, attempt, worker_id, at_ms, from } => run(
            "INSERT INTO attempts (unit, attempt, worker, started_ms, from_epochs, from_batches) VALUES (?, ?, ?, ?, ?, ?)",
            params![
                numbers.unit(unit)?,
                attempt,
                numbers.worker(worker_id)?,
                at_ms,
                from.map(|from| from.epochs),
                from.map(|from| from.batches)
            ],
        ),
        Write::Began { unit, attempt } => {
            run("UPDATE attempts SET began = 1 WHERE unit = ? AND attempt = ?", params![numbers.unit(unit)?, attempt])
        }
        Write::Cancelled { unit, at_ms } => run(
            "INSERT OR REPLACE INTO cancellations (unit, cancelled_ms) VALUES (?, ?)",
            params![numbers.unit(unit)?, at_ms],
        ),
        Write::Paused { at_ms, pause } => run(
            "INSERT INTO pauses (paused_ms, reason, by_hand) VALUES (?, ?, ?)",
            params![at_ms, pause.reason, pause.by_hand],
        ),
        Write::Resumed { at_ms } => run("UPDATE pauses SET resumed_ms = ? WHERE resumed_ms IS NULL", params![at_ms]),
        Write::Log { unit, attempt, text } => {
            let number = numbers.unit(unit)?;
            run("INSERT OR REPLACE INTO logs (unit, attempt, text) VALUES (?, ?, ?)", params![number, attempt, text])?;
            run(
                "DELETE FROM logs WHERE unit = ?1 AND attempt <= (SELECT max(attempt) FROM logs WHERE unit = ?1) - ?2",
                params![number, LOGS_MAX],
            )
        }
        Write::Reopened { unit, attempt, worker_id } => run(
            "UPDATE attempts SET worker = ?3, ended_ms = NULL, ending = NULL, detail = NULL \
             WHERE unit = ?1 AND attempt = ?2 AND (ending IS NULL OR ending NOT IN ('done', 'diverged'))",
            params![numbers.unit(unit)?, attempt, numbers.worker(worker_id)?],
        ),
        Write::Selection { at_ms, decision } => run(
            "INSERT INTO selections (key, stage, model, chosen, decided_ms, seal) \
             VALUES (?1, ?2, ?3, ?4, ?5, seal('selections', ?1, ?2, ?3, ?4, ?5)) ON CONFLICT DO NOTHING",
            params![decision.key, decision.stage, decision.model, decision.chosen.map(|place| place as i64), at_ms],
        ),
        Write::Unraced(key) => {
            run("DELETE FROM leavers WHERE key = ?", params![key])?;
            run("DELETE FROM rungs WHERE key = ?", params![key])
        }
        Write::Unselected(key) => run("DELETE FROM selections WHERE key = ?", params![key]),
        Write::Retried { unit, after_attempt, at_ms } => {
            let number = numbers.unit(unit)?;
            run("DELETE FROM cancellations WHERE unit = ?", params![number])?;
            run(
                "INSERT OR REPLACE INTO retries (unit, after_attempt, retried_ms, seal) \
                 VALUES (?1, ?2, ?3, seal('retries', ?1, ?2, ?3, ?4))",
                params![number, after_attempt, at_ms, unit.0],
            )
        }
        Write::Rung { at_ms, decision: RungDecision { stage, model, rung } } => {
            let is_new = changed(
                "INSERT INTO rungs (key, stage, model, folds, decided_ms, seal) \
                 VALUES (?1, ?2, ?3, ?4, ?5, seal('rungs', ?1, ?2, ?3, ?4, ?5, ?6)) ON CONFLICT DO NOTHING",
                params![rung.key, stage, model, rung.folds, at_ms, rung.left.len() as i64],
            )?;
            // An earlier decision stands.
            if is_new == 0 {
                return Ok(());
            }
            rung.left.iter().try_for_each(|leaver| {
                run(
                    "INSERT INTO leavers (key, configuration, why, seal) \
                     VALUES (?1, ?2, ?3, seal('leavers', ?1, ?2, ?3)) ON CONFLICT DO NOTHING",
                    params![rung.key, leaver.place as i64, leaver.why.name()],
                )
            })
        }
        // A late result may overwrite how its attempt was thought to have ended, never that it was done.
        Write::Ended { unit, attempt, at_ms, ending, detail, train_seconds } => run(
            // An attempt that ended as training ends had begun, whether or not there was time to say so.
            "UPDATE attempts SET ended_ms = ?3, ending = ?4, detail = ?5, train_seconds = ?6, \
             began = began OR ?4 IN ('done', 'diverged', 'error', 'out-of-memory') \
             WHERE unit = ?1 AND attempt = ?2 AND (ending IS NULL OR ending NOT IN ('done', 'diverged'))",
            params![numbers.unit(unit)?, attempt, at_ms, ending, detail, train_seconds],
        ),
        Write::Result(record) => run(
            "INSERT INTO results (unit, attempt, committed_ms, numerics_class, ending, epochs, wrong, scored, digest, seal, payload) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, seal('results', ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?11), ?10)",
            params![
                numbers.unit(&record.unit)?,
                record.attempt,
                record.at_ms,
                record.numerics_class,
                if record.diverged { AttemptEnding::Diverged } else { AttemptEnding::Done },
                record.epochs,
                record.wrong_of.map(|(wrong, _)| wrong),
                record.wrong_of.map(|(_, scored)| scored),
                record.digest,
                record.payload,
                record.unit.0
            ],
        ),
        Write::Weights { unit, attempt, digest, bytes } => run(
            "INSERT INTO weights (unit, attempt, sha256, bytes, seal) \
             VALUES (?1, ?2, ?3, ?4, seal('weights', ?1, ?2, ?3, ?4, ?5))",
            params![numbers.unit(unit)?, attempt, digest.0, i64::try_from(*bytes).unwrap_or(i64::MAX), unit.0],
        ),
        Write::Checkpoint { unit, at_ms, kept: KeptCheckpoint { attempt, reference, numerics_class } } => run(
            "INSERT OR REPLACE INTO checkpoints \
             (unit, attempt, saved_ms, epochs, batches, seconds, numerics_class, sha256, bytes, seal) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, seal('checkpoints', ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10))",
            params![
                numbers.unit(unit)?,
                attempt,
                at_ms,
                reference.progress.epochs,
                reference.progress.batches,
                reference.progress.seconds,
                numerics_class,
                reference.digest.0,
                i64::try_from(reference.bytes).unwrap_or(i64::MAX),
                unit.0
            ],
        ),
        Write::NoCheckpoint(unit) => run("DELETE FROM checkpoints WHERE unit = ?", params![numbers.unit(unit)?]),
        Write::Conflict(record) => run(
            "INSERT INTO conflicts (unit, attempt, received_ms, numerics_class, payload) VALUES (?, ?, ?, ?, ?) \
             ON CONFLICT DO NOTHING",
            params![numbers.unit(&record.unit)?, record.attempt, record.at_ms, record.numerics_class, record.payload],
        ),
        Write::WorkerFailure(change) => worker_failures::apply(change, numbers, run),
        Write::Credential(write) => write.apply(run),
    }
}
