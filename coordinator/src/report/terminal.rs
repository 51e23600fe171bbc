//! The table that a run ends with.

use std::fmt::Write as _;

use super::{
    notices,
    numbers::{NONE, count, count_mean, rate, rate_spread, whole},
    wording,
};
use crate::aggregate::document::{ConfigurationReport, Counts, Report, StageReport};

/// Most columns of text.
const WIDTH_MAX: usize = 100;
/// Columns of the numbers: error, interval, epochs, AUC, AP, n.
const HEADER: [&str; 6] = ["error ± std", "95 % interval", "epochs", "AUC", "AP", "n"];

/// A report as plain text of at most 100 columns: for each stage a table and what must be known about it.
pub fn terminal_table(report: &Report) -> String {
    let mut text = String::new();
    wrapped(&mut text, "", &format!("{}: {}", wording::title(report), wording::dataset(&report.dataset)));
    if let Some(notice) = notices::of_report(report) {
        wrapped(&mut text, "", &format!("{}: {}", notice.weight.word(), notice.text));
    }
    for stage in &report.stages {
        text.push('\n');
        table(&mut text, stage);
        for notice in notices::of_stage(stage) {
            wrapped(&mut text, "  ", &format!("{}: {}", notice.weight.word(), notice.text));
        }
    }
    text
}

/// "50 of 50 units are done".
pub(super) fn progress(counts: &Counts) -> String {
    let verb = if counts.planned == 1 { "is" } else { "are" };
    format!("{} of {} {verb} done", whole(counts.done), count(counts.planned, "unit"))
}

fn table(text: &mut String, stage: &StageReport) {
    let rows: Vec<[String; 6]> = stage.configurations.iter().map(numbers).collect();
    let widths: [usize; 6] = std::array::from_fn(|column| {
        rows.iter().map(|row| columns(&row[column])).chain([columns(HEADER[column])]).max().unwrap_or(0)
    });
    let taken: usize = widths.iter().map(|width| width + 2).sum();
    let headings: Vec<String> = stage.configurations.iter().map(ConfigurationReport::heading).collect();
    let longest = headings.iter().map(|heading| columns(heading)).chain([columns(&stage.name)]).max().unwrap_or(0);
    let first = longest.min(WIDTH_MAX.saturating_sub(taken)).max(16);

    line(text, &cut(&stage.name, first), first, &HEADER.map(str::to_owned), &widths);
    let _ = writeln!(text, "{}", "─".repeat(first + taken));
    for (heading, row) in headings.iter().zip(&rows) {
        let mut parts = broken(heading, first).into_iter();
        line(text, &parts.next().unwrap_or_default(), first, row, &widths);
        parts.for_each(|part| {
            let _ = writeln!(text, "{part}");
        });
    }
}

fn numbers(row: &ConfigurationReport) -> [String; 6] {
    [
        rate_spread(&row.error.spread),
        row.error.ci95.map_or_else(|| NONE.to_owned(), |[low, high]| format!("{low:.4}..{high:.4}")),
        count_mean(row.epochs.mean),
        rate(row.roc.auc),
        rate(row.precision_recall.average_precision),
        format!("{}/{}", row.n, row.counts.planned),
    ]
}

fn line(text: &mut String, first: &str, first_width: usize, cells: &[String; 6], widths: &[usize; 6]) {
    let _ = write!(text, "{first:<first_width$}");
    for (cell, width) in cells.iter().zip(widths) {
        let _ = write!(text, "  {cell:>width$}");
    }
    text.push('\n');
}

fn columns(text: &str) -> usize {
    text.chars().count()
}

fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width { text.to_owned() } else { text.chars().take(width - 1).chain(['…']).collect() }
}

/// A heading in lines of at most `width`, the following ones indented.
fn broken(heading: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in heading.split_whitespace() {
        match lines.last_mut() {
            Some(last) if columns(last) + 1 + columns(word) <= width => {
                last.push(' ');
                last.push_str(word);
            }
            Some(_) => lines.push(cut(&format!("  {word}"), width)),
            None => lines.push(cut(word, width)),
        }
    }
    lines
}

/// Writes a paragraph, its following lines indented by two more columns.
fn wrapped(text: &mut String, indent: &str, paragraph: &str) {
    for part in broken(paragraph, WIDTH_MAX - indent.len()) {
        let _ = writeln!(text, "{indent}{part}");
    }
}
