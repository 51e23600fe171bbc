//! One of the compared runs, read from its directory.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use seedgrid_common::{
    label,
    unit::{Fold, UnitId},
};

use super::CompareError;
use crate::{
    aggregate::{
        Aggregate, Curves, Report, StageErrors,
        report_json::{ConfigurationReport, EvaluationReport},
    },
    plan::PrepareError,
    run_directory::RunDirectory,
    store::{Store, TrainedRecord},
    views::report_inputs,
};

/// One of the compared runs.
#[derive(Clone, Debug)]
pub struct Side {
    /// The run directory, as it was named.
    pub path: PathBuf,
    /// The run's aggregated results.
    pub report: Report,
    /// The errors of each stage.
    pub(super) errors: Vec<StageErrors>,
    /// The units of each stage's configurations, in the order of the report.
    pub(super) units: Vec<Vec<BTreeSet<UnitId>>>,
    /// Every unit that the plan names, with its label.
    pub(super) labels: BTreeMap<UnitId, String>,
    /// The text of the run's newest spec.
    pub spec: String,
    /// The origins of its results, including those of units that the spec does not name.
    pub trained: BTreeMap<UnitId, TrainedRecord>,
    /// Versions of Seedgrid that computed the results of planned units.
    pub versions: Vec<String>,
    /// The numerics classes of these results.
    pub numerics_classes: Vec<String>,
}

impl Side {
    /// Reads a run, also during the study.
    ///
    /// # Errors
    /// When the run does not exist or cannot be read.
    pub fn read(directory: &RunDirectory) -> Result<Self, CompareError> {
        let store = Store::open_to_read(&directory.database()).map_err(PrepareError::from)?;
        store.hold().map_err(PrepareError::from)?;
        let trained = store.trained().map_err(PrepareError::from)?;
        let (aggregate, provenance) = report_inputs::of_store(directory, &store, None)?;
        let (labels, units) = (labels(&aggregate), units(&aggregate));
        let Aggregate { report, errors, .. } = aggregate;
        let used = || trained.iter().filter(|(id, _)| labels.contains_key(*id)).map(|(_, record)| record);
        let versions: BTreeSet<String> =
            used().filter_map(|record| Some(record.worker.as_ref()?.version.clone())).collect();
        let classes: BTreeSet<String> = used().map(|record| record.numerics_class.clone()).collect();
        Ok(Self {
            path: directory.root().to_owned(),
            spec: provenance.spec,
            versions: versions.into_iter().collect(),
            numerics_classes: classes.into_iter().collect(),
            trained,
            report,
            errors,
            units,
            labels,
        })
    }
}

impl Side {
    /// The place of the stage with this name. The report must have it.
    fn place_of(&self, stage: &str) -> usize {
        self.report.stages.iter().position(|one| one.name == stage).expect("a stage of the report")
    }

    /// The errors of the stage with this name. The report must have it.
    pub(super) fn errors_of(&self, stage: &str) -> &StageErrors {
        &self.errors[self.place_of(stage)]
    }

    /// The units of a configuration of the stage with this name. The report must have both.
    pub(super) fn units_of(&self, stage: &str, row: &ConfigurationReport) -> &BTreeSet<UnitId> {
        &self.units[self.place_of(stage)][row.number - 1]
    }
}

/// The units of each stage's configurations.
pub(super) fn units(aggregate: &Aggregate) -> Vec<Vec<BTreeSet<UnitId>>> {
    let of_row = |curves: &Curves| curves.units.iter().map(|unit| unit.unit).collect();
    aggregate.curves.iter().map(|stage| stage.iter().map(of_row).collect()).collect()
}

/// Every unit that the report's plan names, with its label.
pub(super) fn labels(aggregate: &Aggregate) -> BTreeMap<UnitId, String> {
    let several = aggregate.report.dataset.draws.len() > 1;
    let mut labels = BTreeMap::new();
    for (stage, curves) in aggregate.report.stages.iter().zip(&aggregate.curves) {
        let fold = |index: Option<u32>| match (index, &stage.evaluation) {
            (Some(number), EvaluationReport::Folds(of)) => Fold::Part { index: number - 1, of: *of },
            (None, _) | (_, EvaluationReport::Holdout) => Fold::Holdout,
        };
        for (row, curves) in stage.configurations.iter().zip(curves) {
            let configuration = label::configuration(&row.model, &row.variant);
            labels.extend(curves.units.iter().map(|unit| {
                let data_seed = several.then_some(unit.data_seed);
                (unit.unit, label::unit(&configuration, fold(unit.fold), unit.seed, data_seed))
            }));
        }
    }
    labels
}
