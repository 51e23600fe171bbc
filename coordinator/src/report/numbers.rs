//! Numbers for people. Files for programs have every digit instead.

pub(crate) use seedgrid_common::text::{count, whole};

use crate::aggregate::report_json::Spread;

/// The sign in the place of a missing number.
pub(crate) const NONE: &str = "–";

/// An error rate, an area or a precision: four decimals.
pub(crate) fn rate(value: impl Into<Option<f64>>) -> String {
    value.into().map_or_else(|| NONE.to_owned(), |value| format!("{value:.4}"))
}

/// Four decimals each: "0.1016 ± 0.0078". Without a deviation, the mean alone.
pub(crate) fn rate_spread(spread: &Spread) -> String {
    with_deviation(spread.mean, spread.std, rate)
}

/// "0.1016 ± 0.0078" in numbers of this form; without a deviation the mean alone.
pub(super) fn with_deviation(mean: Option<f64>, std: Option<f64>, form: fn(Option<f64>) -> String) -> String {
    if std.is_none() { form(mean) } else { format!("{} ± {}", form(mean), form(std)) }
}

/// The lowest and the highest of some numbers.
pub(super) fn ends(values: impl IntoIterator<Item = f64>) -> Option<[f64; 2]> {
    values.into_iter().map(|value| [value; 2]).reduce(|[low, high], [value, _]| [low.min(value), high.max(value)])
}

/// "0.0960 to 0.1072".
pub(super) fn interval(ends: Option<[f64; 2]>) -> String {
    ends.map_or_else(|| NONE.to_owned(), |ends| ends.map(rate).join(" to ").replace('-', "−"))
}

/// A difference of rates with its sign: "+0.0321", "−0.0429".
pub(crate) fn signed_rate(value: Option<f64>) -> String {
    signed(value, 4)
}

/// A number with its sign and so many decimals.
pub(super) fn signed(value: Option<f64>, decimals: usize) -> String {
    let Some(value) = value else { return NONE.to_owned() };
    let size = format!("{:.decimals$}", value.abs());
    let is_zero = !size.contains(|digit: char| ('1'..='9').contains(&digit));
    format!(
        "{}{size}",
        if is_zero {
            ""
        } else if value < 0.0 {
            "−"
        } else {
            "+"
        }
    )
}

/// "−0.0041 to +0.0152".
pub(crate) fn signed_interval(ends: Option<[f64; 2]>) -> String {
    ends.map_or_else(|| NONE.to_owned(), |ends| ends.map(|end| signed_rate(Some(end))).join(" to "))
}

/// A share above 0, in whole percents: "21 %", "less than 1 %".
pub(super) fn percent(share: f64) -> String {
    if share < 0.01 { "less than 1 %".to_owned() } else { format!("{:.0} %", 100.0 * share) }
}

/// A p value: four decimals, or "< 0.0001".
pub(super) fn p_value(value: Option<f64>) -> String {
    match value {
        Some(value) if value < 0.0001 => "< 0.0001".to_owned(),
        value => rate(value),
    }
}

/// A mean of counts: one decimal.
pub(crate) fn count_mean(value: Option<f64>) -> String {
    value.map_or_else(|| NONE.to_owned(), |value| format!("{value:.1}"))
}

/// One decimal each: "44.5 ± 6.1".
pub(super) fn count_spread(spread: &Spread) -> String {
    with_deviation(spread.mean, spread.std, count_mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_shown_where_there_is_something() {
        assert_eq!(
            [-0.042_91, 0.5, 0.0, -0.000_01].map(|value| signed_rate(Some(value))),
            ["−0.0429", "+0.5000", "0.0000", "0.0000"]
        );
        assert_eq!(signed_interval(Some([-1.0, 2.0])), "−1.0000 to +2.0000");
        assert_eq!(interval(Some([-1.0, 2.0])), "−1.0000 to 2.0000");
        assert_eq!([0.000_09, 0.0001, 0.0512].map(|p| p_value(Some(p))), ["< 0.0001", "0.0001", "0.0512"]);
    }

    #[test]
    fn no_share_above_0_is_shown_as_0() {
        assert_eq!(
            [0.0001, 0.005, 0.01, 0.214, 1.0].map(percent),
            ["less than 1 %", "less than 1 %", "1 %", "21 %", "100 %"]
        );
    }

    #[test]
    fn what_is_missing_shows_as_a_dash() {
        assert_eq!((rate(None), interval(None), count_mean(None)), (NONE.into(), NONE.into(), NONE.into()));
    }
}
