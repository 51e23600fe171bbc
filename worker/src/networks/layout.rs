//! The layout of a network for the CPU: its kernels, and their values.
//!
//! Images are stored channels last. Only values that reach an output are computed: pooling drops a border that does not
//! fill a window, so the convolution before it skips that border, and the layer before skips the values that only the
//! border needs.

use seedgrid_common::model::{Layer, Shape, ShapeError};

/// One kernel, and the operations done in place on each of its values afterwards.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Block {
    pub(super) kernel: Kernel,
    pub(super) pointwise: Vec<Pointwise>,
    /// Number of values that the block gives for each row.
    pub(super) outputs: usize,
}

/// The kernel of a block. Heights and widths count the stored values.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kernel {
    /// A convolution, or a fully connected layer where height, width and kernel are 1.
    Affine { name: String, height: usize, width: usize, inputs: usize, kernel: usize, outputs: usize },
    /// Max-pooling to an output of this height and width.
    MaxPool { size: usize, height: usize, width: usize, channels: usize },
    /// A change of order, from channels last to channels first.
    Flatten { height: usize, width: usize, channels: usize },
    /// An unchanged copy of the input.
    Copy { values: usize },
}

/// An operation on each value alone.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Pointwise {
    Relu,
    /// The dropout layer with this number, counted over the whole network. `places` gives each value's index in the
    /// layer's mask (complete, channels first); None: the same index.
    Dropout {
        index: usize,
        mask_values: usize,
        places: Option<Vec<usize>>,
    },
}

/// The storage of a chain's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stored {
    /// An image, channels last, only its first rows and columns.
    Image { height: usize, width: usize, channels: usize },
    /// Values in their original order.
    Flat(usize),
}

/// A part of a network: the tower, the comparison or a head.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layout {
    pub(super) input: Stored,
    /// The blocks, at least one.
    pub(super) blocks: Vec<Block>,
}

/// Lays out `layers`; `dropouts` counts the earlier dropout layers.
pub(super) fn lay_out(layers: &[Layer], input: Shape, dropouts: &mut usize) -> Result<Layout, ShapeError> {
    let layers = pooled_first(layers);
    let mut shapes = vec![input];
    for layer in &layers {
        shapes.push(layer.output(shapes[shapes.len() - 1])?);
    }
    let stored = stored(&layers, &shapes);
    // An image that the first layer flattens stays in its original order.
    let as_it_comes = matches!(layers.first(), Some(Layer::Flatten));
    let input = if as_it_comes { Stored::Flat(input.len()) } else { stored[0] };
    let mut blocks: Vec<Block> = Vec::new();
    for (index, layer) in layers.iter().enumerate().skip(usize::from(as_it_comes)) {
        let kernel = match (layer, stored[index]) {
            (Layer::Relu | Layer::Dropout { .. }, here) => {
                let pointwise = match layer {
                    Layer::Dropout { .. } => {
                        *dropouts += 1;
                        dropout(*dropouts - 1, shapes[index], here)
                    }
                    _ => Pointwise::Relu,
                };
                if blocks.is_empty() {
                    blocks.push(copy(here));
                }
                blocks.last_mut().expect("one was pushed if there was none").pointwise.push(pointwise);
                continue;
            }
            (Layer::Conv2d { name, inputs, outputs, kernel }, Stored::Image { height, width, .. }) => Kernel::Affine {
                name: name.clone(),
                height,
                width,
                inputs: *inputs,
                kernel: *kernel,
                outputs: *outputs,
            },
            (Layer::Linear { name, inputs, outputs }, Stored::Flat(_)) => Kernel::Affine {
                name: name.clone(),
                height: 1,
                width: 1,
                inputs: *inputs,
                kernel: 1,
                outputs: *outputs,
            },
            (Layer::MaxPool { size }, Stored::Image { height, width, channels }) => {
                Kernel::MaxPool { size: *size, height: height / size, width: width / size, channels }
            }
            (Layer::Flatten, Stored::Image { height, width, channels }) if height * width > 1 && channels > 1 => {
                Kernel::Flatten { height, width, channels }
            }
            (Layer::Flatten, Stored::Image { .. }) => continue,
            (Layer::Conv2d { .. } | Layer::MaxPool { .. } | Layer::Flatten, Stored::Flat(_))
            | (Layer::Linear { .. }, Stored::Image { .. }) => {
                return Err(ShapeError::Layer { layer: format!("{layer:?}"), input: shapes[index] });
            }
        };
        blocks.push(Block { kernel, pointwise: Vec::new(), outputs: values(stored[index + 1]) });
    }
    if blocks.is_empty() {
        blocks.push(copy(input));
    }
    Ok(Layout { input, blocks })
}

