//! The distributions of sampled axes, and the joint draws of a row.

use std::collections::BTreeSet;

use super::size_limits::DRAWS_PER_SAMPLE_MAX;
use crate::{hyperparameters::Value, random::Stream};

/// Significant digits of a drawn number, so that tables stay readable.
const DIGITS: usize = 4;

/// The distribution of an axis's values.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Distribution {
    /// Numbers in `low..=high`: stretches of equal length are equally likely.
    Uniform { low: f64, high: f64 },
    /// Numbers in `low..=high`, `low` above 0, whose logarithms are uniform.
    LogUniform { low: f64, high: f64 },
    /// Whole numbers in `low..=high`, each as likely as any other.
    Whole { low: u64, high: u64 },
    /// Whole numbers in `low..=high`, `low` above 0: a log-uniform number in `low - 1/2..high + 1/2`, rounded.
    LogWhole { low: u64, high: u64 },
    /// One of these values, each equally likely. Not empty.
    Choice(Vec<Value>),
}

impl Distribution {
    /// The value below which a `share` of the distribution lies, for a share in `0..1`; numbers are rounded to four
    /// significant digits, but never leave the range. The host's functions are not used, so the value is the same on
    /// every machine.
    fn quantile(&self, share: f64) -> Value {
        match self {
            // The difference in low + (high - low) * share may be too large for a number.
            Self::Uniform { low, high } => number(low * (1.0 - share) + high * share, *low, *high),
            Self::LogUniform { low, high } => number(between_logarithms(*low, *high, share), *low, *high),
            Self::Whole { low, high } => {
                let offset = ((high - low + 1) as f64 * share) as u64;
                Value::Integer((low + offset).min(*high))
            }
            Self::LogWhole { low, high } => {
                let drawn = between_logarithms(*low as f64 - 0.5, *high as f64 + 0.5, share);
                Value::Integer((drawn.round() as u64).clamp(*low, *high))
            }
            Self::Choice(values) => {
                let index = (values.len() as f64 * share) as usize;
                values[index.min(values.len() - 1)].clone()
            }
        }
    }
}

fn between_logarithms(low: f64, high: f64, share: f64) -> f64 {
    libm::exp(libm::log(low) * (1.0 - share) + libm::log(high) * share)
}

/// The number rounded to [`DIGITS`] significant digits, within the range.
fn number(drawn: f64, low: f64, high: f64) -> Value {
    let rounded = format!("{drawn:.*e}", DIGITS - 1).parse().unwrap_or(drawn);
    Value::Number(rounded.clamp(low, high))
}

