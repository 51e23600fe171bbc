//! The pairs that a unit trains on and is scored on, ready for its network, and their order.

use seedgrid_common::{
    data::{Dataset, PAIR_PIXELS, Pairs, folds::Scored, normalize::Normalizer},
    random::Stream,
    training::Normalize,
};

use super::recipe::Recipe;
use crate::networks::{DropoutLayer, Masks};

/// Pairs with normalised pixels.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Examples {
    /// Normalised pixels, shape (pairs, 2, 14, 14).
    pub(super) pixels: Vec<f32>,
    /// The comparison's class of each pair.
    pub(super) labels: Vec<u8>,
    /// The digits of each pair.
    pub(super) digits: Vec<[u8; 2]>,
}

impl Examples {
    pub(super) fn len(&self) -> usize {
        self.labels.len()
    }

    /// Some of a data set's pairs.
    fn select(pairs: &Pairs, chosen: impl Iterator<Item = usize>, normalizer: Normalizer) -> Self {
        let mut examples = Self::default();
        for pair in chosen {
            let pixels = &pairs.pixels[pair * PAIR_PIXELS..(pair + 1) * PAIR_PIXELS];
            examples.pixels.extend(normalizer.apply(pixels));
            examples.labels.push(pairs.label(pair));
            examples.digits.push(pairs.digits[pair]);
        }
        examples
    }

    /// Replaces `self` by the examples at these indices of `all`.
    pub(super) fn gather(&mut self, all: &Self, places: &[u32]) {
        self.pixels.clear();
        self.labels.clear();
        self.digits.clear();
        for &place in places {
            let place = place as usize;
            self.pixels.extend_from_slice(&all.pixels[place * PAIR_PIXELS..(place + 1) * PAIR_PIXELS]);
            self.labels.push(all.labels[place]);
            self.digits.push(all.digits[place]);
        }
    }
}

/// The examples to train on and to score, normalised by the statistics of the former, and the normaliser.
pub(super) fn examples(recipe: &Recipe, normalize: Normalize, dataset: &Dataset) -> (Examples, Examples, Normalizer) {
    let train = &recipe.split.train;
    let normalizer = Normalizer::fit(normalize, &dataset.train.pixels, train);
    let places = |chosen: &[u32]| chosen.iter().map(|&pair| pair as usize).collect::<Vec<_>>().into_iter();
    let scored = match &recipe.split.scored {
        Scored::Test => Examples::select(&dataset.test, 0..dataset.test.len(), normalizer),
        Scored::Validation(pairs) => Examples::select(&dataset.train, places(pairs), normalizer),
    };
    (Examples::select(&dataset.train, places(train), normalizer), scored, normalizer)
}

/// The positions of streams, in 32-bit words drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Positions {
    /// The position of the stream of the epochs' orders.
    pub(super) shuffle: u64,
    /// The position of the stream of dropout's masks.
    pub(super) dropout: u64,
}

/// The random streams of a unit's training.
#[derive(Clone, Debug)]
pub(super) struct TrainingStreams {
    shuffle: Stream,
    dropout: Stream,
    layers: Vec<DropoutLayer>,
}

impl TrainingStreams {
    pub(super) fn new(seed: u64, layers: Vec<DropoutLayer>) -> Self {
        Self { shuffle: Stream::new(seed, "shuffle"), dropout: Stream::new(seed, "dropout"), layers }
    }

    /// The positions of the streams.
    pub(super) fn positions(&self) -> Positions {
        Positions { shuffle: self.shuffle.position(), dropout: self.dropout.position() }
    }

    /// Continues from these positions.
    pub(super) fn seek(&mut self, positions: Positions) {
        self.shuffle.seek(positions.shuffle);
        self.dropout.seek(positions.dropout);
    }

    /// The next epoch's order of `count` examples: ascending, then shuffled.
    pub(super) fn order(&mut self, count: usize) -> Vec<u32> {
        let mut order: Vec<u32> = (0..count).map(|place| place as u32).collect();
        self.shuffle.shuffle(&mut order);
        order
    }

    /// The masks for the next batch: layer by layer, each value with its own random number, which drops it if it is
    /// below the layer's probability.
    pub(super) fn masks(&mut self, pairs: usize) -> Masks {
        let stream = &mut self.dropout;
        let of_layer = |layer: &DropoutLayer| {
            let kept = (1.0 / (1.0 - layer.probability)) as f32;
            (0..pairs * layer.values_per_pair)
                .map(|_| if f64::from(stream.unit_f32()) < layer.probability { 0.0 } else { kept })
                .collect()
        };
        self.layers.iter().map(of_layer).collect()
    }
}