/// Moves pooling before a preceding ReLU. Both orders give the same values and gradients: the maximum of positive
/// values is the same before and after, and other values have no gradient. This order leaves fewer values for ReLU.
fn pooled_first(layers: &[Layer]) -> Vec<Layer> {
    let mut layers = layers.to_vec();
    for index in 1..layers.len() {
        if matches!((&layers[index - 1], &layers[index]), (Layer::Relu, Layer::MaxPool { .. })) {
            layers.swap(index - 1, index);
        }
    }
    layers
}

/// The stored part of each shape, computed from the last to the first.
fn stored(layers: &[Layer], shapes: &[Shape]) -> Vec<Stored> {
    let complete = |shape| match shape {
        Shape::Image(channels, height, width) => Stored::Image { height, width, channels },
        Shape::Flat(width) => Stored::Flat(width),
    };
    let mut stored: Vec<Stored> = shapes.iter().map(|&shape| complete(shape)).collect();
    for (index, layer) in layers.iter().enumerate().rev() {
        let (Stored::Image { height, width, .. }, Shape::Image(channels, ..)) = (stored[index + 1], shapes[index])
        else {
            continue;
        };
        stored[index] = match layer {
            Layer::Conv2d { kernel, .. } => {
                Stored::Image { height: height + kernel - 1, width: width + kernel - 1, channels }
            }
            Layer::MaxPool { size } => Stored::Image { height: height * size, width: width * size, channels },
            Layer::Relu | Layer::Dropout { .. } => Stored::Image { height, width, channels },
            Layer::Linear { .. } | Layer::Flatten => continue,
        };
    }
    stored
}

fn values(stored: Stored) -> usize {
    match stored {
        Stored::Image { height, width, channels } => height * width * channels,
        Stored::Flat(width) => width,
    }
}

fn copy(stored: Stored) -> Block {
    Block { kernel: Kernel::Copy { values: values(stored) }, pointwise: Vec::new(), outputs: values(stored) }
}

fn dropout(index: usize, shape: Shape, stored: Stored) -> Pointwise {
    let places = match (shape, stored) {
        (Shape::Image(_, full_height, full_width), Stored::Image { height, width, channels }) => Some(
            (0..height * width * channels)
                .map(|value| {
                    let (place, channel) = (value / channels, value % channels);
                    let (y, x) = (place / width, place % width);
                    (channel * full_height + y) * full_width + x
                })
                .collect(),
        ),
        (Shape::Image(..) | Shape::Flat(_), _) => None,
    };
    Pointwise::Dropout { index, mask_values: shape.len(), places }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seedgrid_common::{hyperparameters::Value, model};

    #[test]
    fn only_what_pooling_keeps_is_computed() {
        let given = [("dropout", Value::Number(0.5)), ("dropout_at", Value::Text("output".to_owned()))]
            .map(|(name, value)| (name.to_owned(), value))
            .into();
        let network = (model::find("cnn").unwrap().network)(&given);
        let layout = lay_out(&network.tower, network.input_shape(), &mut 0).unwrap();
        assert_eq!(layout.input, Stored::Image { height: 12, width: 12, channels: 2 });
        let sides: Vec<usize> = layout
            .blocks
            .iter()
            .filter_map(|block| match block.kernel {
                Kernel::Affine { height, kernel, .. } => Some(height - kernel + 1),
                Kernel::MaxPool { height, .. } => Some(height),
                Kernel::Flatten { .. } | Kernel::Copy { .. } => None,
            })
            .collect();
        // conv1, conv2, pooling, conv3, pooling, hidden: the whole outputs would have sides 12, 10, 5, 3, 1, 1.
        assert_eq!(sides, [10, 8, 4, 2, 1, 1]);
    }
}
