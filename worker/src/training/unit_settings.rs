//! A unit's settings, checked and ready for training.

use seedgrid_common::{
    data::{
        Dataset,
        folds::{self, Scored, Split},
    },
    hyperparameters::{Hyperparameters, Value},
    model::{self, Digits, Network, Optimiser},
    training::StopRule,
    unit::{Configuration, Unit},
};

use super::TrainError;

/// A unit's network and optimisation: everything about the unit but its data.
#[derive(Clone, Debug)]
pub(super) struct Design {
    pub(super) network: Network,
    pub(super) optimiser: Optimiser,
    /// Factor on the initial weights' range.
    pub(super) initial_scale: f64,
    pub(super) batch_size: usize,
    /// Weight of the auxiliary loss, for networks that read the digits.
    pub(super) auxiliary_weight: Option<f64>,
}

/// A unit's design, its training pairs and its stopping rule.
#[derive(Clone, Debug)]
pub(super) struct Recipe {
    pub(super) design: Design,
    pub(super) stop: StopRule,
    pub(super) split: Split,
}

impl Design {
    /// Reads and checks a configuration.
    pub(super) fn from_configuration(configuration: &Configuration) -> Result<Self, TrainError> {
        let given = &configuration.hyperparameters;
        let model = model::find(&configuration.model)
            .ok_or_else(|| TrainError::UnknownModel { name: configuration.model.clone() })?;
        for parameter in model.parameters {
            let value = given
                .get(parameter.name)
                .ok_or(TrainError::MissingHyperparameter { model: model.name, name: parameter.name })?;
            parameter.check(value.clone())?;
        }
        if let Some(name) = given.keys().find(|name| model.parameters.iter().all(|known| known.name != **name)) {
            return Err(TrainError::UnknownHyperparameter { model: model.name, name: name.clone() });
        }
        let network = (model.network)(given);
        network.check().map_err(|source| TrainError::BadNetwork { model: model.name, source })?;
        let auxiliary_weight = match network.digits {
            Digits::Untrained => None,
            Digits::Tower | Digits::Heads(_) => Some(number(model.name, given, "auxiliary_weight")?),
        };
        Ok(Self {
            network,
            optimiser: Optimiser::from_hyperparameters(given)?,
            initial_scale: number(model.name, given, "initial_scale")?,
            batch_size: count(model.name, given, "batch_size")?,
            auxiliary_weight,
        })
    }
}

impl Recipe {
    /// Reads and checks a unit.
    pub(super) fn from_unit(unit: &Unit, dataset: &Dataset) -> Result<Self, TrainError> {
        let design = Design::from_configuration(&unit.configuration)?;
        let split = folds::split(dataset, unit.fold)?;
        if design.batch_size > split.train.len() {
            return Err(TrainError::LargeBatch { batch: design.batch_size, pairs: split.train.len() });
        }
        if split.scored == Scored::Test && dataset.test.targets.examples == 0 {
            return Err(TrainError::NothingToScore);
        }
        Ok(Self { design, stop: unit.configuration.stop, split })
    }
}

fn number(model: &'static str, given: &Hyperparameters, name: &'static str) -> Result<f64, TrainError> {
    match given.get(name) {
        Some(Value::Number(value)) => Ok(*value),
        Some(Value::Integer(value)) => Ok(*value as f64),
        Some(Value::Text(_) | Value::Integers(_) | Value::Flag(_)) | None => {
            Err(TrainError::MissingHyperparameter { model, name })
        }
    }
}

fn count(model: &'static str, given: &Hyperparameters, name: &'static str) -> Result<usize, TrainError> {
    match given.get(name) {
        Some(Value::Integer(value)) => {
            usize::try_from(*value).map_err(|_| TrainError::LargeBatch { batch: usize::MAX, pairs: 0 })
        }
        Some(Value::Number(_) | Value::Text(_) | Value::Integers(_) | Value::Flag(_)) | None => {
            Err(TrainError::MissingHyperparameter { model, name })
        }
    }
}
