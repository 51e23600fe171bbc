//! The amount of arithmetic in a network's training on a CPU.

use seedgrid_common::model::{Digits, Network, Shape, ShapeError};

use super::{
    layout::{Kernel, Layout, lay_out},
    rows_per_pair,
};

/// Multiplications for a pair, of values that reach an output: values that pooling drops are neither computed nor
/// counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LiveWork {
    /// The forward pass.
    pub forward: u64,
    /// The backward pass: the weights' gradients, and the inputs' except for the first layer's.
    pub backward: u64,
}

/// The live work of `network` for one pair.
///
/// # Errors
/// When the network's layers do not fit together.
pub fn live_work(network: &Network) -> Result<LiveWork, ShapeError> {
    let rows = rows_per_pair(network) as u64;
    let tower = lay_out(&network.tower, network.input_shape(), &mut 0)?;
    let joined = Shape::Flat(rows as usize * tower.blocks.last().map_or(0, |block| block.outputs));
    let mut total = LiveWork::default();
    total.add(&tower, rows, true);
    total.add(&lay_out(&network.comparison, joined, &mut 0)?, 1, false);
    if let Digits::Heads(heads) = &network.digits {
        for head in heads.iter() {
            total.add(&lay_out(head, joined, &mut 0)?, 1, false);
        }
    }
    Ok(total)
}

impl LiveWork {
    /// Adds a part's work on `rows` rows. `from_input`: the part's first layer reads the images, whose gradient is not
    /// needed.
    fn add(&mut self, part: &Layout, rows: u64, from_input: bool) {
        let mut first = from_input;
        for block in &part.blocks {
            let Kernel::Affine { height, width, inputs, kernel, outputs, .. } = &block.kernel else { continue };
            let windows = (height - kernel + 1) * (width - kernel + 1);
            let multiplications = rows * (windows * kernel * kernel * inputs * outputs) as u64;
            self.forward += multiplications;
            self.backward += multiplications * if first { 1 } else { 2 };
            first = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use seedgrid_common::model;

    use super::live_work;

    #[test]
    fn the_live_work_of_the_papers_networks() {
        let of = |name: &str| {
            let model = model::find(name).unwrap();
            live_work(&(model.network)(&model.defaults())).unwrap()
        };
        let cnn = of("cnn");
        // conv1 10x10x(3x3x2)x32, conv2 8x8x(3x3x32)x64, conv3 2x2x(3x3x64)x128, 128x100, 100x2.
        let (conv1, rest) = (57_600, 1_179_648 + 294_912 + 12_800 + 200);
        assert_eq!((cnn.forward, cnn.backward), (conv1 + rest, conv1 + 2 * rest));
        let fc = of("fc");
        let (first, rest) = (392 * 150, 150 * 50 + 50 * 20 + 20 * 10 + 10 * 2);
        assert_eq!((fc.forward, fc.backward), (first + rest, first + 2 * rest));
        let (shared, auxiliary) = (of("cnn-shared"), of("cnn-shared-aux"));
        assert_eq!(shared, auxiliary, "the digits' logits are those that are compared");
        let (fc_aux, heads) = (of("fc-aux"), 2 * 10 * 10);
        assert_eq!((fc_aux.forward, fc_aux.backward), (fc.forward + heads, fc.backward + 2 * heads));
    }
}
