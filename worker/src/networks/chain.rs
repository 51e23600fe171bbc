//! A part of a network as laid out for the CPU, with its weights and the values that pass through it.

use std::collections::BTreeMap;

use super::{
    Masks, Weights,
    layout::{Block, Kernel, Layout, Pointwise},
    optimiser::{Memory, Step},
};
use crate::kernels::{
    affine::{Windows, bias_gradient, transpose},
    pointwise::{add, relu, relu_backward, scale},
    pool::MaxPool,
};

/// A part of a network on the CPU, with room for a number of rows.
#[derive(Debug)]
pub(super) struct Chain {
    links: Vec<Link>,
}

/// A block with its values and gradients.
#[derive(Debug)]
struct Link {
    kernel: Ready,
    pointwise: Vec<Pointwise>,
    /// Number of values that the block gives for each row.
    outputs: usize,
    /// The block's values, shape (rows, outputs).
    values: Vec<f32>,
    /// The loss's derivatives by `values`.
    gradient: Vec<f32>,
}

#[derive(Debug)]
enum Ready {
    Affine(Box<Affine>),
    MaxPool { pool: MaxPool, chosen: Vec<u8> },
    Flatten { pixels: usize, channels: usize },
    Copy,
}

/// A convolution or a fully connected layer.
#[derive(Debug)]
struct Affine {
    name: String,
    windows: Windows,
    kernel: usize,
    inputs: usize,
    /// The weights as (kernel y, kernel x, input, output).
    weights: Vec<f32>,
    bias: Vec<f32>,
    weights_gradient: Vec<f32>,
    bias_gradient: Vec<f32>,
    weights_memory: Memory,
    bias_memory: Memory,
    /// The weights as (kernel y, kernel x, output, input), for the input's gradient.
    transposed: Vec<f32>,
}

impl Chain {
    /// A chain for up to `rows` rows, with these weights.
    pub(super) fn new(layout: Layout, weights: &Weights, rows: usize) -> candle_core::Result<Self> {
        let links = layout.blocks.into_iter().map(|block| Link::new(block, weights, rows)).collect::<Result<_, _>>()?;
        Ok(Self { links })
    }

    /// Number of values that the chain gives for each row.
    pub(super) fn outputs(&self) -> usize {
        self.last().outputs
    }

    /// The values of the last `forward`, shape (rows, outputs).
    pub(super) fn values(&self, rows: usize) -> &[f32] {
        &self.last().values[..rows * self.outputs()]
    }

    /// The place for the loss's derivatives by the chain's values, filled before `backward`.
    pub(super) fn gradient(&mut self, rows: usize) -> &mut [f32] {
        let link = self.links.last_mut().expect("a chain has a link");
        &mut link.gradient[..rows * link.outputs]
    }

    fn last(&self) -> &Link {
        self.links.last().expect("a chain has a link")
    }

    /// Runs forward on `rows` rows.
    pub(super) fn forward(&mut self, rows: usize, input: &[f32], masks: Option<&Masks>) {
        let mut before: &[f32] = input;
        for link in &mut self.links {
            link.forward(rows, before, masks);
            before = &link.values;
        }
    }

    /// Runs backward, after `forward` with the same rows and masks: adds to the gradients of the weights, and to
    /// `input_gradient`, where it is given, the loss's derivatives by the input.
    pub(super) fn backward(
        &mut self,
        rows: usize,
        input: &[f32],
        masks: Option<&Masks>,
        mut input_gradient: Option<&mut [f32]>,
    ) {
        let first_affine = self.links.iter().position(|link| matches!(link.kernel, Ready::Affine(_)));
        for index in (0..self.links.len()).rev() {
            let (before, rest) = self.links.split_at_mut(index);
            let link = &mut rest[0];
            match before.last_mut() {
                Some(previous) => {
                    let needed = input_gradient.is_some() || first_affine.is_some_and(|first| index > first);
                    let values = rows * previous.outputs;
                    let gradient = &mut previous.gradient[..values];
                    link.kernel.prepare(gradient);
                    link.backward(rows, &previous.values[..values], masks, needed.then_some(gradient));
                    if !needed {
                        return;
                    }
                }
                None => link.backward(rows, input, masks, input_gradient.take()),
            }
        }
    }

    /// Takes a step, which resets the gradients.
    pub(super) fn take(&mut self, step: &Step) {
        for affine in self.affines_mut() {
            step.take(&mut affine.weights, &mut affine.weights_gradient, &mut affine.weights_memory);
            step.take(&mut affine.bias, &mut affine.bias_gradient, &mut affine.bias_memory);
        }
    }

    /// Whether every weight is a finite number.
    pub(super) fn is_finite(&self) -> bool {
        self.affines().flat_map(|affine| affine.weights.iter().chain(&affine.bias)).all(|value| value.is_finite())
    }

