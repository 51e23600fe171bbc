//! Learns and scores: a network with its optimiser and its randomness.

use std::ops::ControlFlow;

use candle_core::Device;
use seedgrid_common::{data::PAIR_PIXELS, training::Scores};

use super::{
    TrainError,
    examples::{Draws, Examples},
    objective::{Objective, Tally},
    predictor::{engine, scored_together},
    recipe::Design,
};
use crate::{
    kernels::loss::probability_of_second,
    networks::{Engine, Weights, dropout_layers, optimiser::Optimiser},
};

pub(super) struct Learner {
    engine: Box<dyn Engine>,
    objective: Objective,
    optimiser: Optimiser,
    batch_size: usize,
    draws: Draws,
}

/// How an epoch went.
pub(super) enum Pass {
    Whole(Tally),
    /// A loss, logit or weight became NaN or infinite.
    Diverged,
    Stopped,
}

impl Learner {
    /// With the initial weights of `seed`.
    pub(super) fn new(design: &Design, seed: u64, device: &Device) -> Result<Self, TrainError> {
        let network = &design.network;
        let weights = Weights::initial(network, design.initial_scale, seed, &Device::Cpu)?;
        // `Design` has checked that the layers fit together.
        let layers = dropout_layers(network).map_err(candle_core::Error::wrap)?;
        Ok(Self {
            engine: engine(network, &weights, design.batch_size, device)?,
            objective: Objective { auxiliary_weight: design.auxiliary_weight },
            optimiser: Optimiser::new(design.optimiser),
            batch_size: design.batch_size,
            draws: Draws::new(seed, layers),
        })
    }

    /// The network as it is now.
    pub(super) fn into_engine(self) -> Box<dyn Engine> {
        self.engine
    }

    /// One pass over all examples in a new order; the last batch may be smaller. `before_batch` can stop it.
    pub(super) fn epoch(
        &mut self,
        examples: &Examples,
        before_batch: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<Pass, TrainError> {
        let mut total = Tally::default();
        let mut batch = Examples::default();
        for places in self.draws.order(examples.len()).chunks(self.batch_size) {
            if before_batch().is_break() {
                return Ok(Pass::Stopped);
            }
            batch.gather(examples, places);
            let masks = self.draws.masks(batch.len());
            let logits = self.engine.forward(&batch.pixels, Some(masks))?;
            let (tally, by_logits) = self.objective.measure(&logits, &batch.labels, &batch.digits);
            if !tally.loss.is_finite() || !logits.are_finite() {
                return Ok(Pass::Diverged);
            }
            self.engine.backward(&by_logits)?;
            self.engine.take(&self.optimiser.step())?;
            total.add(tally);
        }
        Ok(if self.engine.weights_are_finite()? { Pass::Whole(total) } else { Pass::Diverged })
    }

    /// Comparison losses and mistakes on the examples, and each one's probability of class 1, with dropout off. None where a
    /// logit is NaN or infinite.
    pub(super) fn score(&mut self, examples: &Examples) -> Result<Option<(Tally, Vec<f32>)>, TrainError> {
        let comparison_alone = Objective { auxiliary_weight: None };
        let mut total = Tally::default();
        let mut probabilities = Vec::with_capacity(examples.len());
        let together = scored_together(self.batch_size);
        for (pixels, labels) in examples.pixels.chunks(together * PAIR_PIXELS).zip(examples.labels.chunks(together)) {
            let logits = self.engine.forward(pixels, None)?;
            let (tally, _) = comparison_alone.measure(&logits, labels, &[]);
            if !tally.loss.is_finite() || !logits.are_finite() {
                return Ok(None);
            }
            total.add(tally);
            probabilities
                .extend(logits.comparison.chunks_exact(2).map(|pair| probability_of_second([pair[0], pair[1]])));
        }
        Ok(Some((total, probabilities)))
    }
}

impl Tally {
    /// As a unit's scores.
    pub(super) fn scores(self, converged: bool, probabilities: Vec<f32>) -> Scores {
        Scores { converged, probabilities, wrong: self.wrong, loss: self.mean_loss() }
    }
}
