//! Labels: the names of configurations and units for people, and the texts that people may write to name one. Pure.
//!
//! [`configuration`] and [`unit()`] make every label; [`Shown`] decides which settings it names. [`Facts`] reads labels
//! and other texts in their place.

mod matching;
mod shown_settings;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt::Write as _};

use crate::{
    data::Digests,
    hyperparameters::Value,
    model,
    spec::{Evaluation, Stage, Study},
    training::Normalize,
    unit::{Configuration, Fold, Unit},
};

pub use matching::{Fact, Facts, nearest};
pub use shown_settings::Shown;

/// The configuration's settings for which `is_shown` holds, sorted by name: "batch_size=20 learning_rate=0.1", or
/// nothing.
pub fn settings(configuration: &Configuration, is_shown: impl Fn(&str) -> bool) -> String {
    let settings = configuration.settings().into_iter().filter(|(name, _)| is_shown(name));
    settings.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

/// The label of a configuration: its model and its shown settings.
pub fn configuration(model: &str, settings: &str) -> String {
    if settings.is_empty() { model.to_owned() } else { format!("{model} {settings}") }
}

/// The label of a unit, after its configuration's label: "cnn learning_rate=0.1 fold 3 of 10 seed 1 data seed 0".
pub fn unit(configuration: &str, fold: Fold, seed: u64, data_seed: Option<u64>) -> String {
    let mut label = configuration.to_owned();
    // Writing into a string cannot fail.
    if let Fold::Part { .. } = fold {
        let _ = write!(label, " {fold}");
    }
    let _ = write!(label, " seed {seed}");
    if let Some(data_seed) = data_seed {
        let _ = write!(label, " data seed {data_seed}");
    }
    label
}

/// The labels of a study's units. Each unit has one, no two units share one, and no selection changes one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    /// The shown settings of each way of scoring: the fold tells the ways apart, so only units of the same way must
    /// differ in their settings.
    shown: Vec<(Evaluation, Shown)>,
    data_seeds: BTreeMap<String, u64>,
}

impl Labels {
    /// The labels of a study on draws of the data with these digests.
    pub fn new(study: &Study, digests: &Digests) -> Self {
        let mut shown: Vec<(Evaluation, Shown)> = Vec::new();
        for Stage { evaluation, .. } in &study.stages {
            if !shown.iter().any(|(known, _)| known == evaluation) {
                let alike = |stage: &Stage| stage.evaluation == *evaluation;
                shown.push((*evaluation, Shown::from_stages(&study.stages, alike)));
            }
        }
        let data_seeds = digests.iter().map(|(seed, digest)| (digest.clone(), *seed)).collect();
        Self { shown, data_seeds }
    }

    /// A unit's label.
    pub fn unit(&self, unit: &Unit) -> String {
        let evaluation = match unit.fold {
            Fold::Holdout => Evaluation::Holdout,
            Fold::Part { of, .. } => Evaluation::Folds(of),
        };
        let Some((_, shown)) = self.shown.iter().find(|(known, _)| *known == evaluation) else { return unit.label() };
        let settings = shown.settings(&unit.configuration);
        let data_seed = self.data_seed(unit).filter(|_| self.data_seeds.len() > 1);
        self::unit(&configuration(&unit.configuration.model, &settings), unit.fold, unit.seed, data_seed)
    }

    /// The complete description of a unit in the words of labels: every setting, its data seed, and whether it is a
    /// hold-out.
    pub fn description(&self, unit: &Unit) -> String {
        description(unit, self.data_seed(unit))
    }

    fn data_seed(&self, unit: &Unit) -> Option<u64> {
        self.data_seeds.get(unit.dataset_digest.as_str()).copied()
    }
}

/// The complete description of a unit in the words of labels.
fn description(unit: &Unit, data_seed: Option<u64>) -> String {
    let Unit { configuration: of, fold, seed, .. } = unit;
    let mut description = self::unit(&configuration(&of.model, &settings(of, |_| true)), *fold, *seed, data_seed);
    if *fold == Fold::Holdout {
        description.push_str(" hold-out");
    }
    description
}

impl Configuration {
    /// Every setting by name: the hyper-parameters, `normalize`, and the stopping rule's as `stop.max_epochs`.
    pub fn settings(&self) -> BTreeMap<String, Value> {
        let stop = &self.stop;
        let rule = [
            ("stop.loss_delta", Value::Number(stop.loss_delta)),
            ("stop.max_epochs", Value::Integer(stop.max_epochs.into())),
            ("stop.min_epochs", Value::Integer(stop.min_epochs.into())),
            ("stop.patience", Value::Integer(stop.patience.into())),
            ("stop.loss_drop", Value::Number(stop.loss_drop)),
            ("stop.loss", Value::Text(stop.loss.name().to_owned())),
            ("normalize", Value::Text(self.normalize.name().to_owned())),
        ];
        let own = self.hyperparameters.iter().map(|(name, value)| (name.clone(), value.clone()));
        own.chain(rule.map(|(name, value)| (name.to_owned(), value))).collect()
    }

    /// Whether a setting differs from its default in a spec. The stopping rule has no defaults here.
    pub fn is_written(&self, name: &str) -> bool {
        if name == "normalize" {
            return self.normalize != Normalize::Standardize;
        }
        let schema = model::find(&self.model).map_or(&[][..], |model| model.parameters);
        let default = schema.iter().find(|known| known.name == name).and_then(model::Parameter::default_value);
        self.hyperparameters.get(name).is_some_and(|value| default.as_ref() != Some(value))
    }

    /// The label for people where no study tells which settings vary: the model and its settings that are no defaults.
    /// Two configurations of one stopping rule have different labels.
    pub fn label(&self) -> String {
        configuration(&self.model, &settings(self, |name| self.is_written(name)))
    }
}

impl Unit {
    /// The label for people where no study tells which settings vary: its
    /// [configuration's label](Configuration::label), fold and seed.
    pub fn label(&self) -> String {
        unit(&self.configuration.label(), self.fold, self.seed, None)
    }
}
