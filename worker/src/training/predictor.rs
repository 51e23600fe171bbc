//! A trained network that scores pairs exactly as training did.

use std::fmt;

use candle_core::Device;
use seedgrid_common::{
    classification::CLASSES,
    data::{normalize::Normalizer, pairs::PAIR_PIXELS},
    model::{DIGITS, Network},
    unit::Unit,
};

use super::{TrainError, numerics_class::numerics_class, unit_settings::Design};
use crate::networks::{Engine, Weights, direct::Direct, graph::Graph};

/// Fewest pairs that are scored at a time. More than a training batch, so that each load of a weight serves many pairs.
const SCORED_TOGETHER_MIN: usize = 50;

/// Number of pairs that are scored at a time, for a network trained on batches of this size.
pub(super) fn scored_together(batch_size: usize) -> usize {
    batch_size.max(SCORED_TOGETHER_MIN)
}

/// An engine that runs a network with these weights on `device`.
pub(super) fn engine(
    network: &Network,
    weights: &Weights,
    batch_size: usize,
    device: &Device,
) -> candle_core::Result<Box<dyn Engine>> {
    Ok(match device {
        Device::Cpu => Box::new(Direct::new(network, weights, scored_together(batch_size))?),
        Device::Cuda(_) | Device::Metal(_) => Box::new(Graph::new(network, weights, device)?),
    })
}

/// A network's logits for one pair. [`classification`](seedgrid_common::classification) interprets them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// The logits of the comparison's classes: class 1 is first digit <= second.
    pub comparison: [f32; CLASSES],
    /// The logits of the first and of the second digit's classes, where the network was trained on digits.
    pub digits: Option<[[f32; DIGITS]; 2]>,
}

/// A trained network, the source of a unit's result. On the pairs that the unit was scored on it gives the result's
/// outputs again, bit for bit within a numerics class.
pub struct Predictor {
    unit: Unit,
    design: Design,
    normalizer: Normalizer,
    engine: Box<dyn Engine>,
    numerics_class: String,
    trained_in: String,
}

impl Predictor {
    /// The network at the end of `unit`'s training.
    pub(super) fn trained(
        unit: &Unit,
        design: Design,
        normalizer: Normalizer,
        engine: Box<dyn Engine>,
        device: &Device,
    ) -> Self {
        let class = numerics_class(device);
        Self { unit: unit.clone(), design, normalizer, engine, numerics_class: class.clone(), trained_in: class }
    }

    /// The network of `unit` with kept weights, trained in this numerics class. `values` gives each variable's values,
    /// by name and shape.
    ///
    /// # Errors
    /// When this program does not know the unit's configuration, or the values do not fit.
    pub fn with_weights<E: From<TrainError>>(
        unit: Unit,
        normalizer: Normalizer,
        trained_in: String,
        values: impl FnMut(&str, &[usize]) -> Result<Vec<f32>, E>,
        device: &Device,
    ) -> Result<Self, E> {
        let design = Design::from_configuration(&unit.configuration)?;
        let weights = Weights::with_values(&design.network, values, |error| TrainError::Device(error).into())?;
        let engine = engine(&design.network, &weights, design.batch_size, device).map_err(TrainError::Device)?;
        Ok(Self { unit, design, normalizer, engine, numerics_class: numerics_class(device), trained_in })
    }

    /// The unit that was trained.
    pub fn unit(&self) -> &Unit {
        &self.unit
    }

    /// The normaliser, which turns pixels into inputs.
    pub fn normalizer(&self) -> Normalizer {
        self.normalizer
    }

    /// The numerics class of its predictions: equal pairs get equal bits within one class.
    pub fn numerics_class(&self) -> &str {
        &self.numerics_class
    }

    /// The numerics class in which it was trained.
    pub fn trained_in(&self) -> &str {
        &self.trained_in
    }

    /// The network's variables.
    ///
    /// # Errors
    /// When the device fails.
    pub fn weights(&self) -> candle_core::Result<Weights> {
        self.engine.weights()
    }

    /// The predictions for pairs, in order. `pixels` has shape (pairs, 2, 14, 14): grey values 0..=255.
    ///
    /// # Errors
    /// When the device fails.
    pub fn predict(&mut self, pixels: &[f32]) -> Result<Vec<Prediction>, TrainError> {
        let mut predictions = Vec::with_capacity(pixels.len() / PAIR_PIXELS);
        for pixels in pixels.chunks(scored_together(self.design.batch_size) * PAIR_PIXELS) {
            let logits = self
                .engine
                .forward(&pixels.iter().map(|pixel| self.normalizer.apply(*pixel)).collect::<Vec<_>>(), None)?;
            let (comparisons, _) = logits.comparison.as_chunks::<CLASSES>();
            let (digits, _) = logits.digits.as_chunks::<DIGITS>();
            let (digits, _) = digits.as_chunks::<2>();
            predictions.extend(
                comparisons.iter().enumerate().map(|(pair, comparison)| Prediction {
                    comparison: *comparison,
                    digits: digits.get(pair).copied(),
                }),
            );
        }
        Ok(predictions)
    }
}

impl fmt::Debug for Predictor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Predictor({})", self.unit.label())
    }
}
