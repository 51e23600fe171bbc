//! A number with bounds.

use std::ops::{Add, AddAssign, Mul};

use serde::Serialize;

/// An expected number with a lower and an upper bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Bounds {
    /// The lower bound: everything goes as fast as possible.
    pub low: f64,
    /// The expected number.
    pub expected: f64,
    /// The upper bound: everything takes as long as it may.
    pub high: f64,
}

impl Bounds {
    /// A number that is known exactly.
    pub const fn exactly(value: f64) -> Self {
        Self { low: value, expected: value, high: value }
    }

    /// The mean of some numbers, with the ends of their middle four fifths as bounds. The bounds are at least `margin`
    /// (a share) away from the mean. Returns None without numbers.
    pub fn from_values(mut values: Vec<f64>, margin: f64) -> Option<Self> {
        if values.is_empty() {
            return None;
        }
        values.sort_by(f64::total_cmp);
        let expected = values.iter().sum::<f64>() / values.len() as f64;
        let tenth = values.len() / 10;
        let (low, high) = (values[tenth], values[values.len() - 1 - tenth]);
        Some(Self { low: low.min(expected * (1.0 - margin)), expected, high: high.max(expected * (1.0 + margin)) })
    }

    /// Limits all three numbers to at most `ceiling`.
    pub fn at_most(self, ceiling: f64) -> Self {
        Self { low: self.low.min(ceiling), expected: self.expected.min(ceiling), high: self.high.min(ceiling) }
    }

    /// Limits all three numbers to at least `floor`.
    pub fn at_least(self, floor: f64) -> Self {
        Self { low: self.low.max(floor), expected: self.expected.max(floor), high: self.high.max(floor) }
    }

    /// Bounds for an unknown one of these: the mean of the expected numbers, the lowest and the highest bound. Returns
    /// None without any.
    pub fn one_of(all: impl IntoIterator<Item = Self>) -> Option<Self> {
        let (mut sum, mut count) = (None::<Self>, 0);
        for next in all {
            count += 1;
            sum = Some(sum.map_or(next, |sum| Self {
                low: sum.low.min(next.low),
                expected: sum.expected + next.expected,
                high: sum.high.max(next.high),
            }));
        }
        sum.map(|sum| Self { expected: sum.expected / f64::from(count), ..sum })
    }

    /// Applies a function to each of the three numbers.
    pub fn map(self, each: impl Fn(f64) -> f64) -> Self {
        Self { low: each(self.low), expected: each(self.expected), high: each(self.high) }
    }
}

impl Add for Bounds {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { low: self.low + other.low, expected: self.expected + other.expected, high: self.high + other.high }
    }
}

impl AddAssign for Bounds {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Mul for Bounds {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        Self { low: self.low * other.low, expected: self.expected * other.expected, high: self.high * other.high }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outliers_do_not_move_the_ends() {
        let values: Vec<f64> = (1..=20).map(f64::from).chain([100.0]).collect();
        let bounds = Bounds::from_values(values, 0.0).unwrap();
        assert_eq!((bounds.low, bounds.high), (3.0, 19.0));
        assert!(bounds.expected > 14.0, "but they count: somebody has to train them");
    }

    #[test]
    fn few_values_do_not_feign_certainty() {
        let bounds = Bounds::from_values(vec![10.0], 0.25).unwrap();
        assert_eq!(bounds, Bounds { low: 7.5, expected: 10.0, high: 12.5 });
        assert_eq!(Bounds::from_values(Vec::new(), 0.25), None);
    }

    #[test]
    fn one_of_several_may_be_any_of_them() {
        let one = Bounds { low: 1.0, expected: 2.0, high: 3.0 };
        let other = Bounds { low: 5.0, expected: 6.0, high: 9.0 };
        assert_eq!(Bounds::one_of([one, other]), Some(Bounds { low: 1.0, expected: 4.0, high: 9.0 }));
        assert_eq!(Bounds::one_of([]), None);
    }
}
