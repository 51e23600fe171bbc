//! A network as plain data.

use super::{DIGITS, SIDE};

/// A network that compares two digits, and may also read each of them.
///
/// The tower reads the pair; the comparison reads what the tower (or both of its copies, one after the other) gives out.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// How the tower sees the pair.
    pub input: Input,
    /// From the input to a flat vector.
    pub tower: Vec<Layer>,
    /// From that vector (from both, concatenated, for [`Input::Each`]) to the 2 comparison logits.
    pub comparison: Vec<Layer>,
    /// Where the logits of the two digits' classes come from, if they are trained.
    pub digits: Digits,
}

/// How the tower sees a pair of images of [`SIDE`] x [`SIDE`] pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Both at once, as one input of 2 channels: shape (2, 14, 14).
    Both,
    /// Each alone, shape (1, 14, 14), by the same tower with the same weights.
    Each,
}

/// Where the logits of the digits' classes come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Digits {
    /// They are not trained.
    Untrained,
    /// The tower's output for each image is its logits ([`Input::Each`], 10-wide tower).
    Tower,
    /// Two heads of their own, for the first and the second digit, each reading the tower's output: layers to 10 logits.
    Heads(Box<[Vec<Layer>; 2]>),
}

/// One layer. Shapes are (channels, height, width) or (width), without the batch.
#[derive(Clone, Debug, PartialEq)]
pub enum Layer {
    /// Convolution with bias, stride 1, no padding: (inputs, h, w) -> (outputs, h - kernel + 1, w - kernel + 1).
    Conv2d {
        /// Its variables are `name.weight` (outputs, inputs, kernel, kernel) and `name.bias` (outputs).
        name: String,
        /// Input channels.
        inputs: usize,
        /// Output channels.
        outputs: usize,
        /// Height and width of the kernel.
        kernel: usize,
    },
    /// Fully connected layer with bias: (inputs) -> (outputs).
    Linear {
        /// Its variables are `name.weight` (outputs, inputs) and `name.bias` (outputs).
        name: String,
        /// Input width.
        inputs: usize,
        /// Output width.
        outputs: usize,
    },
    /// max(x, 0).
    Relu,
    /// Maximum over windows of `size` x `size`, stride `size`; a border that does not fill a window is dropped.
    MaxPool {
        /// Height, width and stride of the window.
        size: usize,
    },
    /// (c, h, w) -> (c * h * w), row-major.
    Flatten,
    /// In training, sets each value to 0 with this probability and scales the others by 1 / (1 - probability).
    Dropout {
        /// In 0..1.
        probability: f64,
    },
}

/// Shape of what flows between two layers, without the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// (channels, height, width).
    Image(usize, usize, usize),
    /// (width).
    Flat(usize),
}

impl Shape {
    /// Number of values.
    pub fn len(self) -> usize {
        match self {
            Self::Image(channels, height, width) => channels * height * width,
            Self::Flat(width) => width,
        }
    }

    /// Whether there are no values.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// Layers that do not fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// A layer cannot take what the layer before it gives.
    #[error("layer {layer:?} cannot take an input of shape {input:?}")]
    Layer {
        /// The layer.
        layer: String,
        /// What it was given.
        input: Shape,
    },
    /// A part of the network ends with the wrong shape.
    #[error("the {part} ends with shape {found:?}; expected {expected:?}")]
    End {
        /// "tower", "comparison" or "digit head".
        part: &'static str,
        /// What it gives.
        found: Shape,
        /// What is needed.
        expected: Shape,
    },
}

impl Layer {
    /// The output's shape, for an input of this shape.
    pub fn output(&self, input: Shape) -> Result<Shape, ShapeError> {
        let misfit = || ShapeError::Layer { layer: format!("{self:?}"), input };
        match (self, input) {
            (Self::Conv2d { inputs, outputs, kernel, .. }, Shape::Image(channels, height, width))
                if channels == *inputs && height >= *kernel && width >= *kernel =>
            {
                Ok(Shape::Image(*outputs, height - kernel + 1, width - kernel + 1))
            }
            (Self::Linear { inputs, outputs, .. }, Shape::Flat(width)) if width == *inputs => Ok(Shape::Flat(*outputs)),
            (Self::Relu | Self::Dropout { .. }, shape) => Ok(shape),
            (Self::MaxPool { size }, Shape::Image(channels, height, width)) if height >= *size && width >= *size => {
                Ok(Shape::Image(channels, height / size, width / size))
            }
            (Self::Flatten, Shape::Image(..)) => Ok(Shape::Flat(input.len())),
            (
                Self::Conv2d { .. } | Self::Linear { .. } | Self::MaxPool { .. } | Self::Flatten,
                Shape::Image(..) | Shape::Flat(_),
            ) => Err(misfit()),
        }
    }

