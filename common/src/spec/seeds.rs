//! Reads `seeds` and `data_seeds`: one number, a range in Rust's notation, or a list of both.

use std::ops::Range;

use toml::de::DeValue;

use super::{
    Problem,
    error::{Earlier, Problems},
    scalar::not_negative,
    toml_table::Entry,
};
use crate::text::quoted;

/// The most seeds, and their name in the message about too many.
#[derive(Clone, Copy)]
pub(super) struct Most {
    pub(super) what: &'static str,
    pub(super) max: u64,
}

/// The seeds, ascending; None once something was reported.
pub(super) fn read(entry: Entry<'_>, most: Most, problems: &mut Problems<'_>) -> Option<Vec<u64>> {
    let items = match entry.value.get_ref() {
        DeValue::Array(items) if items.is_empty() => {
            problems.report(entry.at(), Problem::NoSeeds { key: entry.key });
            return None;
        }
        DeValue::Array(items) => items.iter().map(|value| Entry { key: entry.key, value }).collect(),
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Table(_) => vec![entry],
    };
    // Every item is checked before any range is expanded, so that a vast range costs nothing.
    let spans: Vec<Option<(Entry<'_>, Range<u64>)>> =
        items.into_iter().map(|item| item_range(item, problems).map(|range| (item, range))).collect();
    let spans: Vec<(Entry<'_>, Range<u64>)> = spans.into_iter().collect::<Option<_>>()?;
    let count: u128 = spans.iter().map(|(_, range)| u128::from(range.end - range.start)).sum();
    if count > u128::from(most.max) {
        problems.report(entry.at(), Problem::TooMany { what: most.what, count, max: most.max.into() });
        return None;
    }
    let mut seeds: Vec<(u64, Entry<'_>)> =
        spans.into_iter().flat_map(|(item, range)| range.map(move |seed| (seed, item))).collect();
    seeds.sort_by_key(|(seed, item)| (*seed, item.at().start));
    let mut repeated = false;
    for pair in seeds.windows(2) {
        if let [(seed, first), (again, second)] = pair
            && seed == again
        {
            // Reported once for each pair of items, however many seeds they share.
            if !repeated {
                let earlier = Earlier { span: first.at(), what: "first here" };
                problems.collision(second.at(), earlier, Problem::RepeatedSeed { seed: *seed });
            }
            repeated = true;
        }
    }
    (!repeated).then(|| seeds.into_iter().map(|(seed, _)| seed).collect())
}

/// The seeds of one item, not empty.
fn item_range(item: Entry<'_>, problems: &mut Problems<'_>) -> Option<Range<u64>> {
    let problem = match item.value.get_ref() {
        DeValue::Integer(number) => {
            let Some(seed) = not_negative(number) else {
                item.wrong(format!("whole numbers from 0 to {}", i64::MAX), problems);
                return None;
            };
            return Some(seed..seed + 1);
        }
        DeValue::String(text) => match parse(text) {
            Ok(range) => return Some(range),
            Err(problem) => problem,
        },
        DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => {
            Problem::BadSeeds { text: quoted(problems.written(item.at())) }
        }
    };
    problems.report(item.at(), problem);
    None
}

/// Whether the text is a valid range.
pub(super) fn is_range(text: &str) -> bool {
    text.contains("..") && parse(text).is_ok()
}

/// Reads "3", "1..=10" or "1..5", with optional spaces.
fn parse(text: &str) -> Result<Range<u64>, Problem> {
    let bad = || Problem::BadSeeds { text: quoted(text) };
    // The limit is TOML's, 2^63-1; so an end can always be made exclusive.
    let number = |part: &str| {
        let part = part.trim();
        let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits {
            return Err(bad());
        }
        // Digits alone that do not fit are a number that is too large.
        let number = part.parse::<i64>().ok().and_then(|number| u64::try_from(number).ok());
        number.ok_or_else(|| Problem::LargeSeed { text: quoted(part) })
    };
    let Some((start, end)) = text.split_once("..") else {
        let seed = number(text)?;
        return Ok(seed..seed + 1);
    };
    let (end, inclusive) = match end.strip_prefix('=') {
        Some(end) => (end, true),
        None => (end, false),
    };
    let (start, end) = (number(start)?, number(end)?);
    let range = quoted(text.trim());
    if start > end {
        let dots = if inclusive { "..=" } else { ".." };
        return Err(Problem::BackwardSeeds { range, turned: format!("{end}{dots}{start}") });
    }
    if start == end && !inclusive {
        return Err(Problem::EmptySeeds { range, meant: format!("{start}..={end}") });
    }
    Ok(start..end + u64::from(inclusive))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_as_in_rust() {
        assert_eq!(parse("1..=3"), Ok(1..4));
        assert_eq!(parse("1..3"), Ok(1..3));
        assert_eq!(parse("7"), Ok(7..8));
        assert_eq!(parse(" 1 ..= 1 "), Ok(1..2));
        assert_eq!(parse("0..=9223372036854775807"), Ok(0..(1 << 63)));
    }

    #[test]
    fn nothing_else_is_a_range() {
        for text in ["", "..", "1..", "..3", "1...3", "1..==3", "-1..3", "+1..3", "1-3", "1,2", "a"] {
            assert_eq!(parse(text), Err(Problem::BadSeeds { text: text.to_owned() }), "{text}");
        }
        for text in ["9223372036854775808", "18446744073709551615", "1..=18446744073709551616"] {
            let large = text.trim_start_matches("1..=").to_owned();
            assert_eq!(parse(text), Err(Problem::LargeSeed { text: large }), "{text}");
        }
        assert!(matches!(parse("3..=1"), Err(Problem::BackwardSeeds { turned, .. }) if turned == "1..=3"));
        assert!(matches!(parse("3..1"), Err(Problem::BackwardSeeds { turned, .. }) if turned == "1..3"));
        assert!(matches!(parse("3..3"), Err(Problem::EmptySeeds { meant, .. }) if meant == "3..=3"));
    }
}
