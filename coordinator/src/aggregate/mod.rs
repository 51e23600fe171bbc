//! From the results of units to the numbers and curves of a report. Pure: no clocks or files; the same results
//! give the same bits in whatever order they came.
//!
//! docs/statistics.md says what each number means. In the order of the flow: [`scored`] joins predictions with labels,
//! [`ranking`] makes curves of them, [`band`] their spread over seeds, [`bootstrap`] their areas' over draws of the pairs,
//! [`history`] the learning curves, [`spread`] means and intervals, [`configuration`] one row, [`comparison`] what tells two rows
//! apart, [`mod@reference`] a row next to what others found, [`mod@samples`] some pairs, and [`document`] is report.json.
//! Randomness is one fixed stream.

mod band;
mod bootstrap;
mod comparison;
mod configuration;
pub mod document;
#[cfg(test)]
mod fixtures;
mod history;
mod ranking;
mod reference;
mod samples;
mod scored;
mod selected;
mod spread;
mod student;

use std::collections::{BTreeMap, BTreeSet};

use seedgrid_common::{
    data::{Dataset, Pairs},
    matrix::{Plan, PlannedStage, Selections},
    spec::{DatasetKind, Evaluation, Study},
    training::UnitResult,
    unit::UnitId,
};

pub use band::{Band, BandPoint};
pub use document::Report;
pub use history::{EpochMean, Learning, UnitHistory};
pub use ranking::{NoCurve, PrPoint, Ranking, RocPoint};
pub use samples::Sample;

use comparison::Contender;
use document::{Counts, DatasetSummary, EvaluationReport, SCHEMA, StageReport};
use scored::{Cell, Scored};

/// What a report is made from.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The spec.
    pub study: &'a Study,
    /// The spec, expanded on this data set.
    pub plan: &'a Plan,
    /// The selections with which it was expanded.
    pub selections: &'a Selections,
    /// What was trained and scored on.
    pub dataset: &'a Dataset,
    /// Digest of the encoded data set, 64 hexadecimal digits.
    pub dataset_digest: &'a str,
    /// Committed results. Those of units that the plan does not name are left out.
    pub results: &'a BTreeMap<UnitId, UnitResult>,
    /// Why planned units have no result; a unit in neither map is not trained.
    pub missing: &'a BTreeMap<UnitId, Missing>,
}

/// Why a planned unit has no result. What exactly failed, and where, is in provenance.json.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Not trained yet, or in training.
    NotTrained,
    /// Every attempt failed.
    Failed,
    /// Taken back by a person.
    Cancelled,
}

/// A study's numbers and the curves that belong to them.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    /// report.json.
    pub report: Report,
    /// For each stage of the report, each of its configurations' curves, in the same order.
    pub curves: Vec<Vec<Curves>>,
    /// Some of the training pairs.
    pub samples: Vec<Sample>,
}

/// One configuration's curves.
#[derive(Clone, Debug, PartialEq)]
pub struct Curves {
    /// ROC curve of the averaged prediction; None: the report says why.
    pub roc: Option<Vec<RocPoint>>,
    /// Spread of the seeds' own ROC curves; None of fewer than two.
    pub roc_band: Option<Band>,
    /// Precision-recall curve of the averaged prediction; None: the report says why.
    pub precision_recall: Option<Vec<PrPoint>>,
    /// Spread of the seeds' own precision-recall curves; None of fewer than two.
    pub precision_recall_band: Option<Band>,
    /// Loss and errors by epoch.
    pub learning: Learning,
}

/// Aggregates everything that the plan names.
pub fn aggregate(input: &Input<'_>) -> Aggregate {
    let (stages, curves): (Vec<_>, Vec<_>) = input.plan.stages.iter().map(|planned| stage(planned, input)).unzip();
    let mut counts = Counts::default();
    for (id, unit) in input.plan.units() {
        counts.add(Cell::new(id, unit, input).ending());
    }
    counts.add_untrained(input.plan.stages.iter().flat_map(|stage| &stage.waiting).map(|row| row.units).sum());
    let report = Report {
        schema: SCHEMA.to_owned(),
        study: input.study.name.clone(),
        dataset: dataset(input),
        complete: counts.missing() == 0,
        counts,
        stages,
    };
    Aggregate { report, curves, samples: samples::samples(&input.dataset.train) }
}

fn stage(planned: &PlannedStage, input: &Input<'_>) -> (StageReport, Vec<Curves>) {
    let scored = Scored::new(input.dataset, planned.evaluation);
    let variants = configuration::variants(&planned.configurations);
    let mut seen = BTreeSet::new();
    let mut counts = Counts::default();
    let (mut configurations, mut curves, mut contenders) = (Vec::new(), Vec::new(), Vec::new());
    for ((number, configuration), variant) in (1..).zip(&planned.configurations).zip(variants) {
        let cells: Vec<Cell<'_>> = configuration.units.iter().map(|(id, unit)| Cell::new(*id, unit, input)).collect();
        cells.iter().filter(|cell| seen.insert(cell.id)).for_each(|cell| counts.add(cell.ending()));
        let row = configuration::row(number, variant, &configuration.configuration, &cells, &scored);
        configurations.push(row.report);
        curves.push(row.curves);
        contenders.push(Contender { number, cells, wrong: row.wrong });
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
        counts,
        comparisons: comparison::compare(planned.evaluation, &contenders),
        references: reference::next_to(&input.study.references, planned, &configurations),
        idle_references: reference::idle(&input.study.references, planned),
        selection: selected::selection(planned, input.selections, &configurations),
        waiting: selected::waiting(planned),
        configurations,
    };
    (report, curves)
}

fn dataset(input: &Input<'_>) -> DatasetSummary {
    let Dataset { title, seed, train, test } = input.dataset;
    let positives = |pairs: &Pairs| (0..pairs.len()).filter(|&pair| pairs.label(pair) == 1).count();
    DatasetSummary {
        title: title.clone(),
        kind: match input.study.dataset.kind {
            DatasetKind::MnistPairs => "mnist-pairs",
            DatasetKind::GlyphPairs => "glyph-pairs",
        }
        .to_owned(),
        digest: input.dataset_digest.to_owned(),
        seed: *seed,
        train_pairs: train.len(),
        train_positives: positives(train),
        test_pairs: test.len(),
        test_positives: positives(test),
    }
}
