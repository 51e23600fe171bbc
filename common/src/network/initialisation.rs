//! First values of variables.

use serde::{Deserialize, Serialize};

/// A rule for the first values of a layer's weight and bias. An output of the layer sees `fan_in` inputs; `fan_out` is the
/// number of outputs times the kernel's size (PyTorch's `_calculate_fan_in_and_fan_out`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Initialisation {
    /// Weight and bias uniform within 1 / sqrt(fan_in): the default of PyTorch's `Linear` and `Conv`.
    #[default]
    Uniform,
    /// Weight uniform within sqrt(6 / fan_in) (He et al. 2015, for ReLU); bias 0.
    KaimingUniform,
    /// Weight normal with deviation sqrt(2 / fan_in) (He et al. 2015, for ReLU); bias 0.
    KaimingNormal,
    /// Weight uniform within sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010); bias 0.
    XavierUniform,
    /// Weight normal with deviation sqrt(2 / (fan_in + fan_out)) (Glorot and Bengio 2010); bias 0.
    XavierNormal,
    /// Weight and bias 0.
    Zeros,
}

/// Every initialisation by its word.
pub(super) const INITIALISATIONS: &[(&str, Initialisation)] = &[
    ("uniform", Initialisation::Uniform),
    ("kaiming-uniform", Initialisation::KaimingUniform),
    ("kaiming-normal", Initialisation::KaimingNormal),
    ("xavier-uniform", Initialisation::XavierUniform),
    ("xavier-normal", Initialisation::XavierNormal),
    ("zeros", Initialisation::Zeros),
];

/// First values of one variable.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Initial {
    /// Uniform between `-bound` and `bound`.
    Uniform {
        /// The bound.
        bound: f64,
    },
    /// Normal with mean 0.
    Normal {
        /// The standard deviation.
        deviation: f64,
    },
    /// The same value everywhere.
    Constant(f64),
}

/// One named array of a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Variable {
    /// The layer's name, a dot and PyTorch's word: `conv1.weight`. Initial values are drawn from the stream of this name.
    pub name: String,
    /// In PyTorch's order: (outputs, inputs, kernel...).
    pub shape: Vec<usize>,
    /// First values.
    pub initial: Initial,
    /// Whether the optimiser changes it. Running statistics are not trained.
    pub trained: bool,
}

impl Variable {
    /// Number of values; saturates.
    pub fn values(&self) -> u64 {
        self.shape.iter().fold(1, |product: u64, &size| product.saturating_mul(size as u64))
    }
}

impl Initialisation {
    /// First values of a weight of this shape (outputs, inputs, kernel...), and of its bias.
    pub(super) fn weight_and_bias(self, shape: &[usize]) -> (Initial, Initial) {
        let product = |sizes: &[usize]| sizes.iter().fold(1.0, |product, &size| product * size as f64);
        let fan_in = product(&shape[1..]);
        let fan_out = shape[0] as f64 * product(&shape[2..]);
        let zero = Initial::Constant(0.0);
        match self {
            Self::Uniform => {
                let initial = Initial::Uniform { bound: 1.0 / fan_in.sqrt() };
                (initial, initial)
            }
            Self::KaimingUniform => (Initial::Uniform { bound: (6.0 / fan_in).sqrt() }, zero),
            Self::KaimingNormal => (Initial::Normal { deviation: (2.0 / fan_in).sqrt() }, zero),
            Self::XavierUniform => (Initial::Uniform { bound: (6.0 / (fan_in + fan_out)).sqrt() }, zero),
            Self::XavierNormal => (Initial::Normal { deviation: (2.0 / (fan_in + fan_out)).sqrt() }, zero),
            Self::Zeros => (zero, zero),
        }
    }
}
