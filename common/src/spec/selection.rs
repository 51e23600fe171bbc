//! Selection: the rule of a selecting stage, and rows that start from an earlier stage's selection.

use super::{Axis, ModelRow, Settings, Stage, StopKeys};
use crate::{
    training::{Normalize, StopLoss, StopRule},
    unit::Configuration,
};

/// The rule by which a stage selects one configuration of each model, by mean validation error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelectionRule {
    /// The lowest mean; of equal ones, the first in the order of the spec.
    Lowest,
    /// Of those within one standard error of the lowest mean, the one with the fewest weights; of equally many, the lowest mean
    /// (Breiman et al. 1984, Classification and Regression Trees, section 3.4.3).
    OneStandardError,
}

impl SelectionRule {
    /// Every rule.
    pub const ALL: [Self; 2] = [Self::Lowest, Self::OneStandardError];

    /// The rule's name in a spec.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lowest => "lowest",
            Self::OneStandardError => "one-standard-error",
        }
    }
}

impl Stage {
    /// The models of its rows, each once, in the order of the file.
    pub fn models(&self) -> Vec<String> {
        let mut models: Vec<String> = Vec::new();
        let all = self.rows.iter().map(|row| &row.model).chain(self.selected.iter().map(|row| &row.model));
        for model in all {
            if !models.contains(model) {
                models.push(model.clone());
            }
        }
        models
    }
}

/// A row that starts from the configuration of its model that an earlier stage selected.
#[derive(Clone, Debug, PartialEq)]
pub struct SelectedRow {
    /// A model's name.
    pub model: String,
    /// The stage that selects.
    pub from: String,
    /// The settings that the row itself writes, as in [`ModelRow::axes`].
    pub axes: Vec<Axis>,
    /// Excluded combinations, as in [`ModelRow::exclude`].
    pub exclude: Vec<Settings>,
    /// The keys of the stopping rule that the row or its stage changes.
    pub stop: StopKeys,
    /// The row's or its stage's own normalisation.
    pub normalize: Option<Normalize>,
}

impl SelectedRow {
    /// The complete row, once `base` has been selected.
    pub fn on(&self, base: &Configuration) -> ModelRow {
        let written = |name: &String| self.axes.iter().any(|axis| axis.names.contains(name));
        let kept = base.hyperparameters.iter().filter(|(name, _)| !written(name));
        let kept = kept.map(|(name, value)| Axis::new(name, [value.clone()]));
        ModelRow {
            model: self.model.clone(),
            axes: self.axes.iter().cloned().chain(kept).collect(),
            exclude: self.exclude.clone(),
            stop: self.stop.over(base.stop),
            normalize: self.normalize.unwrap_or(base.normalize),
        }
    }

    /// The number of its configurations, for any selection.
    pub fn configurations(&self) -> usize {
        self.alone().settings().count()
    }

    /// The row's own settings as a row, without the selected ones.
    pub(crate) fn alone(&self) -> ModelRow {
        let silent = StopRule {
            loss_delta: 0.0,
            max_epochs: 1,
            min_epochs: 1,
            patience: 1,
            loss_drop: 0.0,
            loss: StopLoss::Mean,
        };
        ModelRow {
            model: self.model.clone(),
            axes: self.axes.clone(),
            exclude: self.exclude.clone(),
            stop: self.stop.over(silent),
            normalize: self.normalize.unwrap_or(Normalize::Standardize),
        }
    }
}
