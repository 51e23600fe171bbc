//! Instants of the wall clock as text for files that people read: `2026-01-31T12:00:00Z`, to the second.

/// The instant `ms` milliseconds after the Unix epoch, rounded down to whole seconds, as `YYYY-MM-DDTHH:MM:SSZ`. Instants outside the
/// years 1970 to 9999 are given as the nearest one inside.
pub fn format(ms: i64) -> String {
    let seconds = ms.div_euclid(1000).clamp(0, SECONDS_MAX);
    let (day, second) = (seconds / DAY, seconds % DAY);
    let (year, month, date) = civil(day);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Reads what [`format()`] writes; milliseconds since the Unix epoch. None for anything else.
pub fn parse(text: &str) -> Option<i64> {
    let number = |from: usize, to: usize| {
        let digits = text.get(from..to)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<i64>().ok())?
    };
    let (year, month, date) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let plausible = (1..=12).contains(&month) && (1..=31).contains(&date) && hour < 24 && minute < 60 && second < 60;
    let ms = 1000 * (DAY * days(year, month, date) + 3600 * hour + 60 * minute + second);
    // Written again it must be the same: this refuses other separators, and dates that do not exist.
    (plausible && format(ms) == text).then_some(ms)
}

const DAY: i64 = 86_400;
/// The last second of the year 9999.
const SECONDS_MAX: i64 = 253_402_300_799;

/// Year, month and day of the month of the `day`-th day after 1970-01-01, in the Gregorian calendar (Howard Hinnant's algorithm: years
/// begin in March, so that a leap day is a year's last).
fn civil(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let date = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, date)
}

/// The inverse of [`civil`].
fn days(year: i64, month: i64, date: i64) -> i64 {
    let shifted = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let from_march = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * from_march + 2) / 5 + date - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_instants() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_709_210_096_789, "2024-02-29T12:34:56Z"),
            (4_107_542_399_000, "2100-02-28T23:59:59Z"),
            (i64::MAX, "9999-12-31T23:59:59Z"),
            (-5, "1970-01-01T00:00:00Z"),
        ] {
            assert_eq!(format(ms), text);
        }
        for bad in [
            "",
            "2024-02-30T00:00:00Z",
            "2024-02-29 12:34:56Z",
            "2024-02-29T12:34:56",
            "+024-02-29T12:34:56Z",
            "2024-2-29T",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(seconds in 0..=SECONDS_MAX) {
            prop_assert_eq!(parse(&format(1000 * seconds)), Some(1000 * seconds));
        }

        #[test]
        fn any_text_is_refused_or_read_without_a_panic(text in "\\PC{0,24}") {
            let _ = parse(&text);
        }
    }
}
