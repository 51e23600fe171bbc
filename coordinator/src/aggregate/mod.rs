//! Computes a report's numbers and curves from the results of units. Pure: no clocks or files; the same results give
//! the same bits in any order.
//!
//! docs/statistics.md defines each number. In order: [`scored_predictions`] joins predictions with labels,
//! [`curve_band`] computes the spread of curves over seeds, [`learning_curves`] the learning curves, [`errors_by_seed`]
//! and [`shared_image_clusters`] the inputs of a mean's uncertainty over seeds and examples, [`means_and_intervals`]
//! means and intervals, [`configuration`] one row, [`unit_report`] the numbers of one unit, [`comparison`] the tests between two rows, [`reference_values`] a
//! row next to published values, and [`race_summary`] the results of races. [`untrained_and_stuck`] finds networks that
//! learnt nothing, and [`report_json`] is report.json. The formulas are in
//! [`statistics`](crate::statistics). Randomness is one fixed stream.

mod curve_band;

mod comparison;
mod configuration;
#[cfg(test)]
mod coverage;
mod errors_by_seed;
mod shared_image_clusters;

#[cfg(test)]
mod fixtures;
mod kept_histories;
mod learning_curves;
mod race_summary;
pub mod report_json;

mod means_and_intervals;
mod reference_values;
mod scored_predictions;
pub mod seed_report;
mod selection_summary;

pub mod unit_report;
pub(crate) mod untrained_and_stuck;

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
};

use seedgrid_common::{
    data::{DatasetTargets, Labelled as _, Part},
    matrix::{Plan, PlannedStage, Selections},
    spec::{Evaluation, Study},
    training::UnitResult,
    unit::{Unit, UnitId},
};

pub use crate::plan::Sample;
pub use crate::statistics::roc_and_precision_recall::{NoCurve, PrPoint, Ranking, RocPoint};
pub use curve_band::{Band, BandPoint};
pub(crate) use errors_by_seed::{Paired, StageErrors};
pub use kept_histories::{CONFIGURATIONS_MAX, LINES_MAX, spread};
pub use learning_curves::EpochMean;
pub(crate) use reference_values::half_width;
pub use report_json::Report;
pub use seed_report::SeedReport;
pub use unit_report::UnitReport;

use crate::{
    plan::data_draws::{DataDraw, DataDraws, InputDigest},
    scheduler::{
        race::{LeaveReason, RaceTrack},
        ranking::{Ended, Rank},
        unit_state::UnitState,
    },
};
use comparison::Contender;
use errors_by_seed::Columns;
use kept_histories::BestSoFar;
use race_summary::Savings;
use report_json::{Counts, DatasetSummary, DrawSummary, EvaluationReport, SCHEMA, StageReport};
use scored_predictions::{Cell, Scored};
use untrained_and_stuck::Classes;

/// The inputs of a report.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The study's spec.
    pub study: &'a Study,
    /// The expanded plan of the spec on this data set.
    pub plan: &'a Plan,
    /// The selections with which the plan was expanded.
    pub selections: &'a Selections,
    /// The plan's races and their effect on its units.
    pub track: &'a RaceTrack,
    /// The training and test data, without pixels.
    pub draws: &'a DataDraws,
    /// The planned units without a result that are not tried again: quarantined or cancelled ones.
    pub given_up: &'a BTreeMap<UnitId, UnitState>,
    /// The failures of units, one line each.
    pub failures: &'a BTreeMap<UnitId, String>,
}

/// The committed results of units. Those of units that the plan does not name are only counted.
///
/// The results of a study may not fit into memory, so an aggregate reads them configuration by configuration.
pub trait Results {
    /// The reason for which results cannot be read.
    type Error;

    /// Every unit with a result.
    ///
    /// # Errors
    /// When they cannot be read.
    fn units(&self) -> Result<BTreeSet<UnitId>, Self::Error>;

    /// The results of these units, in their order; None for a unit without one.
    ///
    /// # Errors
    /// When they cannot be read.
    fn of(&self, units: &[(UnitId, Unit)]) -> Result<Vec<Option<UnitResult>>, Self::Error>;
}

