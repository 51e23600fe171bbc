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
    aggregate::{Aggregate, Report, StageErrors, report_json::EvaluationReport},
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
        let Aggregate { report, errors, .. } = aggregate;
        let planned = units(&report);
        let used = || trained.iter().filter(|(id, _)| planned.contains_key(*id)).map(|(_, record)| record);
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
        })
    }
}

impl Side {
    /// The errors of the stage with this name. The report must have it.
    pub(super) fn errors_of(&self, stage: &str) -> &StageErrors {
        let place = self.report.stages.iter().position(|one| one.name == stage);
        &self.errors[place.expect("a stage of the report")]
    }
}

/// Every unit that the report's plan names, with its label.
pub(super) fn units(report: &Report) -> BTreeMap<UnitId, String> {
    let several = report.dataset.draws.len() > 1;
    let mut units = BTreeMap::new();
    for stage in &report.stages {
        let fold = |index: Option<u32>| match (index, &stage.evaluation) {
            (Some(number), EvaluationReport::Folds(of)) => Fold::Part { index: number - 1, of: *of },
            (None, _) | (_, EvaluationReport::Holdout) => Fold::Holdout,
        };
        for row in &stage.configurations {
            let configuration = label::configuration(&row.model, &row.variant);
            units.extend(row.units.iter().filter_map(|unit| {
                let data_seed = several.then_some(unit.data_seed);
                Some((unit.unit.parse().ok()?, label::unit(&configuration, fold(unit.fold), unit.seed, data_seed)))
            }));
        }
    }
    units
}
