//! What a reader must know before trusting a table: units that are missing, diverged or cut short, and curves that are not there.

use super::numbers::{count, whole};
use crate::aggregate::document::{ConfigurationReport, Counts, Report, StageReport, UnitEnding, UnitReport};

/// Most units that one notice names; units.csv has them all.
const NAMED_MAX: usize = 12;

/// One remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Notice {
    pub(super) weight: Weight,
    pub(super) text: String,
}

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// Results are missing.
    Incomplete,
    /// Results are left out of means.
    LeftOut,
    /// Worth knowing.
    Remark,
}

impl Weight {
    /// The word before the text.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Incomplete => "Incomplete",
            Self::LeftOut => "Left out",
            Self::Remark => "Note",
        }
    }
}

/// About the study as a whole: None where every unit is done.
pub(super) fn of_report(report: &Report) -> Option<Notice> {
    let counts = &report.counts;
    if counts.missing() > 0 {
        let text = format!(
            "{} of {} have a result; {}. Means and curves are over what is there.",
            whole(counts.done + counts.diverged),
            count(counts.planned, "unit"),
            kinds(counts)
        );
        return Some(Notice { weight: Weight::Incomplete, text });
    }
    (counts.diverged > 0).then(|| Notice {
        weight: Weight::LeftOut,
        text: format!(
            "{} of {} diverged: left out of every mean and curve, and named below.",
            whole(counts.diverged),
            count(counts.planned, "unit")
        ),
    })
}

fn kinds(counts: &Counts) -> String {
    [
        (counts.not_trained, "not trained"),
        (counts.failed, "failed"),
        (counts.cancelled, "cancelled"),
        (counts.diverged, "diverged"),
    ]
    .into_iter()
    .filter(|(number, _)| *number > 0)
    .map(|(number, word)| format!("{} {word}", whole(number)))
    .collect::<Vec<_>>()
    .join(", ")
}

/// About each configuration of a stage, in the order of the table.
pub(super) fn of_stage(stage: &StageReport) -> Vec<Notice> {
    stage.configurations.iter().flat_map(of_configuration).collect()
}

fn of_configuration(row: &ConfigurationReport) -> Vec<Notice> {
    let heading = row.heading();
    let planned = row.counts.planned;
    let mut notices = Vec::new();
    for (ending, number, weight, what) in [
        (UnitEnding::Failed, row.counts.failed, Weight::Incomplete, "failed"),
        (UnitEnding::Cancelled, row.counts.cancelled, Weight::Incomplete, "cancelled"),
        (UnitEnding::NotTrained, row.counts.not_trained, Weight::Incomplete, "not trained"),
        (UnitEnding::Diverged, row.counts.diverged, Weight::LeftOut, "diverged"),
    ] {
        if number > 0 {
            let named = named(row.units.iter().filter(|unit| unit.ending == ending));
            let rest = match row.n {
                0 => "None is left to average over.".to_owned(),
                n => format!("Means and intervals are over the {} that are done.", whole(n)),
            };
            let text = format!("{heading}: {} of {} {what} ({named}). {rest}", whole(number), count(planned, "unit"));
            notices.push(Notice { weight, text });
        }
    }
    if let (Some(reason), true) = (&row.roc.reason, row.n > 0) {
        notices.push(Notice {
            weight: Weight::LeftOut,
            text: format!("{heading}: no ROC or precision-recall curve: {reason}."),
        });
    }
    let cut_short = row.n - row.converged;
    if cut_short > 0 {
        let text = format!(
            "{heading}: {} of {} done had not met the stopping rule by epoch {} (max_epochs).",
            whole(cut_short),
            count(row.n, "unit"),
            row.stop.max_epochs
        );
        notices.push(Notice { weight: Weight::Remark, text });
    }
    notices
}

fn named<'a>(units: impl Iterator<Item = &'a UnitReport>) -> String {
    let mut names: Vec<String> = units.map(name).collect();
    let more = names.len().saturating_sub(NAMED_MAX);
    names.truncate(NAMED_MAX);
    if more > 0 {
        names.push(format!("and {} more", whole(more)));
    }
    names.join(", ")
}

fn name(unit: &UnitReport) -> String {
    let mut name = format!("seed {}", unit.seed);
    if let Some(fold) = unit.fold {
        name.push_str(&format!(" fold {fold}"));
    }
    if let (UnitEnding::Diverged, Some(epochs)) = (unit.ending, unit.epochs) {
        name.push_str(&format!(" in epoch {}", epochs + 1));
    }
    name
}
