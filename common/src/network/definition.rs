//! A network as written: layers whose sizes may be parameters.

use super::{
    error::{Source, Span},
    initialisation::Initialisation,
    layer::Operation,
    parameter::Parameter,
    resolved::Join,
    values::{Flag, Real, Size, Sizes},
};
use crate::hyperparameters::Hyperparameters;

/// A network as a spec or a file of its own defines it, checked as far as it can be without a data set.
#[derive(Clone, Debug)]
pub struct Definition {
    /// The title in reports.
    pub title: Option<String>,
    /// One sentence.
    pub summary: Option<String>,
    /// The source of the architecture.
    pub source: Option<String>,
    /// The network's own parameters, in the order of the file.
    pub parameters: Vec<Parameter>,
    /// The places of the parameters.
    pub(super) parameter_places: Vec<Span>,
    pub(super) auxiliary_weight: Option<Real>,
    pub(super) blocks: Vec<BlockDefinition>,
    pub(super) outputs: Vec<OutputDefinition>,
    /// The index of the primary output.
    pub(super) primary: usize,
    pub(super) text: Source,
    pub(super) at: Span,
}

impl Definition {
    /// The parameter with this name.
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }

    /// Every parameter that has a default, at that.
    pub fn defaults(&self) -> Hyperparameters {
        let default = |one: &Parameter| Some((one.name.clone(), one.default.clone()?));
        self.parameters.iter().filter_map(default).collect()
    }

    /// The targets of the outputs, the primary one first.
    pub fn targets(&self) -> Vec<&str> {
        let others = self.outputs.iter().enumerate().filter(|(index, _)| *index != self.primary);
        let primary = self.outputs.get(self.primary).into_iter();
        primary.chain(others.map(|(_, output)| output)).map(|output| output.target.as_str()).collect()
    }
}

/// A name with its place.
#[derive(Clone, Debug)]
pub(super) struct Name {
    pub(super) at: Span,
    pub(super) text: String,
}

/// A `[[block]]`.
#[derive(Clone, Debug)]
pub(super) struct BlockDefinition {
    pub(super) name: Name,
    /// The source of each copy; for `from`, one copy that reads the whole list.
    pub(super) copies: Vec<Vec<Name>>,
    /// Whether `each` is written.
    pub(super) each: bool,
    pub(super) join: Option<Join>,
    pub(super) layers: Vec<LayerDefinition>,
}

/// An `[[output]]`.
#[derive(Clone, Debug)]
pub(super) struct OutputDefinition {
    pub(super) at: Span,
    pub(super) target: String,
    pub(super) target_at: Span,
    pub(super) from: Vec<Name>,
    pub(super) join: Option<Join>,
    /// None: a linear layer of the target's width is added.
    pub(super) layers: Option<Vec<LayerDefinition>>,
    pub(super) width: Option<Size>,
    pub(super) loss: Option<(Span, LossWord)>,
    pub(super) label_smoothing: Option<Real>,
    pub(super) class_weights: Option<(Span, ClassWeightsDefinition)>,
    pub(super) delta: Option<Real>,
    pub(super) weight: Option<Real>,
}

/// A loss by its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LossWord {
    CrossEntropy,
    BinaryCrossEntropy,
    Squared,
    Absolute,
    Huber,
}

/// Every loss by its word.
pub(super) const LOSSES: &[(&str, LossWord)] = &[
    ("cross-entropy", LossWord::CrossEntropy),
    ("binary-cross-entropy", LossWord::BinaryCrossEntropy),
    ("squared", LossWord::Squared),
    ("absolute", LossWord::Absolute),
    ("huber", LossWord::Huber),
];

impl LossWord {
    pub(super) fn word(self) -> &'static str {
        LOSSES.iter().find(|(_, loss)| *loss == self).map_or("", |(word, _)| *word)
    }
}

#[derive(Clone, Debug)]
pub(super) enum ClassWeightsDefinition {
    Balanced,
    Given(Vec<Real>),
}

/// An item of `layers`.
#[derive(Clone, Debug)]
pub(super) struct LayerDefinition {
    pub(super) at: Span,
    /// The name, in which `#` is the number of the round.
    pub(super) name: Option<String>,
    pub(super) kind: LayerKind,
}

/// An item of `layers`.
#[derive(Clone, Debug)]
pub(super) enum LayerKind {
    Linear {
        width: Size,
        bias: Flag,
        initialisation: Initialisation,
    },
    Conv(Box<ConvDefinition>),
    Pool {
        maximum: bool,
        kernel: Sizes,
        stride: Option<Sizes>,
        padding: Option<Sizes>,
    },
    BatchNorm {
        epsilon: Real,
        momentum: Real,
    },
    LayerNorm {
        epsilon: Real,
    },
    GroupNorm {
        groups: Size,
        epsilon: Real,
    },
    Dropout(Real),
    LeakyRelu(Real),
    Elu(Real),
    /// A word of [`ACTIVATIONS`], or a parameter whose words are such.
    Activation {
        parameter: String,
    },
    Embedding {
        width: Size,
        initialisation: Option<Initialisation>,
    },
    /// An operation without sizes.
    Fixed(Operation),
    Branches {
        add: bool,
        branches: Vec<(String, Vec<LayerDefinition>)>,
    },
    Repeat {
        over: Over,
        variable: Option<String>,
        layers: Vec<LayerDefinition>,
    },
    Choose {
        parameter: String,
        cases: Vec<(String, Vec<LayerDefinition>)>,
    },
}

#[derive(Clone, Debug)]
pub(super) struct ConvDefinition {
    pub(super) outputs: Size,
    pub(super) kernel: Sizes,
    pub(super) stride: Option<Sizes>,
    pub(super) padding: Padding,
    pub(super) groups: Option<Size>,
    pub(super) bias: Flag,
    pub(super) initialisation: Initialisation,
}

#[derive(Clone, Debug)]
pub(super) enum Padding {
    None,
    Same(Span),
    Sizes(Sizes),
}

/// The values that a repeat goes over.
#[derive(Clone, Debug)]
pub(super) enum Over {
    Count(Size),
    List(Vec<Size>),
    Parameter(String),
}

/// The activation with this word, with its default number.
pub(super) fn activation(word: &str) -> Option<Operation> {
    ACTIVATIONS.iter().find(|(name, _)| *name == word).map(|(_, operation)| operation.clone())
}

/// Every activation by its word.
pub(super) const ACTIVATIONS: &[(&str, Operation)] = &[
    ("relu", Operation::Relu),
    ("leaky-relu", Operation::LeakyRelu { slope: 0.01 }),
    ("elu", Operation::Elu { alpha: 1.0 }),
    ("gelu", Operation::Gelu),
    ("silu", Operation::Silu),
    ("sigmoid", Operation::Sigmoid),
    ("tanh", Operation::Tanh),
    ("softplus", Operation::Softplus),
];
