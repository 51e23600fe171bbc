//! Reads `stop` and `normalize`: a stage's, overridden by a row's.

use super::{Problem, error::Problems, toml_table::Entry};
use crate::{
    training::{Normalize, StopLoss, StopRule},
    wire::limits::EPOCHS_MAX,
};

/// The words for `stop.loss`.
const LOSS: [(&str, StopLoss); 2] =
    [(StopLoss::Mean.name(), StopLoss::Mean), (StopLoss::BatchSum.name(), StopLoss::BatchSum)];

/// Default of [`StopRule::min_epochs`] in a spec: networks often spend their first epochs on a plateau on which the
/// loss hardly changes.
pub(super) const MIN_EPOCHS: u32 = 30;
/// Default of [`StopRule::patience`] in a spec: dropout makes two successive losses similar by chance.
pub(super) const PATIENCE: u32 = 3;

/// The keys of a `stop` table, with None for missing ones.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StopKeys {
    /// See [`StopRule::loss_delta`].
    pub loss_delta: Option<f64>,
    /// See [`StopRule::max_epochs`].
    pub max_epochs: Option<u32>,
    /// See [`StopRule::min_epochs`].
    pub min_epochs: Option<u32>,
    /// See [`StopRule::patience`].
    pub patience: Option<u32>,
    /// See [`StopRule::loss_drop`].
    pub loss_drop: Option<f64>,
    /// See [`StopRule::loss`].
    pub loss: Option<StopLoss>,
}

impl StopKeys {
    /// Reads the table. A wrong value is reported and replaced by one that cannot collide with others.
    pub(super) fn read(entry: Entry<'_>, problems: &mut Problems<'_>) -> Self {
        let Some(mut table) = entry.table("stop = { loss_delta = 0.001, max_epochs = 300 }", problems) else {
            return Self { loss_delta: Some(0.0), max_epochs: Some(EPOCHS_MAX as u32), ..Self::default() };
        };
        let loss_delta = table.optional("loss_delta").map(|entry| {
            let allowed = |delta: f64| delta.is_finite() && delta >= 0.0;
            entry.number("a finite number, 0 or above", allowed, problems).unwrap_or(0.0)
        });
        let mut epochs = |key, fallback: u32, problems: &mut Problems<'_>| {
            let entry = table.optional(key)?;
            let epochs = entry.whole(1..=EPOCHS_MAX as u64, problems);
            Some(epochs.and_then(|epochs| u32::try_from(epochs).ok()).unwrap_or(fallback))
        };
        let max_epochs = epochs("max_epochs", EPOCHS_MAX as u32, problems);
        let min_epochs = epochs("min_epochs", 1, problems);
        let patience = epochs("patience", 1, problems);
        let loss_drop = table.optional("loss_drop").map(|entry| {
            entry.number("a number from 0 to below 1", |drop| (0.0..1.0).contains(&drop), problems).unwrap_or(0.0)
        });
        let loss = table.optional("loss").and_then(|entry| entry.word("loss of the stopping rule", &LOSS, problems));
        // A required key under a wrong name is not reported as missing as well.
        let meant = table.finish(problems);
        Self {
            loss_delta: loss_delta.or(meant.contains(&"loss_delta").then_some(0.0)),
            max_epochs: max_epochs.or(meant.contains(&"max_epochs").then_some(EPOCHS_MAX as u32)),
            min_epochs,
            patience,
            loss_drop,
            loss,
        }
    }

    /// These keys, with those of `other` for missing ones.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            loss_delta: self.loss_delta.or(other.loss_delta),
            max_epochs: self.max_epochs.or(other.max_epochs),
            min_epochs: self.min_epochs.or(other.min_epochs),
            patience: self.patience.or(other.patience),
            loss_drop: self.loss_drop.or(other.loss_drop),
            loss: self.loss.or(other.loss),
        }
    }

    /// `rule` with these keys changed. A wait that is the default for its number of epochs stays the default.
    pub fn over(self, rule: StopRule) -> StopRule {
        let max_epochs = self.max_epochs.unwrap_or(rule.max_epochs);
        let wait = |own: Option<u32>, inherited: u32, usual: u32| {
            let is_default = inherited == usual.min(rule.max_epochs);
            own.unwrap_or(if is_default { usual.min(max_epochs) } else { inherited })
        };
        StopRule {
            loss_delta: self.loss_delta.unwrap_or(rule.loss_delta),
            max_epochs,
            min_epochs: wait(self.min_epochs, rule.min_epochs, MIN_EPOCHS),
            patience: wait(self.patience, rule.patience, PATIENCE),
            loss_drop: self.loss_drop.unwrap_or(rule.loss_drop),
            loss: self.loss.unwrap_or(rule.loss),
        }
    }

    /// The names of the keys that are set.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        let Self { loss_delta, max_epochs, min_epochs, patience, loss_drop, loss } = self;
        let there = [
            ("loss_delta", loss_delta.is_some()),
            ("max_epochs", max_epochs.is_some()),
            ("min_epochs", min_epochs.is_some()),
            ("patience", patience.is_some()),
            ("loss_drop", loss_drop.is_some()),
            ("loss", loss.is_some()),
        ];
        there.into_iter().filter(|(_, there)| *there).map(|(name, _)| name).collect()
    }

    /// Whether the keys set a number of epochs.
    pub(super) fn sets_epochs(&self) -> bool {
        self.max_epochs.or(self.min_epochs).or(self.patience).is_some()
    }

    /// The required keys that are missing, each with an example.
    pub(super) fn missing(&self) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
        let delta = self.loss_delta.is_none().then_some(("loss_delta", "loss_delta = 0.001"));
        let epochs = self.max_epochs.is_none().then_some(("max_epochs", "max_epochs = 300"));
        delta.into_iter().chain(epochs)
    }

    /// The rule with defaults, which are cut to its number of epochs; None while a required key is missing.
    pub(super) fn rule(&self) -> Option<StopRule> {
        let max_epochs = self.max_epochs?;
        Some(StopRule {
            loss_delta: self.loss_delta?,
            max_epochs,
            min_epochs: self.min_epochs.unwrap_or(MIN_EPOCHS.min(max_epochs)),
            patience: self.patience.unwrap_or(PATIENCE.min(max_epochs)),
            loss_drop: self.loss_drop.unwrap_or(0.0),
            loss: self.loss.unwrap_or(StopLoss::Mean),
        })
    }
}

/// The problem of a useless rule: a wait longer than the training.
pub(super) fn late(rule: &StopRule) -> Option<Problem> {
    [("min_epochs", rule.min_epochs), ("patience", rule.patience)]
        .into_iter()
        .find(|(_, value)| *value > rule.max_epochs)
        .map(|(key, value)| Problem::LateStop { key, value, max_epochs: rule.max_epochs })
}

/// Reads `normalize`.
pub(super) fn normalize(entry: Entry<'_>, problems: &mut Problems<'_>) -> Option<Normalize> {
    entry.word("normalisation", &Normalize::ALL.map(|normalize| (normalize.name(), normalize)), problems)
}
