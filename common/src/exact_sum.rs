//! Exact sums of doubles, rounded once: the order of the values does not matter.

/// The exact sum of the values so far.
///
/// By Shewchuk's expansions (1997, "Adaptive Precision Floating-Point Arithmetic and Fast Robust Geometric
/// Predicates").
#[derive(Clone, Debug, Default)]
pub struct ExactSum {
    /// They always add up to the exact sum, and no two of them overlap.
    parts: Vec<f64>,
    /// The rounded sum, for values without an exact one.
    plain: f64,
}

impl ExactSum {
    /// Adds a value.
    pub fn add(&mut self, value: f64) {
        self.plain += value;
        let mut carried = value;
        self.parts.retain_mut(|part| {
            let (high, low) = exact_sum(carried, *part);
            carried = high;
            *part = low;
            low != 0.0
        });
        self.parts.push(carried);
    }

    /// The sum, rounded once. Not finite if a value is not, or if the sum is too large for a double.
    pub fn rounded(&self) -> f64 {
        // Infinities, or values with an infinite sum: no exact result exists.
        if self.parts.iter().any(|part| !part.is_finite()) { self.plain } else { rounded(&self.parts) }
    }
}

/// The exact sum of these values, rounded once: their order does not matter. Not finite if a value is not, or if the
/// sum is too large for a double.
pub fn sum(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut sum = ExactSum::default();
    values.into_iter().for_each(|value| sum.add(value));
    sum.rounded()
}

/// The rounded sum of two values, and its rounding error.
fn exact_sum(a: f64, b: f64) -> (f64, f64) {
    let (large, small) = if a.abs() < b.abs() { (b, a) } else { (a, b) };
    let high = large + small;
    (high, small - (high - large))
}

/// The sum of values that do not overlap, ascending by size, rounded once.
fn rounded(parts: &[f64]) -> f64 {
    let mut rest = parts.iter().rev().copied();
    let mut high = rest.next().unwrap_or(0.0);
    while let Some(part) = rest.next() {
        let low;
        (high, low) = exact_sum(high, part);
        if low != 0.0 {
            // The remaining parts decide if `low` is exactly half of the last digit.
            let beyond = rest.next().unwrap_or(0.0);
            let doubled = 2.0 * low;
            if (beyond > 0.0 && low > 0.0 || beyond < 0.0 && low < 0.0) && (high + doubled) - high == doubled {
                high += doubled;
            }
            break;
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_is_lost_on_the_way() {
        assert_eq!(sum([1e16, 1.0, -1e16]), 1.0);
        assert_eq!(sum([0.1; 10]), 1.0);
        assert_eq!(sum([1e100, 1.0, -1e100, 1e-100, -1.0]), 1e-100);
        assert_eq!(sum([]), 0.0);
        // Half of the last digit, and a little more: up. A little less: down.
        assert_eq!(sum([1.0, f64::EPSILON / 2.0, 1e-30]), 1.0 + f64::EPSILON);
        assert_eq!(sum([1.0, f64::EPSILON / 2.0, -1e-30]), 1.0);
    }

    #[test]
    fn what_is_not_finite_stays_so() {
        assert!(sum([1.0, f64::NAN]).is_nan());
        assert_eq!(sum([1.0, f64::INFINITY, 2.0]), f64::INFINITY);
        assert!(sum([f64::INFINITY, f64::NEG_INFINITY]).is_nan());
        assert!(!sum([1e308, 1e308, 1e308]).is_finite());
    }

    proptest! {
        #[test]
        fn the_order_does_not_matter(values in prop::collection::vec(-1e9..1e9, 0..40), shuffle: u64) {
            let mut shuffled = values.clone();
            crate::random::Stream::new(shuffle, "order").shuffle(&mut shuffled);
            prop_assert_eq!(sum(values), sum(shuffled));
        }
    }
}
