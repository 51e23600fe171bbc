//! Made-up results: `seedgrid-worker no-op` measures a coordinator. Everything is real but the training: each worker enrolls, registers, pulls,
//! streams metrics and hands over as any other does, over the same wire.
//!
//! A coordinator takes such workers only where it was started for them, and then no others
//! ([`ResultKind`](seedgrid_common::made_up_results::ResultKind)).

use std::{
    error::Error,
    io,
    path::PathBuf,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use clap::Args;
use miette::Diagnostic;
use seedgrid_common::{
    classification::{self, CLASSES},
    data::{
        Dataset,
        folds::{self, Scored},
    },
    join::Token,
    made_up_results::NO_OP,
    network_outputs::Outputs,
    random::Stream,
    training::{Ending, EpochMetrics, Scores, UnitResult},
    unit::{Fold, Unit},
    utc,
};
use serde::Serialize;
use tokio::{sync::watch, task::JoinSet};

use crate::{
    lifecycle::{Rules, SLOTS_MAX, attempt::Output},
    link::{
        connection::{CannotJoin, Connector},
        dataset_cache::CacheFolder,
    },
    run::{
        event_loop::{self, Farewell, Settings},
        machine,
        slots::Watched,
        trainer::{Description, Task, Trainer},
    },
    training::{Observer, Wish},
};

const EXAMPLES: &str = "\
Examples:
  seedgrid-worker no-op --join run/join.toml --units 10000 --slots 64
      Sends 10,000 results, 64 at a time, to `seedgrid serve --no-op`.
  seedgrid-worker no-op --join run/join.toml --units 1000 --workers 100
      Sends 1,000 results as 100 workers.

scripts/bench-coordinator.sh prints a table of what that costs.";

/// How long the next of many workers waits before it comes: a coordinator keeps few connections that have shown no credential yet.
const BETWEEN_WORKERS: Duration = Duration::from_millis(4);
/// How long a slot sleeps at most before it looks whether it is to stop.
const NAP: Duration = Duration::from_millis(100);
/// One of this many made-up predictions is wrong.
const WRONG_EVERY: u32 = 8;

/// How to make results up.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct NoOpArguments {
    /// The join file of a coordinator that was started with --no-op
    #[arg(long, value_name = "FILE")]
    pub join: PathBuf,

    /// Leave after so many results
    #[arg(long, value_name = "N")]
    pub units: u64,

    /// How many workers to be, each with a connection of its own
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub workers: u16,

    /// How many units each worker has at a time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=SLOTS_MAX as i64))]
    pub slots: u16,

    /// How long a unit takes
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub unit_ms: u64,

    /// Where to keep data sets
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,
}

/// The outcome of a measurement.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Report {
    /// Results that were handed over.
    pub results: u64,
    /// When the first unit was there, in milliseconds since the Unix epoch.
    pub first_unit_ms: Option<i64>,
    /// Workers that ended before they had handed over their results.
    pub lost_workers: usize,
}

/// The reason for a measurement without a report.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum NoOpError {
    /// The join file cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Join(#[from] CannotJoin),
    /// The machine refused.
    #[error(transparent)]
    Machine(#[from] io::Error),
}

/// Runs many workers until they have handed over the wanted number of results.
///
/// # Errors
/// Where the join file cannot be used, or slots cannot be started.
pub fn run(arguments: &NoOpArguments) -> Result<Report, NoOpError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(live(arguments));
    runtime.shutdown_background();
    report
}

