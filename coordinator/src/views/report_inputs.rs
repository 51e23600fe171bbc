//! Reads everything for a report from a run directory.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    io,
};

use seedgrid_common::{
    model,
    training::{EpochMetrics, UnitResult},
    unit::{KERNELS_REVISION, Unit, UnitId},
    utc,
    wire::PROTOCOL_VERSION,
};

use crate::{
    aggregate::{Aggregate, Input, Results, aggregate},
    plan::{PrepareError, Prepared},
    report::{
        Provenance, Rows, State,
        provenance::{AttemptRecord, WeightsRecord, WorkerRecord},
    },
    run_directory::RunDirectory,
    scheduler::{attempt_ending::AttemptEnding, queue::Rules, unit_state::UnitState},
    store::{self, KeptWeights, Store, StoreError, StoredUnit},
};

/// Aggregates a run directory's results of the spec with this number, or of the newest, with their provenance.
///
/// # Errors
/// When the directory has no study, or its store or data set cannot be read.
pub fn collect(directory: &RunDirectory, spec: Option<u32>) -> Result<(Aggregate, Provenance, Store), PrepareError> {
    let store = Store::open_to_read(&directory.database())?;
    // Reads one state of the store, regardless of a coordinator's commits.
    store.hold()?;
    let (aggregate, provenance) = of_store(directory, &store, spec)?;
    Ok((aggregate, provenance, store))
}

impl Results for Store {
    type Error = StoreError;

    fn units(&self) -> Result<BTreeSet<UnitId>, StoreError> {
        self.units_with_result()
    }

    fn of(&self, units: &[(UnitId, Unit)]) -> Result<Vec<Option<UnitResult>>, StoreError> {
        self.results_of(&units.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    }
}

/// The rows of a store that a report reads while it is written.
#[derive(Debug)]
pub struct StoredRows<'a> {
    store: &'a Store,
    planned: HashSet<UnitId>,
    weights: BTreeMap<UnitId, KeptWeights>,
}

impl<'a> StoredRows<'a> {
    /// The rows of the aggregate's units in `store`, which it was made from.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn new(store: &'a Store, aggregate: &Aggregate) -> Result<Self, PrepareError> {
        let planned =
            aggregate.curves.iter().flatten().flat_map(|curves| &curves.units).map(|unit| unit.unit).collect();
        Ok(Self { store, planned, weights: store.weights()? })
    }
}

impl Rows for StoredRows<'_> {
    fn epochs(&self, units: &[UnitId]) -> io::Result<Vec<Vec<EpochMetrics>>> {
        let results = self.store.results_of(units).map_err(io::Error::other)?;
        Ok(results.into_iter().map(|result| result.map(|result| result.epochs).unwrap_or_default()).collect())
    }

    fn attempts(&self, row: &mut dyn FnMut(&AttemptRecord) -> io::Result<()>) -> io::Result<()> {
        self.store.each_attempt(&mut |attempt| {
            let Some(ending) = attempt.ending.filter(|_| self.planned.contains(&attempt.unit)) else { return Ok(()) };
            let gave_result = matches!(ending, AttemptEnding::Done | AttemptEnding::Diverged);
            let weights = self.weights.get(&attempt.unit).filter(|_| gave_result);
            row(&AttemptRecord {
                unit: attempt.unit,
                attempt: attempt.attempt,
                ending,
                worker: attempt.worker_id,
                wall_seconds: attempt.train_seconds.filter(|_| gave_result),
                ended_at_unix_ms: attempt.ended_ms.map(unix_ms),
                detail: attempt.detail.unwrap_or_default(),
                weights: weights.map(|kept| WeightsRecord {
                    file: format!("weights/{}.safetensors", attempt.unit),
                    sha256: kept.digest.to_string(),
                    bytes: kept.bytes,
                }),
            })
        })
    }
}

/// The present state of a run, as far as it can be read.
pub fn state_now(directory: &RunDirectory) -> Option<State> {
    let store = Store::open_to_read(&directory.database()).ok()?;
    store.hold().ok()?;
    state(&store, 0, 0).ok()
}

