//! A network of candle's layers, differentiated by candle: for GPUs, and to check the kernels.

use std::collections::BTreeMap;

use candle_core::{D, Device, Error, Tensor, backprop::GradStore};
use candle_nn::{Conv2d, Conv2dConfig, Linear, Module as _};
use seedgrid_common::model::{DIGITS, Digits, Layer, Network, SIDE};

use super::{
    Engine, Logits, Masks, Weights,
    optimiser::{Memory, Step, TensorMemory},
    rows_per_pair,
};

/// A network on any device that candle knows.
#[derive(Debug)]
pub struct Graph {
    network: Network,
    weights: Weights,
    device: Device,
    /// The outputs of the last `forward`: the comparison's logits and the digits'.
    outputs: Option<(Tensor, Option<Tensor>)>,
    gradients: Option<GradStore>,
    /// The optimiser's memory of earlier steps, by the variables' names.
    memory: BTreeMap<String, Option<TensorMemory>>,
}

impl Graph {
    /// The network with a copy of these weights on `device`.
    pub fn new(network: &Network, weights: &Weights, device: &Device) -> candle_core::Result<Self> {
        Ok(Self {
            network: network.clone(),
            weights: weights.to_device(device)?,
            device: device.clone(),
            outputs: None,
            gradients: None,
            memory: weights.iter().map(|(name, _)| (name.to_owned(), None)).collect(),
        })
    }

    /// Passes `input` through `layers`, taking the masks of its dropout layers from `masks`.
    fn through(
        &self,
        layers: &[Layer],
        input: Tensor,
        masks: &mut Option<std::vec::IntoIter<Vec<f32>>>,
    ) -> candle_core::Result<Tensor> {
        let mut values = input;
        for layer in layers {
            values = match layer {
                Layer::Conv2d { name, .. } => {
                    let (weight, bias) = self.variables(name);
                    Conv2d::new(weight, Some(bias), Conv2dConfig::default()).forward(&values)?
                }
                Layer::Linear { name, .. } => {
                    let (weight, bias) = self.variables(name);
                    Linear::new(weight, Some(bias)).forward(&values)?
                }
                Layer::Relu => values.relu()?,
                Layer::MaxPool { size } => max_pool(&values, *size)?,
                Layer::Flatten => values.flatten_from(1)?,
                Layer::Dropout { .. } => match masks {
                    Some(masks) => {
                        let mask = masks.next().ok_or_else(|| Error::msg("a dropout layer has no mask"))?;
                        (&values * Tensor::from_vec(mask, values.shape(), &self.device)?)?
                    }
                    None => values,
                },
            };
        }
        Ok(values)
    }

    /// A layer's weight and bias.
    fn variables(&self, layer: &str) -> (Tensor, Tensor) {
        let variable = |kind: &str| self.weights.get(&format!("{layer}.{kind}")).as_tensor().clone();
        (variable("weight"), variable("bias"))
    }
}

/// Max-pooling that gives its gradient to one value of each window, as PyTorch does. (The gradient of candle's own is
/// too small by the window's size, and requires windows that fill the input.)
fn max_pool(values: &Tensor, size: usize) -> candle_core::Result<Tensor> {
    let (images, channels, height, width) = values.dims4()?;
    let (rows, columns) = (height / size, width / size);
    let windows = values
        .narrow(2, 0, rows * size)?
        .narrow(3, 0, columns * size)?
        .reshape(&[images, channels, rows, size, columns, size])?
        .permute([0, 1, 2, 4, 3, 5])?
        .reshape(&[images, channels, rows, columns, size * size])?;
    let chosen = windows.argmax_keepdim(D::Minus1)?;
    windows.contiguous()?.gather(&chosen, D::Minus1)?.squeeze(D::Minus1)
}

