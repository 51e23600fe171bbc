//! Training: one unit from its initial weights to its result.
//!
//! `recipe` checks what the unit asks for, `examples` prepares what it sees and in which order, [`objective`] says what is
//! minimised, `learner` learns and scores, and [`train`] decides when to stop. What comes out of it is a [`Predictor`] as well,
//! which scores other pairs. [`device`] names where it runs.

pub mod device;
mod error;
mod examples;
mod learner;
pub mod objective;
mod predictor;
mod recipe;

use std::ops::ControlFlow;

use candle_core::Device;
use seedgrid_common::{
    data::{Dataset, folds::Scored},
    training::{Ending, EpochMetrics, UnitResult},
    unit::{Configuration, Unit},
};

pub use error::TrainError;
use learner::{Learner, Pass};
pub use predictor::{Prediction, Predictor};
use recipe::{Design, Recipe};

/// Number of weights and biases of a configuration's network.
///
/// # Errors
/// When the configuration is none that this program knows.
pub fn parameter_count(configuration: &Configuration) -> Result<usize, TrainError> {
    Ok(Design::of(configuration)?.network.parameter_count())
}

/// Follows a training, and can stop it.
pub trait Observer {
    /// Called after each epoch. Break stops the training.
    fn epoch(&mut self, metrics: &EpochMetrics) -> ControlFlow<()>;

    /// Called before each batch, so that a stop need not wait for the epoch's end. Break stops the training.
    fn batch(&mut self) -> ControlFlow<()>;
}

/// How a training went.
#[derive(Debug)]
pub enum Trained {
    /// To its end: scored or diverged.
    Finished {
        /// What is handed over.
        result: UnitResult,
        /// The network that was scored. None where training diverged.
        network: Option<Box<Predictor>>,
    },
    /// The observer stopped it.
    Stopped,
}

/// Trains a unit on its data set.
///
/// The result is a pure function of the unit and the data set within a [numerics class](device::numerics_class). A loss, logit
/// or weight that is NaN or infinite ends the unit as diverged in that epoch; only whole epochs before it are in the result.
///
/// # Errors
/// When the unit asks for what cannot be done, or the device fails. Nothing is trained in vain: all but a device's failure is
/// found before the first batch.
pub fn train(
    unit: &Unit,
    dataset: &Dataset,
    device: &Device,
    observer: &mut dyn Observer,
) -> Result<Trained, TrainError> {
    let recipe = Recipe::of(unit, dataset)?;
    let (train, scored, normalizer) = examples::examples(&recipe, unit.configuration.normalize, dataset);
    let validated = recipe.split.scored != Scored::Test;
    let mut learner = Learner::new(&recipe.design, unit.seed, device)?;
    let mut epochs: Vec<EpochMetrics> = Vec::new();
    let mut losses = Vec::new();
    let batches = recipe.split.train.len().div_ceil(recipe.design.batch_size);
    let diverged = |epochs: Vec<EpochMetrics>| {
        let epoch = epochs.len() as u32 + 1;
        let result = UnitResult { epochs, ending: Ending::Diverged { epoch } };
        Ok(Trained::Finished { result, network: None })
    };
    let converged = loop {
        let tally = match learner.epoch(&train, &mut || observer.batch())? {
            Pass::Whole(tally) => tally,
            Pass::Diverged => return diverged(epochs),
            Pass::Stopped => return Ok(Trained::Stopped),
        };
        let validation_error = if validated {
            match learner.score(&scored)? {
                Some((tally, _)) => Some(tally.error()),
                None => return diverged(epochs),
            }
        } else {
            None
        };
        let metrics = EpochMetrics {
            epoch: epochs.len() as u32 + 1,
            train_loss: tally.mean_loss(),
            train_error: tally.error(),
            validation_error,
        };
        epochs.push(metrics);
        losses.push(metrics.train_loss);
        if observer.epoch(&metrics).is_break() {
            return Ok(Trained::Stopped);
        }
        let converged = recipe.stop.converged(&losses, batches);
        if converged || epochs.len() >= recipe.stop.max_epochs as usize {
            break converged;
        }
    };
    match learner.score(&scored)? {
        Some((tally, probabilities)) => {
            let scores = tally.scores(converged, probabilities);
            let result = UnitResult { epochs, ending: Ending::Done(scores) };
            let network = Predictor::trained(unit, recipe.design, normalizer, learner.into_engine(), device);
            Ok(Trained::Finished { result, network: Some(Box::new(network)) })
        }
        None => {
            // Finite weights can still give infinite logits for pairs that were not trained on: the last epoch's doing.
            epochs.pop();
            diverged(epochs)
        }
    }
}
