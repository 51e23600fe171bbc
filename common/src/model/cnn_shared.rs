//! `cnn-shared`: one convolutional tower reads each image (the paper's section III.B, figure 2).

use super::{
    DIGITS, Input, Layer, Model, Network,
    cnn::{convolutions, linear},
    network::Digits,
    optimiser::{MOMENTUM, OPTIMISER, WEIGHT_DECAY},
    schema::{BATCH_SIZE, DROPOUT_AT, INITIAL_SCALE, LEARNING_RATE, TOWER_END, dropout, word},
};
use crate::hyperparameters::Hyperparameters;

pub(super) static MODEL: Model = Model {
    name: "cnn-shared",
    title: "CNN weight sharing",
    summary: "the same convolutional tower reads each image; a linear layer compares the two 10-wide outputs",
    source: "Fernández, Bonell, Mandiracioglu (2020), section III.B and figure 2",
    revision: 1,
    parameters: &[
        LEARNING_RATE,
        BATCH_SIZE,
        dropout(0.5),
        DROPOUT_AT,
        TOWER_END,
        OPTIMISER,
        MOMENTUM,
        WEIGHT_DECAY,
        INITIAL_SCALE,
    ],
    network: |given| shared(given, Digits::Untrained),
};

/// The shared tower with its comparison. The paper leaves the comparison's form open; one linear layer over the two 10-wide
/// outputs is the reading that comes closest to its table III.
pub(super) fn shared(given: &Hyperparameters, digits: Digits) -> Network {
    let mut tower = convolutions(1, given);
    tower.push(linear("digit", 100, DIGITS));
    if word(given, "tower_end") == "relu" {
        tower.push(Layer::Relu);
    }
    Network { input: Input::Each, tower, comparison: vec![linear("comparison", 2 * DIGITS, 2)], digits }
}
