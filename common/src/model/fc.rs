//! `fc`: the paper's fully connected network (table II gives its hidden widths).

use super::{
    Input, Layer, Model, Network, Parameter, SIDE,
    cnn::linear,
    network::Digits,
    optimiser::{MOMENTUM, OPTIMISER, WEIGHT_DECAY},
    schema::{BATCH_SIZE, Default, INITIAL_SCALE, Kind, LEARNING_RATE, dropout, number, widths},
};
use crate::hyperparameters::Hyperparameters;

pub(super) static MODEL: Model = Model {
    name: "fc",
    title: "FC Network",
    summary: "fully connected layers over both images",
    source: "Fernández, Bonell, Mandiracioglu (2020), section III.D and table II, without the auxiliary outputs",
    revision: 1,
    parameters: &[LEARNING_RATE, BATCH_SIZE, HIDDEN, dropout(0.0), OPTIMISER, MOMENTUM, WEIGHT_DECAY, INITIAL_SCALE],
    network: |given| connected(given, Digits::Untrained),
};

/// Widths of the hidden layers.
pub(super) const HIDDEN: Parameter = Parameter {
    name: "hidden",
    kind: Kind::Widths { longest: 8, widest: 4096 },
    default: Some(Default::Integers(&[150, 50, 20, 10])),
    meaning: "widths of the hidden layers, from the input on",
};

/// Hidden layers of the given widths, each followed by ReLU and dropout, then the comparison.
pub(super) fn connected(given: &Hyperparameters, digits: Digits) -> Network {
    let probability = number(given, "dropout");
    let mut tower = vec![Layer::Flatten];
    let mut inputs = 2 * SIDE * SIDE;
    for (index, outputs) in widths(given, "hidden").into_iter().enumerate() {
        tower.push(linear(&format!("hidden{}", index + 1), inputs, outputs));
        tower.push(Layer::Relu);
        if probability > 0.0 {
            tower.push(Layer::Dropout { probability });
        }
        inputs = outputs;
    }
    Network { input: Input::Both, tower, comparison: vec![linear("comparison", inputs, 2)], digits }
}
