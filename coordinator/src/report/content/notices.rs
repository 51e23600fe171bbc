//! The notices that a reader needs before trusting a table: units that are missing, diverged or cut short, and curves that are not
//! there.

use std::collections::BTreeSet;

use super::{
    race,
    seed_and_unit_names::{ALIKE_NAMED_MAX, NAMED_MAX, each_or_all, named},
    stage_input::Part,
    untrained_and_stuck,
};
use crate::{
    aggregate::{
        UnitReport,
        report_json::{ConfigurationReport, Counts, Report, StageReport, WaitingReport},
    },
    report::{
        document::{Notice, Weight},
        numbers::{count, percent, rate_spread, whole},
        shown_and_best_rows::heading,
    },
    scheduler::unit_state::UnitState,
};

/// About the study as a whole.
pub(super) fn of_report(report: &Report) -> Vec<Notice> {
    of_counts(report)
        .into_iter()
        .chain(of_unnamed(report.unnamed_results))
        .chain(untrained_and_stuck::of_report(report))
        .collect()
}

/// About results that are in no table.
fn of_unnamed(results: usize) -> Option<Notice> {
    let (more, are) = (
        if results == 1 { "result, of a unit" } else { "results, of units" },
        if results == 1 { "it is" } else { "they are" },
    );
    let text = format!(
        "The run directory holds {} more {more} that this spec does not name: {are} in no table. Earlier specs are in the folder specs.",
        whole(results)
    );
    (results > 0).then(|| Notice::new(Weight::Remark, text))
}

/// About units without a result, and those that diverged: None where every unit is done.
fn of_counts(report: &Report) -> Option<Notice> {
    let counts = &report.counts;
    let planned = count(counts.planned, "unit");
    if counts.missing() > 0 {
        let there = whole(counts.done + counts.diverged);
        let text =
            format!("{there} of {planned} have a result; {}. Means and curves are over what is there.", kinds(counts));
        return Some(Notice::new(Weight::Incomplete, text));
    }
    let text = format!(
        "{} of {planned} diverged: their configurations have no mean error and rank after all without, and they are named below.",
        whole(counts.diverged)
    );
    (counts.diverged > 0).then(|| Notice::new(Weight::LeftOut, text))
}

fn kinds(counts: &Counts) -> String {
    [
        (counts.not_trained, "not trained"),
        (counts.failed, UnitState::Quarantined.name()),
        (counts.cancelled, UnitState::Cancelled.name()),
        (counts.diverged, UnitState::Diverged.name()),
        (counts.skipped, "skipped by races"),
    ]
    .into_iter()
    .filter(|(number, _)| *number > 0)
    .map(|(number, word)| format!("{} {word}", whole(number)))
    .collect::<Vec<_>>()
    .join(", ")
}

/// About a stage's configurations, by weight and then in the order of the table.
pub(super) fn of_stage(part: &Part<'_>) -> Vec<Notice> {
    let stage = part.stage;
    let untrained: Vec<&ConfigurationReport> = stage.configurations.iter().filter(|row| is_untrained(row)).collect();
    let as_one = untrained.len() > ALIKE_NAMED_MAX;
    let rows = stage.configurations.iter().filter(|row| !(as_one && is_untrained(row)));
    let of_rows = as_one
        .then(|| of_untrained(stage, &untrained))
        .into_iter()
        .chain(rows.flat_map(|row| of_configuration(part, row)));
    let all: Vec<Notice> = of_waiting(stage)
        .into_iter()
        .chain(of_rows)
        .chain(untrained_and_stuck::of_stage(part))
        .chain(of_cut_short(stage))
        .chain(race::of_stage(stage))
        .chain(of_selection(stage))
        .chain(of_idle_references(stage))
        .chain(of_test_pairs(stage))
        .chain(of_shared_images(stage))
        .collect();
    Weight::ALL
        .into_iter()
        .flat_map(|weight| {
            let mut notices: Vec<Notice> = all.iter().filter(|notice| notice.weight == weight).cloned().collect();
            let more = notices.len().saturating_sub(NAMED_MAX);
            if more > 1 {
                notices.truncate(NAMED_MAX);
                notices.push(Notice { weight, text: format!("{} more like these: see units.csv.", whole(more)) });
            }
            notices
        })
        .collect()
}