impl Results for BTreeMap<UnitId, UnitResult> {
    type Error = Infallible;

    fn units(&self) -> Result<BTreeSet<UnitId>, Infallible> {
        Ok(self.keys().copied().collect())
    }

    fn of(&self, units: &[(UnitId, Unit)]) -> Result<Vec<Option<UnitResult>>, Infallible> {
        Ok(units.iter().map(|(id, _)| self.get(id).cloned()).collect())
    }
}

/// A study's numbers and their curves.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    /// The content of report.json.
    pub report: Report,
    /// For each stage of the report, the curves of its configurations, in the same order.
    pub curves: Vec<Vec<Curves>>,
    /// For each stage of the report, the errors of its configurations by seed.
    pub(crate) errors: Vec<StageErrors>,
    /// Some of the training pairs.
    pub samples: Vec<Sample>,
    /// How many units of each configuration are drawn one by one: the first with a result.
    pub drawn: usize,
}

/// One configuration's curves, its seeds and its units.
#[derive(Clone, Debug, PartialEq)]
pub struct Curves {
    /// ROC curve of the averaged prediction; None with a reason in the report.
    pub roc: Option<Vec<RocPoint>>,
    /// Spread of the seeds' own ROC curves; None for fewer than two.
    pub roc_band: Option<Band>,
    /// Precision-recall curve of the averaged prediction; None with a reason in the report.
    pub precision_recall: Option<Vec<PrPoint>>,
    /// Spread of the seeds' own precision-recall curves; None for fewer than two.
    pub precision_recall_band: Option<Band>,
    /// Loss and errors by epoch.
    pub learning: Vec<EpochMean>,
    /// The planned seeds, ascending.
    pub seeds: Vec<SeedReport>,
    /// The planned units, by data seed, seed and then fold.
    pub units: Vec<UnitReport>,
}

