//! The remaining work of a plan, including rows that wait for a selection, and its duration. Pure.

use std::collections::{BTreeMap, BTreeSet};

use seedgrid_common::{
    matrix::{Plan, PlannedStage, Selection, Selections},
    spec::{Evaluation, SelectedRow, Study},
    unit::{Configuration, UnitId},
};

use super::{
    bounds::Bounds,
    makespan::{Batch, makespan},
    measured_durations::{Job, Measured, Origin},
};

/// The largest number of configurations from which a waiting row is estimated.
const CANDIDATES_MAX: usize = 256;

/// The estimated duration of a unit of a configuration or of a waiting row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Seconds on one slot.
    pub seconds: Bounds,
    /// The origin of the speed.
    pub speed: Origin,
    /// The origin of the number of epochs.
    pub epochs: Origin,
}

/// The remaining work of one stage. A unit that several stages share counts in the first.
#[derive(Clone, Debug, PartialEq)]
pub struct StageForecast {
    /// Seconds on one slot, over the stage's remaining units.
    pub core_seconds: Bounds,
    /// The estimate of each configuration of the plan, in order.
    pub configurations: Vec<Estimate>,
    /// The estimate of each waiting row, in order; None where nothing can be selected any more.
    pub waiting: Vec<Option<Estimate>>,
}

/// The remaining work of a study.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// The stages, in the order of the plan.
    pub stages: Vec<StageForecast>,
    /// The number of remaining units, including those that wait for selections.
    pub units: usize,
    /// Seconds on one slot.
    pub core_seconds: Bounds,
    /// Seconds until the end, with all slots busy as long as possible.
    pub wall_seconds: Bounds,
    /// The origins of the speed, each with its share of the expected seconds; the most trusted first.
    pub speed: Vec<(Origin, f64)>,
    /// The same for the numbers of epochs.
    pub epochs: Vec<(Origin, f64)>,
}

/// A study's plan and data, as far as a forecast needs them.
#[derive(Clone, Copy, Debug)]
pub struct Work<'a> {
    /// The study's spec.
    pub study: &'a Study,
    /// The expanded plan of the spec.
    pub plan: &'a Plan,
    /// The selections with which the plan was expanded.
    pub selections: &'a Selections,
    /// Digest of the data set.
    pub dataset: &'a str,
}

/// Forecasts the work that is `left` on this many slots.
pub fn forecast(work: Work<'_>, left: impl Fn(UnitId) -> bool, measured: &Measured, slots: usize) -> Forecast {
    let mut batches = Batches::default();
    let mut stages = Vec::with_capacity(work.plan.stages.len());
    for (place, planned) in work.plan.stages.iter().enumerate() {
        let configurations: Vec<Estimate> = planned
            .configurations
            .iter()
            .map(|one| {
                let estimate = work.estimate(&one.configuration, planned.evaluation, measured);
                batches.add_units(place, estimate, one.units.iter().map(|(id, _)| *id).filter(|id| left(*id)));
                estimate
            })
            .collect();
        stages.push(StageForecast { core_seconds: Bounds::default(), configurations, waiting: Vec::new() });
    }
    // Waiting rows come after all known units, of any stage.
    for (place, planned) in work.plan.stages.iter().enumerate() {
        let rows: Vec<&SelectedRow> = work.waiting_rows(place).collect();
        for (row, waiting) in rows.into_iter().zip(&planned.waiting) {
            let estimate = work.of_waiting(row, planned.evaluation, measured).filter(|_| !waiting.unreachable);
            stages[place].waiting.push(estimate);
            let Some(estimate) = estimate else { continue };
            let after = batches.of_model(&work, &row.from, &row.model, &left);
            batches.add_waiting(place, &row.model, estimate, waiting.units, after);
        }
    }
    for batch in &batches.all {
        stages[batch.stage].core_seconds += batch.core_seconds();
    }
    let core_seconds = stages.iter().fold(Bounds::default(), |sum, stage| sum + stage.core_seconds);
    Forecast {
        units: batches.all.iter().map(|batch| batch.units).sum(),
        core_seconds,
        wall_seconds: batches.wall_seconds(slots),
        speed: batches.shares(|estimate| estimate.speed),
        epochs: batches.shares(|estimate| estimate.epochs),
        stages,
    }
}

