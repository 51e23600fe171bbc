//! Domain types to messages, and messages to domain types with every bound checked.

use super::{limits, v1};
use crate::{
    hyperparameters::Value,
    network_outputs::{Outputs, OutputsError},
    training::{Ending, EpochMetrics, Normalize, Scores, StopLoss, StopRule, UnitResult},
    unit::{Attempt, Configuration, Fold, Unit},
};

/// A message that breaks the rules of its type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed message: {field} {problem}")]
pub struct Malformed {
    /// The field's path.
    pub field: &'static str,
    /// The rule that the field breaks.
    pub problem: &'static str,
}

const fn malformed(field: &'static str, problem: &'static str) -> Malformed {
    Malformed { field, problem }
}

fn present<T>(field: &'static str, value: Option<T>) -> Result<T, Malformed> {
    value.ok_or(malformed(field, "is missing"))
}

fn name(field: &'static str, text: String) -> Result<String, Malformed> {
    if text.is_empty() || text.len() > limits::NAME_BYTES_MAX {
        return Err(malformed(field, "must have 1 to 256 bytes"));
    }
    Ok(text)
}

fn fraction(field: &'static str, value: f64) -> Result<f64, Malformed> {
    if (0.0..=1.0).contains(&value) { Ok(value) } else { Err(malformed(field, "must be in 0..=1")) }
}

impl From<&Value> for v1::Value {
    fn from(value: &Value) -> Self {
        use v1::value::Kind;
        let kind = match value {
            Value::Number(number) => Kind::Number(*number),
            Value::Integer(integer) => Kind::Integer(*integer),
            Value::Text(text) => Kind::Text(text.clone()),
            Value::Integers(items) => Kind::Integers(v1::IntegerList { items: items.clone() }),
            Value::Flag(flag) => Kind::Flag(*flag),
        };
        Self { kind: Some(kind) }
    }
}

impl TryFrom<v1::Value> for Value {
    type Error = Malformed;

    fn try_from(value: v1::Value) -> Result<Self, Malformed> {
        use v1::value::Kind;
        Ok(match present("value.kind", value.kind)? {
            Kind::Number(number) if number.is_finite() => Self::Number(number),
            Kind::Number(_) => return Err(malformed("value.number", "must be finite")),
            Kind::Integer(integer) => Self::Integer(integer),
            Kind::Text(text) => Self::Text(name("value.text", text)?),
            Kind::Integers(list) if list.items.len() <= limits::LIST_ITEMS_MAX => Self::Integers(list.items),
            Kind::Integers(_) => return Err(malformed("value.integers", "is too long")),
            Kind::Flag(flag) => Self::Flag(flag),
        })
    }
}

impl From<&StopRule> for v1::StopRule {
    fn from(rule: &StopRule) -> Self {
        Self {
            loss_delta: rule.loss_delta,
            epochs_max: rule.max_epochs,
            epochs_min: rule.min_epochs,
            patience: rule.patience,
            loss_drop: rule.loss_drop,
            loss: match rule.loss {
                StopLoss::Mean => v1::StopLoss::Mean,
                StopLoss::BatchSum => v1::StopLoss::BatchSum,
            }
            .into(),
        }
    }
}

impl TryFrom<v1::StopRule> for StopRule {
    type Error = Malformed;

    fn try_from(rule: v1::StopRule) -> Result<Self, Malformed> {
        if !rule.loss_delta.is_finite() || rule.loss_delta < 0.0 {
            return Err(malformed("stop.loss_delta", "must be finite and not negative"));
        }
        if rule.epochs_max == 0 || rule.epochs_max as usize > limits::EPOCHS_MAX {
            return Err(malformed("stop.epochs_max", "must be in 1..=100000"));
        }
        let loss = match rule.loss() {
            v1::StopLoss::Mean => StopLoss::Mean,
            v1::StopLoss::BatchSum => StopLoss::BatchSum,
            v1::StopLoss::Unspecified => return Err(malformed("stop.loss", "is missing")),
        };
        Ok(Self {
            loss_delta: rule.loss_delta,
            max_epochs: rule.epochs_max,
            min_epochs: rule.epochs_min,
            patience: rule.patience,
            loss_drop: fraction("stop.loss_drop", rule.loss_drop)?,
            loss,
        })
    }
}

