//! Reads units and workers from a run directory, also during a coordinator's writes: for commands, and for a
//! coordinator's answers to remote commands.

use std::collections::{BTreeMap, BTreeSet};

use seedgrid_common::{data::DatasetTargets, matrix::PlannedConfiguration, unit::UnitId};

use crate::{
    aggregate::untrained_and_stuck::{self, Classes},
    plan::{self, Planned, PrepareError, data_draws::kept_targets},
    run_directory::RunDirectory,
    scheduler::{queue::Pause, ranking::Ended},
    store::{Store, StoreError, WorkerRecord},
    views::units::{self, AttemptEntry, AttemptLog, NotFound, UnitLine, Units},
};

/// A run directory's store in its state at the time of opening.
#[derive(Debug)]
pub struct RunReader {
    directory: RunDirectory,
    store: Store,
}

impl RunReader {
    /// Opens an existing run directory.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn open(directory: RunDirectory) -> Result<Self, StoreError> {
        let store = Store::open_to_read(&directory.database())?;
        store.hold()?;
        Ok(Self { directory, store })
    }

    /// Opens it to read single units alone: their rows are checked when they are read, and others are not.
    ///
    /// # Errors
    /// As for [`Self::open`].
    pub fn open_for_single_units(directory: RunDirectory) -> Result<Self, StoreError> {
        let store = Store::open_to_read_single_units(&directory.database())?;
        store.hold()?;
        Ok(Self { directory, store })
    }

    /// Every unit, in the order of the plan, with the marks of done units from results and data sets, and with the run
    /// directory's other results. A damaged or lost data set gives no marks.
    ///
    /// # Errors
    /// When the store cannot be read or has no study.
    pub fn units(&self) -> Result<Units, PrepareError> {
        let study = Planned::stored(&self.directory, &self.store)?;
        let known = self.store.units()?;
        let mut lines = units::lines(&study, &known, self.directory.is_owned());
        self.mark(&study, &mut lines, &self.store.scores()?)?;
        let stages = study.plan.stages.iter().map(|stage| stage.name.clone()).collect();
        Ok(Units { lines, unnamed_results: plan::unnamed(&study, &known), stages })
    }

    /// The units that these texts name, in their order, without marks.
    ///
    /// # Errors
    /// As for [`Self::units`], and when a text does not name one unit.
    pub fn find<E: From<PrepareError> + From<NotFound>>(&self, texts: &[String]) -> Result<Vec<UnitLine>, E> {
        let study = Planned::stored(&self.directory, &self.store)?;
        texts.iter().map(|text| self.find_one(&study, text)).collect()
    }

    /// The unit that a text names, with the marks of [`Self::units`]; other units' results are not read.
    ///
    /// # Errors
    /// As for [`Self::find`].
    pub fn unit<E: From<PrepareError> + From<NotFound>>(&self, text: &str) -> Result<UnitLine, E> {
        let study = Planned::stored(&self.directory, &self.store)?;
        let mut unit = self.find_one::<E>(&study, text)?;
        // Those of the same configuration tell whether it is stuck.
        let configurations = study.plan.stages.iter().flat_map(|stage| &stage.configurations);
        let alike = configurations.filter(|planned| planned.units.iter().any(|(id, _)| *id == unit.id));
        let alike: BTreeSet<UnitId> = alike.flat_map(|planned| &planned.units).map(|(id, _)| *id).collect();
        let ended = self.store.scores_of(alike).map_err(PrepareError::from)?;
        self.mark(&study, std::slice::from_mut(&mut unit), &ended)?;
        Ok(unit)
    }

    fn find_one<E: From<PrepareError> + From<NotFound>>(&self, study: &Planned, text: &str) -> Result<UnitLine, E> {
        let mut unit = units::find_in_study(study, text)?;
        let stored = self.store.stored_unit(unit.id).map_err(PrepareError::from)?;
        unit.stands(&stored, &study.track, self.directory.is_owned());
        Ok(unit)
    }

    /// Marks the untrained and the stuck ones of these units, if that is known. `ended` tells how they and all of their configurations
    /// ended.
    fn mark(
        &self,
        study: &Planned,
        lines: &mut [UnitLine],
        ended: &BTreeMap<UnitId, Ended>,
    ) -> Result<(), PrepareError> {
        let mut wanted: BTreeMap<UnitId, &mut UnitLine> = lines.iter_mut().map(|line| (line.id, line)).collect();
        let mut looked_at: BTreeSet<UnitId> = BTreeSet::new();
        let mut datasets: BTreeMap<&str, Option<DatasetTargets>> = BTreeMap::new();
        let mut classes = Classes::default();
        let is_wanted = |planned: &&PlannedConfiguration| planned.units.iter().any(|(id, _)| wanted.contains_key(id));
        let configurations = study.plan.stages.iter().flat_map(|stage| &stage.configurations);
        for planned in configurations.filter(is_wanted).collect::<Vec<_>>() {
            for ((id, unit), stuck) in planned.units.iter().zip(untrained_and_stuck::stuck_of(&planned.units, ended)) {
                let Some(line) = wanted.get_mut(id) else { continue };
                // The order is Some(true), Some(false), None: a single stage with enough seeds decides.
                line.stuck = line.stuck.max(stuck);
                if !looked_at.insert(*id) || !matches!(ended.get(id), Some(Ended::Scored { .. })) {
                    continue;
                }
                let digest = unit.dataset_digest.as_str();
                let dataset = datasets.entry(digest).or_insert_with(|| kept_targets(&self.directory, digest).ok());
                let found = dataset.as_ref().zip(self.store.result(*id).ok().flatten());
                line.untrained = found.and_then(|(data, result)| classes.is_untrained(unit, data, &result.epochs));
            }
        }
        Ok(())
    }

    /// Every worker that ever registered, by id.
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
    pub fn attempts(&self, unit: UnitId) -> Result<Vec<AttemptEntry>, StoreError> {
        let workers = self.by_id()?;
        let entry = |attempt: crate::store::AttemptRecord| {
            let worker = workers.get(&attempt.worker_id);
            AttemptEntry::new(attempt, worker)
        };
        Ok(self.store.attempts_of(unit)?.into_iter().map(entry).collect())
    }

    /// The logs of a unit's newest attempts, by number.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn logs(&self, unit: UnitId) -> Result<Vec<AttemptLog>, StoreError> {
        let mut logs: BTreeMap<u32, String> = self.store.logs_of(unit)?.into_iter().collect();
        let log = |entry: AttemptEntry| {
            let log = logs.remove(&entry.attempt)?;
            let AttemptEntry { attempt, worker, host, ending, .. } = entry;
            Some(AttemptLog { attempt, worker, host, ending, log })
        };
        Ok(self.attempts(unit)?.into_iter().filter_map(log).collect())
    }

    /// The pause, if the study is paused.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn pause(&self) -> Result<Option<Pause>, StoreError> {
        self.store.pause()
    }
}
