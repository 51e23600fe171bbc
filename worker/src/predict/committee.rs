//! What networks say together.

use seedgrid_common::model::DIGITS;

use crate::training::Prediction;

/// What one network, or several together, say of a pair.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Said {
    pub(super) probability: Probability,
    /// 0 or 1.
    pub(super) class: u8,
    /// The two digits' classes, where a network was trained to name them.
    pub(super) digits: Option<[u8; 2]>,
}

/// A probability of class 1, with the precision that it has.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
#[serde(untagged)]
pub(super) enum Probability {
    /// A network's own: as a result has it.
    Own(f32),
    /// A mean of several.
    Mean(f64),
}

impl std::fmt::Display for Probability {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Own(probability) => write!(f, "{probability}"),
            Self::Mean(probability) => write!(f, "{probability}"),
        }
    }
}

/// What one network says.
pub(super) fn alone(predictions: &[Prediction]) -> Vec<Said> {
    predictions
        .iter()
        .map(|one| Said {
            probability: Probability::Own(one.probability),
            class: one.class,
            digits: one.digits.map(|digits| digits.map(|digit| likeliest(&digit))),
        })
        .collect()
}

/// The votes of networks, summed up one after the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Committee {
    networks: usize,
    probabilities: Vec<f64>,
    /// Sums over those networks that name the digits; empty where none does.
    digits: Vec<[[f64; DIGITS]; 2]>,
}

impl Committee {
    /// Adds a network's votes, on the same pairs as those before.
    pub(super) fn add(&mut self, predictions: &[Prediction]) {
        self.networks += 1;
        self.probabilities.resize(predictions.len(), 0.0);
        for (sum, one) in self.probabilities.iter_mut().zip(predictions) {
            *sum += f64::from(one.probability);
        }
        let named = predictions.iter().filter_map(|one| one.digits);
        if predictions.iter().all(|one| one.digits.is_some()) {
            self.digits.resize(predictions.len(), [[0.0; DIGITS]; 2]);
            for (sums, digits) in self.digits.iter_mut().zip(named) {
                for (sum, probability) in sums.iter_mut().flatten().zip(digits.iter().flatten()) {
                    *sum += probability;
                }
            }
        }
    }

    /// Number of networks.
    pub(super) fn networks(&self) -> usize {
        self.networks
    }

    /// What they say together: the mean of their probabilities, class 1 above one half, as reports average seeds; the digits of
    /// the highest mean probability.
    pub(super) fn said(&self) -> Vec<Said> {
        let of_pair = |(pair, sum): (usize, &f64)| {
            let mean = sum / self.networks as f64;
            let digits = self.digits.get(pair).map(|digits| digits.map(|digit| likeliest(&digit)));
            Said { probability: Probability::Mean(mean), class: u8::from(mean > 0.5), digits }
        };
        self.probabilities.iter().enumerate().map(of_pair).collect()
    }
}

/// How many pairs are classified wrongly.
pub(super) fn wrong(said: &[Said], labels: &[u8]) -> usize {
    said.iter().zip(labels).filter(|(said, label)| said.class != **label).count()
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

    fn one(probability: f32, digits: Option<[usize; 2]>) -> Prediction {
        let named = |digit: usize| {
            let mut probabilities = [0.02; DIGITS];
            probabilities[digit] = 0.82;
            probabilities
        };
        let class = u8::from(probability > 0.5);
        Prediction { probability, class, digits: digits.map(|digits| digits.map(named)) }
    }

    #[test]
    fn a_committee_votes_by_mean_probability() {
        let mut committee = Committee::default();
        committee.add(&[one(0.9, None), one(0.25, None)]);
        committee.add(&[one(0.2, None), one(0.75, None)]);
        let said = committee.said();
        assert_eq!(committee.networks(), 2);
        assert_eq!(said[0].class, 1);
        assert_eq!(said[1].class, 0, "one half is not more than one half");
        assert_eq!(said[0].digits, None);
        assert_eq!(wrong(&said, &[1, 1]), 1);
        let Probability::Mean(mean) = said[0].probability else { panic!("a mean") };
        assert!((mean - 0.55).abs() < 1e-7);
    }

    #[test]
    fn digits_are_those_of_the_networks_that_name_them() {
        let mut committee = Committee::default();
        committee.add(&[one(0.9, None)]);
        committee.add(&[one(0.9, Some([3, 7]))]);
        assert_eq!(committee.said()[0].digits, Some([3, 7]));
        committee.add(&[one(0.9, Some([4, 7]))]);
        committee.add(&[one(0.9, Some([4, 8]))]);
        assert_eq!(committee.said()[0].digits, Some([4, 7]));
        assert_eq!(alone(&[one(0.9, Some([9, 0]))])[0].digits, Some([9, 0]));
    }

    #[test]
    fn probabilities_are_written_short_and_read_back() {
        assert_eq!(Probability::Own(0.1).to_string(), "0.1");
        assert_eq!(Probability::Mean(0.1).to_string(), "0.1");
        assert_eq!(serde_json::to_string(&Probability::Own(0.1)).unwrap(), "0.1");
    }
}
