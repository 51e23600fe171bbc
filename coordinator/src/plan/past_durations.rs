//! Reads the durations of trained units, from a study's own store and from other run directories beside it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use crate::scheduler::forecast::{Place, Sample};
use crate::{
    plan::{DATASET_FACT, train_pairs},
    run_directory::RunDirectory,
    store::{Store, StoreError},
};

/// The largest number of other run directories that are read, the newest first.
const OTHERS_MAX: usize = 16;
/// Larger databases are skipped: opening one reads all of it.
const BYTES_MAX: u64 = 256 << 20;

/// The durations of all trained units in a store.
///
/// # Errors
/// When the database cannot be read.
pub fn of_store(store: &Store, place: Place) -> Result<Vec<Sample>, StoreError> {
    let facts = store.facts(DATASET_FACT)?;
    let pairs: BTreeMap<String, u32> =
        facts.into_iter().filter_map(|(name, digest)| Some((digest, train_pairs(&name)?))).collect();
    let mut trained = store.trained()?;
    let units = store.trained_units()?;
    let samples = units.into_iter().filter_map(|(id, unit)| {
        let record = trained.remove(&id)?;
        // Durations on another study's GPUs say nothing about this machine's cores.
        let on_cpu = record.worker.is_none_or(|worker| worker.device == "cpu");
        if place == Place::OtherRuns && !on_cpu {
            return None;
        }
        Some(Sample {
            train_pairs: *pairs.get(unit.dataset_digest.as_str())?,
            configuration: unit.configuration.into_value(),
            fold: unit.fold,
            dataset: unit.dataset_digest.into_value(),
            epochs: record.epochs,
            diverged: record.diverged,
            seconds: record.train_seconds?,
            place,
        })
    });
    Ok(samples.collect())
}

/// Whether other studies must be read too, because one of these models was never trained in this study. A trial for the
/// forecast measures the speed, but not the number of epochs.
pub fn are_few(samples: &[Sample], models: &[&str]) -> bool {
    let trained = |model: &&str| {
        samples.iter().any(|sample| sample.place == Place::ThisStudy && sample.configuration.model == **model)
    };
    !models.iter().all(trained)
}

/// The durations in other studies' run directories beside this one: each directory with its samples. Unreadable
/// directories are left out.
pub fn beside(directory: &RunDirectory) -> Vec<(PathBuf, Vec<Sample>)> {
    let folder = match directory.root().parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => return Vec::new(),
    };
    let own = fs::canonicalize(directory.root()).ok();
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let others = entries.filter(|path| own.is_none() || fs::canonicalize(path).ok() != own);
    let mut found: Vec<(SystemTime, PathBuf)> = others.filter_map(|path| Some((newest(&path)?, path))).collect();
    found.sort_by(|one, other| other.cmp(one));
    let read = |path: PathBuf| {
        let database = RunDirectory::new(&path).database();
        match Store::open_to_read(&database).and_then(|store| of_store(&store, Place::OtherRuns)) {
            Ok(samples) if samples.is_empty() => None,
            Ok(samples) => Some((path, samples)),
            Err(error) => {
                tracing::info!(%error, "left out of the forecast");
                None
            }
        }
    };
    found.into_iter().take(OTHERS_MAX).filter_map(|(_, path)| read(path)).collect()
}

/// The time of the last change of the run directory's database; None if it is missing or too large.
fn newest(path: &Path) -> Option<SystemTime> {
    let file = fs::metadata(RunDirectory::new(path).database()).ok()?;
    (file.is_file() && file.len() <= BYTES_MAX).then(|| file.modified().ok())?
}

#[cfg(test)]
mod tests {
    use seedgrid_common::{
        hyperparameters::Value,
        model,
        training::{Normalize, StopRule},
        unit::{Configuration, Fold},
    };

    use super::*;
    use crate::scheduler::forecast::{Job, Measured, Origin};

    const STOP: StopRule = StopRule::PAPER;

    fn sample(place: Place, epochs: u32, stop: StopRule) -> Sample {
        let given = [("learning_rate", Value::Number(0.1)), ("batch_size", Value::Integer(20))];
        let cnn = model::find("cnn").unwrap().parameters.iter();
        let defaults = cnn.filter_map(|parameter| Some((parameter.name, parameter.default_value()?)));
        let hyperparameters = defaults.chain(given).map(|(name, value)| (name.to_owned(), value)).collect();
        let configuration =
            Configuration { model: "cnn".to_owned(), hyperparameters, stop, normalize: Normalize::Standardize };
        let (dataset, diverged) = ("d".to_owned(), false);
        Sample { configuration, fold: Fold::Holdout, dataset, train_pairs: 100, epochs, diverged, seconds: 2.0, place }
    }

    /// `--measure` measures the speed; the number of epochs still comes from the runs beside this one.
    #[test]
    fn a_trial_does_not_make_other_runs_be_forgotten() {
        let trial = sample(Place::Now, 3, StopRule { loss_delta: 0.0, max_epochs: 3, ..STOP });
        assert!(are_few(std::slice::from_ref(&trial), &["cnn"]));
        let other = sample(Place::OtherRuns, 17, STOP);
        let job = Job { configuration: &other.configuration.clone(), folds: None, dataset: "d", train_pairs: 100 };
        let measured = Measured::new([trial.clone(), other]);
        let (pace, epochs) = (measured.pace(&job), measured.epochs(&job));
        assert_eq!((pace.origin, epochs.origin), (Origin::MeasuredNow, Origin::OtherRuns));
        assert_eq!(epochs.bounds.expected, 17.0);
        let here = sample(Place::ThisStudy, 20, STOP);
        assert!(!are_few(&[trial.clone(), here.clone()], &["cnn"]));
        assert!(are_few(&[trial, here], &["cnn", "fc"]));
    }
}
