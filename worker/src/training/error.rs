//! The reasons why a unit cannot be trained.

use seedgrid_common::{
    data::folds::SplitError,
    model::{ParameterError, ShapeError, UnusedMomentum},
    text::count,
};

/// The hint for a unit that this worker cannot read.
const SAME_VERSION: &str = "use a worker and a coordinator of the same version";

/// The reason why a unit cannot be trained. Divergence is a result, not an error.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum TrainError {
    /// A model that this worker does not know.
    #[error("there is no model `{name}`")]
    #[diagnostic(help("{SAME_VERSION}"))]
    UnknownModel {
        /// The unit's name for it.
        name: String,
    },
    /// A hyper-parameter that the model's schema requires is missing.
    #[error("model `{model}` needs the hyper-parameter `{name}`")]
    #[diagnostic(help("{SAME_VERSION}"))]
    MissingHyperparameter {
        /// The model's name.
        model: &'static str,
        /// The hyper-parameter's name.
        name: &'static str,
    },
    /// A hyper-parameter that the model's schema does not have.
    #[error("model `{model}` has no hyper-parameter `{name}`")]
    #[diagnostic(help("{SAME_VERSION}"))]
    UnknownHyperparameter {
        /// The model's name.
        model: &'static str,
        /// The hyper-parameter's name.
        name: String,
    },
    /// A hyper-parameter with a value that the schema does not allow.
    #[error(transparent)]
    #[diagnostic(help("{SAME_VERSION}"))]
    BadHyperparameter(#[from] ParameterError),
    /// Hyper-parameters that contradict each other.
    #[error(transparent)]
    #[diagnostic(help("{SAME_VERSION}"))]
    Contradiction(#[from] UnusedMomentum),
    /// The model's layers do not fit together.
    #[error("model `{model}` cannot be built")]
    #[diagnostic(help("{SAME_VERSION}"))]
    BadNetwork {
        /// The model's name.
        model: &'static str,
        /// The layers' mismatch.
        source: ShapeError,
    },
    /// The network reads an input that the data set does not have.
    #[error("the data set has no input `{name}`")]
    #[diagnostic(help("{SAME_VERSION}"))]
    MissingInput {
        /// The input's name.
        name: &'static str,
    },
    /// The network learns a target that the data set does not have.
    #[error("the data set has no target `{name}` with classes")]
    #[diagnostic(help("{SAME_VERSION}"))]
    MissingTarget {
        /// The target's name.
        name: &'static str,
    },
    /// The data set cannot be split as the unit asks.
    #[error(transparent)]
    #[diagnostic(help("use fewer folds or more training pairs in the study's spec"))]
    Split(#[from] SplitError),
    /// A batch is larger than the training part.
    #[error("a batch of {batch} is larger than the training part, {}", count(pairs, "pair"))]
    #[diagnostic(help("set a smaller `batch_size` or more `train_pairs` in the study's spec"))]
    LargeBatch {
        /// The value of `batch_size`.
        batch: usize,
        /// The number of pairs that this unit trains on.
        pairs: usize,
    },
    /// There is nothing to score.
    #[error("the data set has no test pairs")]
    #[diagnostic(help("set `test_pairs` to 1 or more in the study's spec"))]
    NothingToScore,
    /// candle or the device failed.
    #[error("the device failed")]
    #[diagnostic(help("look at the device (on NVIDIA: `nvidia-smi`), or use `--device cpu`"))]
    Device(#[from] candle_core::Error),
}
