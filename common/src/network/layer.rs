//! The layers of a resolved network: their operations, shapes, variables and work.

use serde::{Deserialize, Serialize};

use super::{
    initialisation::{Initial, Initialisation, Variable},
    shape::Shape,
};

/// One layer, with every size as a number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    /// The name, unique in the network; names of variables begin with it.
    pub name: String,
    /// The operation of the layer.
    pub operation: Operation,
    /// Shape of one example's input.
    pub input: Shape,
    /// Shape of one example's output.
    pub output: Shape,
}

/// The operation of a layer. Shapes are (channels, then length, or height and width) or (width), without the batch; windows have one
/// size for each dimension behind the channels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// Fully connected layer: (inputs) -> (outputs). Variables `weight` (outputs, inputs) and `bias` (outputs).
    Linear {
        /// Output width.
        outputs: usize,
        /// Whether there is a bias.
        bias: bool,
        /// First values of the variables.
        initialisation: Initialisation,
    },
    /// Cross-correlation, as PyTorch's `Conv1d` and `Conv2d` with dilation 1. Variables `weight` (outputs, inputs / groups,
    /// kernel...) and `bias` (outputs).
    Conv {
        /// Output channels.
        outputs: usize,
        /// Sizes of the kernel.
        kernel: Vec<usize>,
        /// Steps between windows.
        stride: Vec<usize>,
        /// Zeros on both sides.
        padding: Vec<usize>,
        /// Number of groups of channels that do not see each other.
        groups: usize,
        /// Whether there is a bias.
        bias: bool,
        /// First values of the variables.
        initialisation: Initialisation,
    },
    /// Maximum of each window; padding never wins.
    MaxPool(Window),
    /// Mean of each window; zeros of the padding count, as in PyTorch's `AvgPool2d`.
    AveragePool(Window),
    /// Maximum of each channel: (channels, ...) -> (channels).
    GlobalMaxPool,
    /// Mean of each channel: (channels, ...) -> (channels).
    GlobalAveragePool,
    /// Batch normalisation of each channel (Ioffe and Szegedy 2015). Variables `weight`, `bias`, `running_mean`,
    /// `running_var` (channels) and `num_batches_tracked` ().
    BatchNorm {
        /// Added to the variance.
        epsilon: f64,
        /// Share of a new batch in the running statistics.
        momentum: f64,
    },
    /// Normalisation of all values of an example (Ba, Kiros and Hinton 2016). Variables `weight` and `bias`, each of the
    /// input's shape.
    LayerNorm {
        /// Added to the variance.
        epsilon: f64,
    },
    /// Normalisation of groups of channels of an example (Wu and He 2018). Variables `weight` and `bias` (channels).
    GroupNorm {
        /// Number of groups.
        groups: usize,
        /// Added to the variance.
        epsilon: f64,
    },
    /// In training, sets each value to 0 with this probability and scales the others by 1 / (1 - probability).
    Dropout {
        /// Above 0 and below 1.
        probability: f64,
    },
    /// max(x, 0).
    Relu,
    /// x above 0, else slope * x (Maas et al. 2013).
    LeakyRelu {
        /// The slope below 0.
        slope: f64,
    },
    /// x above 0, else alpha * (exp(x) - 1) (Clevert et al. 2016).
    Elu {
        /// The limit for small x is -alpha.
        alpha: f64,
    },
    /// x * Phi(x), with the normal distribution function (Hendrycks and Gimpel 2016), not its approximation by tanh.
    Gelu,
    /// x * sigmoid(x) (Elfwing et al. 2018).
    Silu,
    /// 1 / (1 + exp(-x)).
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
    /// log(1 + exp(x)).
    Softplus,
    /// Any shape -> (width), row-major.
    Flatten,
    /// A vector for each code: (n) -> (width, n). Variable `weight` (categories, width).
    Embedding {
        /// Number of different codes.
        categories: usize,
        /// Values for each code.
        width: usize,
        /// First values of the variable; None: normal with mean 0 and deviation 1, as PyTorch's `Embedding`.
        initialisation: Option<Initialisation>,
    },
    /// Branches that read the same input; their outputs are added. A branch without layers gives the input.
    Add(Vec<Branch>),
    /// Branches that read the same input; their outputs are joined along the first dimension.
    Concat(Vec<Branch>),
}

/// A window of pooling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Its sizes.
    pub kernel: Vec<usize>,
    /// Steps between windows.
    pub stride: Vec<usize>,
    /// Padding on both sides.
    pub padding: Vec<usize>,
}

/// The layers of one branch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Branch {
    /// The layers, in order; may be empty.
    pub layers: Vec<Layer>,
}

impl Operation {
    /// The branches of the operation, if it has any.
    pub fn branches(&self) -> &[Branch] {
        match self {
            Self::Add(branches) | Self::Concat(branches) => branches,
            _ => &[],
        }
    }
}

impl Layer {
    /// This layer and, after it, those in its branches, in order.
    pub fn with_inner(&self) -> Vec<&Self> {
        let inner = self.operation.branches().iter().flat_map(|branch| &branch.layers);
        [self].into_iter().chain(inner.flat_map(Self::with_inner)).collect()
    }