impl From<Normalize> for v1::Normalize {
    fn from(normalize: Normalize) -> Self {
        match normalize {
            Normalize::None => Self::None,
            Normalize::Scale => Self::Scale,
            Normalize::Standardize => Self::Standardize,
        }
    }
}

impl From<Fold> for v1::Fold {
    fn from(fold: Fold) -> Self {
        match fold {
            Fold::Holdout => Self { index: 0, of: 0 },
            Fold::Part { index, of } => Self { index, of },
        }
    }
}

impl TryFrom<v1::Fold> for Fold {
    type Error = Malformed;

    fn try_from(fold: v1::Fold) -> Result<Self, Malformed> {
        match (fold.index, fold.of) {
            (0, 0) => Ok(Self::Holdout),
            (index, of) if of >= 2 && index < of => Ok(Self::Part { index, of }),
            _ => Err(malformed("fold", "must be the hold-out or have an index below a number of folds of 2 or more")),
        }
    }
}

impl From<&Unit> for v1::Unit {
    fn from(unit: &Unit) -> Self {
        let configuration = &unit.configuration;
        Self {
            dataset_digest: unit.dataset_digest.to_string(),
            configuration: Some(v1::Configuration {
                model: configuration.model.clone(),
                hyperparameters: configuration
                    .hyperparameters
                    .iter()
                    .map(|(name, value)| (name.clone(), value.into()))
                    .collect(),
                stop: Some((&configuration.stop).into()),
                normalize: v1::Normalize::from(configuration.normalize).into(),
            }),
            fold: Some(unit.fold.into()),
            seed: unit.seed,
        }
    }
}

impl TryFrom<v1::Unit> for Unit {
    type Error = Malformed;

    fn try_from(unit: v1::Unit) -> Result<Self, Malformed> {
        let configuration = present("unit.configuration", unit.configuration)?;
        let normalize = match configuration.normalize() {
            v1::Normalize::None => Normalize::None,
            v1::Normalize::Scale => Normalize::Scale,
            v1::Normalize::Standardize => Normalize::Standardize,
            v1::Normalize::Unspecified => return Err(malformed("configuration.normalize", "is missing")),
        };
        if unit.dataset_digest.len() != 64 || !unit.dataset_digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(malformed("unit.dataset_digest", "must be 64 hexadecimal digits"));
        }
        let hyperparameters = configuration
            .hyperparameters
            .into_iter()
            .map(|(key, value)| Ok((name("configuration.hyperparameters", key)?, value.try_into()?)))
            .collect::<Result<_, Malformed>>()?;
        Ok(Self {
            dataset_digest: unit.dataset_digest.into(),
            configuration: Configuration {
                model: name("configuration.model", configuration.model)?,
                hyperparameters,
                stop: present("configuration.stop", configuration.stop)?.try_into()?,
                normalize,
            }
            .into(),
            fold: present("unit.fold", unit.fold)?.try_into()?,
            seed: unit.seed,
        })
    }
}

impl TryFrom<v1::AttemptId> for Attempt {
    type Error = Malformed;

    fn try_from(id: v1::AttemptId) -> Result<Self, Malformed> {
        let study = id.study_id.parse().map_err(|_| malformed("attempt.study_id", "must be 32 hexadecimal digits"))?;
        let unit = id.unit_id.parse().map_err(|_| malformed("attempt.unit_id", "must be 32 hexadecimal digits"))?;
        if id.attempt == 0 {
            return Err(malformed("attempt.attempt", "must be 1 or more"));
        }
        Ok(Self { study, unit, number: id.attempt })
    }
}

impl From<Attempt> for v1::AttemptId {
    fn from(Attempt { study, unit, number }: Attempt) -> Self {
        Self { study_id: study.to_string(), unit_id: unit.to_string(), attempt: number }
    }
}

impl From<&EpochMetrics> for v1::EpochMetrics {
    fn from(metrics: &EpochMetrics) -> Self {
        Self {
            epoch: metrics.epoch,
            train_loss: metrics.train_loss,
            train_error: metrics.train_error,
            validation_error: metrics.validation_error,
        }
    }
}

