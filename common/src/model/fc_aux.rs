//! `fc-aux`: the fully connected network with two more outputs that name the digits (the paper's section III.D).

use super::{
    DIGITS, Model,
    cnn::linear,
    fc::{HIDDEN, connected},
    network::Digits,
    optimiser::{MOMENTUM, OPTIMISER, WEIGHT_DECAY},
    schema::{AUXILIARY_WEIGHT, BATCH_SIZE, INITIAL_SCALE, LEARNING_RATE, dropout, widths},
};

pub(super) static MODEL: Model = Model {
    name: "fc-aux",
    title: "FC Network with Aux",
    summary: "fc with auxiliary losses: two more output layers over the last hidden layer name the digits",
    source: "Fernández, Bonell, Mandiracioglu (2020), section III.D and table II",
    revision: 1,
    parameters: &[
        LEARNING_RATE,
        BATCH_SIZE,
        HIDDEN,
        AUXILIARY_WEIGHT,
        dropout(0.0),
        OPTIMISER,
        MOMENTUM,
        WEIGHT_DECAY,
        INITIAL_SCALE,
    ],
    network: |given| {
        let inputs = widths(given, "hidden").last().copied().expect("the schema asks for one hidden layer or more");
        let head = |name| vec![linear(name, inputs, DIGITS)];
        connected(given, Digits::Heads(Box::new([head("first_digit"), head("second_digit")])))
    },
};
