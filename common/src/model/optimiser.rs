//! How weights move: the optimiser that hyper-parameters describe, as plain data.

use super::schema::{Default, Kind, Parameter, number, word};
use crate::hyperparameters::{Hyperparameters, Value};

/// Which rule turns gradients into steps.
pub(super) const OPTIMISER: Parameter = Parameter {
    name: "optimiser",
    kind: Kind::Choice(&["sgd", "adam"]),
    default: Some(Default::Text("sgd")),
    meaning: "stochastic gradient descent, or Adam (betas 0.9 and 0.999, epsilon 1e-8), as PyTorch's SGD and Adam",
};

/// How much of the last step goes into the next.
pub(super) const MOMENTUM: Parameter = Parameter {
    name: "momentum",
    kind: Kind::Fraction { below: 1.0, inclusive: false },
    default: Some(Default::Number(0.0)),
    meaning: "for sgd: share of the last step's direction that is added to the gradient; adam allows only 0",
};

/// How strongly weights are drawn to 0.
pub(super) const WEIGHT_DECAY: Parameter = Parameter {
    name: "weight_decay",
    kind: Kind::NotNegative,
    default: Some(Default::Number(0.0)),
    meaning: "L2 penalty: this times each weight and bias is added to its gradient, for both optimisers",
};

/// An optimiser with its constants, each as a spec says it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Optimiser {
    /// Step size.
    pub learning_rate: f64,
    /// Times the weight is added to its gradient.
    pub weight_decay: f64,
    /// What is done with gradients.
    pub rule: Rule,
}

/// What an optimiser does with gradients.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// Stochastic gradient descent; with momentum, without dampening and Nesterov's correction (PyTorch's `SGD`).
    Sgd {
        /// In `0..1`.
        momentum: f64,
    },
    /// Kingma and Ba (2015), with bias correction, betas 0.9 and 0.999 and epsilon 1e-8 (PyTorch's `Adam`).
    Adam,
}

/// `momentum` is set where nothing would use it.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("`momentum` is {momentum}, but adam takes no momentum: its own averages are fixed")]
pub struct UnusedMomentum {
    /// As set; not 0.
    pub momentum: f64,
}

impl Optimiser {
    /// What complete hyper-parameters, each checked by its model's schema, describe.
    ///
    /// # Errors
    /// When they contradict each other.
    ///
    /// # Panics
    /// When they were not checked against the schema.
    pub fn from_hyperparameters(given: &Hyperparameters) -> Result<Self, UnusedMomentum> {
        if let Some(momentum) = unused_momentum(given) {
            return Err(UnusedMomentum { momentum });
        }
        let momentum = number(given, MOMENTUM.name);
        let rule = match word(given, OPTIMISER.name) {
            "adam" => Rule::Adam,
            _ => Rule::Sgd { momentum },
        };
        Ok(Self { learning_rate: number(given, "learning_rate"), weight_decay: number(given, WEIGHT_DECAY.name), rule })
    }
}

/// The momentum, where adam would not use it; hyper-parameters that are not there say nothing.
pub(crate) fn unused_momentum(given: &Hyperparameters) -> Option<f64> {
    match (given.get(OPTIMISER.name), given.get(MOMENTUM.name)) {
        (Some(Value::Text(optimiser)), Some(Value::Number(momentum))) if optimiser == "adam" && *momentum > 0.0 => {
            Some(*momentum)
        }
        _ => None,
    }
}
