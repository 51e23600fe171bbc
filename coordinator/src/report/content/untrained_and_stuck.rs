//! Units in the means that show no learning: those that are untrained, and those that are stuck. docs/statistics.md says when they are.

use super::{
    seed_and_unit_names::{each_or_all, named},
    stage_input::Part,
};
use crate::{
    aggregate::{
        UnitReport,
        report_json::{ConfigurationReport, Report},
    },
    report::{
        document::{Notice, Weight},
        numbers::{NONE, count, whole},
    },
};

/// One of the two doubts.
struct Doubtful {
    word: &'static str,
    meaning: &'static str,
    number: fn(&ConfigurationReport) -> usize,
    has: fn(&UnitReport) -> bool,
}

const DOUBTS: [Doubtful; 2] = [
    Doubtful {
        word: "untrained",
        meaning: "the training error of the last epoch is not below that of always predicting the commonest class by two standard errors",
        number: |row| row.untrained,
        has: |unit| unit.untrained == Some(true),
    },
    Doubtful {
        word: "stuck",
        meaning: "the error is far above that of the other seeds",
        number: |row| row.stuck,
        has: |unit| unit.stuck == Some(true),
    },
];

/// About the study as a whole.
pub(super) fn of_report(report: &Report) -> Option<Notice> {
    let rows = || report.stages.iter().flat_map(|stage| &stage.configurations);
    let words: Vec<String> = DOUBTS
        .iter()
        .map(|doubt| (rows().map(doubt.number).sum::<usize>(), doubt.word))
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| format!("{} {word}", whole(number)))
        .collect();
    let words = words.join(", ");
    let text = format!("Trained units that show no learning are in means and curves ({words}), and are named below.");
    (!words.is_empty()).then(|| Notice::new(Weight::Doubtful, text))
}

/// About a stage's configurations: a sentence for each, or one for all of many.
pub(super) fn of_stage(part: &Part<'_>) -> Vec<Notice> {
    DOUBTS.iter().flat_map(|doubt| of_doubt(part, doubt)).collect()
}

fn of_doubt(part: &Part<'_>, doubt: &Doubtful) -> Vec<Notice> {
    let Doubtful { word, meaning, number, .. } = *doubt;
    let rows: Vec<&ConfigurationReport> = part.stage.configurations.iter().filter(|row| number(row) > 0).collect();
    let are = |number: usize| if number == 1 { "is" } else { "are" };
    let all = || {
        let units: usize = rows.iter().map(|row| number(row)).sum();
        format!(
            "{} of {} in {} configurations {} {word}: {meaning}. They are in the means; units.csv names them.",
            whole(units),
            count(rows.iter().map(|row| row.n).sum::<usize>(), "trained unit"),
            whole(rows.len()),
            are(units)
        )
    };
    let each = |row: &ConfigurationReport| {
        let units: Vec<&UnitReport> = part.units(row).iter().filter(|unit| (doubt.has)(unit)).collect();
        format!(
            "{}: {} of {} {} {word} ({}): {meaning}. {} in the means.",
            row.heading(),
            whole(units.len()),
            count(row.n, "trained unit"),
            are(units.len()),
            named(row, &units),
            if units.len() == 1 { "It is" } else { "They are" }
        )
    };
    each_or_all(Weight::Doubtful, &rows, each, all)
}

/// Whether training converged, where its rule asks for that, and what that is worth.
pub(super) fn converged(row: &ConfigurationReport, converged: bool, unit: &UnitReport) -> String {
    let word = match converged {
        _ if !row.stop.can_converge() => NONE,
        true => "yes",
        false => "no",
    };
    let doubts = DOUBTS.iter().filter(|doubt| (doubt.has)(unit)).map(|doubt| doubt.word);
    [word].into_iter().chain(doubts).collect::<Vec<_>>().join(", ")
}
