//! The table that a run ends with.

use std::fmt::Write as _;

use super::{
    notices,
    numbers::{NONE, count, count_mean, rate, rate_spread, whole},
    referenced, wording,
};
use crate::aggregate::document::{ConfigurationReport, Counts, Report, StageReport};

/// Most columns of text.
const WIDTH_MAX: usize = 100;
/// Columns of the numbers.
const HEADER: [&str; 6] = ["error ± std", "95 % interval", "epochs", "AUC", "AP", "n"];

/// A report as plain text of at most 100 columns: for each stage a table and what must be known about it. A stage of many
/// configurations shows each model's best.
pub fn terminal_table(report: &Report) -> String {
    let mut text = String::new();
    paragraph(&mut text, "", &format!("{}: {}", wording::title(report), wording::dataset(&report.dataset)));
    for notice in notices::of_report(report) {
        paragraph(&mut text, "", &format!("{}: {}", notice.weight.word(), notice.text));
    }
    for stage in &report.stages {
        text.push('\n');
        table(&mut text, stage);
        for notice in notices::of_stage(stage) {
            paragraph(&mut text, "  ", &format!("{}: {}", notice.weight.word(), notice.text));
        }
        if !stage.references.is_empty() {
            paragraph(&mut text, "  ", &format!("Next to the references: {}", referenced::summary(stage)));
            referenced::remarks(stage).iter().for_each(|remark| paragraph(&mut text, "  ", remark));
        }
    }
    text
}

/// "50 of 50 units are done".
pub(super) fn progress(counts: &Counts) -> String {
    let verb = if counts.planned == 1 { "is" } else { "are" };
    let skipped = match counts.skipped {
        0 => String::new(),
        skipped => format!(", {} skipped by races", whole(skipped)),
    };
    format!("{} of {} {verb} done{skipped}", whole(counts.done), count(counts.planned, "unit"))
}

fn table(text: &mut String, stage: &StageReport) {
    let rows = wording::shown(stage);
    let cells: Vec<[String; 6]> = rows.iter().map(|row| numbers(row)).collect();
    let widths: [usize; 6] = std::array::from_fn(|column| {
        cells.iter().map(|row| columns(&row[column])).chain([columns(HEADER[column])]).max().unwrap_or(0)
    });
    let taken: usize = widths.iter().map(|width| width + 2).sum();
    let names: Vec<String> = rows.iter().map(|row| name(stage, row)).collect();
    let longest = rows.iter().map(|row| columns(&row.title)).chain(names.iter().map(|name| columns(name)));
    let first = longest.chain([columns(&stage.name)]).max().unwrap_or(0).min(WIDTH_MAX - taken);

    line(text, &[cut(&stage.name, first)], first, &HEADER.map(str::to_owned), &widths);
    let _ = writeln!(text, "{}", "─".repeat(first + taken));
    let mut group = None;
    for ((row, name), cells) in rows.iter().zip(&names).zip(&cells) {
        if !row.variant.is_empty() && group.replace(&row.title) != Some(&row.title) {
            let _ = writeln!(text, "{}", cut(&row.title, WIDTH_MAX));
        }
        line(text, &broken(name, first), first, cells, &widths);
    }
    if wording::selects(stage) {
        paragraph(text, "  ", "* selected for later stages");
    }
    if let Some(left_out) = wording::left_out(stage) {
        paragraph(text, "  ", &left_out);
    }
}

/// The title of a model that is there once; else what tells the configuration from others, to stand below the title. A star
/// marks what was selected.
fn name(stage: &StageReport, row: &ConfigurationReport) -> String {
    match (row.variant.as_str(), wording::is_selected(stage, row)) {
        ("", false) => row.title.clone(),
        ("", true) => format!("{} *", row.title),
        (variant, false) => format!("  {variant}"),
        (variant, true) => format!("* {variant}"),
    }
}

fn numbers(row: &ConfigurationReport) -> [String; 6] {
    [
        wording::unless_diverged(row, rate_spread(&row.error.spread)),
        row.error.interval.ci95.map_or_else(|| NONE.to_owned(), |[low, high]| format!("{low:.4}..{high:.4}")),
        count_mean(row.epochs.mean),
        wording::unless_diverged(row, rate(row.roc.auc)),
        wording::unless_diverged(row, rate(row.precision_recall.average_precision)),
        format!("{}/{}", row.n, row.counts.planned),
    ]
}

/// A row whose first cell may take several lines.
fn line(text: &mut String, first: &[String], first_width: usize, cells: &[String; 6], widths: &[usize; 6]) {
    let _ = write!(text, "{:<first_width$}", first.first().map_or("", String::as_str));
    for (cell, width) in cells.iter().zip(widths) {
        let _ = write!(text, "  {cell:>width$}");
    }
    text.push('\n');
    for more in first.iter().skip(1) {
        let _ = writeln!(text, "{more}");
    }
}

fn columns(text: &str) -> usize {
    text.chars().count()
}

fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width { text.to_owned() } else { text.chars().take(width - 1).chain(['…']).collect() }
}

/// Text in lines of at most `width`, the following ones indented by two more columns than the first.
pub(crate) fn broken(text: &str, width: usize) -> Vec<String> {
    let indent = " ".repeat(columns(text) - columns(text.trim_start()));
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(last) if columns(last) + 1 + columns(word) <= width => {
                last.push(' ');
                last.push_str(word);
            }
            Some(_) => lines.push(cut(&format!("{indent}  {word}"), width)),
            None => lines.push(cut(&format!("{indent}{word}"), width)),
        }
    }
    lines
}

fn paragraph(text: &mut String, indent: &str, words: &str) {
    for part in broken(words, WIDTH_MAX - indent.len()) {
        let _ = writeln!(text, "{indent}{part}");
    }
}
