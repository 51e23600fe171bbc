//! Training: one unit from its initial weights to its result.
//!
//! `unit_settings` checks the unit, `training_and_scored_pairs` prepares its pairs,
//! `shuffle_and_dropout` draws their order and dropout's masks, [`loss_and_error`] defines the loss, `learner`
//! learns and scores, `checkpoint` is its state between two batches, and [`train`] decides when to stop. The trained
//! network is a [`Predictor`], which scores other pairs. [`device`] names the device.

pub(crate) mod checkpoint;
pub mod checkpoint_file;
pub mod checkpoint_interval;
pub mod device;
mod error;
mod learner;
pub mod loss_and_error;
pub mod numerics_class;
mod predictor;
mod shuffle_and_dropout;
mod training_and_scored_pairs;
mod unit_settings;
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
use unit_settings::{Design, Recipe};

/// Number of weights and biases of a configuration's network.
///
/// # Errors
/// When this program does not know the configuration's model or hyper-parameters.
pub fn parameter_count(configuration: &Configuration) -> Result<usize, TrainError> {
    Ok(Design::from_configuration(configuration)?.network.parameter_count())
}

/// A configuration's network.
///
/// # Errors
/// When this program does not know the configuration's model or hyper-parameters.
pub(crate) fn network(configuration: &Configuration) -> Result<Network, TrainError> {
    Ok(Design::from_configuration(configuration)?.network)
}

/// An observer follows a training, keeps its state and can stop it.
pub trait Observer {
    /// Called after each epoch.
    fn epoch(&mut self, metrics: &EpochMetrics);

    /// The wish for the next step; called before each batch.
    fn batch(&mut self) -> Wish;

    /// Receives the requested state.
    fn save(&mut self, checkpoint: Checkpoint);
}

/// An [`Observer`]'s wish between two batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Learn the next batch.
    GoOn,
    /// Save the state, then learn the next batch.
    Save,
    /// End the training.
    Stop,
    /// Save the state, then end the training.
    SaveAndStop,
}

/// The end of a training.
#[derive(Debug)]
pub enum Trained {
    /// Training ended: the unit was scored or diverged.
    Finished {
        /// The unit's result.
        result: UnitResult,
        /// The network that was scored. None where training diverged.
        network: Option<Box<Predictor>>,
    },
    /// The observer stopped it.
    Stopped,
}

/// Trains a unit on its data set, from its initial weights or from `checkpoint`, one of this unit.
///
/// The result is a pure function of the unit and the data set within a [numerics class](numerics_class::numerics_class), for
/// any number of interruptions. A loss, logit or weight that is NaN or infinite ends the unit as diverged in that
/// epoch; the result has only the whole epochs before it.
///
/// # Errors
/// When the unit cannot be trained as it asks, or the device fails. No training is wasted: all errors but a device's
/// are found before the first batch.
pub fn train(
    unit: &Unit,
    dataset: &Dataset,
    checkpoint: Option<&Checkpoint>,
    device: &Device,
    observer: &mut dyn Observer,
) -> Result<Trained, TrainError> {
    let recipe = Recipe::from_unit(unit, dataset)?;
    let (train, scored, normalizer) = training_and_scored_pairs::pairs(&recipe, unit.configuration.normalize, dataset)?;
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
            // Finite weights can still give infinite logits for pairs outside training: the last epoch diverged.
            epochs.pop();
            diverged(epochs)
        }
    }
}
