//! `seedgrid list`: the runs of a folder.

use std::fmt::Write as _;

use super::{Exit, Failure, arguments::ListArguments, shared_arguments::Format};
use crate::{
    cli::standard_streams,
    scheduler::unit_state::UnitState,
    views::run_list::{self, Run, RunList, Units},
};

pub(super) fn list(arguments: &ListArguments) -> Result<Exit, Failure> {
    let catalogue = run_list::catalogue(&arguments.folder)?;
    match arguments.format {
        Format::Json => super::print_json(&catalogue)?,
        Format::Text => {
            if catalogue.runs.is_empty() {
                standard_streams::note(format_args!("no run is in {}", catalogue.folder));
            }
            super::print(&text(&catalogue))?;
        }
    }
    Ok(Exit::Done)
}

/// One line for each run, in columns; below a line, the reason for which the run cannot be read.
fn text(catalogue: &RunList) -> String {
    let rows: Vec<[String; 5]> = catalogue.runs.iter().map(row).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths = [0, 1, 2, 3].map(width);
    let mut text = String::new();
    for (row, run) in rows.iter().zip(&catalogue.runs) {
        for (cell, width) in row.iter().zip(widths) {
            // Writing to a string cannot fail.
            let _ = write!(text, "{cell:<width$}  ");
        }
        let _ = writeln!(text, "{}", row[4]);
        if let Some(problem) = &run.problem {
            let _ = writeln!(text, "  {problem}");
        }
    }
    text
}

fn row(run: &Run) -> [String; 5] {
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    [
        or_dash(&run.study),
        run.state.text(),
        run.units.map_or_else(|| "-".to_owned(), units),
        or_dash(&run.changed),
        run.path.clone(),
    ]
}

/// Example: "12 of at most 50 done, 1 diverged".
fn units(units: Units) -> String {
    let Units { planned, done, diverged, quarantined, cancelled, undecided } = units;
    let at_most = if undecided > 0 { "at most " } else { "" };
    let mut text = format!("{done} of {at_most}{planned} done");
    for (count, word) in
        [(diverged, UnitState::Diverged), (quarantined, UnitState::Quarantined), (cancelled, UnitState::Cancelled)]
    {
        if count > 0 {
            // Writing to a string cannot fail.
            let _ = write!(text, ", {count} {word}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::run_state::RunState;

    #[test]
    fn runs_stand_in_columns_and_problems_below() {
        let run = |study: Option<&str>, state, units, problem: Option<&str>, path: &str| Run {
            path: path.to_owned(),
            study: study.map(str::to_owned),
            state,
            units,
            changed: units.map(|_| "2026-01-31T12:00:00Z".to_owned()),
            problem: problem.map(str::to_owned),
        };
        let some = Units { planned: 50, done: 12, diverged: 1, undecided: 3, ..Units::default() };
        let all = Units { planned: 5, done: 5, ..Units::default() };
        let runs = vec![
            run(Some("table3"), RunState::Running, Some(some), None, "runs/a"),
            run(Some("q"), RunState::Done, Some(all), None, "runs/q"),
            run(None, RunState::OtherVersion, None, Some("it has schema version 9"), "runs/new"),
        ];
        let listed = text(&RunList { schema: "", folder: "runs".to_owned(), runs, others: 0 });
        assert_eq!(
            listed,
            "table3  running        12 of at most 50 done, 1 diverged  2026-01-31T12:00:00Z  runs/a\n\
             q       done           5 of 5 done                        2026-01-31T12:00:00Z  runs/q\n\
             -       other version  -                                  -                     runs/new\n  it has schema version 9\n"
        );
    }
}