async fn live(arguments: &NoOpArguments) -> Result<Report, NoOpError> {
    let trainer = Arc::new(NoOp::new(arguments.units, Duration::from_millis(arguments.unit_ms)));
    let cache = arguments.cache.as_deref().map(CacheFolder::open).transpose()?;
    let mut lives = JoinSet::new();
    for number in 0..arguments.workers {
        let connector = Connector::new(arguments.join.clone(), machine::host(), false.into(), Token::generate())?;
        let settings = Settings {
            rules: Rules {
                slots: arguments.slots.into(),
                idle_timeout: None,
                connect_timeout: Duration::from_secs(60),
                time_limit: None,
            },
            worker_id: format!("{:032x}", rand::random::<u128>()),
            info: machine::describe(std::process::id(), 1, arguments.slots.into(), trainer.as_ref(), ""),
            cache: cache.clone(),
            watched: Watched::default(),
            save_every: None,
        };
        let (trainer, mut spent) = (Arc::clone(&trainer), trainer.spent.subscribe());
        lives.spawn(async move {
            tokio::time::sleep(BETWEEN_WORKERS * number.into()).await;
            let told = async move {
                // The sender lives as long as the trainer.
                let _ = spent.wait_for(|spent| *spent).await;
            };
            event_loop::run(settings, connector, trainer, told).await
        });
    }
    let mut report = Report { results: 0, first_unit_ms: None, lost_workers: 0 };
    while let Some(lived) = lives.join_next().await {
        let (farewell, tally) = lived.map_err(io::Error::other)??;
        report.results += u64::from(tally.done);
        report.lost_workers += usize::from(!matches!(farewell, Farewell::Left { unacknowledged: 0, .. }));
    }
    report.first_unit_ms = trainer.first.get().copied();
    Ok(report)
}

/// Trains nothing, and gives a result that looks like one.
#[derive(Debug)]
pub struct NoOp {
    /// Results that may still be given.
    left: AtomicU64,
    unit: Duration,
    first: OnceLock<i64>,
    /// Whether all have been given.
    spent: watch::Sender<bool>,
}

impl NoOp {
    /// One that gives so many results, each after this time.
    pub fn new(results: u64, unit: Duration) -> Self {
        Self { left: AtomicU64::new(results), unit, first: OnceLock::new(), spent: watch::Sender::new(results == 0) }
    }

    /// Waits as long as a unit takes. False: it was told to stop.
    fn rest(&self, observer: &mut dyn Observer) -> bool {
        let mut left = self.unit;
        loop {
            if matches!(observer.batch(), Wish::Stop | Wish::SaveAndStop) {
                return false;
            }
            if left.is_zero() {
                return true;
            }
            let nap = left.min(NAP);
            thread::sleep(nap);
            left -= nap;
        }
    }
}

impl Trainer for NoOp {
    fn describe(&self) -> Description {
        Description { device: "none".to_owned(), isa: "none".to_owned(), numerics_class: NO_OP.to_owned() }
    }

    fn train(
        &self,
        Task { unit, .. }: Task<'_>,
        dataset: &Dataset,
        observer: &mut dyn Observer,
    ) -> Result<Option<Output>, Box<dyn Diagnostic + Send + Sync>> {
        self.first.get_or_init(utc::now_ms);
        let last = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        let Ok(left) = last else {
            // Other slots give the last results: this unit is given back.
            while !matches!(observer.batch(), Wish::Stop | Wish::SaveAndStop) {
                thread::sleep(NAP);
            }
            return Ok(None);
        };
        let result = if self.rest(observer) { Some(made_up(unit, dataset)?) } else { None };
        if let Some(result) = &result {
            result.epochs.iter().for_each(|epoch| observer.epoch(epoch));
        }
        if left == 1 {
            self.spent.send_replace(true);
        }
        Ok(result.map(|result| Output { result, weights: None }))
    }
}

/// A result of the unit's shape, the same whenever it is asked for. Most of it is right, as if the network had learnt something.
fn made_up(unit: &Unit, dataset: &Dataset) -> Result<UnitResult, Box<dyn Error + Send + Sync>> {
    let scored = match unit.fold {
        Fold::Holdout => Scored::Test,
        Fold::Part { .. } => folds::split(dataset, unit.fold)?.scored,
    };
    let labels = scored.classes(dataset).ok_or("the primary target has no classes")?;
    let seed = u64::from_le_bytes(unit.id().0[..8].try_into()?);
    let mut values = Vec::with_capacity(CLASSES * labels.len());
    let mut stream = Stream::new(seed, "made-up results");
    for label in &labels {
        let right = stream.below(WRONG_EVERY) > 0;
        let score = 0.1 + 4.0 * stream.unit_f32();
        let second_is_larger = (*label == 1) == right;
        values.extend(if second_is_larger { [-score, score] } else { [score, -score] });
    }
    let outputs = Outputs::new(CLASSES, values)?;
    let wrong =
        outputs.iter().zip(&labels).filter(|(row, label)| classification::class(row) != **label as usize).count();
    let error = wrong as f64 / labels.len() as f64;
    let validation_error = matches!(unit.fold, Fold::Part { .. }).then_some(error);
    let epoch = EpochMetrics { epoch: 1, train_loss: 0.5, train_error: error, validation_error };
    let ending = Ending::Done(Scores { converged: true, outputs, wrong: wrong as u32, loss: 0.5 });
    Ok(UnitResult { epochs: vec![epoch], ending })
}

