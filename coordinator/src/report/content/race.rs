//! The effects of a race on a stage.

use super::stage_input::Part;
use crate::{
    aggregate::report_json::{LeaverReport, ModelRace, RaceReport, RungReport, StageReport},
    report::{
        document::{Block, Field, Kind, Notice, Table, Weight},
        numbers::{NONE, count, p_value, rate, whole},
        shown_and_best_rows::{ROWS_MAX, heading},
    },
    scheduler::{race::LeaveReason, unit_state::UnitState},
};

/// About a stage that races: what was saved, and each model's course.
pub(super) fn of_stage(stage: &StageReport) -> Vec<Notice> {
    let Some(race) = &stage.race else { return Vec::new() };
    let whole = format!("{} {}", rule(race), saved(race));
    let texts = std::iter::once(whole).chain(race.models.iter().map(course));
    texts.map(|text| Notice::new(Weight::Remark, text)).collect()
}

fn rule(race: &RaceReport) -> String {
    let first = count(race.first as usize, "fold");
    match (race.alpha, race.keep) {
        (Some(alpha), _) => format!(
            "Configurations raced: after {first} and each further one, Friedman's test and comparisons with the best, each at the level \
             {alpha}."
        ),
        (_, Some(keep)) => format!(
            "Configurations raced: after {first}, and whenever the folds were {} times as many, the better {} stayed.",
            round(1.0 / keep),
            share(keep)
        ),
        (None, None) => "Configurations raced.".to_owned(),
    }
}

fn round(factor: f64) -> String {
    format!("{:.2}", factor).trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn share(keep: f64) -> String {
    if keep == 0.5 { "half".to_owned() } else { format!("{} %", round(100.0 * keep)) }
}

fn saved(race: &RaceReport) -> String {
    if race.saved.units == 0 {
        return "Nothing was skipped.".to_owned();
    }
    format!(
        "{} skipped, some {} (an estimate: each as long as its configuration's units in the mean). What left is scored on fewer \
         folds, so its mean error does not compare with others'.",
        if race.saved.units == 1 { "1 unit was".to_owned() } else { format!("{} units were", whole(race.saved.units)) },
        count(race.saved.epochs.round() as usize, "epoch")
    )
}

/// "FC Network: of 12 configurations 4 left after 3 folds, 2 after 5; 6 stayed."
fn course(model: &ModelRace) -> String {
    let Some(first) = model.rungs.first() else {
        let why = if model.ended { "nobody to race against" } else { "the first rung is not decided yet" };
        return format!("{}: {why}.", model.title);
    };
    let left: Vec<String> = model
        .rungs
        .iter()
        .filter(|rung| !rung.left.is_empty())
        .map(|rung| format!("{} left after {}", whole(rung.left.len()), count(rung.folds as usize, "fold")))
        .collect();
    let left = if left.is_empty() { "none left".to_owned() } else { left.join(", ") };
    let stayed = model.rungs.last().map_or(first.entered, |rung| rung.stayed);
    let end = if model.ended { "stayed to the end" } else { "race on" };
    format!("{}: of {} {left}; {} {end}.", model.title, count(first.entered, "configuration"), whole(stayed))
}

/// Which configurations left, and when; nothing where none did.
pub(super) fn blocks(part: &Part<'_>) -> Vec<Block> {
    let stage = part.stage;
    let rungs = stage.race.iter().flat_map(|race| &race.models).flat_map(|model| &model.rungs);
    let left = rungs.flat_map(|rung| rung.left.iter().map(move |leaver| (rung, leaver))).take(ROWS_MAX);
    let left: Vec<Left<'_>> = left.collect();
    if left.is_empty() {
        return Vec::new();
    }
    type Left<'a> = (&'a RungReport, &'a LeaverReport);
    let after = |(rung, leaver): &Left<'_>| {
        let why = match leaver.why {
            LeaveReason::Incomplete => ", as a unit had failed",
            LeaveReason::Diverged => ", as units had diverged",
            LeaveReason::Outraced => "",
        };
        format!("{}{why}", count(rung.folds as usize, "fold"))
    };
    let error = |(_, leaver): &Left<'_>| match leaver.why {
        LeaveReason::Diverged => UnitState::Diverged.to_string(),
        _ => rate(leaver.error),
    };
    let rank_sum = |(_, leaver): &Left<'_>| leaver.rank_sum.map_or_else(|| NONE.to_owned(), |sum| sum.to_string());
    let fields = [
        Field::name("Left the race", |(_, leaver): &Left<'_>| heading(stage, leaver.configuration)),
        Field::number("After", after),
        Field::number("Error there", error),
        Field::number("Rank sum", rank_sum),
        Field::number("p", |(_, leaver): &Left<'_>| p_value(leaver.p)),
    ];
    let table = Table::new(Kind::Other, &stage.name, &fields, &left);
    vec![Block::Table(Table { notes: NOTES.to_owned(), ..table })]
}

const NOTES: &str = "Error there: the mean over these folds. A configuration leaves at once when more of its units have diverged than of \
     another's. Rank sum: of the ranks among the others still racing, the best of a fold having rank 1. p: of the comparison with the best, \
     two-sided and not corrected for their number.";