    /// Writes the chain's weights to their variables.
    pub(super) fn save(&self, weights: &Weights) -> candle_core::Result<()> {
        for affine in self.affines() {
            weights.set(&format!("{}.weight", affine.name), &affine.as_pytorch(&affine.weights))?;
            weights.set(&format!("{}.bias", affine.name), &affine.bias)?;
        }
        Ok(())
    }

    /// Adds the gradients by the names of their variables, in PyTorch's order.
    pub(super) fn collect_gradients(&self, gradients: &mut BTreeMap<String, Vec<f32>>) {
        for affine in self.affines() {
            gradients.insert(format!("{}.weight", affine.name), affine.as_pytorch(&affine.weights_gradient));
            gradients.insert(format!("{}.bias", affine.name), affine.bias_gradient.clone());
        }
    }

    /// Adds the optimiser's memory by the names of the variables, in PyTorch's order.
    pub(super) fn collect_memory(&self, memory: &mut BTreeMap<String, Memory>) {
        for affine in self.affines() {
            let parts = [
                ("weight", affine.weights_memory.map(|stored| affine.as_pytorch(stored))),
                ("bias", affine.bias_memory.clone()),
            ];
            for (part, of_part) in parts.into_iter().filter(|(_, of_part)| !of_part.is_empty()) {
                memory.insert(format!("{}.{part}", affine.name), of_part);
            }
        }
    }

    /// Restores the memory that [`Self::collect_memory`] gave.
    pub(super) fn remember(&mut self, memory: &BTreeMap<String, Memory>) {
        for affine in self.affines_mut() {
            let (taps, inputs, outputs) = (affine.kernel * affine.kernel, affine.inputs, affine.bias.len());
            let of = |part: &str| memory.get(&format!("{}.{part}", affine.name));
            affine.weights_memory =
                of("weight").map(|of| of.map(|values| from_pytorch(values, taps, inputs, outputs))).unwrap_or_default();
            affine.bias_memory = of("bias").cloned().unwrap_or_default();
        }
    }

    fn affines(&self) -> impl Iterator<Item = &Affine> {
        self.links.iter().filter_map(|link| match &link.kernel {
            Ready::Affine(affine) => Some(&**affine),
            Ready::MaxPool { .. } | Ready::Flatten { .. } | Ready::Copy => None,
        })
    }

    fn affines_mut(&mut self) -> impl Iterator<Item = &mut Affine> {
        self.links.iter_mut().filter_map(|link| match &mut link.kernel {
            Ready::Affine(affine) => Some(&mut **affine),
            Ready::MaxPool { .. } | Ready::Flatten { .. } | Ready::Copy => None,
        })
    }
}

impl Ready {
    /// Sets the input's gradient to 0 before a backward pass that adds to it.
    fn prepare(&self, input_gradient: &mut [f32]) {
        match self {
            // Max-pooling writes every value.
            Self::MaxPool { .. } => {}
            Self::Affine(_) | Self::Flatten { .. } | Self::Copy => input_gradient.fill(0.0),
        }
    }
}

impl Link {
    fn new(block: Block, weights: &Weights, rows: usize) -> candle_core::Result<Self> {
        let room = rows * block.outputs;
        let kernel = match block.kernel {
            Kernel::Affine { name, height, width, inputs, kernel, outputs } => {
                let windows = Windows::of_convolution(height, width, inputs, kernel, rows);
                let pytorch = weights.values(&format!("{name}.weight"))?;
                let bias = weights.values(&format!("{name}.bias"))?;
                let taps = kernel * kernel;
                let stored = from_pytorch(&pytorch, taps, inputs, outputs);
                Ready::Affine(Box::new(Affine {
                    windows,
                    kernel,
                    inputs,
                    weights_gradient: vec![0.0; stored.len()],
                    bias_gradient: vec![0.0; bias.len()],
                    weights_memory: Memory::default(),
                    bias_memory: Memory::default(),
                    transposed: vec![0.0; stored.len()],
                    weights: stored,
                    bias,
                    name,
                }))
            }
            Kernel::MaxPool { size, height, width, channels } => {
                Ready::MaxPool { pool: MaxPool { size, height, width, channels }, chosen: vec![0; room] }
            }
            Kernel::Flatten { height, width, channels } => Ready::Flatten { pixels: height * width, channels },
            Kernel::Copy { .. } => Ready::Copy,
        };
        Ok(Self {
            kernel,
            pointwise: block.pointwise,
            outputs: block.outputs,
            values: vec![0.0; room],
            gradient: vec![0.0; room],
        })
    }

