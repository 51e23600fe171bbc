//! Units of training, and their ids: equal work has an equal id everywhere.

use std::{fmt, io::Write as _, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    copy_on_write::Shared,
    hexadecimal,
    hyperparameters::Hyperparameters,
    model,
    study_id::StudyId,
    training::{Normalize, StopRule},
};

/// Grows when a change of the worker's numeric kernels changes results. See also each model's own revision.
pub const KERNELS_REVISION: u32 = 1;

/// A model with its hyper-parameters: one row of a result table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Configuration {
    /// Name of a model in [`crate::model`].
    pub model: String,
    /// The hyper-parameters, complete and checked against the model's schema.
    pub hyperparameters: Hyperparameters,
    /// The stopping rule.
    pub stop: StopRule,
    /// The way in which pixels become inputs.
    pub normalize: Normalize,
}

impl Configuration {
    /// The configuration as JSON with sorted keys: equal for equal configurations. Numbers have no total order, and
    /// these texts have one.
    pub fn key(&self) -> String {
        json(self)
    }
}

/// The pairs that are trained on and those that are scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fold {
    /// Trained on all training pairs, scored on the test pairs.
    Holdout,
    /// Fold `index` (0-based) of `of`: the training pairs without that fold, scored on it.
    Part {
        /// The fold's number, from 0.
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

/// One piece of training: (configuration, fold, seed) on one data set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unit {
    /// Digest of the encoded data set, 64 hexadecimal digits.
    pub dataset_digest: Shared<String>,
    /// The configuration that is trained.
    pub configuration: Shared<Configuration>,
    /// The part of the data.
    pub fold: Fold,
    /// The number from which initial weights, shuffling and dropout are drawn.
    #[serde(deserialize_with = "crate::json::whole")]
    pub seed: u64,
}

impl Unit {
    /// The unit's id: a hash of its canonical content (JSON with sorted keys and shortest round-trip numbers) and of the
    /// revisions of its model and of the kernels. Equal work has an equal id everywhere.
    pub fn id(&self) -> UnitId {
        UnitIds::new(&self.dataset_digest, &self.configuration.model, &self.configuration.key())
            .id(self.fold, self.seed)
    }
}

/// The longest text of fold, seed and revisions in the canonical text of a unit, in bytes, and more.
const REST_BYTES_MAX: usize = 192;

/// The ids of units of one configuration on one data set. Their common content is hashed once.
#[derive(Clone, Debug)]
pub struct UnitIds {
    /// The hash of the canonical text up to the fold.
    common: Sha256,
    model_revision: u32,
}

