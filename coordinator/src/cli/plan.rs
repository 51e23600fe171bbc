//! `seedgrid plan` shows the units of a study, those that are done, and the duration of the rest.

mod estimate;

use std::{collections::BTreeMap, fmt::Write as _};

use seedgrid_common::{
    error_chain::with_hint,
    hyperparameters::Hyperparameters,
    label,
    matrix::{Plan, PlannedStage, WaitingRow},
    spec::Evaluation,
    terminal::{Screen, wrapped},
    text::{count, whole},
    training::Normalize,
    unit::UnitId,
};
use serde::Serialize;

use super::{Exit, Failure, arguments::PlanArguments, host_study, shared_arguments::Format};
use crate::{
    plan::{Overlap, Prepared, Spec, belongs},
    report::text_table::{Column, Table},
    scheduler::{
        forecast::{Bounds, Forecast, StageForecast},
        race::RaceTrack,
    },
    store::{Store, StoreError, StoredUnit, blobs::weights::WeightCounts},
};
use estimate::EstimateListing;

pub(super) async fn plan(arguments: PlanArguments) -> Result<Exit, Failure> {
    let spec = Spec::read(&arguments.study.spec)?;
    host_study::say_what_is_unused(&arguments.study, &spec);
    let directory = host_study::directory(&arguments.study, &spec.study.name);
    let store = match directory.database().is_file() {
        true => match Store::open_to_read(&directory.database()) {
            // A run would start from an empty store here.
            Err(StoreError::NotBegun { .. }) => None,
            opened => Some(opened?),
        },
        false => None,
    };
    let known = match &store {
        Some(store) => {
            belongs(&directory, store, &spec.study.name)?;
            store.units()?
        }
        None => BTreeMap::new(),
    };
    let prepared = Prepared::preview(spec, arguments.study.data.as_deref(), &directory, store.as_ref())?;
    let weights = host_study::weights_standing(&prepared, &directory, store.as_ref(), &known)?;
    let estimated = estimate::estimate(&arguments, &directory, store.as_ref(), &prepared, &known).await?;
    let (forecast, estimate) = match estimated {
        Ok(estimated) => estimated,
        Err(signal) => return Ok(Exit::Interrupted(signal)),
    };
    let overlap = Overlap::count(&prepared, &directory, store.as_ref(), &known)?;
    let listing = Listing::new(&prepared, &known, weights, overlap, &forecast, estimate);
    match arguments.format {
        Format::Text => super::print_as_it_is(&listing.text(Screen::output().columns))?,
        Format::Json => super::print_json(&listing)?,
    }
    Ok(Exit::Done)
}

/// The schema of `seedgrid plan --format json`, described in docs/cli.md.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Listing {
    schema: &'static str,
    /// The study's name.
    study: String,
    /// The data set.
    dataset: DatasetListing,
    /// The different units of all stages.
    units: Progress,
    /// The overlap of the spec's units with the stored results.
    results: Overlap,
    /// The units with weights to keep.
    weights: WeightCounts,
    /// The stages, in the order of the spec.
    stages: Vec<StageListing>,
    /// The count for the last line of the text; JSON has it in each stage's `waiting`.
    #[serde(skip)]
    units_waiting: usize,
    /// The estimated duration of the remaining units.
    estimate: EstimateListing,
}

/// The data set.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct DatasetListing {
    /// The title.
    title: String,
    /// Digest of the encoded data set, 64 hexadecimal digits.
    digest: String,
    /// The number of training pairs.
    train_pairs: usize,
    /// The number of test pairs.
    test_pairs: usize,
}

/// Numbers of units.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Progress {
    /// Units of the plan: the sum of the others.
    total: usize,
    /// Units with a result.
    done: usize,
    /// Units without a result.
    left: usize,
    /// Units that are held back until a rung of a race is decided.
    undecided: usize,
    /// Units of configurations that left a race.
    skipped: usize,
}

