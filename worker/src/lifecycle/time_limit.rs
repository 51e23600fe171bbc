//! A worker's time limit: reads durations, and decides whether another unit would still finish.

use std::{collections::BTreeMap, time::Duration};

/// Parses a length of time: `90s`, `30m`, `1h30m`, `2d`, or as Slurm writes it: `MM:SS`, `HH:MM:SS`, `D-HH:MM:SS`. A
/// bare number is refused: Slurm takes it as minutes, most other programs as seconds.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let problem = || format!("{text:?} is no length of time; write 90s, 30m, 1h30m, 2d or HH:MM:SS");
    let seconds = if text.contains(':') { clock_seconds(text) } else { unit_seconds(text) }.ok_or_else(problem)?;
    if seconds == 0 {
        return Err(format!("{text:?} is no time at all; write at least 1s"));
    }
    Ok(Duration::from_secs(seconds))
}

/// Parses `MM:SS`, `HH:MM:SS` or `D-HH:MM:SS`. The first number has no limit, the others must be below 60 (hours after
/// days: 24).
fn clock_seconds(text: &str) -> Option<u64> {
    let (days, clock) = match text.split_once('-') {
        Some((days, clock)) => (Some(number(days)?), clock),
        None => (None, text),
    };
    let fields = clock.split(':').map(number).collect::<Option<Vec<_>>>()?;
    let (hours, minutes, seconds) = match (days, fields.as_slice()) {
        (None, [minutes, seconds]) => (0, *minutes, *seconds),
        (None, [hours, minutes, seconds]) if *minutes < 60 => (*hours, *minutes, *seconds),
        (Some(_), [hours, minutes, seconds]) if *hours < 24 && *minutes < 60 => (*hours, *minutes, *seconds),
        (None | Some(_), _) => return None,
    };
    if seconds >= 60 {
        return None;
    }
    let hours = days.unwrap_or(0).checked_mul(24)?.checked_add(hours)?;
    hours.checked_mul(60)?.checked_add(minutes)?.checked_mul(60)?.checked_add(seconds)
}

/// Parses numbers with the units d, h, m and s, in that order, each at most once.
fn unit_seconds(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut total = 0_u64;
    for (unit, seconds) in [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)] {
        if let Some((count, after)) = rest.split_once(unit) {
            total = total.checked_add(number(count)?.checked_mul(seconds)?)?;
            rest = after;
        }
    }
    (rest.is_empty() && !text.is_empty()).then_some(total)
}

fn number(digits: &str) -> Option<u64> {
    let plain = !digits.is_empty() && digits.len() <= 9 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

/// The shortest training before the stop that is worth a checkpoint's transfer to the coordinator and to the next
/// worker.
const WORTH_SAVING: Duration = Duration::from_secs(10);

/// A worker's stop for lack of time. Moments are times since the worker started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeLimit {
    /// The moment at which training is stopped and given back.
    pub stop: Duration,
    /// The time for handing over after that: the margin before the limit itself.
    pub margin: Duration,
}

impl TimeLimit {
    /// A limit that is `left` away at the worker's start. The margin is a twentieth of it, at least 2 s and at most 60
    /// s, but never more than half of it.
    pub fn after(left: Duration) -> Self {
        let margin = (left / 20).clamp(Duration::from_secs(2), Duration::from_secs(60)).min(left / 2);
        Self { stop: left - margin, margin }
    }

    /// Whether a unit of about `seconds` is worth starting at `now`: either it ends before the stop, or there is time
    /// to train for a while and save its state.
    pub fn is_worth(&self, now: Duration, seconds: f64) -> bool {
        now.as_secs_f64() + seconds < self.stop.as_secs_f64() || now + WORTH_SAVING <= self.stop
    }
}

/// The durations of units here, learned from ended ones: the longest of each model. An unknown model's duration is
/// taken as zero, so its unit is tried.
#[derive(Clone, Debug, Default)]
pub struct Expectation {
    longest_seconds: BTreeMap<String, f64>,
}

impl Expectation {
    /// Learns that a unit of `model` took `seconds`.
    pub fn learn(&mut self, model: &str, seconds: f64) {
        let longest = self.longest_seconds.entry(model.to_owned()).or_default();
        *longest = longest.max(seconds);
    }

    /// Expected seconds of a unit of `model`.
    pub fn seconds(&self, model: &str) -> f64 {
        self.longest_seconds.get(model).copied().unwrap_or(0.0)
    }

    /// Expected seconds of an unknown unit: the longest of any model.
    pub fn of_any(&self) -> f64 {
        self.longest_seconds.values().copied().fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_read_as_people_and_slurm_write_them() {
        for (text, seconds) in [
            ("90s", 90),
            ("30m", 1_800),
            ("1h30m", 5_400),
            ("2d", 172_800),
            ("1d2h3m4s", 93_784),
            ("05:00", 300),
            ("00:30:00", 1_800),
            ("100:00:00", 360_000),
            ("1-02:03:04", 93_784),
            ("90:00", 5_400),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in
            ["", "30", "m", "1x", "-5m", "5m1h", "1:2:3:4", "1:60", "1:60:00", "1-24:00:00", "1-2", "0s", "00:00"]
        {
            assert!(parse_duration(text).is_err(), "{text}");
        }
        assert!(parse_duration("UNLIMITED").is_err());
        assert!(parse_duration("99999999999d").is_err());
    }

    #[test]
    fn the_margin_follows_the_limit() {
        let margin = |seconds| TimeLimit::after(Duration::from_secs(seconds)).margin;
        assert_eq!(margin(3_600), Duration::from_secs(60));
        assert_eq!(margin(600), Duration::from_secs(30));
        assert_eq!(margin(10), Duration::from_secs(2));
        assert_eq!(margin(2), Duration::from_secs(1));
    }

    #[test]
    fn a_unit_is_taken_where_it_would_end_or_its_state_is_worth_saving() {
        let limit = TimeLimit::after(Duration::from_secs(600));
        let mut expectation = Expectation::default();
        assert!(limit.is_worth(Duration::from_secs(569), expectation.of_any()), "nothing known: tried");
        expectation.learn("cnn", 100.0);
        expectation.learn("cnn", 40.0);
        expectation.learn("fc", 2.0);
        assert_eq!(expectation.seconds("cnn"), 100.0);
        assert_eq!(expectation.of_any(), 100.0);
        assert!(limit.is_worth(Duration::from_secs(469), expectation.seconds("cnn")), "it ends in time");
        assert!(limit.is_worth(Duration::from_secs(560), expectation.seconds("cnn")), "it does not, but 10 s are left");
        assert!(!limit.is_worth(Duration::from_secs(561), expectation.seconds("cnn")));
        assert!(limit.is_worth(Duration::from_secs(567), expectation.seconds("fc")));
        assert!(!limit.is_worth(Duration::from_secs(570), expectation.seconds("unknown")), "after the stop nothing is");
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_read(text in "[0-9dhms:\\-]{0,12}") {
            let _ = parse_duration(&text);
        }
    }
}
