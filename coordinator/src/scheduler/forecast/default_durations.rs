//! Default durations without any measurement. Both numbers are guesses, and every output names them so.

use seedgrid_common::{
    model::{self, Layer},
    training::StopRule,
    unit::Configuration,
};

use super::bounds::Bounds;

/// Seconds per multiplication of a forward pass, including the rest of training, in convolutional networks: an epoch of
/// `cnn` on 1000 pairs takes 0.1 s (docs/performance.md, a core of 2023 with AVX-512).
const CONVOLUTIONAL: f64 = 40e-12;
/// The same in fully connected networks, which do fewer multiplications for each value that they read.
const FULLY_CONNECTED: f64 = 60e-12;
/// Measured cores with AVX2 were about 1.5 times slower; other cores may be slower still.
const PACE_FACTOR: f64 = 3.0;
/// Epochs until the paper's networks converge by its rule: 21 to 96 (Table III).
const EPOCHS: f64 = 40.0;

/// Seconds per multiplication.
pub(super) fn pace(configuration: &Configuration) -> Bounds {
    let network = model::find(&configuration.model).map(|model| (model.network)(&configuration.hyperparameters));
    let convolves = network.is_some_and(|network| network.layers().any(|layer| matches!(layer, Layer::Conv2d { .. })));
    let expected = if convolves { CONVOLUTIONAL } else { FULLY_CONNECTED };
    Bounds { low: expected / PACE_FACTOR, expected, high: expected * PACE_FACTOR }
}

/// Epochs until training ends, between the fewest and the most that the rule allows.
pub(super) fn epochs(stop: &StopRule) -> Bounds {
    let (fewest, most) = (fewest_epochs(stop), f64::from(stop.max_epochs));
    Bounds { low: fewest, expected: EPOCHS.clamp(fewest, most), high: most }
}

/// The fewest epochs after which the rule may end training.
pub(super) fn fewest_epochs(stop: &StopRule) -> f64 {
    f64::from(stop.min_epochs.max(stop.patience.max(1) + 1).min(stop.max_epochs))
}