impl Work<'_> {
    fn estimate(&self, configuration: &Configuration, evaluation: Evaluation, measured: &Measured) -> Estimate {
        let folds = match evaluation {
            Evaluation::Holdout => None,
            Evaluation::Folds(of) => Some(of),
        };
        let train_pairs = self.study.dataset.train_pairs;
        let job = Job { configuration, folds, dataset: self.dataset, train_pairs };
        let (pace, epochs) = (measured.pace(&job), measured.epochs(&job));
        let seconds = (pace.bounds * epochs.bounds).map(|product| product * job.epoch_cost());
        Estimate { seconds, speed: pace.origin, epochs: epochs.origin }
    }

    /// The stage's rows without known configurations, in the order of [`PlannedStage::waiting`].
    fn waiting_rows(&self, stage: usize) -> impl Iterator<Item = &SelectedRow> {
        let selected = self.study.stages.get(stage).map_or(&[][..], |stage| stage.selected.as_slice());
        selected.iter().filter(|row| {
            let made = self.selections.get(&(row.from.clone(), row.model.clone()));
            !matches!(made, Some(Selection::Chosen(_)))
        })
    }

    fn stage(&self, name: &str) -> Option<(usize, &PlannedStage)> {
        self.plan.stages.iter().enumerate().find(|(_, stage)| stage.name == name)
    }

    /// All configurations that the stage may select for the model: its own, and those that its waiting rows may become.
    fn candidates(&self, stage: &str, model: &str) -> Vec<Configuration> {
        let Some((place, planned)) = self.stage(stage) else { return Vec::new() };
        let mut all: Vec<Configuration> = planned.of_model(model).map(|one| (*one.configuration).clone()).collect();
        for row in self.waiting_rows(place).filter(|row| row.model == model) {
            all.extend(self.become_of(row));
        }
        thinned(all)
    }

    /// The configurations that a waiting row may become, one set for each candidate.
    fn become_of(&self, row: &SelectedRow) -> Vec<Configuration> {
        let candidates = self.candidates(&row.from, &row.model);
        let of = |base: &Configuration| {
            let whole = row.on(base);
            whole.settings().map(|settings| whole.configuration(settings)).collect::<Vec<_>>()
        };
        thinned(candidates.iter().flat_map(of).collect())
    }

    fn of_waiting(&self, row: &SelectedRow, evaluation: Evaluation, measured: &Measured) -> Option<Estimate> {
        let become_of = self.become_of(row);
        let all: Vec<Estimate> = become_of.iter().map(|one| self.estimate(one, evaluation, measured)).collect();
        Some(Estimate {
            seconds: Bounds::one_of(all.iter().map(|estimate| estimate.seconds))?,
            speed: all.iter().map(|estimate| estimate.speed).max()?,
            epochs: all.iter().map(|estimate| estimate.epochs).max()?,
        })
    }
}

/// Reduces the configurations to the limit, evenly spaced.
fn thinned(all: Vec<Configuration>) -> Vec<Configuration> {
    let step = all.len().div_ceil(CANDIDATES_MAX).max(1);
    all.into_iter().step_by(step).collect()
}

/// Remaining units, in batches of equal duration.
#[derive(Debug, Default)]
struct Batches {
    all: Vec<Left>,
    /// The batch of each unit.
    of_unit: BTreeMap<UnitId, usize>,
}

#[derive(Debug)]
struct Left {
    stage: usize,
    /// The waiting row's model.
    waits_for: Option<String>,
    estimate: Estimate,
    units: usize,
    after: BTreeSet<usize>,
}

impl Left {
    fn core_seconds(&self) -> Bounds {
        self.estimate.seconds.map(|seconds| seconds * self.units as f64)
    }
}

impl Batches {
    fn add_units(&mut self, stage: usize, estimate: Estimate, units: impl Iterator<Item = UnitId>) {
        let place = self.all.len();
        let mut count = 0;
        for unit in units {
            self.of_unit.entry(unit).or_insert_with(|| {
                count += 1;
                place
            });
        }
        self.all.push(Left { stage, waits_for: None, estimate, units: count, after: BTreeSet::new() });
    }

    fn add_waiting(&mut self, stage: usize, model: &str, estimate: Estimate, units: usize, after: BTreeSet<usize>) {
        self.all.push(Left { stage, waits_for: Some(model.to_owned()), estimate, units, after });
    }

    /// The batches for which a selection of the model waits.
    fn of_model(&self, work: &Work<'_>, stage: &str, model: &str, left: &impl Fn(UnitId) -> bool) -> BTreeSet<usize> {
        let Some((place, planned)) = work.stage(stage) else { return BTreeSet::new() };
        let units = planned.of_model(model).flat_map(|one| &one.units).map(|(id, _)| *id).filter(|id| left(*id));
        let known = units.filter_map(|id| self.of_unit.get(&id).copied());
        let waiting = self.all.iter().enumerate();
        let waiting = waiting.filter(|(_, batch)| batch.stage == place && batch.waits_for.as_deref() == Some(model));
        known.chain(waiting.map(|(place, _)| place)).collect()
    }

    fn wall_seconds(&self, slots: usize) -> Bounds {
        let at = |end: fn(&Bounds) -> f64| {
            let batches: Vec<Batch> = self
                .all
                .iter()
                .map(|left| Batch {
                    seconds: end(&left.estimate.seconds),
                    units: left.units,
                    after: left.after.clone(),
                })
                .collect();
            makespan(&batches, slots)
        };
        let expected = at(|seconds| seconds.expected);
        // Shorter units can lead to a longer schedule (Graham's anomalies), but rarely to a much longer one.
        Bounds {
            low: at(|seconds| seconds.low).min(expected),
            expected,
            high: at(|seconds| seconds.high).max(expected),
        }
    }

    fn shares(&self, of: impl Fn(&Estimate) -> Origin) -> Vec<(Origin, f64)> {
        let mut sums: BTreeMap<Origin, f64> = BTreeMap::new();
        let left = self.all.iter().filter(|left| left.units > 0);
        left.for_each(|left| *sums.entry(of(&left.estimate)).or_default() += left.core_seconds().expected);
        let total: f64 = sums.values().sum();
        sums.into_iter().map(|(origin, seconds)| (origin, if total > 0.0 { seconds / total } else { 0.0 })).collect()
    }
}

#[cfg(test)]
mod tests;
