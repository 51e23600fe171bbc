//! `seedgrid plan --measure` trains a few epochs of the remaining units with this machine's worker, to measure its
//! speed.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use seedgrid_common::{
    batch_job_end::{self, JobEnd},
    hyperparameters::Value,
    made_up_results::ResultKind,
    matrix::Plan,
    temporary_files::Scratch,
    training::Normalize,
    unit::{Configuration, UnitId},
    wire::v1,
};

use super::{
    Failure,
    follow_study::follow,
    host_study::{Hosting, Opened},
    server_settings::ServerSettings,
};
use crate::{
    cli::{
        local_workers::{LocalWorker, Surroundings, WorkerEnd},
        progress::View,
        stop_signals::{Attended, StopSignal},
    },
    core::Holders,
    plan::{Prepared, Spec, past_durations},
    run_directory::RunDirectory,
    scheduler::forecast::{Job, Measured, Place, Sample},
    store::Store,
};

/// The largest number of networks and batch sizes that are tried; those with the most units come first.
const SHAPES_MAX: usize = 12;
/// The number of training pairs, unless a batch needs more.
const PAIRS: u64 = 400;
/// The approximate duration of each trial in seconds, by the guessed speed.
const SECONDS: f64 = 0.25;
/// The largest number of epochs of a trial.
const EPOCHS_MAX: f64 = 500.0;
/// The largest number of simultaneous trials of one network.
const SEEDS_MAX: usize = 64;
/// The time limit for the worker to leave.
const LEAVE_GRACE: Duration = Duration::from_secs(5);

/// Measures a few epochs of the units that are `left`, with `slots` of them at a time. The inner error is the signal
/// that ended it.
pub(super) async fn measure(
    plan: &Plan,
    left: impl Fn(UnitId) -> bool,
    slots: usize,
) -> Result<Result<Vec<Sample>, StopSignal>, Failure> {
    let shapes = shapes(plan, left);
    if shapes.is_empty() {
        return Ok(Ok(Vec::new()));
    }
    let folder = Scratch::new().map_err(Failure::Scratch)?;
    let opened = open(folder.path(), &spec(&shapes, slots))?;
    let database = opened.directory.database();
    let hosting = Hosting::start(opened, ServerSettings::LOCAL, Holders::AreGone).await?;
    let surroundings = Surroundings::new(&JobEnd::find(&batch_job_end::environment));
    let mut worker =
        LocalWorker::start(&hosting.directory.join_file(), slots, &hosting.directory.logs(), surroundings)?;
    let mut view = Silent;
    let mut signals = Attended::begin();
    let ended = tokio::select! {
        _ = follow(hosting.study.snapshots(), &mut view, true) => Ok(None),
        signal = signals.received() => Ok(Some(signal)),
        // The worker leaves when the study is done, possibly before this process receives that snapshot.
        watched = worker.watch() => match watched {
            Ok(WorkerEnd::Left) => Ok(None),
            Ok(WorkerEnd::OutOfTime) => Err(Failure::NoTime),
            Err(error) => Err(error.into()),
        },
    };
    worker.stop(LEAVE_GRACE).await;
    let directory = hosting.stop().await?;
    if let Some(signal) = ended?.or(signals.end()) {
        return Ok(Err(signal));
    }
    let samples = past_durations::of_store(&Store::open_to_read(&database)?, Place::Now)?;
    drop(directory);
    Ok(Ok(samples))
}

/// A view without output.
struct Silent;

impl View for Silent {
    fn show(&mut self, _: &v1::StatusSnapshot) -> std::io::Result<()> {
        Ok(())
    }

    fn finish(&mut self) {}
}

/// One configuration of each network and batch size with remaining units.
fn shapes(plan: &Plan, left: impl Fn(UnitId) -> bool) -> Vec<&Configuration> {
    let mut counted: BTreeMap<(String, String), (usize, &Configuration)> = BTreeMap::new();
    for planned in plan.stages.iter().flat_map(|stage| &stage.configurations) {
        let units = planned.units.iter().filter(|(id, _)| left(*id)).count();
        let configuration = &planned.configuration;
        let batch = configuration.hyperparameters.get("batch_size").map_or_else(String::new, Value::to_string);
        let key = (configuration.model.clone(), format!("{} {batch}", cost(configuration, 1)));
        counted.entry(key).or_insert((0, configuration)).0 += units;
    }
    let mut shapes: Vec<(usize, &Configuration)> = counted.into_values().filter(|(units, _)| *units > 0).collect();
    shapes.sort_by_key(|(units, _)| std::cmp::Reverse(*units));
    shapes.into_iter().take(SHAPES_MAX).map(|(_, configuration)| configuration).collect()
}

