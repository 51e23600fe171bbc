//! Reads `race`: the rule by which hopeless configurations leave a cross-validated stage early. The rule has the schedule of
//! rungs: the numbers of folds after which configurations may leave.

use std::{fmt, ops::Range};

use toml::de::DeValue;

use super::{
    Evaluation, Problem, SelectedRow, Stage, Study, error::Problems, nearest_word::nearest, size_limits::FOLDS_MAX,
    toml_table::Entry,
};
use crate::text::quoted;

/// The valid forms, for messages.
const EXPECTED: &str = r#""friedman", "halving" or { rule = "friedman", first = 3, alpha = 0.05 }"#;

/// Default of `first`, for each rule.
const FRIEDMAN_FIRST: u32 = 3;
const HALVING_FIRST: u32 = 2;
/// Defaults of `alpha` and `keep`.
const ALPHA: f64 = 0.05;
const KEEP: f64 = 0.5;

/// The rule of a race between a stage's configurations of one model: after some of the folds, hopeless ones leave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RaceRule {
    /// Friedman's test over the folds so far, then tests of each configuration against the best (Birattari et al. 2002,
    /// "A Racing Algorithm for Configuring Metaheuristics", GECCO).
    Friedman {
        /// The number of folds before the first test; at least 2. Further tests follow after each fold.
        first: u32,
        /// The level of each test, above 0 and below 1.
        alpha: f64,
    },
    /// Successive halving (Jamieson and Talwalkar 2016, "Non-stochastic Best Arm Identification and Hyperparameter
    /// Optimization", AISTATS), with folds as the resource.
    Halving {
        /// The number of folds before the first halving; at least 1. The next one follows at `1 / keep` times as many
        /// folds.
        first: u32,
        /// The share of configurations that stay, above 0 and below 1.
        keep: f64,
    },
}

impl RaceRule {
    /// The rule's name in a spec.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Friedman { .. } => "friedman",
            Self::Halving { .. } => "halving",
        }
    }

    /// The number of folds before the first decision.
    pub fn first(&self) -> u32 {
        match self {
            Self::Friedman { first, .. } | Self::Halving { first, .. } => *first,
        }
    }

    /// The rungs: the numbers of folds, of `folds`, after which a decision is made, ascending. The last fold is no
    /// rung: a decision there would save nothing.
    pub fn rungs(&self, folds: u32) -> Vec<u32> {
        let next = |rung: u32| match self {
            Self::Friedman { .. } => rung.saturating_add(1),
            // A share of the configurations is trained on its inverse of the folds, so each rung costs about as much.
            Self::Halving { keep, .. } => rung.saturating_add(1).max(whole_above(f64::from(rung) / keep)),
        };
        std::iter::successors(Some(self.first()), |rung| Some(next(*rung))).take_while(|rung| *rung < folds).collect()
    }

    /// The number of `racing` configurations that stay, ties aside; at least one. None where the rule fixes no number.
    pub fn staying(&self, racing: usize) -> Option<usize> {
        match self {
            Self::Friedman { .. } => None,
            Self::Halving { keep, .. } => Some((whole_above(racing as f64 * keep) as usize).max(1)),
        }
    }
}

/// The lowest whole number not below this one, rounding errors aside: 0.55 of 20 are 11.
fn whole_above(number: f64) -> u32 {
    (number - 1e-9).ceil() as u32
}

/// The rule with every parameter, as in a spec: rules that decide alike have the same text.
impl fmt::Display for RaceRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        match self {
            Self::Friedman { first, alpha } => write!(f, "{{ rule = \"{name}\", first = {first}, alpha = {alpha} }}"),
            Self::Halving { first, keep } => write!(f, "{{ rule = \"{name}\", first = {first}, keep = {keep} }}"),
        }
    }
}

/// Reads the key of a stage with this evaluation (None if unreadable), and checks that the stage has folds and selects.
pub(super) fn read(
    entry: Entry<'_>,
    evaluation: Option<Evaluation>,
    selects: bool,
    problems: &mut Problems<'_>,
) -> Option<RaceRule> {
    let (rule, first) = rule(entry, problems)?;
    let mut right = true;
    if !selects {
        problems.report(entry.at(), Problem::RaceForNothing);
        right = false;
    }
    match evaluation {
        Some(Evaluation::Holdout) => {
            problems.report(entry.at(), Problem::RaceWithoutFolds);
            right = false;
        }
        Some(Evaluation::Folds(folds)) if rule.first() >= folds => {
            problems.report(first, Problem::LateRace { first: rule.first(), folds, name: rule.name() });
            right = false;
        }
        Some(Evaluation::Folds(_)) | None => {}
    }
    right.then_some(rule)
}

