//! `cnn-shared-aux`: the shared tower, whose outputs are also trained to name the digits (the paper's section III.C).

use super::{
    Model,
    cnn_shared::shared,
    network::Digits,
    optimiser::{MOMENTUM, OPTIMISER, WEIGHT_DECAY},
    schema::{AUXILIARY_WEIGHT, BATCH_SIZE, DROPOUT_AT, INITIAL_SCALE, LEARNING_RATE, TOWER_END, dropout},
};

pub(super) static MODEL: Model = Model {
    name: "cnn-shared-aux",
    title: "CNN weight sharing & Aux",
    summary: "cnn-shared with auxiliary losses: the tower's outputs are trained to name the digits as well",
    source: "Fernández, Bonell, Mandiracioglu (2020), section III.C",
    revision: 1,
    parameters: &[
        LEARNING_RATE,
        BATCH_SIZE,
        AUXILIARY_WEIGHT,
        dropout(0.5),
        DROPOUT_AT,
        TOWER_END,
        OPTIMISER,
        MOMENTUM,
        WEIGHT_DECAY,
        INITIAL_SCALE,
    ],
    network: |given| shared(given, Digits::Tower),
};
