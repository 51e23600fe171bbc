//! The combinations of a row: the product of its axes without the excluded ones.

use std::collections::BTreeMap;

use super::ModelRow;
use crate::{hyperparameters::Value, training::Normalize, unit::Configuration};

/// One value of each of a row's settings, or of some of them, by name.
pub type Settings = BTreeMap<String, Value>;

/// The one setting that is no hyper-parameter of the model.
const NORMALIZE: &str = "normalize";

impl ModelRow {
    /// Number of combinations, the excluded ones included.
    pub fn product(&self) -> u128 {
        self.axes.iter().map(|axis| axis.points.len() as u128).fold(1, u128::saturating_mul)
    }

    /// Every combination of the axes' points that is not excluded, in the order of the axes; the last one varies
    /// fastest.
    pub fn settings(&self) -> impl Iterator<Item = Settings> {
        self.combinations().filter(|settings| !self.exclude.iter().any(|excluded| matches(excluded, settings)))
    }

    /// The configuration with these settings.
    pub fn configuration(&self, mut settings: Settings) -> Configuration {
        let own = settings.remove(NORMALIZE).and_then(|value| match value {
            Value::Text(name) => Normalize::named(&name),
            Value::Integer(_) | Value::Number(_) | Value::Integers(_) | Value::Flag(_) => None,
        });
        Configuration {
            model: self.model.clone(),
            hyperparameters: settings,
            stop: self.stop,
            normalize: own.unwrap_or(self.normalize),
        }
    }

    /// Every combination, in order.
    pub(crate) fn combinations(&self) -> impl Iterator<Item = Settings> {
        // Rows beyond a bound far below 2^64 were refused.
        (0..self.product()).map(|index| self.combination(index))
    }

    fn combination(&self, mut index: u128) -> Settings {
        let mut settings = Settings::new();
        for axis in self.axes.iter().rev() {
            let points = axis.points.len() as u128;
            let point = &axis.points[(index % points) as usize];
            index /= points;
            settings.extend(axis.names.iter().cloned().zip(point.iter().cloned()));
        }
        settings
    }
}

/// Whether `settings` have every value of `excluded`.
pub(super) fn matches(excluded: &Settings, settings: &Settings) -> bool {
    excluded.iter().all(|(name, value)| settings.get(name) == Some(value))
}
