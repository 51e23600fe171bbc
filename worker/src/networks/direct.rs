//! A network on the CPU, run forward and backward by Seedgrid's own kernels.

use std::collections::BTreeMap;

use seedgrid_common::model::{DIGITS, Digits, Network, SIDE, Shape};

use super::{
    Engine, Logits, Masks, Weights,
    chain::Chain,
    layout::{Stored, lay_out},
    optimiser::{Memory, Step},
    rows_per_pair,
};
use crate::kernels::pointwise::add;

/// A network with room for batches of a limited size. It has its own copy of the variables, in the kernels' order.
#[derive(Debug)]
pub struct Direct {
    variables: Weights,
    tower: Chain,
    comparison: Chain,
    digits: Heads,
    /// Number of rows of the tower's batch for each pair.
    rows_per_pair: usize,
    pairs_max: usize,
    stored: Stored,
    /// Number of channels of the tower's input.
    channels: usize,
    /// Number of pairs of the last `forward`, and below its masks.
    pairs: usize,
    masks: Option<Masks>,
    input: Vec<f32>,
}

/// The source of the logits of the digits' classes.
#[derive(Debug)]
enum Heads {
    None,
    Tower,
    Own(Box<[Chain; 2]>),
}

impl Direct {
    /// The network with these weights, for batches of up to `pairs_max` pairs.
    pub fn new(network: &Network, weights: &Weights, pairs_max: usize) -> candle_core::Result<Self> {
        let rows_per_pair = rows_per_pair(network);
        let mut dropouts = 0;
        let mut chain = |layers, shape, rows| {
            let layout = lay_out(layers, shape, &mut dropouts).map_err(candle_core::Error::wrap)?;
            Ok::<_, candle_core::Error>((layout.input, Chain::new(layout, weights, rows)?))
        };
        let (stored, tower) = chain(&network.tower, network.input_shape(), rows_per_pair * pairs_max)?;
        let joined = Shape::Flat(rows_per_pair * tower.outputs());
        let (_, comparison) = chain(&network.comparison, joined, pairs_max)?;
        let digits = match &network.digits {
            Digits::Untrained => Heads::None,
            Digits::Tower => Heads::Tower,
            Digits::Heads(heads) => {
                let [first, second] = heads.as_ref();
                Heads::Own(Box::new([chain(first, joined, pairs_max)?.1, chain(second, joined, pairs_max)?.1]))
            }
        };
        Ok(Self {
            variables: weights.copy()?,
            tower,
            comparison,
            digits,
            rows_per_pair,
            pairs_max,
            stored,
            channels: 2 / rows_per_pair,
            pairs: 0,
            masks: None,
            input: Vec::new(),
        })
    }

    fn chains(&self) -> impl Iterator<Item = &Chain> {
        let heads = match &self.digits {
            Heads::None | Heads::Tower => &[][..],
            Heads::Own(heads) => heads.as_slice(),
        };
        [&self.tower, &self.comparison].into_iter().chain(heads)
    }
}

/// Arranges the rows (channels, 14, 14) of `pixels` in the tower's order.
fn arrange(pixels: &[f32], channels: usize, stored: Stored, to: &mut Vec<f32>) {
    to.clear();
    match stored {
        Stored::Flat(_) => to.extend_from_slice(pixels),
        Stored::Image { height, width, .. } => {
            for image in pixels.chunks_exact(channels * SIDE * SIDE) {
                for y in 0..height {
                    for x in 0..width {
                        to.extend((0..channels).map(|channel| image[(channel * SIDE + y) * SIDE + x]));
                    }
                }
            }
        }
    }
}

impl Engine for Direct {
    fn forward(&mut self, pixels: &[f32], masks: Option<Masks>) -> candle_core::Result<Logits> {
        let pairs = pixels.len() / (2 * SIDE * SIDE);
        assert!(pairs <= self.pairs_max, "a batch of {pairs} pairs, where there is room for {}", self.pairs_max);
        let rows = self.rows_per_pair * pairs;
        (self.pairs, self.masks) = (pairs, masks);
        arrange(pixels, self.channels, self.stored, &mut self.input);
        self.tower.forward(rows, &self.input, self.masks.as_ref());
        // Both rows of a tower that reads each image alone are adjacent, so they are joined without a copy.
        let joined = self.tower.values(rows);
        self.comparison.forward(pairs, joined, self.masks.as_ref());
        let digits = match &mut self.digits {
            Heads::None => Vec::new(),
            Heads::Tower => joined.to_vec(),
            Heads::Own(heads) => {
                for head in heads.iter_mut() {
                    head.forward(pairs, joined, self.masks.as_ref());
                }
                let [first, second] = heads.each_ref().map(|head| head.values(pairs).chunks_exact(DIGITS));
                first.zip(second).flat_map(|(first, second)| [first, second]).flatten().copied().collect()
            }
        };
        Ok(Logits { comparison: self.comparison.values(pairs).to_vec(), digits })
    }

    fn backward(&mut self, by_logits: &Logits) -> candle_core::Result<()> {
        let (pairs, rows) = (self.pairs, self.rows_per_pair * self.pairs);
        let masks = self.masks.as_ref();
        self.comparison.gradient(pairs).copy_from_slice(&by_logits.comparison);
        let mut by_joined = vec![0.0; self.tower.values(rows).len()];
        self.comparison.backward(pairs, self.tower.values(rows), masks, Some(&mut by_joined));
        match &mut self.digits {
            Heads::None => {}
            Heads::Tower => add(&mut by_joined, &by_logits.digits),
            Heads::Own(heads) => {
                for (which, head) in heads.iter_mut().enumerate() {
                    let by_head = by_logits.digits.chunks_exact(DIGITS).skip(which).step_by(2);
                    for (to, from) in head.gradient(pairs).chunks_exact_mut(DIGITS).zip(by_head) {
                        to.copy_from_slice(from);
                    }
                    head.backward(pairs, self.tower.values(rows), masks, Some(&mut by_joined));
                }
            }
        }
        self.tower.gradient(rows).copy_from_slice(&by_joined);
        self.tower.backward(rows, &self.input, masks, None);
        Ok(())
    }

    fn take(&mut self, step: &Step) -> candle_core::Result<()> {
        self.tower.take(step);
        self.comparison.take(step);
        if let Heads::Own(heads) = &mut self.digits {
            heads.iter_mut().for_each(|head| head.take(step));
        }
        Ok(())
    }

    fn gradients(&self) -> candle_core::Result<BTreeMap<String, Vec<f32>>> {
        let mut gradients = BTreeMap::new();
        self.chains().for_each(|chain| chain.collect_gradients(&mut gradients));
        Ok(gradients)
    }

    fn weights_are_finite(&self) -> candle_core::Result<bool> {
        Ok(self.chains().all(Chain::is_finite))
    }

    fn weights(&self) -> candle_core::Result<Weights> {
        let weights = self.variables.copy()?;
        self.chains().try_for_each(|chain| chain.save(&weights))?;
        Ok(weights)
    }

    fn memory(&self) -> candle_core::Result<BTreeMap<String, Memory>> {
        let mut memory = BTreeMap::new();
        self.chains().for_each(|chain| chain.collect_memory(&mut memory));
        Ok(memory)
    }

    fn remember(&mut self, memory: &BTreeMap<String, Memory>) -> candle_core::Result<()> {
        self.tower.remember(memory);
        self.comparison.remember(memory);
        if let Heads::Own(heads) = &mut self.digits {
            heads.iter_mut().for_each(|head| head.remember(memory));
        }
        Ok(())
    }
}
