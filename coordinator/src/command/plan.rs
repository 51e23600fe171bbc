//! `seedgrid plan`: what a study would train, what of it is done, and how long the rest will take.

mod estimate;

use std::{collections::BTreeMap, fmt::Write as _};

use seedgrid_common::{
    matrix::{Plan, PlannedStage, WaitingRow},
    spec::Evaluation,
    training::Normalize,
    unit::{Hyperparameters, UnitId},
};
use serde::Serialize;

use super::{
    Exit, Failure,
    arguments::{Format, PlanArguments},
    hosting,
};
use crate::{
    forecast::{Bounds, Forecast, StageForecast},
    prepare::{Prepared, Spec, belongs},
    progress::duration,
    store::{Store, StoredUnit},
};
use estimate::EstimateListing;

pub(super) async fn plan(arguments: PlanArguments) -> Result<Exit, Failure> {
    let spec = Spec::read(&arguments.study.spec)?;
    hosting::say_what_is_unused(&arguments.study, &spec);
    let directory = hosting::directory(&arguments.study, &spec.study.name);
    let store = match directory.database().is_file() {
        true => Some(Store::open_to_read(&directory.database())?),
        false => None,
    };
    let known = match &store {
        Some(store) => {
            belongs(&directory, store, &spec.study.name)?;
            store.units()?
        }
        None => BTreeMap::new(),
    };
    let prepared = Prepared::new(spec, arguments.study.data.as_deref(), &directory, store.as_ref())?;
    let estimated = estimate::estimate(&arguments, &directory, store.as_ref(), &prepared, &known).await?;
    let Some((forecast, estimate)) = estimated else { return Ok(Exit::Interrupted) };
    let listing = Listing::new(&prepared, &known, &forecast, estimate);
    match arguments.format {
        Format::Text => super::print(&listing.text())?,
        Format::Json => super::print_json(&listing)?,
    }
    Ok(Exit::Done)
}

/// The schema of `seedgrid plan --format json`, described in docs/cli.md.
#[derive(Debug, Serialize)]
struct Listing {
    schema: &'static str,
    study: String,
    dataset: DatasetListing,
    units: Progress,
    stages: Vec<StageListing>,
    /// How long the units that are left will take.
    estimate: EstimateListing,
}

#[derive(Debug, Serialize)]
struct DatasetListing {
    title: String,
    digest: String,
    train_pairs: usize,
    test_pairs: usize,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Progress {
    total: usize,
    done: usize,
    left: usize,
}

#[derive(Debug, Serialize)]
struct StageListing {
    name: String,
    evaluation: String,
    seeds: Vec<u64>,
    configurations: Vec<ConfigurationListing>,
    waiting: Vec<WaitingListing>,
    /// Of its units that are left; a unit that stages share is left in the first.
    core_seconds: Bounds,
}

/// A row that starts from a selection that is not there yet.
#[derive(Debug, Serialize)]
struct WaitingListing {
    model: String,
    from: String,
    configurations: usize,
    units: usize,
    unreachable: bool,
    /// Expected of each unit; null where nothing can be selected.
    unit_seconds: Option<Bounds>,
}

#[derive(Debug, Serialize)]
struct ConfigurationListing {
    model: String,
    hyperparameters: Hyperparameters,
    normalize: Normalize,
    units: Progress,
    /// Expected of each unit.
    unit_seconds: Bounds,
    /// What its line says of it: what is no default, and what varies in its row.
    #[serde(skip)]
    settings: Vec<String>,
}

impl WaitingListing {
    fn new(row: &WaitingRow, unit_seconds: Option<Bounds>) -> Self {
        let WaitingRow { model, from, configurations, units, unreachable } = row.clone();
        Self { model, from, configurations, units, unreachable, unit_seconds }
    }
}

impl StageListing {
    fn new(stage: &PlannedStage, forecast: &StageForecast, known: &BTreeMap<UnitId, StoredUnit>) -> Self {
        let configurations = stage.configurations.iter().zip(&forecast.configurations);
        let waiting = stage.waiting.iter().zip(&forecast.waiting);
        Self {
            name: stage.name.clone(),
            evaluation: match stage.evaluation {
                Evaluation::Holdout => "holdout".to_owned(),
                Evaluation::Folds(of) => format!("{of} folds"),
            },
            seeds: stage.seeds.clone(),
            configurations: configurations
                .map(|(planned, estimate)| ConfigurationListing {
                    model: planned.configuration.model.clone(),
                    hyperparameters: planned.configuration.hyperparameters.clone(),
                    normalize: planned.configuration.normalize,
                    units: Progress::of(planned.units.iter().map(|(id, _)| id), known),
                    unit_seconds: estimate.seconds,
                    settings: planned.configuration.settings(&planned.axes),
                })
                .collect(),
            waiting: waiting
                .map(|(row, estimate)| WaitingListing::new(row, estimate.map(|estimate| estimate.seconds)))
                .collect(),
            core_seconds: forecast.core_seconds,
        }
    }
}

impl Progress {
    fn of<'a>(units: impl Iterator<Item = &'a UnitId>, known: &BTreeMap<UnitId, StoredUnit>) -> Self {
        let (mut total, mut done) = (0, 0);
        for id in units {
            total += 1;
            done += usize::from(known.get(id).is_some_and(|unit| unit.result.is_some()));
        }
        Self { total, done, left: total - done }
    }
}