    /// Number of weights and biases.
    pub fn parameter_count(&self) -> usize {
        match self {
            Self::Conv2d { inputs, outputs, kernel, .. } => outputs * inputs * kernel * kernel + outputs,
            Self::Linear { inputs, outputs, .. } => outputs * inputs + outputs,
            Self::Relu | Self::MaxPool { .. } | Self::Flatten | Self::Dropout { .. } => 0,
        }
    }
}

impl Network {
    /// Shape of the tower's input.
    pub fn input_shape(&self) -> Shape {
        match self.input {
            Input::Both => Shape::Image(2, SIDE, SIDE),
            Input::Each => Shape::Image(1, SIDE, SIDE),
        }
    }

    /// Checks that every layer takes what the one before gives, and that the parts end with the widths they must have.
    pub fn check(&self) -> Result<(), ShapeError> {
        let tower = through(&self.tower, self.input_shape())?;
        let joined = match self.input {
            Input::Both => tower.len(),
            Input::Each => 2 * tower.len(),
        };
        ends("tower", tower, Shape::Flat(tower.len()))?;
        ends("comparison", through(&self.comparison, Shape::Flat(joined))?, Shape::Flat(2))?;
        match &self.digits {
            Digits::Untrained => Ok(()),
            Digits::Tower => ends("tower", tower, Shape::Flat(DIGITS)),
            Digits::Heads(heads) => heads
                .iter()
                .try_for_each(|head| ends("digit head", through(head, Shape::Flat(joined))?, Shape::Flat(DIGITS))),
        }
    }

    /// Every layer, in the order tower, comparison, first digit's head, second digit's head.
    pub fn layers(&self) -> impl Iterator<Item = &Layer> {
        let heads = match &self.digits {
            Digits::Heads(heads) => heads.as_slice(),
            Digits::Untrained | Digits::Tower => &[],
        };
        self.tower.iter().chain(&self.comparison).chain(heads.iter().flatten())
    }

    /// Number of weights and biases.
    pub fn parameter_count(&self) -> usize {
        self.layers().map(Layer::parameter_count).sum()
    }

    /// Multiplications for one pair's forward pass: what a unit's cost is estimated from.
    pub fn multiplications(&self) -> usize {
        let (tower, shape) = work(&self.tower, self.input_shape());
        let copies = match self.input {
            Input::Both => 1,
            Input::Each => 2,
        };
        let joined = Shape::Flat(copies * shape.len());
        let heads = match &self.digits {
            Digits::Heads(heads) => heads.iter().map(|head| work(head, joined).0).sum(),
            Digits::Untrained | Digits::Tower => 0,
        };
        copies * tower + work(&self.comparison, joined).0 + heads
    }
}

/// Multiplications of these layers for one input, and the shape that they end with. Layers that do not fit count as nothing.
fn work(layers: &[Layer], input: Shape) -> (usize, Shape) {
    layers.iter().fold((0, input), |(sum, shape), layer| {
        let output = layer.output(shape).unwrap_or(shape);
        let own = match layer {
            Layer::Conv2d { inputs, kernel, .. } => output.len() * inputs * kernel * kernel,
            Layer::Linear { inputs, outputs, .. } => inputs * outputs,
            Layer::Relu | Layer::MaxPool { .. } | Layer::Flatten | Layer::Dropout { .. } => 0,
        };
        (sum + own, output)
    })
}

fn through(layers: &[Layer], input: Shape) -> Result<Shape, ShapeError> {
    layers.iter().try_fold(input, |shape, layer| layer.output(shape))
}

fn ends(part: &'static str, found: Shape, expected: Shape) -> Result<(), ShapeError> {
    if found == expected { Ok(()) } else { Err(ShapeError::End { part, found, expected }) }
}
