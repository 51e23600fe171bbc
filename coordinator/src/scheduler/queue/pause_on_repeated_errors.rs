//! The study pauses when attempt after attempt fails with the same error: the cause is then not the units. This file
//! decides which errors are the same, and how many of them pause the study.

use std::collections::{BTreeSet, VecDeque};

use seedgrid_common::{text, unit::UnitId};

use super::Rules;

/// The number of failed attempts in a row with the same error that pause the study, ...
pub(super) const ALIKE_ERRORS: usize = 5;

/// ... if they belong to at least this many units.
pub(super) const ALIKE_UNITS: usize = 3;

/// The newest failed attempts in a row with one and the same error.
#[derive(Clone, Debug, Default)]
pub(super) struct RepeatedErrors {
    /// The error's text, normalised.
    error: String,
    /// The units of each failure; one failure may have ended several units at once.
    endings: VecDeque<Vec<UnitId>>,
}

impl RepeatedErrors {
    /// Forgets the errors after a unit's result.
    pub(super) fn finished(&mut self) {
        self.endings.clear();
    }

    /// Adds the failure of these units with this detail. Returns the reason for a pause if the study is to pause.
    pub(super) fn failed(&mut self, units: &[UnitId], detail: &str, rules: &Rules) -> Option<String> {
        let error = normalised(detail);
        if self.error != error {
            self.endings.clear();
            self.error = error;
        }
        self.endings.push_back(units.to_vec());
        while self.endings.len() > rules.alike_errors {
            self.endings.pop_front();
        }
        let different: BTreeSet<&UnitId> = self.endings.iter().flatten().collect();
        let alike = self.endings.len() >= rules.alike_errors && different.len() >= rules.alike_units;
        alike.then(|| {
            let (count, units) = (self.endings.len(), different.len());
            format!("{count} attempts in a row, of {}, failed alike: {detail}", text::count(units, "unit"))
        })
    }
}

/// Masks the parts that differ between equal errors: numbers, hexadecimal digits and paths.
fn normalised(detail: &str) -> String {
    let word = |word: &str| -> String {
        if word.contains('/') {
            return "<path>".to_owned();
        }
        let mut masked = String::with_capacity(word.len());
        for part in word.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
            let bare = part.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
            let is_hex = |text: &str| text.len() >= 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            if is_hex(bare.trim_start_matches("0x")) || bare.starts_with("0x") {
                masked.push('#');
            } else {
                let mut digits = false;
                for c in bare.chars() {
                    match (c.is_ascii_digit(), digits) {
                        (true, true) => {}
                        (true, false) => masked.push('#'),
                        (false, _) => masked.push(c),
                    }
                    digits = c.is_ascii_digit();
                }
            }
            masked.push_str(&part[bare.len()..]);
        }
        masked
    };
    detail.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(number: u8) -> UnitId {
        UnitId([number; 16])
    }

    #[test]
    fn what_differs_between_equal_errors_is_masked() {
        for (one, other) in [
            ("cannot read /scratch/a/data.idx: gone", "cannot read /tmp/b: gone"),
            ("index 12 out of 300", "index 7 out of 12"),
            ("at 0x7f00aa, unit deadbeef01: lost", "at 0x1, unit 00112233aa: lost"),
            ("training panicked: slot-3 failed", "training panicked: slot-11 failed"),
        ] {
            assert_eq!(normalised(one), normalised(other));
        }
        assert_ne!(normalised("out of memory"), normalised("out of disk"));
    }

    #[test]
    fn alike_failures_of_several_units_in_a_row_are_noticed() {
        let rules = Rules::default();
        let mut repeated = RepeatedErrors::default();
        let fail =
            |repeated: &mut RepeatedErrors, number, detail: &str| repeated.failed(&[unit(number)], detail, &rules);
        for number in [1, 2, 1, 2, 1, 2] {
            assert_eq!(fail(&mut repeated, number, "no device 3"), None, "two units may both be bad");
        }
        let reason = fail(&mut repeated, 3, "no device 4").unwrap();
        assert!(reason.contains("5 attempts in a row, of 3 units") && reason.contains("no device 4"), "{reason}");
        repeated.finished();
        for number in 1..5 {
            assert_eq!(fail(&mut repeated, number, "no device"), None, "what was before is forgotten");
        }
        assert_eq!(fail(&mut repeated, 5, "another"), None, "another error says that it is not one cause");
        assert_eq!(fail(&mut repeated, 5, "no device"), None);
    }

    #[test]
    fn units_that_went_down_together_are_one_ending() {
        let (rules, mut repeated) = (Rules::default(), RepeatedErrors::default());
        let all: Vec<UnitId> = (0..8).map(unit).collect();
        for _ in 0..4 {
            assert_eq!(repeated.failed(&all, "out of memory", &rules), None);
        }
        assert!(repeated.failed(&all, "out of memory", &rules).is_some());
    }
}
