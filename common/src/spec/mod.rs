//! A study as its spec (TOML) says it, read and checked. docs/spec.md describes the format.
//!
//! [`parse`] walks the spanned TOML tree once and builds checked values from it; whatever is wrong is collected on the way,
//! so that [`SpecErrors`] has everything at once, each with its place.

mod candidates;
mod combined;
mod dataset;
mod distribution;
mod error;
mod exclude;
mod folds;
mod hint;
pub mod limits;
mod name;
mod places;
mod problem;
mod product;
mod race;
mod reference;
mod reference_problem;
mod row;
mod samples;
mod scalar;
mod seeds;
mod selection;
mod setting;
mod stage;
mod stop;
mod study;
mod suggest;
mod synonyms;
mod table;
#[cfg(test)]
mod tests;
mod zip;

pub use crate::data::DatasetKind;
pub use error::{Earlier, Look, SpecError, SpecErrors};
pub use folds::{Unfoldable, unfoldable};
pub use places::Elsewhere;
pub use problem::Problem;
pub use product::Settings;
pub use race::RaceRule;
pub use reference_problem::ReferenceProblem;
pub use selection::{SelectedRow, SelectionRule};
pub use stop::StopKeys;
pub use study::parse;

use std::collections::BTreeSet;

use crate::{
    data::DatasetSpec,
    hyperparameters::{Hyperparameters, Value},
    training::{Normalize, StopRule},
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

impl Study {
    /// Every data seed that one of its stages names.
    pub fn data_seeds(&self) -> BTreeSet<u64> {
        self.stages.iter().flat_map(|stage| stage.data_seeds.iter().copied()).collect()
    }
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
    /// Up to which difference of the mean errors both count as equivalent, above 0.
    pub margin: Option<f64>,
    /// Where it is from.
    pub source: String,
    /// The likely cause of a difference.
    pub note: Option<String>,
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
    /// Of which draws of the data set each configuration is trained on; the data set's own seed alone, if the stage says nothing.
    /// Ascending, without repetition.
    pub data_seeds: Vec<u64>,
    /// Rows that are complete by themselves, in the order of the file.
    pub rows: Vec<ModelRow>,
    /// Rows that start from what an earlier stage selected, in the order of the file; they come after the others.
    pub selected: Vec<SelectedRow>,
    /// How the stage selects a configuration of each model for later stages, if it does.
    pub select: Option<SelectionRule>,
    /// Whether the trained weights of its units are kept. No result depends on it.
    pub keep_weights: bool,
    /// How hopeless configurations leave the stage early, if they do; only where it has folds and selects.
    pub race: Option<RaceRule>,
}

/// How configurations are scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evaluation {
    /// On the test pairs, after training on all training pairs.
    Holdout,
    /// By k-fold cross-validation on the training pairs; k is at least 2.
    Folds(u32),
}

/// One `[[stage.model]]`: a model with values or axes for its hyper-parameters. [`settings`](ModelRow::settings) expands it.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelRow {
    /// A model's name.
    pub model: String,
    /// Every hyper-parameter of the model's schema in exactly one of these, and `normalize` where the row varies it: first those
    /// that are written, in their order, then the defaults.
    pub axes: Vec<Axis>,
    /// Combinations that are left out: those that have every value of one of these.
    pub exclude: Vec<Settings>,
    /// The stage's rule, or the row's own.
    pub stop: StopRule,
    /// The stage's normalisation, or the row's own; for where no axis is `normalize`.
    pub normalize: Normalize,
}

/// Settings that vary together: one alone (with one value, if it does not vary), several that are zipped, or all that are sampled.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// Their names, in the order in which they are written.
    pub names: Vec<String>,
    /// At least one, none twice. Each has one checked value for each name.
    pub points: Vec<Vec<Value>>,
    /// Whether it is written as an axis, if only of one point.
    pub written: bool,
}

impl Axis {
    /// One setting with these values. One value alone is not written as an axis.
    pub fn of(name: &str, values: impl IntoIterator<Item = Value>) -> Self {
        let points: Vec<_> = values.into_iter().map(|value| vec![value]).collect();
        Self { names: vec![name.to_owned()], written: points.len() > 1, points }
    }
}