/// About test pairs on which several configurations are scored: the lowest error among many is lower than what new pairs would give.
fn of_test_pairs(stage: &StageReport) -> Option<Notice> {
    let models: BTreeSet<&str> = stage.configurations.iter().map(|row| row.model.as_str()).collect();
    (stage.scored_on_test > models.len().max(1)).then(|| {
        let text = format!(
            "{} of this study are scored on these test pairs. A configuration that is picked for its low test error has a higher error on new \
             pairs: pick by folds (evaluation = {{ folds = K }} and select), and use the test pairs once.",
            count(stage.scored_on_test, "configuration")
        );
        Notice::new(Weight::Remark, text)
    })
}

/// About images that several draws of the data have: draws are then not wholly independent.
fn of_shared_images(stage: &StageReport) -> Option<Notice> {
    let share = stage.shared_images.filter(|share| *share >= 0.005)?;
    let text = format!(
        "Of the scored images {} are in more than one draw of the data, as all draws come from the same images. Intervals over draws take \
         draws as independent, so they are a little too narrow for other images.",
        percent(share)
    );
    Some(Notice::new(Weight::Remark, text))
}

/// About references that turned out to be for nothing.
fn of_idle_references(stage: &StageReport) -> Vec<Notice> {
    let text = |one: &String| format!("The reference {one} is for no configuration that was selected.");
    stage.idle_references.iter().map(|one| Notice::new(Weight::Remark, text(one))).collect()
}

fn is_untrained(row: &ConfigurationReport) -> bool {
    row.counts.not_trained == row.counts.planned
}

/// About the configurations of which no unit is trained.
fn of_untrained(stage: &StageReport, rows: &[&ConfigurationReport]) -> Notice {
    let units: usize = rows.iter().map(|row| row.counts.planned).sum();
    let text = format!(
        "No unit of {} of {} is trained: {} are missing.",
        whole(rows.len()),
        count(stage.configurations.len(), "configuration"),
        count(units, "unit")
    );
    Notice::new(Weight::Incomplete, text)
}

/// About units that ended by their number of epochs though their rule has another end.
fn of_cut_short(stage: &StageReport) -> Vec<Notice> {
    let is_cut_short = |row: &&ConfigurationReport| row.stop.can_converge() && row.n > row.converged;
    let rows: Vec<&ConfigurationReport> = stage.configurations.iter().filter(is_cut_short).collect();
    let of = |cut_short: usize, trained: usize, end: String| {
        format!("{} of {}{end}", whole(cut_short), count(trained, "trained unit"))
    };
    let all = || {
        let sum = |value: fn(&ConfigurationReport) -> usize| rows.iter().map(|row| value(row)).sum::<usize>();
        let end = " had not met the stopping rule when max_epochs ended training: see units.csv.";
        of(sum(|row| row.n - row.converged), sum(|row| row.n), format!(" in {} configurations{end}", whole(rows.len())))
    };
    let each = |row: &ConfigurationReport| {
        let max = whole(row.stop.max_epochs as usize);
        let end = format!(" had not met the stopping rule when max_epochs ({max}) ended training.");
        format!("{}: {}", row.heading(), of(row.n - row.converged, row.n, end))
    };
    each_or_all(Weight::Remark, &rows, each, all)
}

/// About rows that start from a selection that is not there.
fn of_waiting(stage: &StageReport) -> Vec<Notice> {
    let notice = |row: &WaitingReport| {
        let [wait, are] = if row.units == 1 { ["waits", "is"] } else { ["wait", "are"] };
        let what = match row.unreachable {
            false => format!("{wait} for what stage {} selects", row.from),
            true => format!("{are} out of reach: stage {} had nothing to select", row.from),
        };
        Notice::new(Weight::Incomplete, format!("{}: {} {what}.", row.title, count(row.units, "unit")))
    };
    stage.waiting.iter().map(notice).collect()
}

