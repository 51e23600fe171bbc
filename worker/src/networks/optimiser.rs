//! Optimisers: the use of gradients, step by step, in both engines.

use candle_core::{Tensor, Var};
use seedgrid_common::model::{self, Rule};

use crate::kernels::optimiser_steps::{Adam, Momentum, descend, descend_with_adam, descend_with_momentum};

/// Adam's first beta: the share of the last mean of gradients that is kept.
const BETA_1: f64 = 0.9;
/// Adam's second beta: the share of the last mean of squared gradients that is kept.
const BETA_2: f64 = 0.999;
/// Adam's epsilon, which keeps the divisor above 0.
const EPSILON: f64 = 1e-8;

/// An optimiser with its state over the steps so far. The engine holds the memory of each weight.
#[derive(Clone, Copy, Debug)]
pub struct Optimiser {
    constants: model::Optimiser,
    /// Adam's betas, each to the power of the number of steps so far.
    powers: (f64, f64),
}

/// One step: the same for every variable.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// Plain gradient descent.
    Plain {
        /// The step size.
        rate: f64,
    },
    /// Descent with momentum or weight decay or both.
    Momentum(Momentum),
    /// A step of Adam.
    Adam(Adam),
}

/// A variable's memory of earlier steps: a number for each of its values. Empty until a step needs it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    /// The velocity of momentum, or Adam's mean of gradients.
    pub first: Vec<f32>,
    /// Adam's mean of squared gradients.
    pub second: Vec<f32>,
}

/// The same memory for a candle variable.
#[derive(Clone, Debug)]
pub struct TensorMemory {
    first: Tensor,
    second: Tensor,
}

impl Optimiser {
    /// The optimiser before its first step.
    pub fn new(constants: model::Optimiser) -> Self {
        Self { constants, powers: (1.0, 1.0) }
    }

    /// The state besides the constants: Adam's betas, each to the power of the number of steps so far.
    pub fn powers(&self) -> (f64, f64) {
        self.powers
    }

    /// Continues from the state of another optimiser with these powers.
    pub fn resume(&mut self, powers: (f64, f64)) {
        self.powers = powers;
    }

    /// The next step.
    pub fn step(&mut self) -> Step {
        let model::Optimiser { learning_rate: rate, weight_decay, rule } = self.constants;
        let decay = weight_decay as f32;
        match rule {
            Rule::Sgd { momentum } if momentum == 0.0 && weight_decay == 0.0 => Step::Plain { rate },
            Rule::Sgd { momentum } => Step::Momentum(Momentum { rate: rate as f32, momentum: momentum as f32, decay }),
            Rule::Adam => {
                // Products rather than powers: multiplication is the same on every machine.
                self.powers = (self.powers.0 * BETA_1, self.powers.1 * BETA_2);
                let corrections = (1.0 - self.powers.0, 1.0 - self.powers.1);
                Step::Adam(Adam {
                    first: (BETA_1 as f32, (1.0 - BETA_1) as f32),
                    second: (BETA_2 as f32, (1.0 - BETA_2) as f32),
                    epsilon: EPSILON as f32,
                    rate: (rate / corrections.0) as f32,
                    root: (1.0 / corrections.1.sqrt()) as f32,
                    decay,
                })
            }
        }
    }
}

impl Memory {
    /// Whether there is no memory yet.
    pub fn is_empty(&self) -> bool {
        self.first.is_empty() && self.second.is_empty()
    }

    /// The same numbers in the order that `to` gives.
    pub(super) fn map(&self, to: impl Fn(&[f32]) -> Vec<f32>) -> Self {
        let part = |values: &Vec<f32>| if values.is_empty() { Vec::new() } else { to(values) };
        Self { first: part(&self.first), second: part(&self.second) }
    }
}

impl TensorMemory {
    /// The memory as plain numbers, row-major.
    pub(super) fn values(&self) -> candle_core::Result<Memory> {
        Ok(Memory { first: self.first.flatten_all()?.to_vec1()?, second: self.second.flatten_all()?.to_vec1()? })
    }

    /// The memory from plain numbers, for this variable.
    pub(super) fn new(memory: &Memory, variable: &Var) -> candle_core::Result<Self> {
        let tensor = |values: &Vec<f32>| match values.is_empty() {
            true => variable.zeros_like(),
            false => Tensor::from_slice(values, variable.shape(), variable.device()),
        };
        Ok(Self { first: tensor(&memory.first)?, second: tensor(&memory.second)? })
    }
}

impl Step {
    /// Moves `weights`, and leaves `gradient` at 0. Allocates nothing after the first step.
    pub(super) fn take(&self, weights: &mut [f32], gradient: &mut [f32], memory: &mut Memory) {
        match *self {
            Self::Plain { rate } => descend(weights, gradient, rate as f32),
            Self::Momentum(by) => {
                memory.first.resize(weights.len(), 0.0);
                descend_with_momentum(weights, gradient, &mut memory.first, by);
            }
            Self::Adam(by) => {
                memory.first.resize(weights.len(), 0.0);
                memory.second.resize(weights.len(), 0.0);
                descend_with_adam(weights, gradient, &mut memory.first, &mut memory.second, by);
            }
        }
    }

    /// Moves `variable` by `gradient`, with its `memory` of earlier steps.
    pub(super) fn take_with_tensors(
        &self,
        variable: &Var,
        gradient: &Tensor,
        memory: &mut Option<TensorMemory>,
    ) -> candle_core::Result<()> {
        let weights = variable.as_detached_tensor();
        let slope =
            |decay: f32| if decay == 0.0 { Ok(gradient.clone()) } else { gradient + (&weights * f64::from(decay))? };
        let moved = match *self {
            Self::Plain { rate } => (&weights - (gradient * rate)?)?,
            Self::Momentum(Momentum { rate, momentum, decay }) => {
                let slope = slope(decay)?;
                let memory =
                    memory.get_or_insert(TensorMemory { first: slope.zeros_like()?, second: slope.zeros_like()? });
                memory.first = ((&memory.first * f64::from(momentum))? + slope)?;
                (&weights - (&memory.first * f64::from(rate))?)?
            }
            Self::Adam(Adam { rate, root, decay, .. }) => {
                let slope = slope(decay)?;
                let memory =
                    memory.get_or_insert(TensorMemory { first: slope.zeros_like()?, second: slope.zeros_like()? });
                memory.first = ((&memory.first * BETA_1)? + (&slope * (1.0 - BETA_1))?)?;
                memory.second = ((&memory.second * BETA_2)? + (slope.sqr()? * (1.0 - BETA_2))?)?;
                let divisor = memory.second.sqrt()?.affine(f64::from(root), EPSILON)?;
                (&weights - ((&memory.first / divisor)? * f64::from(rate))?)?
            }
        };
        variable.set(&moved)
    }
}
