//! `cnn`: the paper's basic convolutional network (section III.A, table I).

use super::{
    Input, Layer, Model, Network,
    network::Digits,
    optimiser::{MOMENTUM, OPTIMISER, WEIGHT_DECAY},
    schema::{BATCH_SIZE, DROPOUT_AT, INITIAL_SCALE, LEARNING_RATE, dropout, number, word},
};
use crate::hyperparameters::Hyperparameters;

pub(super) static MODEL: Model = Model {
    name: "cnn",
    title: "Basic CNN",
    summary: "convolutions over both images as two channels, then a comparison",
    source: "Fernández, Bonell, Mandiracioglu (2020), section III.A and table I",
    revision: 1,
    parameters: &[
        LEARNING_RATE,
        BATCH_SIZE,
        dropout(0.5),
        DROPOUT_AT,
        OPTIMISER,
        MOMENTUM,
        WEIGHT_DECAY,
        INITIAL_SCALE,
    ],
    network,
};

fn network(given: &Hyperparameters) -> Network {
    Network {
        input: Input::Both,
        tower: convolutions(2, given),
        comparison: vec![linear("comparison", 100, 2)],
        digits: Digits::Untrained,
    }
}

/// Table I from the input to the 100-wide hidden layer: 14 -> 12 -> 10 -> 5 -> 3 -> 1 pixels a side, then 128 -> 100.
pub(super) fn convolutions(channels: usize, given: &Hyperparameters) -> Vec<Layer> {
    let dropout = Layer::Dropout { probability: number(given, "dropout") };
    let (on_input, on_output) = match word(given, "dropout_at") {
        "input" => (true, false),
        "both" => (true, true),
        _ => (false, true),
    };
    let mut layers = vec![
        conv("conv1", channels, 32),
        Layer::Relu,
        conv("conv2", 32, 64),
        Layer::Relu,
        Layer::MaxPool { size: 2 },
        conv("conv3", 64, 128),
        Layer::Relu,
        Layer::MaxPool { size: 2 },
        Layer::Flatten,
    ];
    layers.extend(on_input.then(|| dropout.clone()));
    layers.extend([linear("hidden", 128, 100), Layer::Relu]);
    layers.extend(on_output.then_some(dropout));
    layers
}

fn conv(name: &str, inputs: usize, outputs: usize) -> Layer {
    Layer::Conv2d { name: name.to_owned(), inputs, outputs, kernel: 3 }
}

pub(super) fn linear(name: &str, inputs: usize, outputs: usize) -> Layer {
    Layer::Linear { name: name.to_owned(), inputs, outputs }
}
