//! JSON Schemas of what the program writes: docs/schemas has them.

#[path = "../../../tests/schemas/mod.rs"]
mod files;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use seedgrid_common::{hyperparameters, training};
use serde::Serialize;

use files::assert_file_matches;

use super::{cancel_drain_pause, credentials, data_description, models, plan, retry, status, units, workers};
use crate::{
    aggregate::Report,
    compare::document::Comparison,
    report,
    views::{integrity_check::Checked, run_list::RunList},
};

#[test]
fn schemas_are_those_of_the_types() {
    assert_file_matches::<Report>("seedgrid.report/3");
    assert_file_matches::<report::Document<'_>>("seedgrid.provenance/3");
    assert_file_matches::<cancel_drain_pause::Cancelled>("seedgrid.cancel/1");
    assert_file_matches::<Checked>("seedgrid.check/1");
    assert_file_matches::<Comparison>("seedgrid.compare/2");
    assert_file_matches::<credentials::Listing>("seedgrid.credentials/1");
    assert_file_matches::<data_description::Description>("seedgrid.data-description/1");
    assert_file_matches::<cancel_drain_pause::Drained>("seedgrid.drain/1");
    assert_file_matches::<units::Explained>("seedgrid.explain/1");
    assert_file_matches::<RunList>("seedgrid.list/1");
    assert_file_matches::<units::Logged>("seedgrid.logs/1");
    assert_file_matches::<models::Document>("seedgrid.models/1");
    assert_file_matches::<cancel_drain_pause::Paused>("seedgrid.pause/1");
    assert_file_matches::<plan::Listing>("seedgrid.plan/1");
    assert_file_matches::<cancel_drain_pause::Paused>("seedgrid.resume/1");
    assert_file_matches::<retry::Listing>("seedgrid.retry/1");
    assert_file_matches::<status::Listing>("seedgrid.status/1");
    assert_file_matches::<units::Units<'_>>("seedgrid.units/1");
    assert_file_matches::<workers::Listing>("seedgrid.workers/1");
}

#[test]
fn types_that_stand_for_others_say_the_same() {
    fn same<T: Serialize + Clone, S: Serialize + From<T>>(ours: T) {
        assert_eq!(serde_json::to_value(S::from(ours.clone())).unwrap(), serde_json::to_value(ours).unwrap());
    }
    use hyperparameters::Value as Ours;
    let values =
        [Ours::Integer(3), Ours::Number(0.5), Ours::Text("adam".to_owned()), Ours::Integers(vec![1]), Ours::Flag(true)];
    values.into_iter().for_each(same::<_, Value>);
    let rule = training::StopRule::PAPER;
    same::<_, StopRule>(rule);
    same::<_, StopRule>(training::StopRule { loss: training::StopLoss::BatchSum, ..rule });
    training::Normalize::ALL.into_iter().for_each(same::<_, Normalize>);
}

/// Hyper-parameters by name, as in listings and reports.
pub(crate) type Hyperparameters = BTreeMap<String, Value>;

// `hyperparameters::Value` has no schema. A kind that is missing here does not compile.
/// The value of a hyper-parameter.
#[derive(JsonSchema, Serialize)]
#[serde(untagged)]
pub(crate) enum Value {
    Integer(u64),
    Number(f64),
    Text(String),
    Integers(Vec<u64>),
    Flag(bool),
}

impl From<hyperparameters::Value> for Value {
    fn from(value: hyperparameters::Value) -> Self {
        match value {
            hyperparameters::Value::Integer(number) => Self::Integer(number),
            hyperparameters::Value::Number(number) => Self::Number(number),
            hyperparameters::Value::Text(text) => Self::Text(text),
            hyperparameters::Value::Integers(numbers) => Self::Integers(numbers),
            hyperparameters::Value::Flag(flag) => Self::Flag(flag),
        }
    }
}

// `training::StopRule` has no schema.
/// The stopping rule of training.
#[derive(JsonSchema, Serialize)]
pub(crate) struct StopRule {
    /// Training has converged after an epoch whose loss differs by less than this from the loss of the epoch before.
    loss_delta: f64,
    /// Training ends after this many epochs, whether it has converged or not.
    max_epochs: u32,
    /// The rule is not checked before this many epochs have ended.
    min_epochs: u32,
    /// The number of epochs in a row for which the rule must hold.
    patience: u32,
    /// The rule is not checked until an epoch's loss has fallen below `1 - loss_drop` times the first epoch's.
    loss_drop: f64,
    /// The loss that the rule compares.
    loss: StopLoss,
}

impl From<training::StopRule> for StopRule {
    fn from(rule: training::StopRule) -> Self {
        let training::StopRule { loss_delta, max_epochs, min_epochs, patience, loss_drop, loss } = rule;
        Self { loss_delta, max_epochs, min_epochs, patience, loss_drop, loss: loss.into() }
    }
}

// `training::StopLoss` has no schema.
/// The loss of an epoch that the stopping rule compares.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StopLoss {
    /// The mean over the epoch's pairs.
    Mean,
    /// That mean times the number of batches.
    BatchSum,
}

impl From<training::StopLoss> for StopLoss {
    fn from(loss: training::StopLoss) -> Self {
        match loss {
            training::StopLoss::Mean => Self::Mean,
            training::StopLoss::BatchSum => Self::BatchSum,
        }
    }
}

// `training::Normalize` has no schema.
/// The conversion of pixels to inputs.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Normalize {
    None,
    Scale,
    Standardize,
}

impl From<training::Normalize> for Normalize {
    fn from(normalize: training::Normalize) -> Self {
        match normalize {
            training::Normalize::None => Self::None,
            training::Normalize::Scale => Self::Scale,
            training::Normalize::Standardize => Self::Standardize,
        }
    }
}
