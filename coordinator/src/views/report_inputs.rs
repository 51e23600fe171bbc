//! Reads everything for a report from a run directory.

use std::collections::BTreeMap;

use seedgrid_common::{
    model,
    unit::{KERNELS_REVISION, UnitId},
    utc,
    wire::PROTOCOL_VERSION,
};

use crate::{
    aggregate::{Aggregate, Input, aggregate},
    plan::{PrepareError, Prepared, RUN_FACT},
    report::{
        Provenance, State,
        provenance::{AttemptRecord, UnitRecord, WeightsRecord, WorkerRecord},
    },
    run_directory::RunDirectory,
    scheduler::{attempt_ending::AttemptEnding, queue::Rules, unit_state::UnitState},
    store::{self, Store, StoreError, StoredUnit},
};

/// Aggregates a run directory's results of the spec with this number, or of the newest, with their provenance.
///
/// # Errors
/// When the directory has no study, or its store or data set cannot be read.
pub fn collect(directory: &RunDirectory, spec: Option<u32>) -> Result<(Aggregate, Provenance), PrepareError> {
    let store = Store::open_to_read(&directory.database())?;
    // Reads one state of the store, regardless of a coordinator's commits.
    store.hold()?;
    of_store(directory, &store, spec)
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
    Ok(State { run: store.fact(RUN_FACT)?, coordinator, commits, spec, results, unnamed_results })
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
    let results = store.results()?;
    let given_up = given_up(store)?;
    let aggregated = aggregate(&Input {
        study: &prepared.spec.study,
        plan: &prepared.plan,
        selections: &prepared.selections,
        draws: &prepared.draws,
        track: &prepared.track,
        results: &results,
        given_up: &given_up,
        failures: &failures(store, &given_up)?,
    });
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
    for attempt in store.attempts()? {
        let line = attempt.detail.as_deref().and_then(|detail| detail.lines().find(|line| !line.trim().is_empty()));
        if let (Some(line), Some(UnitState::Quarantined)) = (line, given_up.get(&attempt.unit)) {
            failures.insert(attempt.unit, line.trim().chars().take(FAILURE_CHARS_MAX).collect());
        }
    }
    Ok(failures)
}

fn provenance(prepared: &Prepared, store: &Store, state: State) -> Result<Provenance, PrepareError> {
    let planned = prepared.plan.units();
    let workers: BTreeMap<String, store::WorkerRecord> =
        store.workers()?.into_iter().map(|worker| (worker.worker_id.clone(), worker)).collect();
    let kept = store.weights()?;
    let (mut units, mut other_attempts) = (Vec::new(), Vec::new());
    for attempt in store.attempts()? {
        let (Some(unit), Some(ending)) = (planned.get(&attempt.unit), attempt.ending) else { continue };
        let info = workers.get(&attempt.worker_id).map(|worker| worker.info.clone()).unwrap_or_default();
        match ending {
            AttemptEnding::Done | AttemptEnding::Diverged => units.push(UnitRecord {
                unit: unit.id().to_string(),
                attempt: attempt.attempt,
                worker: attempt.worker_id,
                host: info.host,
                place: info.place,
                device: info.device,
                isa: info.isa,
                numerics_class: info.numerics_class,
                wall_seconds: attempt.train_seconds.unwrap_or_default(),
                finished_at_unix_ms: unix_ms(attempt.ended_ms.unwrap_or_default()),
                weights: kept.get(&attempt.unit).map(|kept| WeightsRecord {
                    file: format!("weights/{}.safetensors", attempt.unit),
                    sha256: kept.digest.to_string(),
                    bytes: kept.bytes,
                }),
            }),
            _ => other_attempts.push(AttemptRecord {
                unit: unit.id().to_string(),
                attempt: attempt.attempt,
                worker: attempt.worker_id,
                ending,
                detail: attempt.detail.unwrap_or_default(),
                ended_at_unix_ms: attempt.ended_ms.map(unix_ms),
            }),
        }
    }
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
        workers: workers.into_values().map(worker_record).collect(),
        units,
        other_attempts,
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
