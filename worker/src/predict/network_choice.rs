//! Chooses the networks of a run that predict: all named ones, or those of the one configuration that a label means.
//! Pure.

use std::collections::BTreeMap;

use seedgrid_common::{label::Facts, unit::Unit};

/// Most labels in an error.
const SHOWN_MAX: usize = 12;

/// A label that does not choose networks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotChosen {
    /// The label fits no network.
    #[error("none of the networks fits `{label}`; there are:{shown}")]
    None {
        /// The label as written.
        label: String,
        /// The configurations, one on each line.
        shown: String,
    },
    /// The label fits networks of several configurations.
    #[error("`{label}` fits networks of {count} configurations:{shown}")]
    Several {
        /// The label as written.
        label: String,
        /// The number of configurations.
        count: usize,
        /// The configurations, one on each line.
        shown: String,
    },
}

/// The indices of those units that the label means, all of one configuration.
///
/// # Errors
/// When the label fits none, or several configurations; each error lists the configurations.
pub(super) fn chosen(units: &[Unit], label: &str) -> Result<Vec<usize>, NotChosen> {
    let places: Vec<usize> = (0..units.len()).filter(|&place| fits(&units[place], label)).collect();
    if places.is_empty() {
        return Err(NotChosen::None { label: label.to_owned(), shown: shown(units.iter()) });
    }
    let fitting = || places.iter().map(|&place| &units[place]);
    match kinds(fitting()) {
        0 | 1 => Ok(places),
        count => Err(NotChosen::Several { label: label.to_owned(), count, shown: shown(fitting()) }),
    }
}

/// The number of different configurations.
pub(super) fn kinds<'u>(units: impl Iterator<Item = &'u Unit>) -> usize {
    by_configuration(units).len()
}

/// The number of units of each configuration, in the order of the configurations' labels.
fn by_configuration<'u>(units: impl Iterator<Item = &'u Unit>) -> Vec<(String, usize)> {
    let mut counted: BTreeMap<(String, String), usize> = BTreeMap::new();
    for unit in units {
        let configuration = &unit.configuration;
        *counted.entry((configuration.label(), format!("{configuration:?}"))).or_default() += 1;
    }
    counted.into_iter().map(|((label, _), count)| (label, count)).collect()
}

/// The configurations of these units, one on each line.
fn shown<'u>(units: impl Iterator<Item = &'u Unit>) -> String {
    let all = by_configuration(units);
    let line = |(label, count): &(String, usize)| {
        format!("\n    {label}  ({})", seedgrid_common::text::count(count, "network"))
    };
    let mut shown: String = all.iter().take(SHOWN_MAX).map(line).collect();
    if all.len() > SHOWN_MAX {
        shown.push_str(&format!("\n    ... and {} more", all.len() - SHOWN_MAX));
    }
    shown
}

/// Whether all of `label` holds of the unit: it is the unit's id, the first digits of the id, or words of its label
/// (defaults included).
fn fits(unit: &Unit, label: &str) -> bool {
    let wanted = label.trim().to_lowercase();
    let is_id = wanted.len() >= 4 && wanted.bytes().all(|byte| byte.is_ascii_hexdigit());
    let said = Facts::read(label);
    is_id && unit.id().to_string().starts_with(&wanted) || !said.is_empty() && said.are_among(&Facts::from_unit(unit))
}

#[cfg(test)]
mod tests {
    use seedgrid_common::{
        hyperparameters::Value,
        training::{Normalize, StopRule},
        unit::{Configuration, Fold},
    };

    use super::*;

    fn unit(model: &str, rate: f64, dropout: f64, seed: u64) -> Unit {
        let stop = StopRule::PAPER;
        let hyperparameters = [("learning_rate", rate), ("dropout", dropout)]
            .map(|(name, value)| (name.to_owned(), Value::Number(value)))
            .into();
        let configuration =
            Configuration { model: model.to_owned(), hyperparameters, stop, normalize: Normalize::Standardize };
        Unit { dataset_digest: "d".to_owned().into(), configuration: configuration.into(), fold: Fold::Holdout, seed }
    }

    fn units() -> Vec<Unit> {
        let mut units: Vec<Unit> =
            [0.1, 0.05].into_iter().flat_map(|rate| [1, 2].map(|seed| unit("cnn", rate, 0.5, seed))).collect();
        units.push(unit("fc", 0.1, 0.5, 1));
        units
    }

    #[test]
    fn a_label_chooses_one_configuration() {
        let units = units();
        let chosen = |label: &str| chosen(&units, label);
        assert_eq!(chosen("learning_rate=0.05"), Ok(vec![2, 3]));
        assert_eq!(chosen("learning_rate=0.050"), Ok(vec![2, 3]), "numbers may be written as in the spec");
        assert_eq!(chosen("cnn learning_rate=0.1"), Ok(vec![0, 1]));
        assert_eq!(chosen("CNN learning_rate=0.1 seed 2"), Ok(vec![1]));
        assert_eq!(chosen("fc"), Ok(vec![4]));
        assert_eq!(chosen("fc dropout=0.5"), Ok(vec![4]), "a default counts, too");
        assert_eq!(chosen(&units[3].id().to_string()[..8]), Ok(vec![3]));
    }

    #[test]
    fn a_label_that_fits_none_or_several_lists_the_configurations() {
        let units = units();
        let none = chosen(&units, "learning_rate=0.2").unwrap_err().to_string();
        for line in ["none of the networks fits `learning_rate=0.2`", "(2 networks)", "\n    fc ", "(1 network)"] {
            assert!(none.contains(line), "{line:?} is missing in {none}");
        }
        let several = chosen(&units, "learning_rate=0.1").unwrap_err().to_string();
        assert!(several.starts_with("`learning_rate=0.1` fits networks of 2 configurations:\n    cnn "), "{several}");
        assert!(!several.contains("0.05"), "{several}");
        assert!(matches!(chosen(&units, ""), Err(NotChosen::None { .. })));
        assert!(matches!(chosen(&units, "seed 3"), Err(NotChosen::None { .. })));
    }
}
