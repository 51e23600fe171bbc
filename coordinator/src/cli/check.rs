//! `seedgrid check` compares a run with its digests.

use std::collections::BTreeSet;

use super::{Exit, Failure, arguments::CheckArguments, shared_arguments::Format};
use crate::{
    report::numbers::count,
    run_directory::RunDirectory,
    views::{
        integrity_check::{self, Checked},
        recorded_files::Part,
    },
};

pub(super) fn check(arguments: &CheckArguments) -> Result<Exit, Failure> {
    let checked = integrity_check::check(&RunDirectory::existing(&arguments.run_dir)?)?;
    match arguments.format {
        Format::Text => super::print(&text(&checked))?,
        Format::Json => super::print_json(&checked)?,
    }
    Ok(match (checked.damage.is_empty(), checked.complete) {
        (false, _) => Exit::Damaged,
        (true, false) => Exit::MissingCells,
        (true, true) => Exit::Done,
    })
}

fn text(checked: &Checked) -> String {
    let counts = &checked.checked;
    let study = checked.study.as_deref().unwrap_or("unknown");
    let running = if checked.running { ", running" } else { "" };
    let mut lines = vec![
        format!("study {study}{running}"),
        format!(
            "checked: {}, {}, {}, {}, {}, {}",
            count(counts.units, "planned unit"),
            count(counts.results, "result"),
            count(counts.datasets, "data set"),
            count(counts.weights, "weights file"),
            count(counts.checkpoints, "checkpoint"),
            count(counts.report_files, "report file"),
        ),
    ];
    lines.extend(checked.damage.iter().map(|found| format!("damaged: {found}")));
    lines.extend(checked.notes.iter().map(|found| format!("note: {found}")));
    lines.push(match (checked.damage.len(), checked.complete) {
        (0, true) => "everything is as it was written, and every unit has a result".to_owned(),
        (0, false) => "every file that is present is as it was written".to_owned(),
        (1, _) => "1 thing is damaged".to_owned(),
        (many, _) => format!("{many} things are damaged"),
    });
    let parts: BTreeSet<Part> = checked.damage.iter().map(|found| found.part).collect();
    lines.extend(parts.into_iter().filter_map(hint).map(|hint| format!("hint: {hint}")));
    lines.join("\n") + "\n"
}

/// The hint for damage to a part; None if the finding contains it.
fn hint(part: Part) -> Option<&'static str> {
    Some(match part {
        Part::Database => {
            "where rows are damaged, run the study again, which moves them aside and trains again what is lost; else restore the database from a backup"
        }
        Part::Dataset => "run the study again: the data set is made anew",
        Part::Weights => {
            "put the file back from a backup, or run the study in a new run directory (--run-dir DIR), which trains its unit again"
        }
        Part::Checkpoint => {
            "run the study again: the unit is trained from its start, which costs time and changes no result"
        }
        Part::Plan | Part::Report => return None,
    })
}
