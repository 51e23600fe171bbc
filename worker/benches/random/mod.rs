//! Units and data sets of random pairs, for tests, benches and examples.

#![allow(dead_code, reason = "each program uses a part")]

use seedgrid_common::{
    data::{
        Dataset,
        pairs::{self, PAIR_PIXELS, Pairs},
        values::NumberType,
    },
    hyperparameters::{Hyperparameters, Value},
    model::{self, Model},
    random::Stream,
    training::{Normalize, StopRule},
    unit::{Configuration, Fold, Unit},
};

/// A model's defaults, with batches of this size.
pub(crate) fn hyperparameters(model: &Model, batch_size: u64) -> Hyperparameters {
    let mut hyperparameters = model.defaults();
    hyperparameters.insert("learning_rate".to_owned(), Value::Number(0.01));
    hyperparameters.insert("batch_size".to_owned(), Value::Integer(batch_size));
    hyperparameters
}

/// Pairs of random grey values; make_fixtures.py makes the same.
fn random_pairs(count: usize, purpose: &str) -> Pairs {
    let mut stream = Stream::new(7, purpose);
    let pixels = (0..count * PAIR_PIXELS).map(|_| stream.below(256) as f32).collect();
    Pairs { pixels, digits: (0..count).map(|_| [0; 2].map(|_: u8| stream.below(10) as u8)).collect() }
}

/// A data set of random pairs.
pub(crate) fn dataset(train: usize, test: usize) -> Dataset {
    pairs::dataset("random", 0, NumberType::U8, [&random_pairs(train, "train"), &random_pairs(test, "test")])
}

/// A unit that trains for exactly this many epochs, with these settings beside the defaults.
pub(crate) fn unit(model: &str, batch_size: u64, epochs: u32, settings: &[(&str, Value)]) -> Unit {
    let model = model::find(model).expect("it is a model");
    let mut hyperparameters = hyperparameters(model, batch_size);
    hyperparameters.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    let stop = StopRule { loss_delta: 0.0, max_epochs: epochs, ..StopRule::PAPER };
    let (model, normalize) = (model.name.to_owned(), Normalize::Standardize);
    let configuration = Configuration { model, hyperparameters, stop, normalize };
    Unit { dataset_digest: "0".repeat(64).into(), configuration: configuration.into(), fold: Fold::Holdout, seed: 11 }
}
