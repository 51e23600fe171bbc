//! Training: one unit from its initial weights to its result.
//!
//! `recipe` checks what the unit asks for, `examples` prepares what it sees and in which order, [`objective`] says what is
//! minimised, `learner` learns and scores, `checkpoint` is its state between two batches, and [`train`] decides when to stop. What comes out of it is a [`Predictor`] as well,
//! which scores other pairs. [`device`] names where it runs.

pub(crate) mod checkpoint;
pub mod checkpoint_file;
pub mod checkpoint_interval;
pub mod device;
mod error;
mod examples;
mod learner;
pub mod objective;
mod predictor;
mod recipe;
pub mod weights_file;

use candle_core::Device;
use seedgrid_common::{
    data::{Dataset, folds::Scored},
    model::Network,
    training::{Ending, EpochMetrics, UnitResult},
    unit::{Configuration, Unit},
};

pub use checkpoint::Checkpoint;
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

/// A configuration's network.
///
/// # Errors
/// When the configuration is none that this program knows.
pub(crate) fn network(configuration: &Configuration) -> Result<Network, TrainError> {
    Ok(Design::of(configuration)?.network)
}

/// Follows a training, keeps its state and can stop it.
pub trait Observer {
    /// Called after each epoch.
    fn epoch(&mut self, metrics: &EpochMetrics);

    /// Called before each batch: what is wanted now.
    fn batch(&mut self) -> Wish;

    /// The state that was wished for.
    fn save(&mut self, checkpoint: Checkpoint);
}

/// What an [`Observer`] wants between two batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// The next batch.
    GoOn,
    /// The state, then the next batch.
    Save,
    /// The training's end.
    Stop,
    /// The state, then the training's end.
    SaveAndStop,
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

/// Trains a unit on its data set, from its initial weights or from where `checkpoint`, one of this unit, was made.
///
/// The result is a pure function of the unit and the data set within a [numerics class](device::numerics_class), however often the
/// training was interrupted. A loss, logit or weight that is NaN or infinite ends the unit as diverged in that epoch; only whole
/// epochs before it are in the result.
///
/// # Errors
/// When the unit asks for what cannot be done, or the device fails. Nothing is trained in vain: all but a device's failure is
/// found before the first batch.
pub fn train(
    unit: &Unit,
    dataset: &Dataset,
    checkpoint: Option<&Checkpoint>,
    device: &Device,
    observer: &mut dyn Observer,
) -> Result<Trained, TrainError> {
    let recipe = Recipe::of(unit, dataset)?;
    let (train, scored, normalizer) = examples::examples(&recipe, unit.configuration.normalize, dataset);
    let validated = recipe.split.scored != Scored::Test;
    let mut learner = match checkpoint {
        Some(checkpoint) => Learner::resume(&recipe.design, unit.seed, checkpoint, train.len(), device)?,
        None => Learner::new(&recipe.design, unit.seed, device)?,
    };
    let mut epochs: Vec<EpochMetrics> = checkpoint.map(|checkpoint| checkpoint.history.clone()).unwrap_or_default();
    let mut losses: Vec<f64> = epochs.iter().map(|epoch| epoch.train_loss).collect();
    let batches = recipe.split.train.len().div_ceil(recipe.design.batch_size);
    let id = unit.id();
    let diverged = |epochs: Vec<EpochMetrics>| {
        let epoch = epochs.len() as u32 + 1;
        let result = UnitResult { epochs, ending: Ending::Diverged { epoch } };
        Ok(Trained::Finished { result, network: None })
    };
    let converged = loop {
        learner.begin(&train);
        let wish = observer.batch();
        if matches!(wish, Wish::Save | Wish::SaveAndStop)
            && let Some(checkpoint) = learner.checkpoint(id, &epochs)?
        {
            observer.save(checkpoint);
        }
        if matches!(wish, Wish::Stop | Wish::SaveAndStop) {
            return Ok(Trained::Stopped);
        }
        let tally = match learner.batch(&train)? {
            Pass::UnderWay => continue,
            Pass::Whole(tally) => tally,
            Pass::Diverged => return diverged(epochs),
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
        observer.epoch(&metrics);
        let converged = recipe.stop.converged(&losses, batches);
        if converged || epochs.len() >= recipe.stop.max_epochs as usize {
            break converged;
        }
    };
    match learner.score(&scored)? {
        Some((tally, outputs)) => {
            let scores = tally.scores(converged, outputs);
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