/// Aggregates all units that the plan names.
///
/// # Errors
/// When results cannot be read.
pub fn aggregate<R: Results>(input: &Input<'_>, results: &R) -> Result<Aggregate, R::Error> {
    let with_result = results.units()?;
    let configurations = || input.plan.stages.iter().flat_map(|stage| &stage.configurations);
    let units = configurations().flat_map(|planned| &planned.units);
    let trained = units.filter(|(id, _)| with_result.contains(id) && !input.track.is_skipped(*id)).count();
    let drawn = kept_histories::drawn(trained, configurations().count());
    let mut study = Totals::default();
    let (mut reports, mut curves, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for planned in &input.plan.stages {
        let (report, of_stage, errors_of_stage) = stage(planned, input, results, drawn, &mut study)?;
        reports.push(report);
        curves.push(of_stage);
        errors.push(errors_of_stage);
    }
    let Totals { mut counts, seen, savings } = study;
    counts.add_untrained(input.plan.stages.iter().flat_map(|stage| &stage.waiting).map(|row| row.units).sum());
    let report = Report {
        schema: SCHEMA.to_owned(),
        study: input.study.name.clone(),
        dataset: dataset(input),
        complete: counts.missing() == 0,
        counts,
        unnamed_results: with_result.difference(&seen).count(),
        saved: (!input.track.races.is_empty()).then_some(savings.saved),
        stages: reports,
    };
    Ok(Aggregate { report, curves, errors, samples: input.draws.first().samples.clone(), drawn })
}

/// Sums over all units of a study or a stage, a unit that several configurations share counted once.
#[derive(Debug, Default)]
struct Totals {
    counts: Counts,
    seen: BTreeSet<UnitId>,
    savings: Savings,
}

impl Totals {
    fn add(&mut self, cells: &[Cell<'_>]) {
        cells.iter().filter(|cell| self.seen.insert(cell.id)).for_each(|cell| self.counts.add(cell.state()));
        self.savings.add(cells);
    }
}

/// Aggregates one stage, whose units are also added to the study's totals.
fn stage<R: Results>(
    planned: &PlannedStage,
    input: &Input<'_>,
    results: &R,
    drawn: usize,
    study: &mut Totals,
) -> Result<(StageReport, Vec<Curves>, StageErrors), R::Error> {
    let of_stage = input.draws.iter().filter(|(seed, _)| planned.data_seeds.contains(seed));
    let scored = Scored::new(of_stage, planned.evaluation);
    let columns = Columns::new(planned.evaluation, planned.data_seeds.len());
    let resampled = resampled(planned);
    let left = left_race(planned, input.track);
    let mut classes = Classes::default();
    let mut totals = Totals::default();
    let races = input.track.races.iter().any(|race| race.stage == planned.name);
    let mut ended = BTreeMap::new();
    let mut best = (planned.configurations.len() > CONFIGURATIONS_MAX).then(BestSoFar::default);
    let (mut configurations, mut curves, mut contenders) = (Vec::new(), Vec::new(), Vec::new());
    for ((number, configuration), variant) in (1..).zip(&planned.configurations).zip(planned.variants()) {
        let of_units = results.of(&configuration.units)?;
        let units = configuration.units.iter().zip(&of_units);
        if races {
            let known = units.clone().filter_map(|((id, _), result)| Some((*id, Ended::from_result(result.as_ref()?))));
            ended.extend(known);
        }
        let mut cells: Vec<Cell<'_>> =
            units.map(|((id, unit), result)| Cell::new(*id, unit, result.as_ref(), input)).collect();
        scored_predictions::mark(&mut cells, input, &mut classes);
        totals.add(&cells);
        study.add(&cells);
        let by_seed = columns.values(&cells, &scored);
        let parts = configuration::Parts { cells: &cells, columns, by_seed: &by_seed, scored: &scored, resampled };
        let mut row = configuration::row(number, variant, &configuration.configuration, &parts);
        let failures = failures(&cells, input);
        row.report.more_failures = failures.len().saturating_sub(FAILURES_MAX);
        row.report.failures = failures.into_iter().take(FAILURES_MAX).cloned().collect();
        let rank = Rank::from_units(cells.iter().map(Cell::ended), left[number - 1]);
        kept_histories::keep(&mut row.curves, &cells, drawn);
        configurations.push(row.report);
        curves.push(row.curves);
        if let Some(best) = &mut best {
            best.add(&configuration.configuration.model, &rank, &mut curves, drawn);
        }
        let errors = cells.iter().filter_map(|cell| Some((cell.unit.seed, cell.error()?))).collect();
        contenders.push(Contender { number, errors, by_seed, wrong: row.wrong, scores: row.scores, rank });
    }
    let mut order: Vec<usize> = (0..contenders.len()).collect();
    order.sort_by_key(|&place| &contenders[place].rank);
    for (place, rank) in order.into_iter().zip(1..) {
        configurations[place].rank = rank;
        configurations[place].can_be_best = contenders[place].rank.can_be_best();
    }
    let Totals { mut counts, savings, .. } = totals;
    counts.add_untrained(planned.waiting.iter().map(|row| row.units).sum());
    let evaluation = match planned.evaluation {
        Evaluation::Holdout => EvaluationReport::Holdout,
        Evaluation::Folds(folds) => EvaluationReport::Folds(folds),
    };
    let report = StageReport {
        name: planned.name.clone(),
        evaluation,
        seeds: planned.seeds.clone(),
        data_seeds: planned.data_seeds.clone(),
        scored_on_test: scored_on_test(planned, input.plan),
        shared_images: shared_images(planned, input),
        counts,
        comparisons: comparison::compare(columns, &scored, &contenders),
        references: reference_values::next_to(&input.study.references, planned, &configurations),
        idle_references: reference_values::idle(&input.study.references, planned),
        selection: selection_summary::selection(planned, input.selections, &configurations),
        race: race_summary::race(planned, input, &configurations, &ended, savings.saved),
        waiting: selection_summary::waiting(planned),
        configurations,
    };
    let by_configuration = contenders.into_iter().map(|one| one.by_seed).collect();
    Ok((report, curves, StageErrors { columns, clusters: scored.clusters, by_configuration }))
}

/// The largest number of configurations of a stage with resampled curves.
const RESAMPLED_MAX: usize = 50;

/// Whether the areas under curves get intervals by resampling; the error is the reason against it.
fn resampled(planned: &PlannedStage) -> Result<(), &'static str> {
    if planned.select.is_some() {
        Err("not computed in a stage that selects")
    } else if planned.configurations.len() > RESAMPLED_MAX {
        Err("not computed in a stage of more than 50 configurations")
    } else {
        Ok(())
    }
}

/// A value, or the reason for a missing one.
fn split<T>(result: Result<T, String>) -> (Option<T>, Option<String>) {
    match result {
        Ok(value) => (Some(value), None),
        Err(reason) => (None, Some(reason)),
    }
}

/// The number of different configurations of the study that are scored on this stage's test pairs, if it scores any.
fn scored_on_test(planned: &PlannedStage, plan: &Plan) -> usize {
    if planned.evaluation != Evaluation::Holdout {
        return 0;
    }
    let shares_pairs = |other: &&PlannedStage| {
        other.evaluation == Evaluation::Holdout && other.data_seeds.iter().any(|seed| planned.data_seeds.contains(seed))
    };
    let scored = plan.stages.iter().filter(shares_pairs).flat_map(|stage| &stage.configurations);
    scored.map(|planned| planned.key.as_str()).collect::<BTreeSet<&str>>().len()
}

/// The share of the scored images that several draws of a stage have; None for one draw.
fn shared_images(planned: &PlannedStage, input: &Input<'_>) -> Option<f64> {
    let draws = input.draws.iter().filter(|(seed, _)| planned.data_seeds.contains(seed));
    let part = scored_predictions::scored_part(planned.evaluation);
    let parts: Vec<&[Vec<InputDigest>]> = draws.map(|(_, draw)| draw.pooled(part)).collect();
    (parts.len() > 1).then(|| shared_image_clusters::shared_share(&parts))
}

/// Whether each of the stage's configurations left a race without a failed unit.
fn left_race(planned: &PlannedStage, track: &RaceTrack) -> Vec<bool> {
    let mut before: BTreeMap<&str, usize> = BTreeMap::new();
    let models = planned.configurations.iter().map(|one| one.configuration.model.as_str());
    let left = models.map(|model| {
        let place = before.entry(model).or_default();
        let left = track.race(&planned.name, model).and_then(|race| race.left_at(*place));
        *place += 1;
        left.is_some_and(|(_, why)| why != LeaveReason::Incomplete)
    });
    left.collect()
}

/// Most failures of a configuration in report.json.
const FAILURES_MAX: usize = 12;

/// The failures of these units, each text once.
fn failures<'a>(cells: &[Cell<'_>], input: &Input<'a>) -> BTreeSet<&'a String> {
    let failed = cells.iter().filter(|cell| cell.state() == UnitState::Quarantined);
    failed.filter_map(|cell| input.failures.get(&cell.id)).collect()
}

fn dataset(input: &Input<'_>) -> DatasetSummary {
    let positives = |targets: &DatasetTargets, part| {
        targets.classes(part).unwrap_or_default().iter().filter(|class| **class == 1).count()
    };
    let draw = |DataDraw { digest, targets, .. }: &DataDraw| DrawSummary {
        digest: digest.clone(),
        seed: targets.about.seed,
        train_pairs: targets.train.examples,
        train_positives: positives(targets, Part::Train),
        test_pairs: targets.test.examples,
        test_positives: positives(targets, Part::Test),
    };
    DatasetSummary {
        title: input.draws.first().targets.about.title.clone(),
        kind: input.study.dataset.kind.name.to_owned(),
        drawn: draw(input.draws.first()),
        draws: input.draws.iter().map(|(_, one)| draw(one)).collect(),
    }
}
