//! Databases for tests.

use std::path::Path;

use prost::Message as _;
use seedgrid_common::{
    hyperparameters::Hyperparameters,
    network_outputs::Outputs,
    training::{Ending, EpochMetrics, Normalize, Scores, StopRule, UnitResult},
    unit::{Configuration, Fold, Unit},
    wire::v1,
};
use sha2::{Digest as _, Sha256};

use super::{ResultRecord, Store, Write};
use crate::scheduler::attempt_ending::AttemptEnding;

/// The first unit of a study.
pub(crate) fn unit() -> Unit {
    Unit {
        dataset_digest: "0".repeat(64).into(),
        configuration: Configuration {
            model: "cnn".to_owned(),
            hyperparameters: Hyperparameters::new(),
            stop: StopRule { max_epochs: 3, ..StopRule::PAPER },
            normalize: Normalize::Standardize,
        }
        .into(),
        fold: Fold::Holdout,
        seed: 1,
    }
}

/// Its result.
pub(crate) fn result() -> UnitResult {
    UnitResult {
        epochs: vec![EpochMetrics { epoch: 1, train_loss: 0.5, train_error: 0.25, validation_error: None }],
        ending: Ending::Done(Scores {
            converged: true,
            outputs: Outputs::new(2, vec![0.25, 0.75, -3.5, 80.0]).unwrap(),
            wrong: 1,
            loss: 0.6,
        }),
    }
}

/// The writes of that.
pub(crate) fn record() -> ResultRecord {
    let payload = v1::UnitResult::from(&result()).encode_to_vec();
    ResultRecord {
        unit: unit().id(),
        attempt: 1,
        at_ms: 5,
        numerics_class: "class".to_owned(),
        diverged: false,
        epochs: 1,
        wrong_of: Some((1, 2)),
        digest: Sha256::digest(&payload).into(),
        payload,
    }
}

/// A worker has registered.
pub(crate) fn registered(worker_id: &str) -> Write {
    Write::Worker { worker_id: worker_id.to_owned(), at_ms: 1, info: Box::default() }
}

/// A new database with one unit, done.
pub(crate) fn filled(path: &Path) -> Store {
    let mut store = Store::open(path).unwrap();
    let id = unit().id();
    let started = Write::Started { unit: id, attempt: 1, worker_id: "w".to_owned(), at_ms: 1, from: None };
    let ended = Write::Ended {
        unit: id,
        attempt: 1,
        at_ms: Some(5),
        ending: AttemptEnding::Done,
        detail: String::new(),
        train_seconds: Some(2.0),
    };
    let writes =
        [registered("w"), Write::Unit(id, Box::new(unit())), started, Write::Result(Box::new(record())), ended];
    store.commit(&writes).unwrap();
    store
}
