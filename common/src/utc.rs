//! The wall clock, for people and provenance: no decision depends on it. Instants are written to the second, as
//! `2026-01-31T12:00:00Z`.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

/// Milliseconds since the Unix epoch.
pub fn now_ms() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
    elapsed.map_or(0, |elapsed| i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
}

/// The instant `ms` milliseconds after the Unix epoch, rounded down to whole seconds, as `YYYY-MM-DDTHH:MM:SSZ`.
/// Instants before 1970 become its beginning, instants after 9999 that year's last second.
pub fn format(ms: i64) -> String {
    let seconds = ms.div_euclid(1000).clamp(0, Timestamp::MAX.as_second());
    Timestamp::from_second(seconds).unwrap_or_default().to_string()
}

/// Reads the output of [`fn@format`]; milliseconds since the Unix epoch. None for anything else.
pub fn parse(text: &str) -> Option<i64> {
    let ms = text.parse::<Timestamp>().ok()?.as_millisecond();
    // Formatted again the text must be the same, since the parser also accepts other forms.
    (format(ms) == text).then_some(ms)
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
            (i64::MAX, "9999-12-30T22:00:00Z"),
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
            "2024-02-29T12:34:56+00:00",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(seconds in 0..=Timestamp::MAX.as_second()) {
            prop_assert_eq!(parse(&format(1000 * seconds)), Some(1000 * seconds));
        }

        #[test]
        fn any_text_is_refused_or_read_without_a_panic(text in "\\PC{0,24}") {
            let _ = parse(&text);
        }
    }
}
