//! Computes a report's numbers and curves from the results of units. Pure: no clocks or files; the same results give
//! the same bits in any order.
//!
//! docs/statistics.md defines each number. In order: [`scored_predictions`] joins predictions with labels,
//! [`curve_band`] computes the spread of curves over seeds, [`learning_curves`] the learning curves, [`errors_by_seed`]
//! and [`shared_image_clusters`] the inputs of a mean's uncertainty over seeds and examples, [`means_and_intervals`]
//! means and intervals, [`configuration`] one row, [`comparison`] the tests between two rows, [`reference_values`] a
//! row next to published values, and [`race_summary`] the results of races. [`untrained_and_stuck`] finds networks that
//! learnt nothing, [`example_images`] selects some pairs, and [`report_json`] is report.json. The formulas are in
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
mod learning_curves;
mod race_summary;
pub mod report_json;

mod example_images;
mod means_and_intervals;
mod reference_values;
mod scored_predictions;
mod selection_summary;

pub(crate) mod untrained_and_stuck;

use std::collections::{BTreeMap, BTreeSet};

use seedgrid_common::{
    data::Pairs,
    matrix::{Plan, PlannedStage, Selections},
    spec::{Evaluation, Study},
    training::UnitResult,
    unit::UnitId,
};

pub use crate::statistics::roc_and_precision_recall::{NoCurve, PrPoint, Ranking, RocPoint};
pub use curve_band::{Band, BandPoint};
pub(crate) use errors_by_seed::{Paired, StageErrors};
pub use example_images::Sample;
pub use learning_curves::{EpochMean, Learning, UnitHistory};
pub(crate) use reference_values::half_width;
pub use report_json::Report;

use crate::{
    plan::data_draws::{DataDraw, DataDraws},
    scheduler::{
        race::{LeaveReason, RaceTrack},
        ranking::Rank,
        unit_state::UnitState,
    },
};
use comparison::Contender;
use errors_by_seed::Columns;
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
    /// The training and test data.
    pub draws: &'a DataDraws,
    /// Committed results. Those of units that the plan does not name are only counted.
    pub results: &'a BTreeMap<UnitId, UnitResult>,
    /// The planned units without a result that are not tried again: quarantined or cancelled ones.
    pub given_up: &'a BTreeMap<UnitId, UnitState>,
    /// The failures of units, one line each.
    pub failures: &'a BTreeMap<UnitId, String>,
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
}

/// One configuration's curves.
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
    pub learning: Learning,
}

