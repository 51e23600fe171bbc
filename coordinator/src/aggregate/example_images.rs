//! A few of the data set's pairs, as examples of the networks' inputs.

use seedgrid_common::data::{PAIR_PIXELS, Pairs};

/// The largest number of samples of each class.
const EACH_MAX: usize = 5;

/// A training pair for display.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The pair's place among the training pairs, 1-based.
    pub place: usize,
    /// The pair's digits.
    pub digits: [u8; 2],
    /// The pair's class: 1 if the first digit is at most the second, else 0.
    pub label: u8,
    /// Grey values 0..=255, shape (2, 14, 14).
    pub pixels: Vec<f32>,
}

/// The first training pairs of class 1, then the first of class 0: at most five of each.
pub(super) fn samples(train: &Pairs) -> Vec<Sample> {
    let sample = |pair: usize| {
        let pixels = train.pixels.get(pair * PAIR_PIXELS..(pair + 1) * PAIR_PIXELS)?.to_vec();
        Some(Sample { place: pair + 1, digits: train.digits[pair], label: train.label(pair), pixels })
    };
    let of_class = |label: u8| (0..train.len()).filter(move |pair| train.label(*pair) == label).take(EACH_MAX);
    of_class(1).chain(of_class(0)).filter_map(sample).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_pairs_of_each_class_are_shown() {
        let digits = vec![[5, 4], [0, 0], [9, 1], [3, 7], [2, 1]];
        let pixels = (0..digits.len() * PAIR_PIXELS).map(|pixel| (pixel / PAIR_PIXELS) as f32).collect();
        let shown = samples(&Pairs { pixels, digits });
        let places: Vec<(usize, u8)> = shown.iter().map(|sample| (sample.place, sample.label)).collect();
        assert_eq!(places, [(2, 1), (4, 1), (1, 0), (3, 0), (5, 0)]);
        assert_eq!((shown[1].digits, shown[1].pixels.len(), shown[1].pixels[0]), ([3, 7], PAIR_PIXELS, 3.0));

        let many = Pairs { pixels: vec![0.0; 20 * PAIR_PIXELS], digits: vec![[1, 2]; 20] };
        assert_eq!(samples(&many).len(), EACH_MAX);
        assert_eq!(samples(&Pairs { pixels: Vec::new(), digits: Vec::new() }), []);
    }
}