fn state(store: &Store, spec: u32, unnamed_results: usize) -> Result<State, StoreError> {
    let (coordinator, commits) = store.age()?;
    let results = store.count_results()? as usize;
    let study_id = Some(store.study_id()?.to_string());
    Ok(State { study_id, coordinator, commits, spec, results, unnamed_results })
}

/// Aggregates the results in `store`, the directory's store, for the spec with this number, or for the newest.
///
/// # Errors
/// As for [`collect`].
pub fn of_store(
    directory: &RunDirectory,
    store: &Store,
    spec: Option<u32>,
) -> Result<(Aggregate, Provenance), PrepareError> {
    let prepared = Prepared::stored_as(directory, store, spec)?;
    let given_up = given_up(store)?;
    let input = Input {
        study: &prepared.spec.study,
        plan: &prepared.plan,
        selections: &prepared.selections,
        draws: &prepared.draws,
        track: &prepared.track,
        given_up: &given_up,
        failures: &failures(store, &given_up)?,
    };
    let aggregated = aggregate(&input, store)?;
    let state = state(store, prepared.number.unwrap_or_default(), aggregated.report.unnamed_results)?;
    let provenance = provenance(&prepared, store, state)?;
    Ok((aggregated, provenance))
}

/// The units that are not tried again without a result: quarantined or cancelled ones.
pub(crate) fn given_up(store: &Store) -> Result<BTreeMap<UnitId, UnitState>, StoreError> {
    let rules = Rules::default();
    let state = |(id, unit): (UnitId, StoredUnit)| (id, unit.state(&rules, false));
    let is_given_up = |(_, state): &(UnitId, UnitState)| matches!(state, UnitState::Quarantined | UnitState::Cancelled);
    Ok(store.troubled_units()?.into_iter().map(state).filter(is_given_up).collect())
}

/// The largest number of characters of a failure's text in a report; provenance.json has the whole text.
const FAILURE_CHARS_MAX: usize = 200;

/// For each quarantined unit, the first line of its last failure with a text.
fn failures(store: &Store, given_up: &BTreeMap<UnitId, UnitState>) -> Result<BTreeMap<UnitId, String>, StoreError> {
    let mut failures = BTreeMap::new();
    if !given_up.values().any(|state| *state == UnitState::Quarantined) {
        return Ok(failures);
    }
    for attempt in store.attempts()? {
        let line = attempt.detail.as_deref().and_then(|detail| detail.lines().find(|line| !line.trim().is_empty()));
        if let (Some(line), Some(UnitState::Quarantined)) = (line, given_up.get(&attempt.unit)) {
            failures.insert(attempt.unit, line.trim().chars().take(FAILURE_CHARS_MAX).collect());
        }
    }
    Ok(failures)
}

fn provenance(prepared: &Prepared, store: &Store, state: State) -> Result<Provenance, PrepareError> {
    let mut workers = store.workers()?;
    workers.sort_by(|one, other| one.worker_id.cmp(&other.worker_id));
    let models = prepared.plan.stages.iter().flat_map(|stage| &stage.configurations);
    let model_revisions = models
        .filter_map(|planned| model::find(&planned.configuration.model))
        .map(|model| (model.name.to_owned(), model.revision))
        .collect();
    Ok(Provenance {
        study: prepared.spec.study.name.clone(),
        spec: prepared.spec.text.clone(),
        dataset_digest: prepared.draws.first().digest.clone(),
        seedgrid_version: env!("CARGO_PKG_VERSION").to_owned(),
        protocol_version: PROTOCOL_VERSION,
        kernels_revision: KERNELS_REVISION,
        model_revisions,
        state,
        written_at_unix_ms: unix_ms(utc::now_ms()),
        workers: workers.into_iter().map(worker_record).collect(),
        numerics_classes: store.numerics_classes()?,
    })
}

fn worker_record(worker: store::WorkerRecord) -> WorkerRecord {
    let store::WorkerRecord { worker_id, info, .. } = worker;
    WorkerRecord {
        worker: worker_id,
        host: info.host,
        place: info.place,
        pid: info.pid,
        cores: info.cores,
        slots: info.slots,
        device: info.device,
        isa: info.isa,
        numerics_class: info.numerics_class,
        version: info.version,
    }
}

fn unix_ms(ms: i64) -> u64 {
    u64::try_from(ms).unwrap_or_default()
}
