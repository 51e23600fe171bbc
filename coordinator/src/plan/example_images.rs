//! A few of the data set's pairs, as examples of the networks' inputs.

/// The largest number of samples of each class.
pub(super) const EACH_MAX: usize = 5;

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

/// The first training pairs of each class.
#[derive(Clone, Debug, Default)]
pub(super) struct Samples {
    of_class: [Vec<Sample>; 2],
}

impl Samples {
    /// Adds the next training pair, if its class has too few. `pixels` has shape (2, 14, 14).
    pub(super) fn add(&mut self, pair: usize, digits: [u8; 2], pixels: &[f32]) {
        let label = u8::from(digits[0] <= digits[1]);
        let samples = &mut self.of_class[usize::from(label)];
        if samples.len() < EACH_MAX {
            samples.push(Sample { place: pair + 1, digits, label, pixels: pixels.to_vec() });
        }
    }

    /// The first pairs of class 1, then the first of class 0: at most five of each.
    pub(super) fn into_list(self) -> Vec<Sample> {
        let [zeros, mut samples] = self.of_class;
        samples.extend(zeros);
        samples
    }
}

#[cfg(test)]
mod tests {
    use seedgrid_common::data::pairs::PAIR_PIXELS;

    use super::*;

    fn samples(digits: &[[u8; 2]]) -> Vec<Sample> {
        let mut samples = Samples::default();
        for (pair, digits) in digits.iter().enumerate() {
            samples.add(pair, *digits, &[pair as f32; PAIR_PIXELS]);
        }
        samples.into_list()
    }

    #[test]
    fn the_first_pairs_of_each_class_are_shown() {
        let shown = samples(&[[5, 4], [0, 0], [9, 1], [3, 7], [2, 1]]);
        let places: Vec<(usize, u8)> = shown.iter().map(|sample| (sample.place, sample.label)).collect();
        assert_eq!(places, [(2, 1), (4, 1), (1, 0), (3, 0), (5, 0)]);
        assert_eq!((shown[1].digits, shown[1].pixels.len(), shown[1].pixels[0]), ([3, 7], PAIR_PIXELS, 3.0));

        assert_eq!(samples(&[[1, 2]; 20]).len(), EACH_MAX);
        assert_eq!(samples(&[]), []);
    }
}
