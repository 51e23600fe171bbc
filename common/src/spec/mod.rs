//! A study as its spec (TOML) says it, read and checked. docs/spec.md describes the format.
//!
//! [`parse`] walks the spanned TOML tree once and builds checked values from it; whatever is wrong is collected on the way,
//! so that [`SpecErrors`] has everything at once, each with its place.

mod dataset;
mod error;
pub mod limits;
mod name;
mod problem;
mod reference;
mod reference_problem;
mod row;
mod scalar;
mod seeds;
mod stage;
mod stop;
mod study;
mod suggest;
mod table;
#[cfg(test)]
mod tests;

pub use error::{Earlier, Look, SpecError, SpecErrors};
pub use problem::Problem;
pub use reference_problem::ReferenceProblem;
pub use study::parse;

use crate::{
    training::{Normalize, StopRule},
    unit::{Hyperparameters, Value},
};

/// A study: one experiment spec. Its identity is its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Study {
    /// Letters, digits, `-` and `_`; names the run directory.
    pub name: String,
    /// What is trained on.
    pub dataset: DatasetSpec,
    /// At least one, names unique, in the order of the file.
    pub stages: Vec<Stage>,
    /// What others found, in the order of the file; nothing that is trained depends on it.
    pub references: Vec<Reference>,
}

/// One `[[reference]]`: an error rate that others found, for the configurations of a stage that it names.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// A stage's name.
    pub stage: String,
    /// A model's name.
    pub model: String,
    /// Hyper-parameters that tell its configurations from the model's others; may be empty.
    pub given: Hyperparameters,
    /// Mean share of pairs classified wrongly.
    pub error: f64,
    /// Sample standard deviation over `n` values.
    pub std: Option<f64>,
    /// Over how many seeds (or folds and seeds) the mean is; at least 2.
    pub n: Option<u64>,
    /// Mean number of epochs.
    pub epochs: Option<f64>,
    /// How many pairs were scored; None: as many as here.
    pub pairs: Option<u64>,
    /// Where it is from.
    pub source: String,
    /// The likely cause of a difference.
    pub note: Option<String>,
}

/// Which data set, and how it is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct DatasetSpec {
    /// Where the images come from.
    pub kind: DatasetKind,
    /// Number of training pairs.
    pub train_pairs: u32,
    /// Number of test pairs.
    pub test_pairs: u32,
    /// From which pairs (and folds) are drawn.
    pub seed: u64,
}

/// Where images come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatasetKind {
    /// MNIST's IDX files, mean-pooled to 14x14.
    MnistPairs,
    /// Digits drawn by the program.
    GlyphPairs,
}

/// A part of a study whose units can run together.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// Unique in the study.
    pub name: String,
    /// How configurations are scored.
    pub evaluation: Evaluation,
    /// Ascending, without repetition.
    pub seeds: Vec<u64>,
    /// In the order of the file.
    pub rows: Vec<ModelRow>,
}

/// How configurations are scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evaluation {
    /// On the test pairs, after training on all training pairs.
    Holdout,
    /// By k-fold cross-validation on the training pairs; k is at least 2.
    Folds(u32),
}

/// One `[[stage.model]]`: a model with values or axes for its hyper-parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelRow {
    /// A model's name.
    pub model: String,
    /// Every hyper-parameter of the model's schema with one or more checked values (defaults filled in), in the order in
    /// which axes are written; parameters that are not axes have one value.
    pub axes: Vec<(String, Vec<Value>)>,
    /// The stage's rule, or the row's own.
    pub stop: StopRule,
    /// The stage's normalisation, or the row's own.
    pub normalize: Normalize,
}