/// Aggregates all units that the plan names.
pub fn aggregate(input: &Input<'_>) -> Aggregate {
    let mut savings = Savings::default();
    let stages = input.plan.stages.iter().map(|planned| stage(planned, input, &mut savings));
    let (mut reports, mut curves, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for (report, of_stage, errors_of_stage) in stages {
        reports.push(report);
        curves.push(of_stage);
        errors.push(errors_of_stage);
    }
    let mut counts = Counts::default();
    let units = input.plan.units();
    for (id, unit) in &units {
        counts.add(Cell::new(*id, unit, input).state());
    }
    counts.add_untrained(input.plan.stages.iter().flat_map(|stage| &stage.waiting).map(|row| row.units).sum());
    let report = Report {
        schema: SCHEMA.to_owned(),
        study: input.study.name.clone(),
        dataset: dataset(input),
        complete: counts.missing() == 0,
        counts,
        unnamed_results: input.results.keys().filter(|id| !units.contains_key(*id)).count(),
        saved: (!input.track.races.is_empty()).then_some(savings.saved),
        stages: reports,
    };
    Aggregate { report, curves, errors, samples: example_images::samples(&input.draws.first().dataset.train) }
}

/// Aggregates one stage; its races' savings are also added to the study's `savings`.
fn stage(planned: &PlannedStage, input: &Input<'_>, savings: &mut Savings) -> (StageReport, Vec<Curves>, StageErrors) {
    let of_stage = input.draws.iter().filter(|(seed, _)| planned.data_seeds.contains(seed));
    let scored = Scored::new(of_stage.map(|(seed, draw)| (seed, &draw.dataset)), planned.evaluation);
    let columns = Columns::new(planned.evaluation, planned.data_seeds.len());
    let resampled = resampled(planned);
    let variants = planned.variants();
    let mut seen = BTreeSet::new();
    let mut classes = Classes::default();
    let mut counts = Counts::default();
    let mut own_savings = Savings::default();
    let (mut configurations, mut curves, mut contenders) = (Vec::new(), Vec::new(), Vec::new());
    for ((number, configuration), variant) in (1..).zip(&planned.configurations).zip(variants) {
        let mut cells: Vec<Cell<'_>> =
            configuration.units.iter().map(|(id, unit)| Cell::new(*id, unit, input)).collect();
        scored_predictions::mark(&mut cells, input, &mut classes);
        cells.iter().filter(|cell| seen.insert(cell.id)).for_each(|cell| counts.add(cell.state()));
        [&mut own_savings, &mut *savings].into_iter().for_each(|savings| savings.add(&cells));
        let by_seed = columns.values(&cells, &scored);
        let parts = configuration::Parts { cells: &cells, columns, by_seed: &by_seed, scored: &scored, resampled };
        let mut row = configuration::row(number, variant, &configuration.configuration, &parts);
        row.report.failures = failures(&cells, input);
        let rank = Rank::from_units(cells.iter().map(Cell::ended), left_race(planned, number - 1, input.track));
        configurations.push(row.report);
        curves.push(row.curves);
        contenders.push(Contender { number, cells, by_seed, wrong: row.wrong, scores: row.scores, rank });
    }
    let mut order: Vec<usize> = (0..contenders.len()).collect();
    order.sort_by_key(|&place| &contenders[place].rank);
    for (place, rank) in order.into_iter().zip(1..) {
        configurations[place].rank = rank;
        configurations[place].can_be_best = contenders[place].rank.can_be_best();
    }
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
        race: race_summary::race(planned, input, &configurations, own_savings.saved),
        waiting: selection_summary::waiting(planned),
        configurations,
    };
    let by_configuration = contenders.into_iter().map(|one| one.by_seed).collect();
    (report, curves, StageErrors { columns, clusters: scored.clusters, by_configuration })
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
    scored.map(|planned| planned.configuration.key()).collect::<BTreeSet<String>>().len()
}

/// The share of the scored images that several draws of a stage have; None for one draw.
fn shared_images(planned: &PlannedStage, input: &Input<'_>) -> Option<f64> {
    let draws = input.draws.iter().filter(|(seed, _)| planned.data_seeds.contains(seed));
    let parts: Vec<&Pairs> = draws
        .map(|(_, draw)| match planned.evaluation {
            Evaluation::Holdout => &draw.dataset.test,
            Evaluation::Folds(_) => &draw.dataset.train,
        })
        .collect();
    (parts.len() > 1).then(|| shared_image_clusters::shared_share(&parts))
}

/// Whether the configuration at this place of the stage left a race without a failed unit.
fn left_race(planned: &PlannedStage, place: usize, track: &RaceTrack) -> bool {
    let model = planned.configurations[place].configuration.model.as_str();
    let Some(race) = track.race(&planned.name, model) else { return false };
    let before = planned.configurations[..place].iter().filter(|one| one.configuration.model == model).count();
    race.left_at(before).is_some_and(|(_, why)| why != LeaveReason::Incomplete)
}

/// The failures of these units, each text once.
fn failures(cells: &[Cell<'_>], input: &Input<'_>) -> Vec<String> {
    let failed = cells.iter().filter(|cell| cell.state() == UnitState::Quarantined);
    let texts: BTreeSet<&String> = failed.filter_map(|cell| input.failures.get(&cell.id)).collect();
    texts.into_iter().cloned().collect()
}

fn dataset(input: &Input<'_>) -> DatasetSummary {
    let positives = |pairs: &Pairs| (0..pairs.len()).filter(|&pair| pairs.label(pair) == 1).count();
    let draw = |draw: &DataDraw| DrawSummary {
        digest: draw.digest.clone(),
        seed: draw.dataset.seed,
        train_pairs: draw.dataset.train.len(),
        train_positives: positives(&draw.dataset.train),
        test_pairs: draw.dataset.test.len(),
        test_positives: positives(&draw.dataset.test),
    };
    DatasetSummary {
        title: input.draws.first().dataset.title.clone(),
        kind: input.study.dataset.kind.name.to_owned(),
        drawn: draw(input.draws.first()),
        draws: input.draws.iter().map(|(_, one)| draw(one)).collect(),
    }
}
