//! The pairs that a unit trains on and is scored on, as batches for its network.

use seedgrid_common::{
    data::{
        Dataset, Part,
        normalize::{NormalizedInput, Normalizer},
        pairs::{COMPARISON, DIGIT_TARGETS, INPUTS},
    },
    training::Normalize,
};

use super::{TrainError, unit_settings::Recipe};

/// Some of a data set's pairs. They share the data set's bytes.
#[derive(Clone, Debug)]
pub(super) struct Pairs<'d> {
    images: [NormalizedInput<'d>; 2],
    comparisons: &'d [u32],
    digits: [&'d [u32]; 2],
    /// The pairs' places in their part of the data set.
    places: Vec<usize>,
}

/// The pairs of a batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Batch {
    /// Normalised pixels, shape (pairs, 2, 14, 14).
    pub(super) pixels: Vec<f32>,
    /// The comparison's class of each pair.
    pub(super) comparisons: Vec<u32>,
    /// The digits of each pair.
    pub(super) digits: Vec<[u32; 2]>,
}

impl Batch {
    /// Number of pairs.
    pub(super) fn len(&self) -> usize {
        self.comparisons.len()
    }
}

impl<'d> Pairs<'d> {
    fn new(dataset: &'d Dataset, part: Part, places: Vec<usize>, normalizer: Normalizer) -> Result<Self, TrainError> {
        let examples = dataset.part(part);
        let image = |name: &'static str| {
            let values = examples.inputs.get(name).ok_or(TrainError::MissingInput { name })?;
            Ok::<_, TrainError>(NormalizedInput::new(values, normalizer))
        };
        let classes = |name: &'static str| examples.targets.classes(name).ok_or(TrainError::MissingTarget { name });
        Ok(Self {
            images: [image(INPUTS[0])?, image(INPUTS[1])?],
            comparisons: classes(COMPARISON)?,
            digits: [classes(DIGIT_TARGETS[0])?, classes(DIGIT_TARGETS[1])?],
            places,
        })
    }

    /// Number of pairs.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Fills `batch` with the pairs at these indices.
    pub(super) fn gather(&self, chosen: impl Iterator<Item = usize>, batch: &mut Batch) {
        batch.pixels.clear();
        batch.comparisons.clear();
        batch.digits.clear();
        for index in chosen {
            let place = self.places[index];
            self.images.iter().for_each(|image| image.append(place, &mut batch.pixels));
            batch.comparisons.push(self.comparisons[place]);
            batch.digits.push(self.digits.map(|digits| digits[place]));
        }
    }
}

/// The pairs to train on and to score, normalised by the statistics of the former, and the normaliser.
pub(super) fn pairs<'d>(
    recipe: &Recipe,
    normalize: Normalize,
    dataset: &'d Dataset,
) -> Result<(Pairs<'d>, Pairs<'d>, Normalizer), TrainError> {
    let train = &recipe.split.train;
    let image = |name: &'static str| dataset.train.inputs.get(name).ok_or(TrainError::MissingInput { name });
    let normalizer = Normalizer::fit(normalize, &[image(INPUTS[0])?, image(INPUTS[1])?], train);
    let places = train.iter().map(|&place| place as usize).collect();
    let scored = &recipe.split.scored;
    Ok((
        Pairs::new(dataset, Part::Train, places, normalizer)?,
        Pairs::new(dataset, scored.part(), scored.places(dataset), normalizer)?,
        normalizer,
    ))
}