impl TryFrom<v1::EpochMetrics> for EpochMetrics {
    type Error = Malformed;

    fn try_from(metrics: v1::EpochMetrics) -> Result<Self, Malformed> {
        if !metrics.train_loss.is_finite() {
            return Err(malformed("metrics.train_loss", "must be finite"));
        }
        Ok(Self {
            epoch: metrics.epoch,
            train_loss: metrics.train_loss,
            train_error: fraction("metrics.train_error", metrics.train_error)?,
            validation_error: metrics
                .validation_error
                .map(|error| fraction("metrics.validation_error", error))
                .transpose()?,
        })
    }
}

impl From<&Outputs> for v1::Outputs {
    fn from(outputs: &Outputs) -> Self {
        Self { columns: outputs.columns() as u32, values: outputs.values().to_vec() }
    }
}

impl TryFrom<v1::Outputs> for Outputs {
    type Error = Malformed;

    fn try_from(outputs: v1::Outputs) -> Result<Self, Malformed> {
        let outputs = Self::new(outputs.columns as usize, outputs.values).map_err(|cause| match cause {
            OutputsError::Empty { .. } => malformed("outputs", "must have a row and a column"),
            OutputsError::Ragged { .. } => malformed("outputs.values", "must make whole rows"),
            OutputsError::NotFinite => malformed("outputs.values", "must be finite"),
        })?;
        if outputs.columns() > limits::OUTPUT_COLUMNS_MAX {
            return Err(malformed("outputs.columns", "must be at most 1000"));
        }
        if outputs.rows() > limits::OUTPUT_ROWS_MAX || outputs.values().len() > limits::OUTPUT_VALUES_MAX {
            return Err(malformed("outputs.values", "must be at most 2000000, in at most 1000000 rows"));
        }
        Ok(outputs)
    }
}

impl From<&UnitResult> for v1::UnitResult {
    fn from(result: &UnitResult) -> Self {
        use v1::unit_result::Ending as Message;
        Self {
            epochs: result.epochs.iter().map(Into::into).collect(),
            ending: Some(match &result.ending {
                Ending::Done(scores) => Message::Done(v1::Done {
                    converged: scores.converged,
                    outputs: Some((&scores.outputs).into()),
                    wrong: scores.wrong,
                    loss: scores.loss,
                }),
                Ending::Diverged { epoch } => Message::Diverged(v1::Diverged { epoch: *epoch }),
            }),
        }
    }
}

impl TryFrom<v1::UnitResult> for UnitResult {
    type Error = Malformed;

    fn try_from(result: v1::UnitResult) -> Result<Self, Malformed> {
        use v1::unit_result::Ending as Message;
        if result.epochs.len() > limits::EPOCHS_MAX {
            return Err(malformed("result.epochs", "is too long"));
        }
        let epochs = result.epochs.into_iter().map(EpochMetrics::try_from).collect::<Result<Vec<_>, _>>()?;
        if epochs.iter().zip(1..).any(|(metrics, number)| metrics.epoch != number) {
            return Err(malformed("result.epochs", "must count up from 1 without gaps"));
        }
        let ending = match present("result.ending", result.ending)? {
            Message::Done(done) => {
                if epochs.is_empty() {
                    return Err(malformed("result.epochs", "must not be empty"));
                }
                let outputs = Outputs::try_from(present("result.done.outputs", done.outputs)?)?;
                if done.wrong as usize > outputs.rows() {
                    return Err(malformed("result.done.wrong", "must be at most the number of scored pairs"));
                }
                if !done.loss.is_finite() {
                    return Err(malformed("result.done.loss", "must be finite"));
                }
                Ending::Done(Scores { converged: done.converged, outputs, wrong: done.wrong, loss: done.loss })
            }
            Message::Diverged(diverged) if diverged.epoch as usize == epochs.len() + 1 => {
                Ending::Diverged { epoch: diverged.epoch }
            }
            Message::Diverged(_) => return Err(malformed("result.diverged.epoch", "must follow the last whole epoch")),
        };
        Ok(Self { epochs, ending })
    }
}

#[cfg(test)]
mod tests;
