//! A study's spec (TOML), read and checked. docs/spec.md describes the format.
//!
//! [`parse`] walks the spanned TOML tree once and builds checked values from it. It collects every problem on the way,
//! so that [`SpecErrors`] has them all at once, each with its place.

mod axes_and_exclusions;
mod cartesian_product;
mod dataset;
mod dataset_files;
mod distribution;
mod document;
mod error;
mod exclude;
mod folds;
mod hints;
mod model_row;
mod nearest_word;
mod problems;
mod race;
mod reference;
mod reference_problem;
mod sample_count_and_seed;
mod scalar;
mod seeds;
mod selection;
mod selection_candidates;
mod setting;
pub mod size_limits;
mod stage;
mod stop_rule;
mod study;
mod study_and_stage_names;
mod synonyms;
mod tables_and_keys;
#[cfg(test)]
mod tests;
mod toml_table;
mod training_part;
mod zip;

pub use crate::data::DatasetKind;
pub use cartesian_product::Settings;
pub use dataset_files::{DatasetSource, FilesDataset, parse_dataset};
pub use error::{Earlier, Look, SpecError, SpecErrors};
pub use folds::{Unfoldable, unfoldable};
pub use problems::Problem;
pub use race::RaceRule;
pub use reference_problem::ReferenceProblem;
pub use selection::{SelectedRow, SelectionRule};
pub use stop_rule::StopKeys;
pub use study::parse;
pub use tables_and_keys::Elsewhere;

use std::collections::BTreeSet;

use crate::{
    data::DatasetSpec,
    hyperparameters::{Hyperparameters, Value},
    training::{Normalize, StopRule},
};

/// A study: one experiment spec. Its name identifies it.
#[derive(Clone, Debug, PartialEq)]
pub struct Study {
    /// The study's name: letters, digits, `-` and `_`. It names the run directory.
    pub name: String,
    /// The data set.
    pub dataset: DatasetSpec,
    /// The stages, at least one, with unique names, in the order of the file.
    pub stages: Vec<Stage>,
    /// Published values, in the order of the file; training does not depend on them.
    pub references: Vec<Reference>,
}

impl Study {
    /// Every data seed that one of the stages names.
    pub fn data_seeds(&self) -> BTreeSet<u64> {
        self.stages.iter().flat_map(|stage| stage.data_seeds.iter().copied()).collect()
    }
}

/// One `[[reference]]`: a published error rate, for the configurations of a stage that it names.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// A stage's name.
    pub stage: String,
    /// A model's name.
    pub model: String,
    /// Hyper-parameters that tell its configurations from the model's others; may be empty.
    pub given: Hyperparameters,
    /// Mean share of wrongly classified pairs.
    pub error: f64,
    /// Sample standard deviation over `n` values.
    pub std: Option<f64>,
    /// The number of seeds (or of folds and seeds) behind the mean; at least 2.
    pub n: Option<u64>,
    /// Mean number of epochs.
    pub epochs: Option<f64>,
    /// The number of scored pairs; None: as many as here.
    pub pairs: Option<u64>,
    /// The largest difference of mean errors that counts as equivalent, above 0.
    pub margin: Option<f64>,
    /// The source.
    pub source: String,
    /// The likely cause of a difference.
    pub note: Option<String>,
}

/// A part of a study whose units can run together.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// The stage's name, unique in the study.
    pub name: String,
    /// The way of scoring.
    pub evaluation: Evaluation,
    /// The seeds, ascending, without repetition.
    pub seeds: Vec<u64>,
    /// The draws of the data set that each configuration is trained on; if the stage names none, the data set's own
    /// seed alone. Ascending, without repetition.
    pub data_seeds: Vec<u64>,
    /// Rows that are complete by themselves, in the order of the file.
    pub rows: Vec<ModelRow>,
    /// Rows that start from an earlier stage's selection, in the order of the file; they come after the others.
    pub selected: Vec<SelectedRow>,
    /// The rule that selects a configuration of each model for later stages, if the stage selects.
    pub select: Option<SelectionRule>,
    /// Whether its units' trained weights are kept. No result depends on it.
    pub keep_weights: bool,
    /// The rule by which hopeless configurations leave the stage early, if it has one; only where it has folds and
    /// selects.
    pub race: Option<RaceRule>,
}

/// The way in which configurations are scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evaluation {
    /// Scored on the test pairs, after training on all training pairs.
    Holdout,
    /// Scored by k-fold cross-validation on the training pairs; k is at least 2.
    Folds(u32),
}

/// One `[[stage.model]]`: a model with values or axes for its hyper-parameters. [`settings`](ModelRow::settings) expands it.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelRow {
    /// A model's name.
    pub model: String,
    /// Every hyper-parameter of the model's schema in exactly one of these, and `normalize` where the row varies it:
    /// first the written ones, in their order, then the defaults.
    pub axes: Vec<Axis>,
    /// Excluded combinations: those that have every value of one of these.
    pub exclude: Vec<Settings>,
    /// The stage's rule, or the row's own.
    pub stop: StopRule,
    /// The stage's normalisation, or the row's own; used where no axis is `normalize`.
    pub normalize: Normalize,
}

/// Settings that vary together: one alone (constant if it has one value), several zipped ones, or all sampled ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// The settings' names, in the order of the file.
    pub names: Vec<String>,
    /// The points, at least one, all different. Each has one checked value for each name.
    pub points: Vec<Vec<Value>>,
    /// Whether the spec writes it as an axis, even of one point.
    pub written: bool,
}

impl Axis {
    /// One setting with these values. A single value does not count as written as an axis.
    pub fn new(name: &str, values: impl IntoIterator<Item = Value>) -> Self {
        let points: Vec<_> = values.into_iter().map(|value| vec![value]).collect();
        Self { names: vec![name.to_owned()], written: points.len() > 1, points }
    }
}