impl Listing {
    fn new(
        prepared: &Prepared,
        known: &BTreeMap<UnitId, StoredUnit>,
        forecast: &Forecast,
        estimate: EstimateListing,
    ) -> Self {
        let Plan { stages } = &prepared.plan;
        let stages = stages.iter().zip(&forecast.stages);
        Self {
            schema: "seedgrid.plan/1",
            study: prepared.spec.study.name.clone(),
            dataset: DatasetListing {
                title: prepared.dataset.title.clone(),
                digest: prepared.digest.clone(),
                train_pairs: prepared.dataset.train.len(),
                test_pairs: prepared.dataset.test.len(),
            },
            units: Progress::of(prepared.plan.units().keys(), known),
            stages: stages.map(|(stage, forecast)| StageListing::new(stage, forecast, known)).collect(),
            estimate,
        }
    }

    fn text(&self) -> String {
        let mut text = format!(
            "{} on {} ({} training and {} test pairs)\n",
            self.study, self.dataset.title, self.dataset.train_pairs, self.dataset.test_pairs
        );
        let mut line = |parts: std::fmt::Arguments<'_>| {
            // Writing into a string cannot fail.
            let _ = writeln!(text, "{parts}");
        };
        for stage in &self.stages {
            let known: usize = stage.configurations.iter().map(|configuration| configuration.units.total).sum();
            let units = known + stage.waiting.iter().map(|row| row.units).sum::<usize>();
            let waiting: usize = stage.waiting.iter().map(|row| row.configurations).sum();
            line(format_args!(
                "\nstage {}: {}, {} seeds, {} configurations, {units} units",
                stage.name,
                stage.evaluation,
                stage.seeds.len(),
                stage.configurations.len() + waiting
            ));
            for configuration in &stage.configurations {
                let Progress { total, done, left } = configuration.units;
                let settings = configuration.settings.join(" ");
                let each = if left > 0 { each(Some(configuration.unit_seconds)) } else { String::new() };
                line(format_args!("  {:<16} {done:>4} of {total} done  {each:<16} {settings}", configuration.model));
            }
            for row in &stage.waiting {
                let state =
                    if row.unreachable { "out of reach: nothing was selected in" } else { "what is selected in" };
                let each = each(row.unit_seconds);
                line(format_args!("  {:<16} {:>4} units  {each:<16} {state} {}", row.model, row.units, row.from));
            }
        }
        let Progress { total, done, left } = self.units;
        let waiting = self.stages.iter().flat_map(|stage| &stage.waiting);
        let to_come: usize = waiting.filter(|row| !row.unreachable).map(|row| row.units).sum();
        match to_come {
            0 => line(format_args!("\n{total} different units: {done} done, {left} to train")),
            _ => line(format_args!(
                "\n{total} different units: {done} done, {left} to train; then {to_come} of what is selected"
            )),
        }
        self.estimate.text().iter().for_each(|sentence| line(format_args!("{sentence}")));
        text
    }
}

/// "12 s each", what is expected of a unit.
fn each(seconds: Option<Bounds>) -> String {
    match seconds.map(|seconds| seconds.expected) {
        None => String::new(),
        Some(seconds) if seconds < 0.1 => "< 0.1 s each".to_owned(),
        Some(seconds) => format!("{} each", duration((1000.0 * seconds) as u64)),
    }
}
