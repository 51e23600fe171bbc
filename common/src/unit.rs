//! Units: what is trained, and the ids that make equal work equal everywhere.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    model,
    training::{Normalize, StopRule},
};

/// Grows when the worker's numeric kernels change results. See also each model's own revision.
pub const KERNELS_REVISION: u32 = 1;

/// One value of a hyper-parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A whole number.
    Integer(u64),
    /// A real number, always finite.
    Number(f64),
    /// A word.
    Text(String),
    /// A list of whole numbers, for example hidden widths.
    Integers(Vec<u64>),
    /// Yes or no.
    Flag(bool),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => write!(f, "{value}"),
            // 1e-5 and 1e20 rather than 0.00001 and a one with twenty zeros: labels stay short.
            Self::Number(value) if *value != 0.0 && !(1e-4..1e16).contains(&value.abs()) => write!(f, "{value:e}"),
            Self::Number(value) => write!(f, "{value}"),
            Self::Text(value) => f.write_str(value),
            Self::Integers(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{item}")?;
                }
                f.write_str("]")
            }
            Self::Flag(value) => write!(f, "{value}"),
        }
    }
}

/// Hyper-parameters by name: every one of the model's schema, defaults filled in, each of the kind that the schema says.
pub type Hyperparameters = BTreeMap<String, Value>;

/// A model with its hyper-parameters: one row of a result table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Configuration {
    /// Name of a model in [`crate::model`].
    pub model: String,
    /// Complete and checked against the model's schema.
    pub hyperparameters: Hyperparameters,
    /// When training ends.
    pub stop: StopRule,
    /// How pixels become inputs.
    pub normalize: Normalize,
}

/// Which pairs are trained on and which are scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fold {
    /// Trained on all training pairs, scored on the test pairs.
    Holdout,
    /// Fold `index` (0-based) of `of`: the training pairs without that fold, scored on it.
    Part {
        /// 0-based.
        index: u32,
        /// Number of folds, at least 2.
        of: u32,
    },
}

impl fmt::Display for Fold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Holdout => f.write_str("hold-out"),
            Self::Part { index, of } => write!(f, "fold {} of {of}", index + 1),
        }
    }
}

/// What is trained: (configuration, fold, seed) on one data set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unit {
    /// Digest of the encoded data set, 64 hexadecimal digits.
    pub dataset_digest: String,
    /// What is trained, and how.
    pub configuration: Configuration,
    /// On what part of the data.
    pub fold: Fold,
    /// The number from which initial weights, shuffling and dropout are drawn.
    pub seed: u64,
}

impl Unit {
    /// The unit's id: a hash of its canonical content (JSON with sorted keys and shortest round-trip numbers) and of the
    /// revisions of its model and of the kernels. Equal work has an equal id everywhere.
    pub fn id(&self) -> UnitId {
        #[derive(Serialize)]
        struct Canonical<'a> {
            unit: &'a Unit,
            model_revision: u32,
            kernels_revision: u32,
        }
        let canonical = Canonical {
            unit: self,
            model_revision: model::find(&self.configuration.model).map_or(0, |model| model.revision),
            kernels_revision: KERNELS_REVISION,
        };
        let text = serde_json::to_vec(&canonical).expect("plain data with string keys always serialises");
        let digest = Sha256::digest(&text);
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        UnitId(id)
    }

    /// For people: model, the hyper-parameters that are not its schema's defaults, fold and seed.
    pub fn label(&self) -> String {
        let mut label = self.configuration.model.clone();
        let schema = model::find(&self.configuration.model).map_or(&[][..], |model| model.parameters);
        for (name, value) in &self.configuration.hyperparameters {
            let default = schema.iter().find(|parameter| parameter.name == *name).and_then(|p| p.default_value());
            if default.as_ref() != Some(value) {
                label.push_str(&format!(" {name}={value}"));
            }
        }
        if let Fold::Part { .. } = self.fold {
            label.push_str(&format!(" {}", self.fold));
        }
        label.push_str(&format!(" seed {}", self.seed));
        label
    }
}

/// A unit's id. Written as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitId(pub [u8; 16]);

impl fmt::Display for UnitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for UnitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Text that is not a unit's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a unit's id is 32 hexadecimal digits")]
pub struct BadUnitId;

impl FromStr for UnitId {
    type Err = BadUnitId;

    fn from_str(text: &str) -> Result<Self, BadUnitId> {
        if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(BadUnitId);
        }
        let mut id = [0; 16];
        for (index, byte) in id.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).map_err(|_| BadUnitId)?;
        }
        Ok(Self(id))
    }
}
