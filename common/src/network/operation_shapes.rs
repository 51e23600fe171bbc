//! The shape that an operation gives, and the shapes that it takes. Pure: each operation has all its numbers.

use super::{
    layer::{Operation, Window},
    limits::VALUES_MAX,
    shape::Shape,
};

/// An operation that does not fit its input.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// A convolution or pooling reads a vector, or values of more than three dimensions.
    #[error("{layer} reads (channels, length) or (channels, height, width), not {input}")]
    NoImage {
        /// The layer's word.
        layer: &'static str,
        /// The shape that it is given.
        input: Shape,
    },
    /// A linear layer reads an image or a signal.
    #[error("linear reads a flat vector, not {input}")]
    NotFlat {
        /// The shape that it is given.
        input: Shape,
    },
    /// A window that is larger than its input.
    #[error("{layer} kernel {kernel} does not fit an input of {input}{}", padded(.padding))]
    LargeWindow {
        /// The layer's word.
        layer: &'static str,
        /// The window's sizes.
        kernel: Shape,
        /// The padding on both sides.
        padding: Shape,
        /// The shape that it is given.
        input: Shape,
    },
    /// Padding of more than half of a pooling window.
    #[error("{layer} padding {padding} is more than half of its kernel {kernel}")]
    LargePadding {
        /// The layer's word.
        layer: &'static str,
        /// The padding.
        padding: Shape,
        /// The window's sizes.
        kernel: Shape,
    },
    /// Groups that do not divide the channels.
    #[error("{groups} groups do not divide {channels} {which} channels of {layer}")]
    Groups {
        /// The layer's word.
        layer: &'static str,
        /// The number of groups.
        groups: usize,
        /// The number of channels.
        channels: usize,
        /// "input" or "output".
        which: &'static str,
    },
    /// Branches whose outputs cannot be joined or added.
    #[error("{what} have the shapes {}", listed(.shapes))]
    Unequal {
        /// "the branches to be added", ...
        what: &'static str,
        /// Their shapes.
        shapes: Vec<Shape>,
    },
    /// More values than a layer may have.
    #[error("the layer gives {output} values for each example; at most {VALUES_MAX} are allowed")]
    Large {
        /// The output's shape.
        output: Shape,
    },
}

fn padded(padding: &Shape) -> String {
    if padding.0.iter().all(|&size| size == 0) { String::new() } else { format!(" with padding {padding}") }
}

/// "4 and 5", "4, 5 and 6".
pub(super) fn listed(shapes: &[Shape]) -> String {
    let texts: Vec<String> = shapes.iter().map(Shape::to_string).collect();
    match texts.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => texts.concat(),
    }
}