/// A stage.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct StageListing {
    /// The stage's name in the spec.
    name: String,
    /// The scoring of the configurations, as text for people.
    evaluation: String,
    /// The seeds.
    seeds: Vec<u64>,
    /// The configurations, in the order of the plan.
    configurations: Vec<ConfigurationListing>,
    /// The rows that start from a selection that is not made yet.
    waiting: Vec<WaitingListing>,
    /// The seconds of its remaining units; a unit that stages share counts in the first.
    core_seconds: Bounds,
}

/// A row that starts from a selection that is not made yet.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct WaitingListing {
    /// The model's name.
    model: String,
    /// The stage that makes the selection.
    from: String,
    /// The number of the row's configurations.
    configurations: usize,
    /// The number of their units.
    units: usize,
    /// Whether the selection had no result, so that these units will never be trained.
    unreachable: bool,
    /// The expected seconds of each unit; null if nothing can be selected.
    unit_seconds: Option<Bounds>,
}

/// A configuration.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ConfigurationListing {
    /// The model's name.
    model: String,
    /// All hyper-parameters.
    #[cfg_attr(test, schemars(with = "crate::cli::schemas::Hyperparameters"))]
    hyperparameters: Hyperparameters,
    /// The conversion of pixels to inputs.
    #[cfg_attr(test, schemars(with = "crate::cli::schemas::Normalize"))]
    normalize: Normalize,
    /// The configuration's units.
    units: Progress,
    /// The expected seconds of each unit.
    unit_seconds: Bounds,
    /// The settings in its line: those that labels show, and other non-default ones.
    #[serde(skip)]
    settings: [String; 2],
}

impl WaitingListing {
    fn new(row: &WaitingRow, unit_seconds: Option<Bounds>) -> Self {
        let WaitingRow { model, from, configurations, units, unreachable } = row.clone();
        Self { model, from, configurations, units, unreachable, unit_seconds }
    }
}

impl StageListing {
    fn new(
        stage: &PlannedStage,
        forecast: &StageForecast,
        known: &BTreeMap<UnitId, StoredUnit>,
        track: &RaceTrack,
    ) -> Self {
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
                    units: Progress::count(planned.units.iter().map(|(id, _)| id), known, track),
                    unit_seconds: estimate.seconds,
                    settings: [
                        stage.shown.settings(&planned.configuration),
                        label::settings(&planned.configuration, |name| {
                            planned.configuration.is_written(name)
                                && !stage.shown.names(&planned.configuration.model).any(|shown| shown == name)
                        }),
                    ],
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
    fn count<'a>(
        units: impl Iterator<Item = &'a UnitId>,
        known: &BTreeMap<UnitId, StoredUnit>,
        track: &RaceTrack,
    ) -> Self {
        let mut progress = Self::default();
        for id in units {
            let has_result = || known.get(id).is_some_and(|unit| unit.result.is_some());
            let count = match () {
                () if track.is_skipped(*id) => &mut progress.skipped,
                () if track.is_held(*id) => &mut progress.undecided,
                () if has_result() => &mut progress.done,
                () => &mut progress.left,
            };
            *count += 1;
            progress.total += 1;
        }
        progress
    }

    /// Example: "30 undecided, 12 skipped", without counts of zero.
    fn raced(self) -> String {
        let parts = [(self.undecided, "undecided"), (self.skipped, "skipped")];
        let parts =
            parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{} {what}", whole(count)));
        parts.collect::<Vec<_>>().join(", ")
    }
}

impl Listing {
    fn new(
        prepared: &Prepared,
        known: &BTreeMap<UnitId, StoredUnit>,
        weights: WeightCounts,
        results: Overlap,
        forecast: &Forecast,
        estimate: EstimateListing,
    ) -> Self {
        let Plan { stages } = &prepared.plan;
        let stages = stages.iter().zip(&forecast.stages);
        let dataset = &prepared.draws.first().targets;
        Self {
            schema: "seedgrid.plan/1",
            study: prepared.spec.study.name.clone(),
            dataset: DatasetListing {
                title: dataset.about.title.clone(),
                digest: prepared.draws.first().digest.clone(),
                train_pairs: dataset.train.examples,
                test_pairs: dataset.test.examples,
            },
            units: Progress::count(prepared.plan.units().keys(), known, &prepared.track),
            units_waiting: prepared.to_come().waiting,
            results,
            weights,
            stages: stages
                .map(|(stage, forecast)| StageListing::new(stage, forecast, known, &prepared.track))
                .collect(),
            estimate,
        }
    }