/// `count` different joint draws: one value of each axis in each. An axis has a stream of its own, named after it, so
/// neither the order of the axes nor the model matters, and a smaller sample is the beginning of a larger one. A
/// repeated draw is drawn again, with all of its values.
///
/// # Errors
/// The number of different draws found, when no more were found.
pub(super) fn draw(axes: &[(&str, &Distribution)], count: usize, seed: u64) -> Result<Vec<Vec<Value>>, usize> {
    let mut streams: Vec<Stream> = axes.iter().map(|(name, _)| Stream::new(seed, &format!("samples/{name}"))).collect();
    let mut seen = BTreeSet::new();
    let mut samples = Vec::new();
    for _ in 0..count.saturating_mul(DRAWS_PER_SAMPLE_MAX) {
        let sample: Vec<Value> = axes
            .iter()
            .zip(&mut streams)
            .map(|((_, distribution), stream)| distribution.quantile(stream.unit_f64()))
            .collect();
        if seen.insert(format!("{sample:?}")) {
            samples.push(sample);
        }
        if samples.len() == count {
            return Ok(samples);
        }
    }
    Err(samples.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbers(distribution: &Distribution, count: usize, seed: u64) -> Vec<f64> {
        let mut stream = Stream::new(seed, "samples/x");
        (0..count)
            .map(|_| match distribution.quantile(stream.unit_f64()) {
                Value::Number(number) => number,
                Value::Integer(whole) => whole as f64,
                other => panic!("{other} is no number"),
            })
            .collect()
    }

    /// Checks Kolmogorov and Smirnov's distance between a sample and the distribution function `below`. It exceeds
    /// `1.95 / sqrt(n)` for one right sample in a thousand (and seeds are fixed).
    fn follows(mut sample: Vec<f64>, below: impl Fn(f64) -> f64) {
        sample.sort_by(f64::total_cmp);
        let n = sample.len() as f64;
        let distance = sample.iter().enumerate().fold(0.0_f64, |distance, (index, &value)| {
            let expected = below(value);
            distance.max((expected - index as f64 / n).abs()).max(((index + 1) as f64 / n - expected).abs())
        });
        assert!(distance < 1.95 / n.sqrt(), "distance {distance} for {n} values");
    }

    #[test]
    fn numbers_follow_their_distributions() {
        let (low, high) = (1e-5_f64, 0.3_f64);
        let log_share = |value: f64| (value / low).ln() / (high / low).ln();
        follows(numbers(&Distribution::LogUniform { low, high }, 5000, 1), log_share);
        follows(numbers(&Distribution::Uniform { low: 0.2, high: 0.7 }, 5000, 1), |value| (value - 0.2) / 0.5);
    }

    #[test]
    #[should_panic(expected = "distance")]
    fn the_test_of_distributions_can_fail() {
        follows(numbers(&Distribution::Uniform { low: 1e-5, high: 0.3 }, 5000, 1), |value| {
            (value / 1e-5).ln() / 3e4_f64.ln()
        });
    }

    #[test]
    fn whole_numbers_and_choices_are_all_reached_evenly() {
        let drawn = numbers(&Distribution::Whole { low: 3, high: 9 }, 7000, 1);
        for value in 3..=9 {
            let count = drawn.iter().filter(|&&drawn| drawn == f64::from(value)).count();
            // Five standard deviations of a binomial(7000, 1/7) are 146.
            assert!(count.abs_diff(1000) < 146, "{value}: {count}");
        }
        let drawn = numbers(&Distribution::LogWhole { low: 1, high: 1000 }, 6000, 1);
        assert!(drawn.iter().all(|value| (1.0..=1000.0).contains(value)));
        // From 0.5 to 1000.5 are 3.3 decades; 1 is 0.5 to 1.5 rounded.
        let ones = drawn.iter().filter(|&&value| value == 1.0).count() as f64 / 6000.0;
        assert!((ones - 3.0_f64.ln() / 2001.0_f64.ln()).abs() < 0.02, "{ones}");
        let words = Distribution::Choice(["a", "b"].map(|word| Value::Text(word.to_owned())).to_vec());
        let firsts = (0..1000).filter(|&share| words.quantile(f64::from(share) / 1000.0).to_string() == "a").count();
        assert_eq!(firsts, 500);
    }

    #[test]
    fn samples_are_fixed_for_ever() {
        let rate = Distribution::LogUniform { low: 0.001, high: 1.0 };
        let batch = Distribution::Whole { low: 5, high: 100 };
        let drawn = draw(&[("learning_rate", &rate), ("batch_size", &batch)], 3, 7).unwrap();
        let shown: Vec<String> = drawn.iter().map(|values| format!("{} {}", values[0], values[1])).collect();
        assert_eq!(shown, GOLDEN, "changed draws change the units of every sampled study");
    }
    /// The draws of common/fixtures/golden.py.
    const GOLDEN: [&str; 3] = ["0.004969 77", "0.07153 43", "0.01946 68"];

    #[test]
    fn draws_that_repeat_are_drawn_again_until_there_are_no_more() {
        let axes = [
            Distribution::Whole { low: 1, high: 3 },
            Distribution::Choice(vec![Value::Flag(true), Value::Flag(false)]),
        ];
        let all = draw(&[("a", &axes[0]), ("b", &axes[1])], 6, 0).unwrap();
        assert_eq!(all.len(), 6);
        assert!(all.iter().enumerate().all(|(index, sample)| !all[..index].contains(sample)));
        assert_eq!(draw(&[("a", &axes[0]), ("b", &axes[1])], 7, 0), Err(6));
    }

    proptest! {
        #[test]
        fn drawn_numbers_stay_in_their_range(
            (low, factor) in (-300.0..290.0, 0.001..10.0_f64), share in 0.0..1.0_f64, wholes in (1_u64..65_536, 1_u64..65_536),
        ) {
            let low = 10_f64.powf(low);
            let high = low * (1.0 + factor);
            for distribution in [Distribution::Uniform { low, high }, Distribution::LogUniform { low, high }] {
                let Value::Number(number) = distribution.quantile(share) else { panic!("no number") };
                prop_assert!((low..=high).contains(&number));
                let digits = format!("{number:e}").chars().take_while(|&c| c != 'e').filter(char::is_ascii_digit).count();
                prop_assert!(digits <= DIGITS || number == low || number == high, "{number}");
            }
            let (low, high) = (wholes.0.min(wholes.1), wholes.0.max(wholes.1));
            for distribution in [Distribution::Whole { low, high }, Distribution::LogWhole { low, high }] {
                let Value::Integer(whole) = distribution.quantile(share) else { panic!("no whole number") };
                prop_assert!((low..=high).contains(&whole));
            }
        }

        #[test]
        fn neither_the_order_of_axes_nor_their_number_of_samples_matters(seed: u64, count in 1_usize..20, more in 0_usize..20) {
            let (rate, share) =
                (Distribution::LogUniform { low: 1e-4, high: 1.0 }, Distribution::Uniform { low: 0.0, high: 1.0 });
            let drawn = draw(&[("rate", &rate), ("share", &share)], count + more, seed).unwrap();
            let mut turned = draw(&[("share", &share), ("rate", &rate)], count, seed).unwrap();
            turned.iter_mut().for_each(|sample| sample.reverse());
            prop_assert_eq!(&drawn[..count], turned);
            prop_assert!(drawn.iter().enumerate().all(|(index, sample)| !drawn[..index].contains(sample)));
        }
    }
}
