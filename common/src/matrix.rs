//! Expands a study into configurations and units. Pure: the same study and data set give the same plan.

use std::collections::BTreeMap;

use crate::{
    spec::{Evaluation, ModelRow, Study},
    unit::{Configuration, Fold, Hyperparameters, Unit, UnitId, Value},
};

/// Everything that a study trains, in the order of its spec.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// In the order of the spec.
    pub stages: Vec<PlannedStage>,
}

/// One stage, expanded.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedStage {
    /// The stage's name.
    pub name: String,
    /// How its configurations are scored.
    pub evaluation: Evaluation,
    /// Its seeds, ascending.
    pub seeds: Vec<u64>,
    /// Rows in the order of the spec; within a row, the last axis varies fastest.
    pub configurations: Vec<PlannedConfiguration>,
}

/// One configuration with its units.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedConfiguration {
    /// What is trained.
    pub configuration: Configuration,
    /// Names of the hyper-parameters that are axes in this row, in the order of the spec.
    pub axes: Vec<String>,
    /// By seed, then by fold, ascending.
    pub units: Vec<(UnitId, Unit)>,
}

impl Plan {
    /// Every different unit by id: a unit that several stages or rows share is there once.
    pub fn units(&self) -> BTreeMap<UnitId, &Unit> {
        self.stages
            .iter()
            .flat_map(|stage| &stage.configurations)
            .flat_map(|configuration| &configuration.units)
            .map(|(id, unit)| (*id, unit))
            .collect()
    }
}

/// Expands `study` on the data set with this digest.
pub fn expand(study: &Study, dataset_digest: &str) -> Plan {
    let stages = study
        .stages
        .iter()
        .map(|stage| PlannedStage {
            name: stage.name.clone(),
            evaluation: stage.evaluation,
            seeds: stage.seeds.clone(),
            configurations: stage
                .rows
                .iter()
                .flat_map(configurations)
                .map(|(configuration, axes)| {
                    let units = stage
                        .seeds
                        .iter()
                        .flat_map(|&seed| folds(stage.evaluation).map(move |fold| (seed, fold)))
                        .map(|(seed, fold)| {
                            let unit = Unit {
                                dataset_digest: dataset_digest.to_owned(),
                                configuration: configuration.clone(),
                                fold,
                                seed,
                            };
                            (unit.id(), unit)
                        })
                        .collect();
                    PlannedConfiguration { configuration, axes, units }
                })
                .collect(),
        })
        .collect();
    Plan { stages }
}

fn folds(evaluation: Evaluation) -> Box<dyn Iterator<Item = Fold>> {
    match evaluation {
        Evaluation::Holdout => Box::new(std::iter::once(Fold::Holdout)),
        Evaluation::Folds(of) => Box::new((0..of).map(move |index| Fold::Part { index, of })),
    }
}

/// The product of a row's axes, the last one varying fastest, each with the names of what varies.
fn configurations(row: &ModelRow) -> Vec<(Configuration, Vec<String>)> {
    let varying: Vec<String> =
        row.axes.iter().filter(|(_, values)| values.len() > 1).map(|(name, _)| name.clone()).collect();
    let mut combinations: Vec<Hyperparameters> = vec![Hyperparameters::new()];
    for (name, values) in &row.axes {
        combinations =
            combinations.iter().flat_map(|chosen| values.iter().map(|value| with(chosen, name, value))).collect();
    }
    combinations
        .into_iter()
        .map(|hyperparameters| {
            let configuration =
                Configuration { model: row.model.clone(), hyperparameters, stop: row.stop, normalize: row.normalize };
            (configuration, varying.clone())
        })
        .collect()
}

fn with(chosen: &Hyperparameters, name: &str, value: &Value) -> Hyperparameters {
    let mut chosen = chosen.clone();
    chosen.insert(name.to_owned(), value.clone());
    chosen
}