    fn text(&self, width: usize) -> String {
        let mut text = format!(
            "{} on {} ({} and {})\n",
            self.study,
            self.dataset.title,
            count(self.dataset.train_pairs, "training pair"),
            count(self.dataset.test_pairs, "test pair")
        );
        text += &self.table().render(width);
        let mut line = |parts: std::fmt::Arguments<'_>| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{parts}");
        };
        let Progress { total, done, left, undecided, skipped } = self.units;
        let to_come = self.units_waiting;
        let then = [
            (undecided, format!("at most {} as races are decided", whole(undecided))),
            (to_come, format!("{} of what is selected", whole(to_come))),
        ];
        let then: Vec<String> = then.into_iter().filter(|(units, _)| *units > 0).map(|(_, text)| text).collect();
        let then = if then.is_empty() { String::new() } else { format!("; then {}", then.join(", and ")) };
        let skipped = if skipped == 0 { String::new() } else { format!(", {} skipped by races", whole(skipped)) };
        line(format_args!(
            "\n{}: {} done{skipped}, {} to train{then}",
            count(total, "different unit"),
            whole(done),
            whole(left)
        ));
        let WeightCounts { wanted, kept, .. } = self.weights;
        if wanted > 0 {
            line(format_args!("weights of {} of them are to be kept: {} are there", whole(wanted), whole(kept)));
        }
        let refused = self
            .results
            .allows(false)
            .err()
            .map(|error| format!("`seedgrid run` would refuse this: {}", with_hint(&error)));
        for note in self.results.notes().into_iter().chain(refused) {
            line(format_args!("note: {note}"));
        }
        for note in self.weights.notes() {
            line(format_args!("note: {note}"));
        }
        self.estimate.text().iter().for_each(|sentence| line(format_args!("{sentence}")));
        wrapped(&text, width)
    }

    /// The configurations of every stage, with varying settings first.
    fn table(&self) -> Table {
        let mut table = Table::new([
            Column::left(""),
            Column::text(""),
            Column::right(""),
            Column::left(""),
            Column::left("").rank(1).called("the time of a unit"),
            Column::text("").rank(2).called("settings that do not vary"),
        ])
        .indented(2);
        for stage in &self.stages {
            let known: usize = stage.configurations.iter().map(|configuration| configuration.units.total).sum();
            let units = known + stage.waiting.iter().map(|row| row.units).sum::<usize>();
            let waiting: usize = stage.waiting.iter().map(|row| row.configurations).sum();
            table.span("");
            table.head(format!(
                "stage {}: {}, {}, {}, {}",
                stage.name,
                stage.evaluation,
                count(stage.seeds.len(), "seed"),
                count(stage.configurations.len() + waiting, "configuration"),
                count(units, "unit")
            ));
            for ConfigurationListing { model, units, unit_seconds, settings: [shown, other], .. } in
                &stage.configurations
            {
                let each = if units.left + units.undecided > 0 { each(Some(*unit_seconds)) } else { String::new() };
                let done = format!("{} of {} done", whole(units.done), whole(units.total));
                table.row([model.clone(), shown.clone(), done, units.raced(), each, other.clone()]);
            }
            for row in &stage.waiting {
                let state =
                    if row.unreachable { "out of reach: nothing was selected in" } else { "what is selected in" };
                let (state, units) = (format!("{state} {}", row.from), count(row.units, "unit"));
                table.row([row.model.clone(), state, units, String::new(), each(row.unit_seconds), String::new()]);
            }
        }
        table
    }
}

/// The expected duration of a unit, for example "12 s each".
fn each(seconds: Option<Bounds>) -> String {
    seconds.map_or_else(String::new, |seconds| format!("{} each", estimate::shown(seconds.expected)))
}
