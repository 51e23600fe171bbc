//! The predictions of one network, and of an ensemble of networks.

use seedgrid_common::{
    classification::{self, Binary, CLASSES},
    model::DIGITS,
};

use crate::training::Prediction;

/// The prediction of one network, or of an ensemble, for a pair.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct PairPrediction {
    pub(super) comparison: Binary,
    /// The two digits' classes, where a network was trained on digits.
    pub(super) digits: Option<[u8; 2]>,
}

/// The predictions of one network.
pub(super) fn alone(predictions: &[Prediction]) -> Vec<PairPrediction> {
    let digit = |logits: [f32; DIGITS]| classification::class(&logits) as u8;
    predictions
        .iter()
        .map(|one| PairPrediction {
            comparison: Binary::from_logits(one.comparison),
            digits: one.digits.map(|digits| digits.map(digit)),
        })
        .collect()
}

/// The predictions of several networks, combined.
#[derive(Clone, Debug, Default)]
pub(super) struct Ensemble {
    /// The logits of each network, for each pair.
    comparisons: Vec<Vec<[f32; CLASSES]>>,
    /// Sums of the digits' probabilities over those networks that classify digits; empty where none does.
    digits: Vec<[[f64; DIGITS]; 2]>,
}

impl Ensemble {
    /// Adds a network's predictions, on the same pairs as those before.
    pub(super) fn add(&mut self, predictions: &[Prediction]) {
        self.comparisons.push(predictions.iter().map(|one| one.comparison).collect());
        let named = predictions.iter().filter_map(|one| one.digits);
        if predictions.iter().all(|one| one.digits.is_some()) {
            self.digits.resize(predictions.len(), [[0.0; DIGITS]; 2]);
            for (sums, digits) in self.digits.iter_mut().zip(named) {
                let logarithms = digits.map(classification::log_probabilities);
                for (sum, logarithm) in sums.iter_mut().flatten().zip(logarithms.iter().flatten()) {
                    *sum += logarithm.exp();
                }
            }
        }
    }

    /// Number of networks.
    pub(super) fn networks(&self) -> usize {
        self.comparisons.len()
    }

    /// The ensemble's predictions: the average of the networks' probabilities, as reports average seeds, and the digits
    /// of the highest mean probability.
    pub(super) fn said(&self) -> Vec<PairPrediction> {
        let pairs = self.comparisons.first().map_or(0, Vec::len);
        let of_pair = |pair: usize| {
            let networks: Vec<Binary> = self.comparisons.iter().map(|one| Binary::from_logits(one[pair])).collect();
            let digits = self.digits.get(pair).map(|digits| digits.map(|digit| likeliest(&digit)));
            Some(PairPrediction { comparison: Binary::average(&networks)?, digits })
        };
        (0..pairs).filter_map(of_pair).collect()
    }
}

/// The number of wrongly classified pairs.
pub(super) fn wrong(said: &[PairPrediction], labels: &[u8]) -> usize {
    said.iter().zip(labels).filter(|(said, label)| said.comparison.class() != **label).count()
}

/// The first class of the highest probability.
fn likeliest(probabilities: &[f64; DIGITS]) -> u8 {
    let mut best = 0;
    for (class, probability) in probabilities.iter().enumerate() {
        if *probability > probabilities[best] {
            best = class;
        }
    }
    best as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(score: f32, digits: Option<[usize; 2]>) -> Prediction {
        let named = |digit: usize| {
            let mut logits = [0.0; DIGITS];
            logits[digit] = 3.0;
            logits
        };
        Prediction { comparison: [0.5, 0.5 + score], digits: digits.map(|digits| digits.map(named)) }
    }

    #[test]
    fn an_ensemble_votes_by_mean_probability() {
        let mut ensemble = Ensemble::default();
        ensemble.add(&[one(2.0, None), one(-1.5, None), one(0.0, None)]);
        ensemble.add(&[one(-1.0, None), one(1.5, None), one(0.0, None)]);
        let said = ensemble.said();
        assert_eq!(ensemble.networks(), 2);
        assert_eq!(said[0].comparison.class(), 1);
        assert_eq!(said[1].comparison.class(), 0, "one half is not more than one half");
        assert_eq!((said[2].comparison.score(), said[2].comparison.class()), (0.0, 0));
        assert_eq!(said[0].digits, None);
        assert_eq!(wrong(&said, &[1, 1, 0]), 1);
        let p = |score: f64| 1.0 / (1.0 + (-score).exp());
        assert!((said[0].comparison.probability() - (p(2.0) + p(-1.0)) / 2.0).abs() < 1e-15);
    }

    #[test]
    fn an_ensemble_of_one_says_what_its_network_says() {
        let predictions = [f32::MIN_POSITIVE, -1e-20, 80.0, -80.0, 0.0]
            .map(|score| Prediction { comparison: [0.0, score], digits: Some([[0.0; DIGITS]; 2]) });
        let mut ensemble = Ensemble::default();
        ensemble.add(&predictions);
        assert_eq!(ensemble.said(), alone(&predictions));
    }

    #[test]
    fn digits_are_those_of_the_networks_that_name_them() {
        let mut ensemble = Ensemble::default();
        ensemble.add(&[one(2.0, None)]);
        ensemble.add(&[one(2.0, Some([3, 7]))]);
        assert_eq!(ensemble.said()[0].digits, Some([3, 7]));
        ensemble.add(&[one(2.0, Some([4, 7]))]);
        ensemble.add(&[one(2.0, Some([4, 8]))]);
        assert_eq!(ensemble.said()[0].digits, Some([4, 7]));
        assert_eq!(alone(&[one(2.0, Some([9, 0]))])[0].digits, Some([9, 0]));
    }
}
