//! A resolved network as plain data.

use serde::{Deserialize, Serialize};

use super::{initialisation::Variable, layer::Layer, shape::Shape};

/// Grows when the meaning of a layer, a loss or an initialisation changes results.
pub const LAYERS_REVISION: u32 = 1;

/// A network with every size as a number: what workers train.
///
/// Blocks stand in the order in which they are computed. Each output has a block of its own, behind the others, which may
/// have no layers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Network {
    /// The inputs that are read, sorted by name.
    pub inputs: Vec<Input>,
    /// The blocks, in the order of their computation.
    pub blocks: Vec<Block>,
    /// The outputs, in the order of the file.
    pub outputs: Vec<Output>,
    /// The index of the primary output.
    pub primary: usize,
}

/// An input that a network reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// The name in the data set.
    pub name: String,
    /// Shape of one example.
    pub shape: Shape,
    /// The number of different codes, where the values are codes of categories.
    pub categories: Option<usize>,
}

/// Layers in a row. A block with several copies passes each of them through the same layers with the same weights: an
/// example has one row for each copy in the block's batch, adjacent and in the order of the copies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// The block's name, or the target's for the block of an output.
    pub name: String,
    /// The sources of each copy; a list is joined.
    pub copies: Vec<BlockCopy>,
    /// How a list is joined.
    pub join: Join,
    /// Shape of what one copy reads, after joining.
    pub input: Shape,
    /// The layers; may be empty.
    pub layers: Vec<Layer>,
    /// Shape of what one copy gives.
    pub output: Shape,
}

/// One pass through a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockCopy {
    /// Its name in `each`; empty for a block without `each`.
    pub name: String,
    /// Its sources, at least one.
    pub reads: Vec<Source>,
}

/// A source of values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The input with this name.
    Input(String),
    /// The output of one copy of an earlier block.
    Block {
        /// The index of the block.
        block: usize,
        /// The index of the copy.
        copy: usize,
    },
}

/// How several values become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Join {
    /// One behind the other along the first dimension (channels, or the width of vectors).
    Channels,
    /// Each flattened, one behind the other.
    Features,
    /// Added; all have the same shape.
    Add,
}

/// A head of the network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// The target's name in the data set.
    pub target: String,
    /// The index of the block that gives the raw values.
    pub block: usize,
    /// Number of raw values for an example.
    pub width: usize,
    /// The loss.
    pub loss: Loss,
    /// The factor of the loss in the total.
    pub weight: f64,
}

/// A loss: a mean over the examples of a batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// Cross-entropy of the softmax of the logits, as PyTorch's `CrossEntropyLoss`.
    CrossEntropy {
        /// Share of a target that is spread over all classes evenly (Szegedy et al. 2016), in 0..1.
        label_smoothing: f64,
        /// Factors of the classes, if any.
        class_weights: Option<ClassWeights>,
    },
    /// Binary cross-entropy of the sigmoid of each value, as PyTorch's `BCEWithLogitsLoss`: of one logit for two classes, of
    /// each column for numbers in 0..=1.
    BinaryCrossEntropy,
    /// Mean of squares over columns.
    Squared,
    /// Mean of absolute values over columns.
    Absolute,
    /// Huber's loss (1964): half the square of an error below delta, else delta * (|error| - delta / 2).
    Huber {
        /// Where squares end; above 0.
        delta: f64,
    },
}

/// Factors of the classes in a cross-entropy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWeights {
    /// Number of training rows over (number of classes times rows of the class), from the training rows of the unit.
    Balanced,
    /// One for each class.
    Given(Vec<f64>),
}

/// One of a network's dropout layers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DropoutLayer {
    /// The probability with which a value becomes 0.
    pub probability: f64,
    /// Number of values that the layer has for each example, over all copies of its block.
    pub values_per_example: usize,
}

/// A layer with its block, for listings and drawings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ListedLayer<'n> {
    /// The block.
    pub block: &'n Block,
    /// The layer.
    pub layer: &'n Layer,
}

impl Network {
    /// Every layer in order, each followed by those in its branches.
    pub fn layers(&self) -> impl Iterator<Item = ListedLayer<'_>> {
        self.blocks.iter().flat_map(|block| {
            let layers = block.layers.iter().flat_map(Layer::with_inner);
            layers.map(move |layer| ListedLayer { block, layer })
        })
    }

    /// Every variable, in the order of the layers.
    pub fn variables(&self) -> Vec<Variable> {
        self.layers().flat_map(|listed| listed.layer.variables()).collect()
    }

    /// Number of trained weights and biases.
    pub fn parameter_count(&self) -> u64 {
        self.layers().map(|listed| listed.layer.parameter_count()).sum()
    }

    /// Multiplications of convolutions and linear layers for one example's forward pass.
    pub fn multiplications(&self) -> u64 {
        let work =
            |listed: ListedLayer<'_>| listed.layer.multiplications().saturating_mul(listed.block.copies.len() as u64);
        self.layers().map(work).fold(0, u64::saturating_add)
    }

    /// The dropout layers, in order: masks are drawn in this order.
    pub fn dropout_layers(&self) -> Vec<DropoutLayer> {
        let dropout = |listed: ListedLayer<'_>| match listed.layer.operation {
            super::layer::Operation::Dropout { probability } => Some(DropoutLayer {
                probability,
                values_per_example: listed.block.copies.len() * listed.layer.input.values(),
            }),
            _ => None,
        };
        self.layers().filter_map(dropout).collect()
    }

    /// The primary output.
    pub fn primary_output(&self) -> &Output {
        &self.outputs[self.primary]
    }

    /// The network as JSON on one line, with sorted keys: equal networks have equal texts. Ids hash it.
    ///
    /// # Panics
    /// Never: a network is plain data.
    pub fn canonical_json(&self) -> String {
        let value = serde_json::to_value(self).expect("a network is plain data");
        sorted(value).to_string()
    }
}

/// The value with the keys of its objects in order, whichever map serde_json was built with.
fn sorted(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Object(entries) => {
            let entries: std::collections::BTreeMap<_, _> =
                entries.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            serde_json::Value::Object(entries.into_iter().collect())
        }
        serde_json::Value::Array(items) => serde_json::Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}
