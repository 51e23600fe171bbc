//! Selection: what a stage selects, and rows that start from what an earlier stage selected.

use super::{Axis, ModelRow, Settings, Stage, StopKeys};
use crate::{
    training::{Normalize, StopLoss, StopRule},
    unit::Configuration,
};

/// How a stage selects one configuration of each model, by mean validation error.
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

    /// As it is written.
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
    /// The settings that the row writes itself, as in [`ModelRow::axes`].
    pub axes: Vec<Axis>,
    /// As in [`ModelRow::exclude`].
    pub exclude: Vec<Settings>,
    /// What the row or its stage changes of the stopping rule.
    pub stop: StopKeys,
    /// The row's or its stage's own normalisation.
    pub normalize: Option<Normalize>,
}

impl SelectedRow {
    /// The row that it is once `base` has been selected.
    pub fn on(&self, base: &Configuration) -> ModelRow {
        let written = |name: &String| self.axes.iter().any(|axis| axis.names.contains(name));
        let kept = base.hyperparameters.iter().filter(|(name, _)| !written(name));
        let kept = kept.map(|(name, value)| Axis::of(name, [value.clone()]));
        ModelRow {
            model: self.model.clone(),
            axes: self.axes.iter().cloned().chain(kept).collect(),
            exclude: self.exclude.clone(),
            stop: self.stop.over(base.stop),
            normalize: self.normalize.unwrap_or(base.normalize),
        }
    }

    /// How many configurations it stands for, whatever is selected.
    pub fn configurations(&self) -> usize {
        self.alone().settings().count()
    }

    /// Its own settings as a row, without what is selected.
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
