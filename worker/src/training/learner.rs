//! A network with its optimiser and its randomness: it learns batches and scores examples.

use candle_core::Device;
use seedgrid_common::{
    classification::CLASSES,
    network_outputs::Outputs,
    training::{EpochMetrics, Scores},
    unit::UnitId,
};

use super::{
    TrainError,
    checkpoint::{Checkpoint, EpochUnderWay},
    loss_and_error::{Objective, Tally},
    numerics_class::numerics_class,
    predictor::{engine, scored_together},
    shuffle_and_dropout::TrainingStreams,
    training_and_scored_pairs::{Batch, Pairs},
    unit_settings::Design,
};
use crate::networks::{Engine, Weights, dropout_layers, optimiser::Optimiser};

pub(super) struct Learner {
    engine: Box<dyn Engine>,
    objective: Objective,
    optimiser: Optimiser,
    batch_size: usize,
    draws: TrainingStreams,
    numerics_class: String,
    epoch: Option<Epoch>,
    /// The pairs of the last batch.
    batch: Batch,
}

/// An epoch under way.
struct Epoch {
    order: Vec<u32>,
    so_far: EpochUnderWay,
}

/// The result of a pass over a batch.
pub(super) enum Pass {
    /// More batches are left.
    UnderWay,
    Whole(Tally),
    /// A loss, logit or weight became NaN or infinite.
    Diverged,
}

impl Learner {
    /// A learner with the initial weights of `seed`.
    pub(super) fn new(design: &Design, seed: u64, device: &Device) -> Result<Self, TrainError> {
        let weights = Weights::initial(&design.network, design.initial_scale, seed, &Device::Cpu)?;
        Self::with_weights(design, seed, &weights, device)
    }

    fn with_weights(design: &Design, seed: u64, weights: &Weights, device: &Device) -> Result<Self, TrainError> {
        let network = &design.network;
        // `Design` has checked that the layers fit together.
        let layers = dropout_layers(network).map_err(candle_core::Error::wrap)?;
        Ok(Self {
            engine: engine(network, weights, design.batch_size, device)?,
            objective: Objective { auxiliary_weight: design.auxiliary_weight },
            optimiser: Optimiser::new(design.optimiser),
            batch_size: design.batch_size,
            draws: TrainingStreams::new(seed, layers),
            numerics_class: numerics_class(device),
            epoch: None,
            batch: Batch::default(),
        })
    }

    /// The learner at the time of `checkpoint`, in a training on `examples` examples.
    pub(super) fn resume(
        design: &Design,
        seed: u64,
        checkpoint: &Checkpoint,
        examples: usize,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let mut learner = Self::with_weights(design, seed, &checkpoint.weights, device)?;
        learner.engine.remember(&checkpoint.memory)?;
        learner.optimiser.resume(checkpoint.powers);
        learner.draws.seek(checkpoint.positions());
        learner.epoch = Some(Epoch { order: learner.draws.order(examples), so_far: checkpoint.epoch });
        Ok(learner)
    }

    /// The current state, within an epoch that has begun: everything but the unit's `history`, which is given.
    pub(super) fn checkpoint(&self, unit: UnitId, history: &[EpochMetrics]) -> Result<Option<Checkpoint>, TrainError> {
        let Some(epoch) = &self.epoch else { return Ok(None) };
        Ok(Some(Checkpoint {
            unit,
            numerics_class: self.numerics_class.clone(),
            history: history.to_vec(),
            epoch: epoch.so_far,
            dropout: self.draws.positions().dropout,
            powers: self.optimiser.powers(),
            weights: self.engine.weights()?,
            memory: self.engine.memory()?,
        }))
    }

    /// The network with its current weights.
    pub(super) fn into_engine(self) -> Box<dyn Engine> {
        self.engine
    }

    /// Begins a pass over all examples in a new order, unless one is under way.
    pub(super) fn begin(&mut self, examples: &Pairs<'_>) {
        if self.epoch.is_none() {
            let so_far = EpochUnderWay { shuffle: self.draws.positions().shuffle, ..EpochUnderWay::default() };
            self.epoch = Some(Epoch { order: self.draws.order(examples.len()), so_far });
        }
    }

    /// Learns the next batch of the pass; the last one may be smaller than the others.
    pub(super) fn batch(&mut self, examples: &Pairs<'_>) -> Result<Pass, TrainError> {
        self.begin(examples);
        let Some(Epoch { order, so_far }) = &mut self.epoch else { return Ok(Pass::UnderWay) };
        if let Some(places) = order.chunks(self.batch_size).nth(so_far.batches as usize) {
            examples.gather(places.iter().map(|&place| place as usize), &mut self.batch);
            let masks = self.draws.masks(self.batch.len());
            let logits = self.engine.forward(&self.batch.pixels, Some(masks))?;
            let (tally, by_logits) = self.objective.measure(&logits, &self.batch.comparisons, &self.batch.digits);
            if !tally.loss.is_finite() || !logits.are_finite() {
                return Ok(Pass::Diverged);
            }
            self.engine.backward(&by_logits)?;
            self.engine.take(&self.optimiser.step())?;
            so_far.tally.add(tally);
            so_far.batches += 1;
        }
        if (so_far.batches as usize) < order.len().div_ceil(self.batch_size) {
            return Ok(Pass::UnderWay);
        }
        let tally = so_far.tally;
        self.epoch = None;
        Ok(if self.engine.weights_are_finite()? { Pass::Whole(tally) } else { Pass::Diverged })
    }

    /// Comparison losses and errors on the examples, and their logits, with dropout off. None where one of the values
    /// is NaN or infinite.
    pub(super) fn score(&mut self, examples: &Pairs<'_>) -> Result<Option<(Tally, Outputs)>, TrainError> {
        let comparison_alone = Objective { auxiliary_weight: None };
        let mut total = Tally::default();
        let mut values = Vec::with_capacity(CLASSES * examples.len());
        let together = scored_together(self.batch_size);
        for start in (0..examples.len()).step_by(together) {
            examples.gather(start..examples.len().min(start + together), &mut self.batch);
            let logits = self.engine.forward(&self.batch.pixels, None)?;
            let (tally, _) = comparison_alone.measure(&logits, &self.batch.comparisons, &[]);
            if !tally.loss.is_finite() || !logits.are_finite() {
                return Ok(None);
            }
            total.add(tally);
            values.extend_from_slice(&logits.comparison);
        }
        // A unit has examples to score, each with its logits, so only non-finite logits can be refused.
        Ok(Outputs::new(CLASSES, values).ok().map(|outputs| (total, outputs)))
    }
}

impl Tally {
    /// The unit's scores.
    pub(super) fn scores(self, converged: bool, outputs: Outputs) -> Scores {
        Scores { converged, outputs, wrong: self.wrong, loss: self.mean_loss() }
    }
}