    /// The layer's own variables, without those of its branches.
    pub fn variables(&self) -> Vec<Variable> {
        let channels = self.input.channels();
        let variable = |part: &str, shape: Vec<usize>, initial, trained| Variable {
            name: format!("{}.{part}", self.name),
            shape,
            initial,
            trained,
        };
        let affine = |weight: Vec<usize>, bias: bool, initialisation: Initialisation| {
            let outputs = vec![weight[0]];
            let (of_weight, of_bias) = initialisation.weight_and_bias(&weight);
            let mut variables = vec![variable("weight", weight, of_weight, true)];
            variables.extend(bias.then(|| variable("bias", outputs, of_bias, true)));
            variables
        };
        let norm = |shape: Vec<usize>| {
            vec![
                variable("weight", shape.clone(), Initial::Constant(1.0), true),
                variable("bias", shape, Initial::Constant(0.0), true),
            ]
        };
        match &self.operation {
            Operation::Linear { outputs, bias, initialisation } => {
                affine(vec![*outputs, channels], *bias, *initialisation)
            }
            Operation::Conv { outputs, kernel, groups, bias, initialisation, .. } => {
                affine([&[*outputs, channels / groups], &kernel[..]].concat(), *bias, *initialisation)
            }
            Operation::BatchNorm { .. } => {
                let mut variables = norm(vec![channels]);
                variables.push(variable("running_mean", vec![channels], Initial::Constant(0.0), false));
                variables.push(variable("running_var", vec![channels], Initial::Constant(1.0), false));
                variables.push(variable("num_batches_tracked", Vec::new(), Initial::Constant(0.0), false));
                variables
            }
            Operation::LayerNorm { .. } => norm(self.input.0.clone()),
            Operation::GroupNorm { .. } => norm(vec![channels]),
            Operation::Embedding { categories, width, initialisation } => {
                let shape = vec![*categories, *width];
                let initial = match initialisation {
                    Some(initialisation) => initialisation.weight_and_bias(&shape).0,
                    None => Initial::Normal { deviation: 1.0 },
                };
                vec![variable("weight", shape, initial, true)]
            }
            Operation::MaxPool(_)
            | Operation::AveragePool(_)
            | Operation::GlobalMaxPool
            | Operation::GlobalAveragePool
            | Operation::Dropout { .. }
            | Operation::Relu
            | Operation::LeakyRelu { .. }
            | Operation::Elu { .. }
            | Operation::Gelu
            | Operation::Silu
            | Operation::Sigmoid
            | Operation::Tanh
            | Operation::Softplus
            | Operation::Flatten
            | Operation::Add(_)
            | Operation::Concat(_) => Vec::new(),
        }
    }

    /// Number of trained values of the layer's own variables.
    pub fn parameter_count(&self) -> u64 {
        self.variables().iter().filter(|variable| variable.trained).map(Variable::values).sum()
    }

    /// Multiplications of the layer itself for one example: those of convolutions and linear layers. Others count as none.
    pub fn multiplications(&self) -> u64 {
        let inputs = match &self.operation {
            Operation::Linear { .. } => self.input.channels() as u64,
            Operation::Conv { kernel, groups, .. } => kernel
                .iter()
                .fold((self.input.channels() / groups) as u64, |all, &size| all.saturating_mul(size as u64)),
            _ => 0,
        };
        inputs.saturating_mul(self.output.values() as u64)
    }

    /// The layer in a few words: "Conv2d 3x3, 2 to 32".
    pub fn text(&self) -> String {
        let crossed = |sizes: &[usize]| sizes.iter().map(usize::to_string).collect::<Vec<_>>().join("x");
        let window = |name: &str, window: &Window| {
            let mut text = format!("{name} {}", crossed(&window.kernel));
            if window.stride != window.kernel {
                text += &format!(", stride {}", crossed(&window.stride));
            }
            if window.padding.iter().any(|&padding| padding > 0) {
                text += &format!(", padding {}", crossed(&window.padding));
            }
            text
        };
        let inputs = self.input.channels();
        match &self.operation {
            Operation::Linear { outputs, .. } => format!("Linear {inputs} to {outputs}"),
            Operation::Conv { outputs, kernel, stride, padding, groups, .. } => {
                let mut text = format!("Conv{}d {}, {inputs} to {outputs}", kernel.len(), crossed(kernel));
                if stride.iter().any(|&stride| stride > 1) {
                    text += &format!(", stride {}", crossed(stride));
                }
                if padding.iter().any(|&padding| padding > 0) {
                    text += &format!(", padding {}", crossed(padding));
                }
                if *groups > 1 {
                    text += &format!(", {groups} groups");
                }
                text
            }
            Operation::MaxPool(of) => window("MaxPool", of),
            Operation::AveragePool(of) => window("AveragePool", of),
            Operation::GlobalMaxPool => "global MaxPool".to_owned(),
            Operation::GlobalAveragePool => "global AveragePool".to_owned(),
            Operation::BatchNorm { .. } => "BatchNorm".to_owned(),
            Operation::LayerNorm { .. } => "LayerNorm".to_owned(),
            Operation::GroupNorm { groups, .. } => format!("GroupNorm {groups}"),
            Operation::Dropout { probability } => format!("Dropout {probability}"),
            Operation::Relu => "ReLU".to_owned(),
            Operation::LeakyRelu { slope } => format!("LeakyReLU {slope}"),
            Operation::Elu { alpha } => format!("ELU {alpha}"),
            Operation::Gelu => "GELU".to_owned(),
            Operation::Silu => "SiLU".to_owned(),
            Operation::Sigmoid => "Sigmoid".to_owned(),
            Operation::Tanh => "Tanh".to_owned(),
            Operation::Softplus => "Softplus".to_owned(),
            Operation::Flatten => "flatten".to_owned(),
            Operation::Embedding { categories, width, .. } => format!("Embedding {categories} to {width}"),
            Operation::Add(branches) => format!("add {} branches", branches.len()),
            Operation::Concat(branches) => format!("join {} branches", branches.len()),
        }
    }
}