impl Operation {
    /// The word of the operation in the language.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Linear { .. } => "linear",
            Self::Conv { .. } => "conv",
            Self::MaxPool(_) => "max-pool",
            Self::AveragePool(_) => "average-pool",
            Self::GlobalMaxPool => "global-max-pool",
            Self::GlobalAveragePool => "global-average-pool",
            Self::BatchNorm { .. } => "batch-norm",
            Self::LayerNorm { .. } => "layer-norm",
            Self::GroupNorm { .. } => "group-norm",
            Self::Dropout { .. } => "dropout",
            Self::Relu => "relu",
            Self::LeakyRelu { .. } => "leaky-relu",
            Self::Elu { .. } => "elu",
            Self::Gelu => "gelu",
            Self::Silu => "silu",
            Self::Sigmoid => "sigmoid",
            Self::Tanh => "tanh",
            Self::Softplus => "softplus",
            Self::Flatten => "flatten",
            Self::Embedding { .. } => "embedding",
            Self::Add(_) => "add",
            Self::Concat(_) => "concat",
        }
    }

    /// The shape of the output for an input of this shape. Sizes are at least 1, and windows have as many sizes as the
    /// input has dimensions behind the channels. Branches are not followed: see [`added`] and [`joined`].
    pub(super) fn output(&self, input: &Shape) -> Result<Shape, Misfit> {
        let layer = self.word();
        let image = || match input.rank() {
            2 | 3 => Ok(input.spatial()),
            _ => Err(Misfit::NoImage { layer, input: input.clone() }),
        };
        let divides = |groups: usize, channels: usize, which| match channels.is_multiple_of(groups) {
            true => Ok(()),
            false => Err(Misfit::Groups { layer, groups, channels, which }),
        };
        let output = match self {
            Self::Linear { outputs, .. } if input.is_flat() => Shape::flat(*outputs),
            Self::Linear { .. } => return Err(Misfit::NotFlat { input: input.clone() }),
            Self::Conv { outputs, kernel, stride, padding, groups, .. } => {
                image()?;
                divides(*groups, input.channels(), "input")?;
                divides(*groups, *outputs, "output")?;
                let window = Window { kernel: kernel.clone(), stride: stride.clone(), padding: padding.clone() };
                Shape::with_channels(*outputs, &window.counts(layer, input)?)
            }
            Self::MaxPool(window) | Self::AveragePool(window) => {
                image()?;
                if window.padding.iter().zip(&window.kernel).any(|(padding, kernel)| padding * 2 > *kernel) {
                    let (padding, kernel) = (Shape(window.padding.clone()), Shape(window.kernel.clone()));
                    return Err(Misfit::LargePadding { layer, padding, kernel });
                }
                Shape::with_channels(input.channels(), &window.counts(layer, input)?)
            }
            Self::GlobalMaxPool | Self::GlobalAveragePool => {
                image()?;
                Shape::flat(input.channels())
            }
            Self::GroupNorm { groups, .. } => {
                divides(*groups, input.channels(), "input")?;
                input.clone()
            }
            Self::Flatten => Shape::flat(input.values()),
            Self::Embedding { width, .. } => Shape(vec![*width, input.values()]),
            Self::BatchNorm { .. }
            | Self::LayerNorm { .. }
            | Self::Dropout { .. }
            | Self::Relu
            | Self::LeakyRelu { .. }
            | Self::Elu { .. }
            | Self::Gelu
            | Self::Silu
            | Self::Sigmoid
            | Self::Tanh
            | Self::Softplus
            | Self::Add(_)
            | Self::Concat(_) => input.clone(),
        };
        match output.values() <= VALUES_MAX {
            true => Ok(output),
            false => Err(Misfit::Large { output }),
        }
    }
}

impl Window {
    /// The number of windows in each dimension: floor((size + 2 * padding - kernel) / stride) + 1, as in PyTorch.
    fn counts(&self, layer: &'static str, input: &Shape) -> Result<Vec<usize>, Misfit> {
        let sizes = input.spatial().iter().zip(&self.kernel).zip(&self.stride).zip(&self.padding);
        let count = |(((size, kernel), stride), padding): (((&usize, &usize), &usize), &usize)| {
            Some((size + 2 * padding).checked_sub(*kernel)? / stride + 1)
        };
        sizes.map(count).collect::<Option<_>>().ok_or_else(|| Misfit::LargeWindow {
            layer,
            kernel: Shape(self.kernel.clone()),
            padding: Shape(self.padding.clone()),
            input: input.clone(),
        })
    }
}

/// The shape of values of these shapes, added.
pub(super) fn added(what: &'static str, shapes: &[Shape]) -> Result<Shape, Misfit> {
    match shapes {
        [first, rest @ ..] if rest.iter().all(|shape| shape == first) => Ok(first.clone()),
        _ => Err(Misfit::Unequal { what, shapes: shapes.to_vec() }),
    }
}

/// The shape of values of these shapes, one behind the other along the first dimension.
pub(super) fn joined(what: &'static str, shapes: &[Shape]) -> Result<Shape, Misfit> {
    match shapes {
        [first, rest @ ..]
            if rest.iter().all(|shape| shape.rank() == first.rank() && shape.spatial() == first.spatial()) =>
        {
            let channels = shapes.iter().fold(0, |sum: usize, shape| sum.saturating_add(shape.channels()));
            Ok(Shape::with_channels(channels, first.spatial()))
        }
        _ => Err(Misfit::Unequal { what, shapes: shapes.to_vec() }),
    }
}