impl UnitIds {
    /// `key` is the [key](Configuration::key) of a configuration of `model`.
    pub fn new(dataset_digest: &str, model: &str, key: &str) -> Self {
        let mut common = Sha256::new();
        common.update(r#"{"unit":{"dataset_digest":"#);
        common.update(json(&dataset_digest));
        common.update(r#","configuration":"#);
        common.update(key);
        common.update(r#","fold":"#);
        Self { common, model_revision: model::find(model).map_or(0, |model| model.revision) }
    }

    /// The id of the unit with this fold and seed.
    pub fn id(&self, fold: Fold, seed: u64) -> UnitId {
        // The same bytes as JSON's: a study has a million ids, so nothing is allocated here.
        let mut rest = [0_u8; REST_BYTES_MAX];
        let mut free = &mut rest[..];
        let written = match fold {
            Fold::Holdout => write!(free, r#""holdout""#),
            Fold::Part { index, of } => write!(free, r#"{{"part":{{"index":{index},"of":{of}}}}}"#),
        };
        let revisions = (self.model_revision, KERNELS_REVISION);
        let written = written.and_then(|()| {
            write!(free, r#","seed":{seed}}},"model_revision":{},"kernels_revision":{}}}"#, revisions.0, revisions.1)
        });
        written.expect("the longest numbers fit");
        let left = free.len();
        let mut hash = self.common.clone();
        hash.update(&rest[..REST_BYTES_MAX - left]);
        let mut id = [0; 16];
        id.copy_from_slice(&hash.finalize()[..16]);
        UnitId(id)
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("plain data with string keys always serialises")
}

/// A unit's id. Its text has 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitId(pub [u8; 16]);

impl fmt::Display for UnitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hexadecimal::write(self.0, f)
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
        hexadecimal::parse(text).map(Self).ok_or(BadUnitId)
    }
}

/// One execution of a unit of a study. Its number only grows, and fences late messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attempt {
    /// The study that leased it.
    pub study: StudyId,
    /// The unit's id.
    pub unit: UnitId,
    /// The attempt's number, from 1.
    pub number: u32,
}

impl fmt::Display for Attempt {
    /// STUDY/UNIT#NUMBER.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}#{}", self.study, self.unit, self.number)
    }
}

/// Text that is not an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an attempt is written as STUDY/UNIT#NUMBER")]
pub struct BadAttempt;

impl FromStr for Attempt {
    type Err = BadAttempt;

    fn from_str(text: &str) -> Result<Self, BadAttempt> {
        let (study, rest) = text.split_once('/').ok_or(BadAttempt)?;
        let (unit, number) = rest.split_once('#').ok_or(BadAttempt)?;
        Ok(Self {
            study: study.parse().map_err(|_| BadAttempt)?,
            unit: unit.parse().map_err(|_| BadAttempt)?,
            number: number.parse().map_err(|_| BadAttempt)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::{hyperparameters::Value, training::StopLoss};

    fn unit() -> Unit {
        Unit {
            dataset_digest: "0123456789abcdef".repeat(4).into(),
            configuration: Configuration {
                model: "fc-aux".to_owned(),
                hyperparameters: [
                    ("learning_rate".to_owned(), Value::Number(0.01)),
                    ("batch_size".to_owned(), Value::Integer(20)),
                    ("hidden".to_owned(), Value::Integers(vec![150, 50, 20, 10])),
                    ("auxiliary_weight".to_owned(), Value::Number(0.3)),
                    ("dropout".to_owned(), Value::Number(0.0)),
                    ("optimiser".to_owned(), Value::Text("sgd".to_owned())),
                    ("momentum".to_owned(), Value::Number(0.0)),
                    ("weight_decay".to_owned(), Value::Number(0.0)),
                    ("initial_scale".to_owned(), Value::Number(1.0)),
                ]
                .into(),
                stop: StopRule::PAPER,
                normalize: Normalize::Standardize,
            }
            .into(),
            fold: Fold::Holdout,
            seed: 7,
        }
    }

    fn set(unit: &mut Unit, name: &str, value: Value) {
        unit.configuration.hyperparameters.insert(name.to_owned(), value);
    }

    /// A changed id makes every stored result unusable. If this fails because results really change, raise the model's
    /// or the kernels' revision and write the new ids here; otherwise undo the change.
    #[test]
    fn ids_are_fixed() {
        assert_eq!(unit().id().to_string(), GOLDEN[0]);
        let fold = Unit { fold: Fold::Part { index: 2, of: 10 }, ..unit() };
        assert_eq!(fold.id().to_string(), GOLDEN[1]);
        let mut cnn = unit();
        cnn.configuration.model = "cnn".to_owned();
        cnn.configuration.hyperparameters = [
            ("learning_rate".to_owned(), Value::Number(0.1)),
            ("batch_size".to_owned(), Value::Integer(20)),
            ("dropout".to_owned(), Value::Number(0.5)),
            ("dropout_at".to_owned(), Value::Text("output".to_owned())),
            ("optimiser".to_owned(), Value::Text("adam".to_owned())),
            ("momentum".to_owned(), Value::Number(0.0)),
            ("weight_decay".to_owned(), Value::Number(0.0001)),
            ("initial_scale".to_owned(), Value::Number(1.0)),
        ]
        .into();
        assert_eq!(cnn.id().to_string(), GOLDEN[2]);
    }
    /// The ids of common/fixtures/golden.py.
    const GOLDEN: [&str; 3] =
        ["c60802677bd23b0c064e135241d67700", "83679f00265c339da0362c3356e67f2e", "5241de0887fd76d3039571642c8988ef"];

    /// The text that is hashed is the unit's JSON, with the revisions after it.
    #[test]
    fn an_id_is_the_hash_of_the_canonical_text() {
        #[derive(Serialize)]
        struct Canonical {
            unit: Unit,
            model_revision: u32,
            kernels_revision: u32,
        }
        for fold in [Fold::Holdout, Fold::Part { index: 3, of: 5 }, Fold::Part { index: u32::MAX, of: u32::MAX }] {
            for model in ["fc-aux", "a \"quoted\" model"] {
                let mut unit = Unit { fold, seed: u64::MAX, ..unit() };
                unit.configuration.model = model.to_owned();
                let model_revision = model::find(model).map_or(0, |model| model.revision);
                let id = unit.id();
                let text = json(&Canonical { unit, model_revision, kernels_revision: KERNELS_REVISION });
                assert_eq!(id.0, Sha256::digest(text)[..16], "{model}");
            }
        }
    }

    #[test]
    fn every_field_matters() {
        let changes: [fn(&mut Unit); 23] = [
            |_| {},
            |unit| unit.dataset_digest.replace_range(0..1, "1"),
            |unit| unit.configuration.model = "fc".to_owned(),
            |unit| set(unit, "learning_rate", Value::Number(0.02)),
            |unit| set(unit, "batch_size", Value::Integer(21)),
            |unit| set(unit, "hidden", Value::Integers(vec![150, 50, 20])),
            |unit| set(unit, "auxiliary_weight", Value::Number(0.4)),
            |unit| set(unit, "dropout", Value::Number(0.5)),
            |unit| set(unit, "optimiser", Value::Text("adam".to_owned())),
            |unit| set(unit, "momentum", Value::Number(0.9)),
            |unit| set(unit, "weight_decay", Value::Number(0.1)),
            |unit| set(unit, "initial_scale", Value::Number(0.5)),
            |unit| set(unit, "activation", Value::Text("relu".to_owned())),
            |unit| unit.configuration.stop.loss_delta = 0.002,
            |unit| unit.configuration.stop.max_epochs = 301,
            |unit| unit.configuration.stop.min_epochs = 2,
            |unit| unit.configuration.stop.patience = 2,
            |unit| unit.configuration.stop.loss_drop = 0.1,
            |unit| unit.configuration.stop.loss = StopLoss::BatchSum,
            |unit| unit.configuration.normalize = Normalize::Scale,
            |unit| unit.fold = Fold::Part { index: 0, of: 2 },
            |unit| unit.fold = Fold::Part { index: 1, of: 2 },
            |unit| unit.seed = 8,
        ];
        let ids: BTreeSet<UnitId> = changes
            .iter()
            .map(|change| {
                let mut unit = unit();
                change(&mut unit);
                unit.id()
            })
            .collect();
        assert_eq!(ids.len(), changes.len());
    }

    #[test]
    fn neither_order_nor_spelling_matters() {
        let mut reversed = unit();
        let pairs: Vec<(String, Value)> =
            std::mem::take(&mut reversed.configuration.hyperparameters).into_iter().rev().collect();
        reversed.configuration.hyperparameters.extend(pairs);
        assert_eq!(reversed.id(), unit().id());
        // 1 and 1.0, 0 and -0.0 are the same number once the schema has read them.
        let schema = model::find("fc-aux").unwrap().parameters;
        let id = |name: &str, value: Value| {
            let parameter = schema.iter().find(|parameter| parameter.name == name).unwrap();
            let mut unit = unit();
            set(&mut unit, name, parameter.check(value).unwrap());
            unit.id()
        };
        assert_eq!(id("learning_rate", Value::Integer(1)), id("learning_rate", Value::Number(1.0)));
        assert_eq!(id("dropout", Value::Number(-0.0)), id("dropout", Value::Number(0.0)));
        assert_eq!(id("dropout", Value::Integer(0)), unit().id());
    }

    #[test]
    fn labels_name_what_is_not_a_default() {
        let mut unit = unit();
        assert_eq!(unit.label(), "fc-aux batch_size=20 learning_rate=0.01 seed 7");
        unit.fold = Fold::Part { index: 2, of: 10 };
        set(&mut unit, "hidden", Value::Integers(vec![30, 10]));
        set(&mut unit, "learning_rate", Value::Number(1e-5));
        assert_eq!(unit.label(), "fc-aux batch_size=20 hidden=[30, 10] learning_rate=1e-5 fold 3 of 10 seed 7");
        set(&mut unit, "optimiser", Value::Text("adam".to_owned()));
        set(&mut unit, "hidden", Value::Integers(vec![150, 50, 20, 10]));
        unit.configuration.normalize = Normalize::Scale;
        let label = unit.configuration.label();
        assert_eq!(label, "fc-aux batch_size=20 learning_rate=1e-5 normalize=scale optimiser=adam");
        unit.configuration.model = "unheard-of".to_owned();
        assert!(unit.label().starts_with("unheard-of auxiliary_weight=0.3 "), "all of them without a schema");
    }

    #[test]
    fn numbers_are_shown_short() {
        for (number, shown) in [
            (0.0, "0"),
            (1.0, "1"),
            (0.1, "0.1"),
            (0.0001, "0.0001"),
            (5e-5, "5e-5"),
            (-1e20, "-1e20"),
            (1e300, "1e300"),
        ] {
            assert_eq!(Value::Number(number).to_string(), shown);
        }
    }

    proptest! {
        #[test]
        fn ids_read_back(bytes in any::<[u8; 16]>()) {
            let id = UnitId(bytes);
            prop_assert_eq!(id.to_string().parse(), Ok(id));
            prop_assert_eq!(id.to_string().to_uppercase().parse(), Ok(id));
        }

        #[test]
        fn nothing_else_is_an_id(text in "[0-9a-g\u{e9} +-]{0,40}") {
            let digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            prop_assert_eq!(text.parse::<UnitId>().is_ok(), digits);
        }

        /// A unit's canonical text is complete: it reads back as the same unit, with the kind of every value.
        #[test]
        fn units_read_back(rate in prop::num::f64::NORMAL, seed: u64, batch: u64, word in "[a-z]{1,9}") {
            let mut unit = Unit { seed, ..unit() };
            set(&mut unit, "learning_rate", Value::Number(rate));
            set(&mut unit, "batch_size", Value::Integer(batch));
            set(&mut unit, "word", Value::Text(word));
            set(&mut unit, "flag", Value::Flag(true));
            let text = serde_json::to_string(&unit).unwrap();
            let read: Unit = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(&read, &unit);
            prop_assert_eq!(read.id(), unit.id());
        }
    }
}