/// The rule, and the place of `first` or of the whole rule.
fn rule(entry: Entry<'_>, problems: &mut Problems<'_>) -> Option<(RaceRule, Range<usize>)> {
    let names = ["friedman", "halving"];
    match entry.value.get_ref() {
        DeValue::String(word) => match word.as_ref() {
            "friedman" => Some((RaceRule::Friedman { first: FRIEDMAN_FIRST, alpha: ALPHA }, entry.at())),
            "halving" => Some((RaceRule::Halving { first: HALVING_FIRST, keep: KEEP }, entry.at())),
            word => {
                let (what, suggestion) = ("rule of a race", nearest(word, &names));
                let problem = Problem::UnknownWord { what, word: quoted(word), suggestion, known: names.to_vec() };
                problems.report(entry.at(), problem);
                None
            }
        },
        DeValue::Table(_) => table(entry, problems),
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Array(_) => {
            entry.wrong(EXPECTED, problems);
            None
        }
    }
}

/// Reads { rule = "...", ... }; the rule decides about the other keys.
fn table(entry: Entry<'_>, problems: &mut Problems<'_>) -> Option<(RaceRule, Range<usize>)> {
    let mut table = entry.table(r#"race = { rule = "friedman", first = 3, alpha = 0.05 }"#, problems)?;
    let is_friedman = table
        .required("rule", r#"rule = "friedman""#)
        .and_then(|entry| entry.word("rule of a race", &[("friedman", true), ("halving", false)], problems));
    let Some(is_friedman) = is_friedman else {
        table.abandon(problems);
        return None;
    };
    // Friedman's test needs two folds to measure a spread.
    let (least, usual) = if is_friedman { (2, FRIEDMAN_FIRST) } else { (1, HALVING_FIRST) };
    let first_entry = table.optional("first");
    let at = first_entry.map_or_else(|| entry.at(), |first| first.at());
    let first = match first_entry {
        Some(first) => first.whole(least..=FOLDS_MAX, problems).and_then(|n| u32::try_from(n).ok()),
        None => Some(usual),
    };
    let (key, usual) = if is_friedman { ("alpha", ALPHA) } else { ("keep", KEEP) };
    let share = match table.optional(key) {
        Some(entry) => entry.number("a number above 0 and below 1", |share| share > 0.0 && share < 1.0, problems),
        None => Some(usual),
    };
    table.place = if is_friedman { "`race` by friedman" } else { "`race` by halving" }.to_owned();
    table.finish(problems);
    let (first, share) = (first?, share?);
    let rule = match is_friedman {
        true => RaceRule::Friedman { first, alpha: share },
        false => RaceRule::Halving { first, keep: share },
    };
    Some((rule, at))
}

impl Study {
    /// The names of stages that race where no model has a rival.
    pub fn races_without_rivals(&self) -> Vec<&str> {
        let rivals = |stage: &Stage, model: &String| {
            let whole = stage.rows.iter().filter(|row| row.model == *model).map(|row| row.settings().count());
            let selected = stage.selected.iter().filter(|row| row.model == *model).map(SelectedRow::configurations);
            whole.chain(selected).sum::<usize>()
        };
        let alone = |stage: &&Stage| stage.models().iter().all(|model| rivals(stage, model) < 2);
        self.stages.iter().filter(|stage| stage.race.is_some()).filter(alone).map(|stage| stage.name.as_str()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rungs_come_after_each_fold_or_grow_with_what_stays() {
        let friedman = RaceRule::Friedman { first: 3, alpha: 0.05 };
        assert_eq!(friedman.rungs(10), [3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(friedman.rungs(4), [3]);
        let halving = |first, keep| RaceRule::Halving { first, keep };
        assert_eq!(halving(2, 0.5).rungs(10), [2, 4, 8]);
        assert_eq!(halving(1, 0.5).rungs(10), [1, 2, 4, 8]);
        assert_eq!(halving(1, 1.0 / 3.0).rungs(10), [1, 3, 9]);
        assert_eq!(halving(1, 0.9).rungs(5), [1, 2, 3, 4]);
        assert_eq!(halving(3, 1e-300).rungs(1000), [3]);
    }

    #[test]
    fn a_share_is_rounded_up_but_not_by_rounding() {
        let staying = |keep, racing| RaceRule::Halving { first: 1, keep }.staying(racing);
        assert_eq!(staying(0.5, 12), Some(6));
        assert_eq!(staying(0.5, 3), Some(2));
        assert_eq!(staying(0.55, 20), Some(11), "0.55 x 20 is 11.000000000000002");
        assert_eq!(staying(0.01, 2), Some(1));
        assert_eq!(staying(0.99, 2), Some(2));
    }
}