/// About what the stage selects.
fn of_selection(stage: &StageReport) -> Vec<Notice> {
    let Some(selection) = &stage.selection else { return Vec::new() };
    let mut notices = Vec::new();
    for model in &selection.models {
        if model.made && !model.incomplete.is_empty() {
            let ignored: Vec<String> =
                model.incomplete.iter().take(NAMED_MAX).map(|&number| heading(stage, number)).collect();
            let more = match model.incomplete.len().saturating_sub(NAMED_MAX) {
                0 => String::new(),
                more => format!("; and {} more, in configurations.csv", whole(more)),
            };
            let text = format!("Not considered in selecting, since units are missing: {}{more}.", ignored.join("; "));
            notices.push(Notice::new(Weight::LeftOut, text));
        }
        if model.made && model.selected.is_none() {
            let text = format!("{}: nothing was left to select.", model.title);
            notices.push(Notice::new(Weight::Incomplete, text));
        }
    }
    notices
}

fn of_configuration(part: &Part<'_>, row: &ConfigurationReport) -> Vec<Notice> {
    let heading = row.heading();
    let planned = row.counts.planned;
    let mut notices = Vec::new();
    for (state, number, weight) in [
        (Some(UnitState::Quarantined), row.counts.failed, Weight::Incomplete),
        (Some(UnitState::Cancelled), row.counts.cancelled, Weight::Incomplete),
        (None, row.counts.not_trained, Weight::Incomplete),
        (Some(UnitState::Diverged), row.counts.diverged, Weight::LeftOut),
    ] {
        if number > 0 {
            let fits = |unit: &UnitReport| state.map_or(unit.ending.is_pending(), |state| unit.ending == state);
            let what = state.map_or("not trained", UnitState::name);
            let units: Vec<&UnitReport> = part.units(row).iter().filter(|unit| fits(unit)).collect();
            let rest = rest(row);
            let named = named(row, &units);
            let why = if state == Some(UnitState::Quarantined) { why(row) } else { String::new() };
            let text =
                format!("{heading}: {} of {} {what} ({named}). {why}{rest}", whole(number), count(planned, "unit"));
            notices.push(Notice::new(weight, text));
        }
    }
    if let (Some(reason), true) = (&row.auc.undefined_reason, row.auc.undefined < row.n && !row.diverged()) {
        let text = format!(
            "{heading}: {} of {} {} no AUC and no AP: {reason}. Their means are over the others.",
            whole(row.auc.undefined),
            count(row.n, "done unit"),
            if row.auc.undefined == 1 { "has" } else { "have" }
        );
        notices.push(Notice::new(Weight::LeftOut, text));
    }
    // Of what left a race nobody expects curves, and what diverged is said.
    if let (Some(reason), true) = (&row.roc.reason, row.n > 0 && row.counts.skipped == 0 && !row.diverged()) {
        let text = format!("{heading}: no ROC or precision-recall curve: {reason}.");
        notices.push(Notice::new(Weight::LeftOut, text));
    }
    notices
}

/// The notices about a configuration's done units.
fn rest(row: &ConfigurationReport) -> String {
    match (row.n, &row.error_of_done) {
        (0, _) => "None is left to average over.".to_owned(),
        (1, None) => "Means are over the one that is done.".to_owned(),
        (n, None) => format!("Means are over the {} that are done.", whole(n)),
        (1, Some(of_done)) => format!("The error of the one that is done is {}.", rate_spread(of_done)),
        (n, Some(of_done)) => {
            format!("The mean error of the {} that are done is {}; it flatters.", whole(n), rate_spread(of_done))
        }
    }
}

/// Most failures of a configuration that are told.
const FAILURES_MAX: usize = 3;

/// The sentence about failed units, before another sentence; empty where there are none.
fn why(row: &ConfigurationReport) -> String {
    let failures = &row.failures;
    let more = row.more_failures + failures.len().saturating_sub(FAILURES_MAX);
    let mut told: Vec<String> = failures.iter().take(FAILURES_MAX).map(|text| format!("“{text}”")).collect();
    if more > 0 {
        told.push(format!("and {} more, in attempts.csv", whole(more)));
    }
    if told.is_empty() { String::new() } else { format!("Last said: {}. ", told.join("; ")) }
}
