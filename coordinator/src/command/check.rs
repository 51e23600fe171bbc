//! `seedgrid check`: a run against its digests.

use super::{
    Exit, Failure,
    arguments::{CheckArguments, Format},
};
use crate::{
    checking::{self, Checked, Finding},
    run_directory::RunDirectory,
};

pub(super) fn check(arguments: &CheckArguments) -> Result<Exit, Failure> {
    let checked = checking::check(&RunDirectory::existing(&arguments.run_dir)?)?;
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
    let count = |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let counts = &checked.checked;
    let study = checked.study.as_deref().unwrap_or("unknown");
    let running = if checked.running { ", running" } else { "" };
    let mut lines = vec![
        format!("study {study}{running}"),
        format!(
            "checked: {}, {}, {}, {}, {}",
            count(counts.units, "planned unit", "planned units"),
            count(counts.results, "result", "results"),
            count(counts.datasets, "data set", "data sets"),
            count(counts.weights, "file of weights", "files of weights"),
            count(counts.report_files, "file of the report", "files of the report"),
        ),
    ];
    lines.extend(checked.damage.iter().map(|found| format!("damaged: {}", line(found))));
    lines.extend(checked.notes.iter().map(|found| format!("note: {}", line(found))));
    lines.push(match (checked.damage.len(), checked.complete) {
        (0, true) => "everything is as it was written, and every unit has a result".to_owned(),
        (0, false) => "everything that is there is as it was written".to_owned(),
        (1, _) => "1 thing is damaged".to_owned(),
        (many, _) => format!("{many} things are damaged"),
    });
    if checked.damage.iter().any(|found| found.part == "database") {
        lines.push(
            "hint: run the study again: what is damaged in the database is moved aside and trained again".to_owned(),
        );
    }
    lines.join("\n") + "\n"
}

fn line(found: &Finding) -> String {
    let place = found.place.as_deref().map(|place| format!("{place}: ")).unwrap_or_default();
    let unit = found.unit.as_deref().map(|unit| format!("unit {unit}: ")).unwrap_or_default();
    format!("{}: {place}{unit}{}", found.part, found.what)
}