#[cfg(test)]
mod tests {
    use seedgrid_common::{
        data::{self, DatasetSpec, folds::scored_examples, glyph_pairs},
        made_up_results::ResultKind,
        training::{Normalize, StopRule},
        unit::Configuration,
    };

    use super::*;
    use crate::training::Checkpoint;

    /// Says nothing until it says stop, the `stops`-th time that it is asked.
    struct Watcher {
        asked: usize,
        stops: usize,
        epochs: usize,
    }

    impl Observer for Watcher {
        fn epoch(&mut self, _: &EpochMetrics) {
            self.epochs += 1;
        }

        fn batch(&mut self) -> Wish {
            self.asked += 1;
            if self.asked >= self.stops { Wish::Stop } else { Wish::GoOn }
        }

        fn save(&mut self, _: Checkpoint) {}
    }

    fn dataset() -> Dataset {
        data::build(&DatasetSpec { kind: &glyph_pairs::KIND, train_pairs: 41, test_pairs: 30, seed: 0 }, &[]).unwrap()
    }

    fn unit(fold: Fold, seed: u64) -> Unit {
        let configuration = Configuration {
            model: "fc".to_owned(),
            hyperparameters: Default::default(),
            stop: StopRule::PAPER,
            normalize: Normalize::Scale,
        };
        Unit { dataset_digest: "0".repeat(64).into(), configuration: configuration.into(), fold, seed }
    }

    #[test]
    fn results_have_the_shape_of_their_units_and_are_marked() {
        let (dataset, trainer) = (dataset(), NoOp::new(9, Duration::ZERO));
        assert_eq!(ResultKind::from_numerics_class(&trainer.describe().numerics_class), ResultKind::MadeUp);
        for fold in [Fold::Holdout, Fold::Part { index: 0, of: 4 }, Fold::Part { index: 3, of: 4 }] {
            let unit = unit(fold, 7);
            let mut watcher = Watcher { asked: 0, stops: usize::MAX, epochs: 0 };
            let task = Task { unit: &unit, keep_weights: false, checkpoint: None };
            let output = trainer.train(task, &dataset, &mut watcher).unwrap().unwrap();
            let again = trainer.train(task, &dataset, &mut watcher).unwrap().unwrap();
            assert_eq!(output, again, "of the unit alone");
            let Ending::Done(scores) = &output.result.ending else { panic!("{output:?}") };
            assert_eq!(scores.outputs.rows() as u32, scored_examples(fold, 41, 30));
            assert_eq!(watcher.epochs, 2);
            assert!(scores.error() < 0.5, "{}", scores.error());
        }
    }

    #[test]
    fn no_more_results_come_than_were_asked_for() {
        let (dataset, trainer) = (dataset(), NoOp::new(2, Duration::ZERO));
        let spent = trainer.spent.subscribe();
        let unit = unit(Fold::Holdout, 1);
        let task = Task { unit: &unit, keep_weights: false, checkpoint: None };
        let train = || {
            let output = trainer.train(task, &dataset, &mut Watcher { asked: 0, stops: 2, epochs: 0 });
            output.unwrap().is_some()
        };
        assert!(train() && !*spent.borrow());
        assert!(train() && *spent.borrow());
        assert!(!train(), "it waits until it is told to stop");
    }
}
