//! A trained network that scores pairs, as training itself scored them.

use std::fmt;

use candle_core::Device;
use seedgrid_common::{
    data::{PAIR_PIXELS, normalize::Normalizer},
    decision::CLASSES,
    model::{DIGITS, Network},
    unit::Unit,
};

use super::{TrainError, device::numerics_class, recipe::Design};
use crate::networks::{Engine, Weights, direct::Direct, graph::Graph};

/// Pairs that are scored at a time, at least. More than a training batch, to spread each weight's way to the processor.
const SCORED_TOGETHER_MIN: usize = 50;

/// Pairs that are scored at a time, by a network that is trained on batches of this size.
pub(super) fn scored_together(batch_size: usize) -> usize {
    batch_size.max(SCORED_TOGETHER_MIN)
}

/// What runs a network with these weights on `device`.
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

/// The logits that a network gives for one pair. [`decision`](seedgrid_common::decision) says what they mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// Of the comparison's classes: class 1 is first digit <= second.
    pub comparison: [f32; CLASSES],
    /// Of the first and of the second digit's classes, where the network was trained to name them.
    pub digits: Option<[[f32; DIGITS]; 2]>,
}

/// A network whose training has ended: what a unit's result comes from. On the pairs that the unit was scored on it gives the
/// result's outputs again, bit for bit within a numerics class.
pub struct Predictor {
    unit: Unit,
    design: Design,
    normalizer: Normalizer,
    engine: Box<dyn Engine>,
    numerics_class: String,
    trained_in: String,
}

impl Predictor {
    /// As `unit`'s training has left it.
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

    /// The network of `unit` with weights that were kept, trained in this numerics class. `values` gives each variable's values, by
    /// name and shape.
    ///
    /// # Errors
    /// When the unit's configuration is none that this program knows, or the values do not fit.
    pub fn with_weights<E: From<TrainError>>(
        unit: Unit,
        normalizer: Normalizer,
        trained_in: String,
        values: impl FnMut(&str, &[usize]) -> Result<Vec<f32>, E>,
        device: &Device,
    ) -> Result<Self, E> {
        let design = Design::of(&unit.configuration)?;
        let weights = Weights::with_values(&design.network, values, |error| TrainError::Device(error).into())?;
        let engine = engine(&design.network, &weights, design.batch_size, device).map_err(TrainError::Device)?;
        Ok(Self { unit, design, normalizer, engine, numerics_class: numerics_class(device), trained_in })
    }

    /// What was trained.
    pub fn unit(&self) -> &Unit {
        &self.unit
    }

    /// How pixels become its inputs.
    pub fn normalizer(&self) -> Normalizer {
        self.normalizer
    }

    /// In which class it predicts: equal pairs get equal bits within one class.
    pub fn numerics_class(&self) -> &str {
        &self.numerics_class
    }

    /// In which class it was trained.
    pub fn trained_in(&self) -> &str {
        &self.trained_in
    }

    /// Its variables.
    ///
    /// # Errors
    /// When the device fails.
    pub fn weights(&self) -> candle_core::Result<Weights> {
        self.engine.weights()
    }

    /// What it says of pairs, in order. `pixels` has shape (pairs, 2, 14, 14): grey values 0..=255.
    ///
    /// # Errors
    /// When the device fails.
    pub fn predict(&mut self, pixels: &[f32]) -> Result<Vec<Prediction>, TrainError> {
        let mut predictions = Vec::with_capacity(pixels.len() / PAIR_PIXELS);
        for pixels in pixels.chunks(scored_together(self.design.batch_size) * PAIR_PIXELS) {
            let logits = self.engine.forward(&self.normalizer.apply(pixels), None)?;
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
