//! What a run directory tells of units and workers, also while its coordinator writes into it: what commands show, and what a coordinator
//! answers to those that ask from elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use seedgrid_common::unit::UnitId;

use crate::{
    aggregate::untrained_and_stuck::{self, Classes},
    plan::{self, Planned, PrepareError, data_draws::Draw},
    run_directory::RunDirectory,
    scheduler::{queue::Pause, ranking::Ended},
    store::{Store, StoreError, StoredUnit, WorkerRecord},
    views::units::{self, AttemptEntry, AttemptLog, UnitLine, Units},
};

/// A run directory's store as it was when this was opened.
#[derive(Debug)]
pub struct RunReader {
    directory: RunDirectory,
    store: Store,
}

/// A study and its units, as the store has them.
struct Contents {
    study: Planned,
    known: BTreeMap<UnitId, StoredUnit>,
    lines: Vec<UnitLine>,
}

impl RunReader {
    /// Of an existing run directory.
    ///
    /// # Errors
    /// When its store cannot be read.
    pub fn open(directory: RunDirectory) -> Result<Self, StoreError> {
        let store = Store::open_to_read(&directory.database())?;
        store.hold()?;
        Ok(Self { directory, store })
    }

    /// Every unit, in the order of the plan.
    ///
    /// # Errors
    /// When the store cannot be read, or holds no study.
    pub fn lines(&self) -> Result<Vec<UnitLine>, PrepareError> {
        Ok(self.contents()?.lines)
    }

    /// As [`Self::lines`], with what results and data sets tell of done units, and what is beside them. A data set that is damaged or lost tells
    /// nothing.
    ///
    /// # Errors
    /// As [`Self::lines`].
    pub fn units(&self) -> Result<Units, PrepareError> {
        let Contents { study, known, mut lines } = self.contents()?;
        self.mark(&study, &mut lines)?;
        let stages = study.plan.stages.iter().map(|stage| stage.name.clone()).collect();
        Ok(Units { lines, unnamed_results: plan::unnamed(&study, &known), stages })
    }

    /// The unit that `choose` takes of all, as [`Self::units`] has it: no other unit's result is read.
    ///
    /// # Errors
    /// As [`Self::lines`], and those of `choose`.
    pub fn unit<E: From<PrepareError>>(
        &self,
        choose: impl FnOnce(&[UnitLine]) -> Result<UnitLine, E>,
    ) -> Result<UnitLine, E> {
        let Contents { study, lines, .. } = self.contents()?;
        let mut unit = choose(&lines)?;
        self.mark(&study, std::slice::from_mut(&mut unit))?;
        Ok(unit)
    }

    fn contents(&self) -> Result<Contents, PrepareError> {
        let (study, known) = (Planned::stored(&self.directory, &self.store)?, self.store.units()?);
        let lines = units::lines(&study, &known, self.directory.is_owned());
        Ok(Contents { study, known, lines })
    }

    /// Says of these units which are untrained or stuck, where that is known.
    fn mark(&self, study: &Planned, lines: &mut [UnitLine]) -> Result<(), PrepareError> {
        let mut wanted: BTreeMap<UnitId, &mut UnitLine> = lines.iter_mut().map(|line| (line.id, line)).collect();
        let ended = self.store.scores()?;
        let mut looked_at: BTreeSet<UnitId> = BTreeSet::new();
        let mut draws: BTreeMap<&str, Option<Draw>> = BTreeMap::new();
        let mut classes = Classes::default();
        for planned in study.plan.stages.iter().flat_map(|stage| &stage.configurations) {
            for ((id, unit), stuck) in planned.units.iter().zip(untrained_and_stuck::stuck_of(&planned.units, &ended)) {
                let Some(line) = wanted.get_mut(id) else { continue };
                // Some(true) is above Some(false), and that above None: one stage that has enough seeds tells.
                line.stuck = line.stuck.max(stuck);
                if !looked_at.insert(*id) || !matches!(ended.get(id), Some(Ended::Scored { .. })) {
                    continue;
                }
                let digest = unit.dataset_digest.as_str();
                let draw = draws.entry(digest).or_insert_with(|| plan::kept(&self.directory, digest).ok());
                let found = draw.as_ref().zip(self.store.result(*id).ok().flatten());
                line.untrained = found.and_then(|(draw, result)| classes.is_untrained(unit, draw, &result.epochs));
            }
        }
        Ok(())
    }

    /// Every worker that was ever there, by id.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn workers(&self) -> Result<Vec<WorkerRecord>, StoreError> {
        self.store.workers()
    }

    fn by_id(&self) -> Result<BTreeMap<String, WorkerRecord>, StoreError> {
        Ok(self.workers()?.into_iter().map(|worker| (worker.worker_id.clone(), worker)).collect())
    }

    /// A unit's attempts, by number.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn chapters(&self, unit: UnitId) -> Result<Vec<AttemptEntry>, StoreError> {
        let workers = self.by_id()?;
        let chapter = |attempt: crate::store::AttemptRecord| {
            let worker = workers.get(&attempt.worker_id);
            AttemptEntry::new(attempt, worker)
        };
        Ok(self.store.attempts_of(unit)?.into_iter().map(chapter).collect())
    }

    /// What workers logged during a unit's newest attempts, by number.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn logs(&self, unit: UnitId) -> Result<Vec<AttemptLog>, StoreError> {
        let mut logs: BTreeMap<u32, String> = self.store.logs_of(unit)?.into_iter().collect();
        let log = |chapter: AttemptEntry| {
            let log = logs.remove(&chapter.attempt)?;
            let AttemptEntry { attempt, worker, host, ending, .. } = chapter;
            Some(AttemptLog { attempt, worker, host, ending, log })
        };
        Ok(self.chapters(unit)?.into_iter().filter_map(log).collect())
    }

    /// Why the study is paused, if it is.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn pause(&self) -> Result<Option<Pause>, StoreError> {
        self.store.pause()
    }
}
