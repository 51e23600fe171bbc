//! Networks that learn, built from their plain data.
//!
//! [`Weights`] are candle variables. Two engines run a network on them: [`direct`] passes forward and backward through
//! Seedgrid's own [`kernels`](crate::kernels) on a CPU, and [`graph`] through candle's operations and its automatic
//! differentiation on any device. They do the same arithmetic in different orders, so each checks the other.

mod chain;
pub mod direct;
pub mod graph;
mod layout;
pub mod optimiser;
mod weights;
pub mod work;

use std::collections::BTreeMap;

use seedgrid_common::model::{Digits, Input, Layer, Network, Shape, ShapeError};

use optimiser::{Memory, Step};
pub use weights::Weights;

/// Runs a network forward and backward on batches, and holds its variables meanwhile.
pub trait Engine {
    /// The logits for a batch: with dropout's `masks` in training, without them in scoring.
    ///
    /// `pixels` has shape (pairs, 2, 14, 14).
    fn forward(&mut self, pixels: &[f32], masks: Option<Masks>) -> candle_core::Result<Logits>;

    /// Computes the derivatives of a loss by every weight from its derivatives by the logits of the last `forward`.
    fn backward(&mut self, by_logits: &Logits) -> candle_core::Result<()>;

    /// Takes an optimiser's step, which resets the derivatives.
    fn take(&mut self, step: &Step) -> candle_core::Result<()>;

    /// The derivatives that `backward` has computed, by the variables' names, in PyTorch's order.
    fn gradients(&self) -> candle_core::Result<BTreeMap<String, Vec<f32>>>;

    /// Whether every weight is a finite number.
    fn weights_are_finite(&self) -> candle_core::Result<bool>;

    /// The current variables.
    fn weights(&self) -> candle_core::Result<Weights>;

    /// The optimiser's memory of earlier steps, by the variables' names, in PyTorch's order. Variables without any are
    /// left out.
    fn memory(&self) -> candle_core::Result<BTreeMap<String, Memory>>;

    /// Restores the memory that [`Self::memory`] gave for an equal network. Each part has as many numbers as its
    /// variable, or none.
    fn remember(&mut self, memory: &BTreeMap<String, Memory>) -> candle_core::Result<()>;
}

/// A batch's outputs, or the derivatives of a loss by them.
#[derive(Clone, Debug, PartialEq)]
pub struct Logits {
    /// Shape (pairs, 2): class 0, the first digit is larger; class 1, it is at most the second.
    pub comparison: Vec<f32>,
    /// Shape (pairs, 2, 10): the classes of the first and of the second digit, where they are trained; else empty.
    pub digits: Vec<f32>,
}

impl Logits {
    /// As many zeros as `self` has values.
    pub fn zeros_like(&self) -> Self {
        Self { comparison: vec![0.0; self.comparison.len()], digits: vec![0.0; self.digits.len()] }
    }

    /// Whether every value is a finite number.
    pub fn are_finite(&self) -> bool {
        self.comparison.iter().chain(&self.digits).all(|value| value.is_finite())
    }
}

/// Dropout's factors for one batch, by dropout layer in the order of [`Network::layers`]: 0 or `1 / (1 - probability)` for
/// each value of the layer, shape (rows, the layer's shape), row-major. A tower that sees each image alone has two rows for
/// each pair, the first image's before the second's.
pub type Masks = Vec<Vec<f32>>;

/// One of a network's dropout layers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DropoutLayer {
    /// The probability with which a value becomes 0.
    pub probability: f64,
    /// Number of values that the layer has for each pair.
    pub values_per_pair: usize,
}

/// A network's dropout layers, in the order of [`Network::layers`].
pub fn dropout_layers(network: &Network) -> Result<Vec<DropoutLayer>, ShapeError> {
    let mut found = Vec::new();
    let mut visit = |layers: &[Layer], mut shape: Shape, rows: usize| {
        for layer in layers {
            if let Layer::Dropout { probability } = layer {
                found.push(DropoutLayer { probability: *probability, values_per_pair: rows * shape.len() });
            }
            shape = layer.output(shape)?;
        }
        Ok(shape)
    };
    let rows = rows_per_pair(network);
    let joined = Shape::Flat(rows * visit(&network.tower, network.input_shape(), rows)?.len());
    visit(&network.comparison, joined, 1)?;
    if let Digits::Heads(heads) = &network.digits {
        for head in heads.iter() {
            visit(head, joined, 1)?;
        }
    }
    Ok(found)
}

/// The number of rows of the tower's batch that belong to one pair.
fn rows_per_pair(network: &Network) -> usize {
    match network.input {
        Input::Both => 1,
        Input::Each => 2,
    }
}
