//! Units of random pairs, for benches and examples: how long training takes does not depend on what is seen.

use seedgrid_common::{
    data::{Dataset, PAIR_PIXELS, Pairs},
    hyperparameters::{Hyperparameters, Value},
    model::Model,
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

/// Pairs of random grey values.
pub(crate) fn dataset(train: usize, test: usize) -> Dataset {
    let mut stream = Stream::new(0, "random pairs");
    let mut pairs = |count: usize| Pairs {
        pixels: (0..count * PAIR_PIXELS).map(|_| stream.below(256) as f32).collect(),
        digits: (0..count).map(|_| [0; 2].map(|_: u8| stream.below(10) as u8)).collect(),
    };
    Dataset { title: "random".to_owned(), seed: 0, train: pairs(train), test: pairs(test) }
}

/// A unit that trains for exactly this many epochs.
pub(crate) fn unit(model: &Model, batch_size: u64, epochs: u32) -> Unit {
    let stop = StopRule { loss_delta: 0.0, max_epochs: epochs, ..StopRule::PAPER };
    Unit {
        dataset_digest: String::new().into(),
        configuration: Configuration {
            model: model.name.to_owned(),
            hyperparameters: hyperparameters(model, batch_size),
            stop,
            normalize: Normalize::Standardize,
        }
        .into(),
        fold: Fold::Holdout,
        seed: 1,
    }
}
