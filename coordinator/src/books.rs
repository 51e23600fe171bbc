//! What a run directory tells of units and workers, also while its coordinator writes into it: what commands show, and what a coordinator
//! answers to those that ask from elsewhere.

use std::collections::BTreeMap;

use seedgrid_common::unit::UnitId;

use crate::{
    aggregate::untrained::{self, Classes},
    draws::Draw,
    listing::{self, AttemptLog, Chapter, UnitLine, Units},
    prepare::{self, Planned, PrepareError},
    queue::Pause,
    ranking::Ended,
    run_directory::RunDirectory,
    store::{Store, StoreError, WorkerRecord},
};

/// A run directory's store as it was when this was opened.
#[derive(Debug)]
pub struct Books {
    directory: RunDirectory,
    store: Store,
}

impl Books {
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
        let study = Planned::stored(&self.directory, &self.store)?;
        Ok(listing::lines(&study, &self.store.units()?, self.directory.is_owned()))
    }

    /// As [`Self::lines`], with what results and data sets tell of done units, and what is beside them. A data set that is damaged or lost tells
    /// nothing.
    ///
    /// # Errors
    /// As [`Self::lines`].
    pub fn units(&self) -> Result<Units, PrepareError> {
        let mut lines = self.lines()?;
        let study = Planned::stored(&self.directory, &self.store)?;
        let unnamed_results = prepare::unnamed(&study, &self.store.units()?);
        let ended = self.store.scores()?;
        let (mut stuck, mut untrained) = (BTreeMap::new(), BTreeMap::new());
        let mut draws: BTreeMap<&str, Option<Draw>> = BTreeMap::new();
        let mut classes = Classes::default();
        for planned in study.plan.stages.iter().flat_map(|stage| &stage.configurations) {
            for ((id, unit), is_stuck) in planned.units.iter().zip(untrained::stuck_of(&planned.units, &ended)) {
                let known: &mut Option<bool> = stuck.entry(*id).or_default();
                // Some(true) is above Some(false), and that above None: one stage that has enough seeds tells.
                *known = (*known).max(is_stuck);
                if untrained.contains_key(id) || !matches!(ended.get(id), Some(Ended::Scored { .. })) {
                    continue;
                }
                let digest = unit.dataset_digest.as_str();
                let draw = draws.entry(digest).or_insert_with(|| prepare::kept(&self.directory, digest).ok());
                let result = self.store.result(*id).ok().flatten();
                let found = draw.as_ref().zip(result);
                untrained
                    .insert(*id, found.and_then(|(draw, result)| classes.is_untrained(unit, draw, &result.epochs)));
            }
        }
        for line in &mut lines {
            line.stuck = stuck.get(&line.id).copied().flatten();
            line.untrained = untrained.get(&line.id).copied().flatten();
        }
        Ok(Units { lines, unnamed_results })
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
    pub fn chapters(&self, unit: UnitId) -> Result<Vec<Chapter>, StoreError> {
        let workers = self.by_id()?;
        let chapter = |attempt: crate::store::AttemptRecord| {
            let worker = workers.get(&attempt.worker_id);
            Chapter::new(attempt, worker)
        };
        Ok(self.store.attempts_of(unit)?.into_iter().map(chapter).collect())
    }

    /// What workers logged during a unit's newest attempts, by number.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn logs(&self, unit: UnitId) -> Result<Vec<AttemptLog>, StoreError> {
        let mut logs: BTreeMap<u32, String> = self.store.logs_of(unit)?.into_iter().collect();
        let log = |chapter: Chapter| {
            let log = logs.remove(&chapter.attempt)?;
            let Chapter { attempt, worker, host, ending, .. } = chapter;
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