    fn forward(&mut self, rows: usize, input: &[f32], masks: Option<&Masks>) {
        let values = &mut self.values[..rows * self.outputs];
        match &mut self.kernel {
            Ready::Affine(affine) => affine.windows.forward(rows, input, &affine.weights, &affine.bias, values),
            Ready::MaxPool { pool, chosen } => pool.forward(rows, input, values, chosen),
            Ready::Flatten { pixels, channels } => {
                for (from, to) in input.chunks_exact(self.outputs).zip(values.chunks_exact_mut(self.outputs)) {
                    transpose(*pixels, *channels, from, to);
                }
            }
            Ready::Copy => values.copy_from_slice(&input[..values.len()]),
        }
        for pointwise in &self.pointwise {
            match (pointwise, masks) {
                (Pointwise::Relu, _) => relu(values),
                (Pointwise::Dropout { .. }, Some(masks)) => drop_out(pointwise, masks, self.outputs, values),
                (Pointwise::Dropout { .. }, None) => {}
            }
        }
    }

    fn backward(&mut self, rows: usize, input: &[f32], masks: Option<&Masks>, input_gradient: Option<&mut [f32]>) {
        let values = &self.values[..rows * self.outputs];
        let gradient = &mut self.gradient[..rows * self.outputs];
        for pointwise in self.pointwise.iter().rev() {
            match (pointwise, masks) {
                // Values that a later dropout has set to 0 have no gradient, so the final values serve every ReLU.
                (Pointwise::Relu, _) => relu_backward(values, gradient),
                (Pointwise::Dropout { .. }, Some(masks)) => drop_out(pointwise, masks, self.outputs, gradient),
                (Pointwise::Dropout { .. }, None) => {}
            }
        }
        match (&mut self.kernel, input_gradient) {
            (Ready::Affine(affine), input_gradient) => {
                let outputs = affine.bias.len();
                bias_gradient(gradient, &mut affine.bias_gradient);
                affine.windows.weights_gradient(rows, outputs, input, gradient, &mut affine.weights_gradient);
                if let Some(input_gradient) = input_gradient {
                    affine.windows.transpose(outputs, &affine.weights, &mut affine.transposed);
                    affine.windows.input_gradient(rows, outputs, gradient, &affine.transposed, input_gradient);
                }
            }
            (_, None) => {}
            (Ready::MaxPool { pool, chosen }, Some(input_gradient)) => {
                pool.backward(rows, gradient, chosen, input_gradient);
            }
            (Ready::Flatten { pixels, channels }, Some(input_gradient)) => {
                for (from, to) in gradient.chunks_exact(self.outputs).zip(input_gradient.chunks_exact_mut(self.outputs))
                {
                    for (index, from) in from.iter().enumerate() {
                        to[(index % *pixels) * *channels + index / *pixels] += from;
                    }
                }
            }
            (Ready::Copy, Some(input_gradient)) => add(input_gradient, gradient),
        }
    }
}

/// Multiplies each of the rows' values by its factor.
fn drop_out(dropout: &Pointwise, masks: &Masks, outputs: usize, values: &mut [f32]) {
    let Pointwise::Dropout { index, mask_values, places } = dropout else { return };
    let mask = &masks[*index];
    match places {
        None => scale(values, mask),
        Some(places) => {
            for (values, mask) in values.chunks_exact_mut(outputs).zip(mask.chunks_exact(*mask_values)) {
                for (value, &place) in values.iter_mut().zip(places) {
                    *value *= mask[place];
                }
            }
        }
    }
}

/// Values given as (output, input, kernel y, kernel x), as (kernel y, kernel x, input, output).
fn from_pytorch(pytorch: &[f32], taps: usize, inputs: usize, outputs: usize) -> Vec<f32> {
    // (output, input and place in the kernel) -> (input and place, output) -> (place, input, output)
    let mut by_input = vec![0.0; pytorch.len()];
    transpose(outputs, inputs * taps, pytorch, &mut by_input);
    let mut stored = vec![0.0; pytorch.len()];
    for (index, line) in by_input.chunks_exact(outputs).enumerate() {
        let (input, tap) = (index / taps, index % taps);
        stored[(tap * inputs + input) * outputs..][..outputs].copy_from_slice(line);
    }
    stored
}

impl Affine {
    /// Values stored as (kernel y, kernel x, input, output), as (output, input, kernel y, kernel x).
    fn as_pytorch(&self, stored: &[f32]) -> Vec<f32> {
        let (taps, outputs) = (self.kernel * self.kernel, self.bias.len());
        let mut pytorch = vec![0.0; stored.len()];
        for (index, line) in stored.chunks_exact(outputs).enumerate() {
            let (tap, input) = (index / self.inputs, index % self.inputs);
            for (output, value) in line.iter().enumerate() {
                pytorch[(output * self.inputs + input) * taps + tap] = *value;
            }
        }
        pytorch
    }
}
