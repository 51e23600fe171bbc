//! The pairs that a unit trains on and is scored on, ready for its network.

use seedgrid_common::{
    data::{Dataset, PAIR_PIXELS, Pairs, folds::Scored, normalize::Normalizer},
    training::Normalize,
};

use super::unit_settings::Recipe;

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