impl Engine for Graph {
    fn forward(&mut self, pixels: &[f32], masks: Option<Masks>) -> candle_core::Result<Logits> {
        let rows = rows_per_pair(&self.network);
        let pairs = pixels.len() / (2 * SIDE * SIDE);
        let mut masks = masks.map(Vec::into_iter);
        let input = Tensor::from_slice(pixels, (pairs * rows, 2 / rows, SIDE, SIDE), &self.device)?;
        let tower = self.through(&self.network.tower, input, &mut masks)?;
        let joined = tower.reshape((pairs, tower.elem_count() / pairs))?;
        let comparison = self.through(&self.network.comparison, joined.clone(), &mut masks)?;
        let digits = match &self.network.digits {
            Digits::Untrained => None,
            Digits::Tower => Some(joined.reshape((pairs, 2, DIGITS))?),
            Digits::Heads(heads) => {
                let first = self.through(&heads[0], joined.clone(), &mut masks)?;
                let second = self.through(&heads[1], joined, &mut masks)?;
                Some(Tensor::stack(&[first, second], 1)?)
            }
        };
        let values = |tensor: &Tensor| tensor.flatten_all()?.to_vec1();
        let logits = Logits {
            comparison: values(&comparison)?,
            digits: digits.as_ref().map(values).transpose()?.unwrap_or_default(),
        };
        self.outputs = Some((comparison, digits));
        Ok(logits)
    }

    fn backward(&mut self, by_logits: &Logits) -> candle_core::Result<()> {
        let (comparison, digits) =
            self.outputs.take().ok_or_else(|| Error::msg("backward must follow a forward pass"))?;
        // The sum of all logits times the loss's derivatives by them has the same derivatives by all earlier values as
        // the loss.
        let weigh =
            |logits: &Tensor, by: &[f32]| (logits * Tensor::from_slice(by, logits.shape(), &self.device)?)?.sum_all();
        let mut total = weigh(&comparison, &by_logits.comparison)?;
        if let Some(digits) = digits {
            total = (total + weigh(&digits, &by_logits.digits)?)?;
        }
        self.gradients = Some(total.backward()?);
        Ok(())
    }

    fn take(&mut self, step: &Step) -> candle_core::Result<()> {
        let Some(gradients) = self.gradients.take() else { return Ok(()) };
        for ((_, variable), memory) in self.weights.iter().zip(self.memory.values_mut()) {
            if let Some(gradient) = gradients.get(variable) {
                step.take_with_tensors(variable, gradient, memory)?;
            }
        }
        Ok(())
    }

    fn gradients(&self) -> candle_core::Result<BTreeMap<String, Vec<f32>>> {
        let of = |variable: &Tensor| self.gradients.as_ref().and_then(|gradients| gradients.get(variable));
        self.weights
            .iter()
            .map(|(name, variable)| {
                let values = match of(variable) {
                    Some(gradient) => gradient.flatten_all()?.to_vec1()?,
                    None => vec![0.0; variable.elem_count()],
                };
                Ok((name.to_owned(), values))
            })
            .collect()
    }

    fn weights_are_finite(&self) -> candle_core::Result<bool> {
        for (name, _) in self.weights.iter() {
            if !self.weights.values(name)?.iter().all(|value| value.is_finite()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn weights(&self) -> candle_core::Result<Weights> {
        self.weights.copy()
    }

    fn memory(&self) -> candle_core::Result<BTreeMap<String, Memory>> {
        let some = self.memory.iter().filter_map(|(name, memory)| Some((name, memory.as_ref()?)));
        some.map(|(name, memory)| Ok((name.clone(), memory.values()?))).collect()
    }

    fn remember(&mut self, memory: &BTreeMap<String, Memory>) -> candle_core::Result<()> {
        for (name, variable) in self.weights.iter() {
            let of_variable = memory.get(name).map(|memory| TensorMemory::new(memory, variable)).transpose()?;
            self.memory.insert(name.to_owned(), of_variable);
        }
        Ok(())
    }
}
