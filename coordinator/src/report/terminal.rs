//! The table that a run ends with.

use seedgrid_common::terminal::lines;

use super::{
    areas, notices,
    numbers::{NONE, count, count_mean, rate_spread, whole},
    referenced, wording,
};
use crate::{
    aggregate::document::{ConfigurationReport, Counts, Report, StageReport},
    report::text_table::{Column, Table},
};

/// A report as plain text of so many columns: for each stage a table and what must be known about it. A stage of many configurations
/// shows each model's best.
pub fn terminal_table(report: &Report, width: usize) -> String {
    let mut text = String::new();
    paragraph(&mut text, width, "", &format!("{}: {}", wording::title(report), wording::dataset(&report.dataset)));
    for notice in notices::of_report(report) {
        paragraph(&mut text, width, "", &format!("{}: {}", notice.weight.word(), notice.text));
    }
    for stage in &report.stages {
        text.push('\n');
        text += &table(stage).render(width);
        if let Some(ensembles) = areas::sentence(stage) {
            paragraph(&mut text, width, "  ", &ensembles);
        }
        if wording::selects(stage) {
            paragraph(&mut text, width, "  ", "* selected for later stages");
        }
        if let Some(left_out) = wording::left_out(stage) {
            paragraph(&mut text, width, "  ", &left_out);
        }
        for notice in notices::of_stage(stage) {
            paragraph(&mut text, width, "  ", &format!("{}: {}", notice.weight.word(), notice.text));
        }
        if !stage.references.is_empty() {
            let summary = format!("Next to the references: {}", referenced::summary(stage));
            paragraph(&mut text, width, "  ", &summary);
            referenced::remarks(stage).iter().for_each(|remark| paragraph(&mut text, width, "  ", remark));
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

/// A stage's configurations. What has a rank is left out where there is no room for it, the highest rank first.
fn table(stage: &StageReport) -> Table {
    let mut table = Table::new([
        Column::text(&stage.name),
        Column::right("error ± std"),
        Column::right("95 % interval"),
        Column::right("epochs").rank(3),
        Column::right("AUC ± std").rank(1),
        Column::right("AP ± std").rank(2),
        Column::right("n"),
    ]);
    let mut group = None;
    for row in wording::shown(stage) {
        if !row.variant.is_empty() && group.replace(&row.title) != Some(&row.title) {
            table.span(&row.title);
        }
        table.row([vec![name(stage, row)], numbers(row).to_vec()].concat());
    }
    table
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
        wording::unless_diverged(row, rate_spread(&row.auc.spread)),
        wording::unless_diverged(row, rate_spread(&row.average_precision.spread)),
        format!("{}/{}", row.n, row.counts.planned),
    ]
}

fn paragraph(text: &mut String, width: usize, indent: &str, words: &str) {
    for line in lines(&format!("{indent}{words}"), width) {
        text.push_str(&line);
        text.push('\n');
    }
}