/// Multiplications of an epoch on this many pairs.
fn cost(configuration: &Configuration, train_pairs: u32) -> f64 {
    Job { configuration, folds: None, dataset: "", train_pairs }.epoch_cost()
}

/// A study of these configurations on drawn data, with about equal durations, `slots` at a time.
fn spec(shapes: &[&Configuration], slots: usize) -> String {
    let batches = shapes.iter().filter_map(|shape| match shape.hyperparameters.get("batch_size") {
        Some(Value::Integer(batch)) => Some(*batch),
        Some(_) | None => None,
    });
    let pairs = batches.chain([PAIRS]).max().unwrap_or(PAIRS);
    let mut text = format!(
        "name = \"measure\"\n[dataset]\nkind = \"glyph-pairs\"\ntrain_pairs = {pairs}\ntest_pairs = 10\n\n[[stage]]\nname = \
         \"measure\"\nevaluation = \"holdout\"\nseeds = \"1..={}\"\nstop = {{ loss_delta = 0.0, max_epochs = 1 }}\n",
        slots.clamp(1, SEEDS_MAX)
    );
    for shape in shapes {
        let train_pairs = u32::try_from(pairs).unwrap_or(u32::MAX);
        let job = Job { configuration: shape, folds: None, dataset: "", train_pairs };
        let guessed = Measured::default().pace(&job).bounds.expected * job.epoch_cost();
        let epochs = (SECONDS / guessed).clamp(2.0, EPOCHS_MAX) as u32;
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\n[[stage.model]]\nmodel = \"{}\"\nstop = {{ max_epochs = {epochs} }}", shape.model);
        let _ = writeln!(text, "normalize = \"{}\"", Normalize::Standardize.name());
        for (name, value) in &shape.hyperparameters {
            let _ = match value {
                Value::Text(word) => writeln!(text, "{name} = \"{word}\""),
                other => writeln!(text, "{name} = {other}"),
            };
        }
    }
    text
}

fn open(folder: &std::path::Path, spec: &str) -> Result<Opened, Failure> {
    let spec = Spec::parse("--measure", spec.to_owned())?;
    let directory = RunDirectory::new(folder.join("run")).own()?;
    let mut store = Store::open(&directory.database())?;
    let mut prepared = Prepared::new(spec, None, &directory, Some(&store))?;
    prepared.keep(&directory, &mut store)?;
    // Nothing was given out yet.
    let known = BTreeMap::new();
    Ok(Opened { directory, store, prepared, results: ResultKind::Trained, known })
}

#[cfg(test)]
mod tests {
    use seedgrid_common::{
        data::Digests,
        matrix::{Selections, expand},
    };

    use super::*;

    /// Digests for every draw in the examples.
    fn digests() -> Digests {
        (0..64).map(|seed| (seed, "digest".to_owned())).collect()
    }

    /// Every example's configurations can be tried, with any hyper-parameters.
    #[test]
    fn trials_are_right_specs() {
        for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../experiments")).unwrap() {
            let given = Spec::read(&file.unwrap().path()).unwrap();
            let plan = expand(&given.study, &digests(), &Selections::new());
            let shapes = shapes(&plan, |_| true);
            assert!(!shapes.is_empty() && shapes.len() <= SHAPES_MAX);
            let trial = Spec::parse("trial", spec(&shapes, 3)).unwrap_or_else(|error| panic!("{error}"));
            let units = expand(&trial.study, &digests(), &Selections::new()).units().len();
            assert_eq!(units, 3 * shapes.len(), "each as often as there are slots");
        }
    }

    #[test]
    fn what_is_done_is_not_tried() {
        let given =
            Spec::read(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../experiments/quickstart.toml")));
        let plan = expand(&given.unwrap().study, &digests(), &Selections::new());
        assert!(shapes(&plan, |_| false).is_empty());
    }
}
