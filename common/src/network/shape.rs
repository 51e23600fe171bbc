//! Shapes of values, and what a network needs to know of a data set.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

/// Shape of one example's values, without the batch: (width), (channels, length) or (channels, height, width).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Shape(pub Vec<usize>);

impl Shape {
    /// The shape of a flat vector.
    pub fn flat(width: usize) -> Self {
        Self(vec![width])
    }

    /// Number of values; saturates.
    pub fn values(&self) -> usize {
        self.0.iter().fold(1, |product: usize, &size| product.saturating_mul(size))
    }

    /// Number of dimensions.
    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// Whether the shape is (width).
    pub fn is_flat(&self) -> bool {
        self.rank() == 1
    }

    /// The first size: the width of a vector, the channels of an image or a signal.
    pub fn channels(&self) -> usize {
        self.0.first().copied().unwrap_or(1)
    }

    /// The sizes behind the channels: (), (length) or (height, width).
    pub fn spatial(&self) -> &[usize] {
        self.0.get(1..).unwrap_or_default()
    }

    /// A shape with these channels and the sizes behind them.
    pub(super) fn with_channels(channels: usize, spatial: &[usize]) -> Self {
        Self([&[channels], spatial].concat())
    }
}

impl fmt::Display for Shape {
    /// "3 x 32 x 32", or a width.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, size) in self.0.iter().enumerate() {
            let cross = if index > 0 { " x " } else { "" };
            write!(f, "{cross}{size}")?;
        }
        Ok(())
    }
}

/// An input of a data set: what one example has under its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputShape {
    /// The shape of one example.
    pub shape: Shape,
    /// If the values are codes of categories (0, 1, ...): the number of different codes. None: the values are numbers.
    pub categories: Option<usize>,
}

impl InputShape {
    /// An input of numbers.
    pub fn numbers(shape: impl Into<Vec<usize>>) -> Self {
        Self { shape: Shape(shape.into()), categories: None }
    }

    /// An input of codes in `0..categories`.
    pub fn codes(shape: impl Into<Vec<usize>>, categories: usize) -> Self {
        Self { shape: Shape(shape.into()), categories: Some(categories) }
    }
}

/// The content of a target of a data set for one example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetKind {
    /// One of so many classes.
    Classes(usize),
    /// So many numbers.
    Numbers(usize),
}

impl fmt::Display for TargetKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Classes(1) => f.write_str("1 class"),
            Self::Classes(count) => write!(f, "{count} classes"),
            Self::Numbers(1) => f.write_str("1 number"),
            Self::Numbers(count) => write!(f, "{count} numbers"),
        }
    }
}

/// The inputs and targets of a data set, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    /// The inputs of networks.
    pub inputs: BTreeMap<String, InputShape>,
    /// The targets of networks.
    pub targets: BTreeMap<String, TargetKind>,
}
