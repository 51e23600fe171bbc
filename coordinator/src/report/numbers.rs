//! Numbers for people. Files for programs have every digit instead.

use crate::aggregate::document::Spread;

/// What stands where there is no number.
pub(super) const NONE: &str = "–";

/// An error rate, an area or a precision: four decimals.
pub(super) fn rate(value: Option<f64>) -> String {
    value.map_or_else(|| NONE.to_owned(), |value| format!("{value:.4}"))
}

/// Four decimals each: "0.1016 ± 0.0078". Without a deviation, the mean alone.
pub(super) fn rate_spread(spread: &Spread) -> String {
    match (spread.mean, spread.std) {
        (Some(mean), Some(std)) => format!("{mean:.4} ± {std:.4}"),
        (mean, _) => rate(mean),
    }
}

/// "0.0960 to 0.1072".
pub(super) fn interval(ends: Option<[f64; 2]>) -> String {
    ends.map_or_else(|| NONE.to_owned(), |[low, high]| format!("{low:.4} to {high:.4}"))
}

/// A mean of counts: one decimal.
pub(super) fn count_mean(value: Option<f64>) -> String {
    value.map_or_else(|| NONE.to_owned(), |value| format!("{value:.1}"))
}

/// One decimal each: "44.5 ± 6.1".
pub(super) fn count_spread(spread: &Spread) -> String {
    match (spread.mean, spread.std) {
        (Some(mean), Some(std)) => format!("{mean:.1} ± {std:.1}"),
        (mean, _) => count_mean(mean),
    }
}

/// A whole number with a comma every three digits: "1,000".
pub(super) fn whole(value: usize) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// "1 unit", "2 units".
pub(super) fn count(value: usize, noun: &str) -> String {
    format!("{} {noun}{}", whole(value), if value == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_grouped() {
        assert_eq!(
            [0, 999, 1000, 123_456, 1_234_567].map(whole),
            ["0", "999", "1,000", "123,456", "1,234,567"].map(str::to_owned)
        );
    }

    #[test]
    fn what_is_missing_shows_as_a_dash() {
        assert_eq!((rate(None), interval(None), count_mean(None)), (NONE.into(), NONE.into(), NONE.into()));
    }
}
