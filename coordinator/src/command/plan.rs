//! `seedgrid plan`: what a study would train, and what of it is done.

use std::{collections::BTreeMap, fmt::Write as _};

use seedgrid_common::{
    matrix::{Plan, PlannedConfiguration, WaitingRow},
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
    prepare::{Prepared, Spec, belongs},
    race::Track,
    store::{Store, StoredUnit},
    weights::Standing,
};

pub(super) fn plan(arguments: &PlanArguments) -> Result<Exit, Failure> {
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
    let weights = hosting::weights_standing(&prepared, &directory, store.as_ref())?;
    let listing = Listing::new(&prepared, &known, weights);
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
    weights: Standing,
    stages: Vec<StageListing>,
    /// For the last line of the text; in JSON each stage's `waiting` says it.
    #[serde(skip)]
    units_waiting: usize,
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
    /// Held back until a rung of a race is decided.
    undecided: usize,
    /// Of configurations that left a race.
    skipped: usize,
}

#[derive(Debug, Serialize)]
struct StageListing {
    name: String,
    evaluation: String,
    seeds: Vec<u64>,
    configurations: Vec<ConfigurationListing>,
    waiting: Vec<WaitingListing>,
}

/// A row that starts from a selection that is not there yet.
#[derive(Debug, Serialize)]
struct WaitingListing {
    model: String,
    from: String,
    configurations: usize,
    units: usize,
    unreachable: bool,
}

#[derive(Debug, Serialize)]
struct ConfigurationListing {
    model: String,
    hyperparameters: Hyperparameters,
    normalize: Normalize,
    units: Progress,
    /// What its line says of it: what is no default, and what varies in its row.
    #[serde(skip)]
    settings: Vec<String>,
}

impl From<&WaitingRow> for WaitingListing {
    fn from(row: &WaitingRow) -> Self {
        let WaitingRow { model, from, configurations, units, unreachable } = row.clone();
        Self { model, from, configurations, units, unreachable }
    }
}

impl Progress {
    fn of<'a>(units: impl Iterator<Item = &'a UnitId>, known: &BTreeMap<UnitId, StoredUnit>, track: &Track) -> Self {
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

    /// ", 30 undecided, 12 skipped", as far as there are such.
    fn raced(self) -> String {
        let parts = [(self.undecided, "undecided"), (self.skipped, "skipped")];
        parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!(", {count} {what}")).collect()
    }
}

impl Listing {
    fn new(prepared: &Prepared, known: &BTreeMap<UnitId, StoredUnit>, weights: Standing) -> Self {
        let Plan { stages } = &prepared.plan;
        let configuration = |planned: &PlannedConfiguration| ConfigurationListing {
            model: planned.configuration.model.clone(),
            hyperparameters: planned.configuration.hyperparameters.clone(),
            normalize: planned.configuration.normalize,
            units: Progress::of(planned.units.iter().map(|(id, _)| id), known, &prepared.track),
            settings: planned.configuration.settings(&planned.axes),
        };
        Self {
            schema: "seedgrid.plan/1",
            study: prepared.spec.study.name.clone(),
            dataset: DatasetListing {
                title: prepared.draws.first().dataset.title.clone(),
                digest: prepared.draws.first().digest.clone(),
                train_pairs: prepared.draws.first().dataset.train.len(),
                test_pairs: prepared.draws.first().dataset.test.len(),
            },
            weights,
            units: Progress::of(prepared.plan.units().keys(), known, &prepared.track),
            units_waiting: prepared.to_come().waiting,
            stages: stages
                .iter()
                .map(|stage| StageListing {
                    name: stage.name.clone(),
                    evaluation: match stage.evaluation {
                        Evaluation::Holdout => "holdout".to_owned(),
                        Evaluation::Folds(of) => format!("{of} folds"),
                    },
                    seeds: stage.seeds.clone(),
                    configurations: stage.configurations.iter().map(configuration).collect(),
                    waiting: stage.waiting.iter().map(WaitingListing::from).collect(),
                })
                .collect(),
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
                let Progress { total, done, .. } = configuration.units;
                let settings = configuration.settings.join(" ");
                let raced = configuration.units.raced();
                line(format_args!("  {:<16} {done:>4} of {total} done{raced}  {settings}", configuration.model));
            }
            for row in &stage.waiting {
                let state =
                    if row.unreachable { "out of reach: nothing was selected in" } else { "what is selected in" };
                line(format_args!("  {:<16} {:>4} units      {state} {}", row.model, row.units, row.from));
            }
        }
        let Progress { total, done, left, undecided, skipped } = self.units;
        let to_come = self.units_waiting;
        let then = [
            (undecided, format!("at most {undecided} as races are decided")),
            (to_come, format!("{to_come} of what is selected")),
        ];
        let then: Vec<String> = then.into_iter().filter(|(units, _)| *units > 0).map(|(_, text)| text).collect();
        let then = if then.is_empty() { String::new() } else { format!("; then {}", then.join(", and ")) };
        let skipped = if skipped == 0 { String::new() } else { format!(", {skipped} skipped by races") };
        line(format_args!("\n{total} different units: {done} done{skipped}, {left} to train{then}"));
        let Standing { wanted, kept, .. } = self.weights;
        if wanted > 0 {
            line(format_args!("weights of {wanted} of them are to be kept: {kept} are there"));
        }
        for note in self.weights.notes() {
            line(format_args!("note: {note}"));
        }
        text
    }
}
