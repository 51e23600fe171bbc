//! report.md: tables that read well as plain text too.

use std::fmt::Write as _;

use seedgrid_common::training::StopLoss;

use super::{
    areas, compared, draws,
    networks::{self, Trained, about},
    notices,
    numbers::{count, count_spread, interval, rate_spread},
    raced, referenced,
    terminal::progress,
    wording,
};
use crate::aggregate::document::{ConfigurationReport, Report, StageReport};

/// The whole page.
pub(super) fn page(report: &Report, trained: &[Trained<'_>]) -> String {
    let mut page = format!("# {}\n\n", escape(&wording::title(report)));
    let _ = writeln!(page, "{}. {}.\n", escape(&wording::dataset(&report.dataset)), progress(&report.counts));
    for notice in notices::of_report(report) {
        let _ = writeln!(page, "> **{}:** {}\n", notice.weight.word(), escape(&notice.text));
    }
    report.stages.iter().for_each(|stage| section(&mut page, stage));
    figures(&mut page);
    described(&mut page, report, trained);
    page.push_str("Data set digest: `");
    page.push_str(&report.dataset.drawn.digest);
    page.push_str("`. Figures are there as SVG too. Who trained what, where and when: provenance.json.\n");
    page
}

/// The figures of results, which show all stages.
fn figures(page: &mut String) {
    page.push_str("## Figures\n\n");
    for (name, title) in [
        ("errors", "Error rates"),
        ("comparisons", "Differences of error rates"),
        ("roc", "ROC curves"),
        ("pr", "Precision-recall curves"),
        ("learning", "Learning curves"),
    ] {
        let _ = writeln!(page, "![{title}]({name}.png)\n");
    }
}

/// The data set and the networks.
fn described(page: &mut String, report: &Report, trained: &[Trained<'_>]) {
    let _ = writeln!(
        page,
        "## Data\n\n{}.\n\n![Training pairs](digits.png)\n\n{}\n",
        escape(&wording::dataset(&report.dataset)),
        escape(wording::DIGITS_CAPTION)
    );
    let caption = escape(wording::NETWORKS_CAPTION);
    let _ = writeln!(page, "## Networks\n\n{}\n\n![Networks](networks.png)\n\n{caption}\n", escape(about()));
    for one in trained {
        let text = format!("{}, from {}; {}.", one.model.summary, one.model.source, one.which);
        let _ = writeln!(page, "### {}\n\n{}\n", escape(one.model.title), escape(&text));
        table(page, &networks::HEADER, &one.rows());
        let _ = writeln!(page, "\n{}\n", escape(&one.settings()));
    }
}

fn section(page: &mut String, stage: &StageReport) {
    let _ = writeln!(page, "## Stage {}\n\n{}", escape(&stage.name), escape(&wording::evaluation(stage)));
    if let Some(best) = wording::best_sentence(stage) {
        let _ = writeln!(page, "{}", escape(&best));
    }
    page.push('\n');
    for notice in notices::of_stage(stage) {
        let _ = writeln!(page, "- **{}:** {}", notice.weight.word(), escape(&notice.text));
    }
    if !notices::of_stage(stage).is_empty() {
        page.push('\n');
    }
    let header = ["Configuration", "Error", "95 % interval", "Epochs", "AUC", "AP", "n"];
    let rows: Vec<[String; 7]> = stage.configurations.iter().map(|row| result(stage, row)).collect();
    table(page, &header, &rows);
    let selected = if wording::selects(stage) { " (selected): what later stages start from." } else { "" };
    let _ = writeln!(page, "\n{}{selected}\n", escape(&wording::columns(stage)));

    raced::in_markdown(page, stage);
    if !stage.references.is_empty() {
        let _ = writeln!(page, "### Next to the references\n\n{}\n", escape(&referenced::summary(stage)));
        let rows: Vec<_> = stage.references.iter().map(|reference| referenced::cells(stage, reference)).collect();
        table(page, &referenced::HEADER, &rows);
        explained(page, &referenced::columns(stage), &referenced::remarks(stage));
    }

    let _ = writeln!(page, "### Comparisons\n\n{}\n", escape(&compared::which(stage)));
    if !stage.comparisons.pairs.is_empty() {
        let rows: Vec<_> = stage.comparisons.pairs.iter().map(|pair| compared::cells(stage, pair)).collect();
        table(page, &compared::HEADER, &rows);
        explained(page, &compared::columns(stage), &compared::remarks(stage));
    }

    if draws::are_several(stage) {
        page.push_str("### Draws of the data\n\n");
        let rows: Vec<_> = stage.configurations.iter().map(draws::cells).collect();
        table(page, &draws::HEADER, &rows);
        explained(page, &draws::columns(stage), &[]);
    }

    let _ = writeln!(page, "### {}\n", areas::TITLE);
    let rows: Vec<_> = stage.configurations.iter().map(areas::cells).collect();
    table(page, &areas::HEADER, &rows);
    explained(page, &areas::columns(stage), &[]);

    page.push_str("### Hyper-parameters\n\n");
    let rows: Vec<[String; 4]> = stage.configurations.iter().map(|row| settings(stage, row)).collect();
    table(page, &["Configuration", "Hyper-parameters", "Stops", "Inputs"], &rows);
    page.push('\n');
}

/// What a table's columns mean, and a list of what must be known about its rows.
fn explained(page: &mut String, columns: &str, remarks: &[String]) {
    let _ = writeln!(page, "\n{}\n", escape(columns));
    for remark in remarks {
        let _ = writeln!(page, "- {}", escape(remark));
    }
    if !remarks.is_empty() {
        page.push('\n');
    }
}

/// A configuration's name, and whether it was selected.
fn name(stage: &StageReport, row: &ConfigurationReport) -> String {
    let mark = if wording::is_selected(stage, row) { " (selected)" } else { "" };
    format!("{}{mark}", row.heading())
}

fn result(stage: &StageReport, row: &ConfigurationReport) -> [String; 7] {
    [
        name(stage, row),
        wording::unless_diverged(row, rate_spread(&row.error.spread)),
        interval(row.error.interval.ci95),
        count_spread(&row.epochs),
        wording::unless_diverged(row, rate_spread(&row.auc.spread)),
        wording::unless_diverged(row, rate_spread(&row.average_precision.spread)),
        format!("{} of {}", row.n, row.counts.planned),
    ]
}

fn settings(stage: &StageReport, row: &ConfigurationReport) -> [String; 4] {
    let hyperparameters: Vec<String> =
        row.hyperparameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    [name(stage, row), hyperparameters.join(" "), stop(row), super::csv::normalize(row).to_owned()]
}

/// A stopping rule in words: "loss changes by less than 0.001; or 300 epochs".
pub(super) fn stop(row: &ConfigurationReport) -> String {
    let rule = &row.stop;
    let most = count(rule.max_epochs, "epoch");
    if !rule.can_converge() {
        return most;
    }
    let what = match rule.loss {
        StopLoss::Mean => "loss",
        StopLoss::BatchSum => "loss, summed over batches,",
    };
    let mut text = format!("{what} changes by less than {}", rule.loss_delta);
    if rule.patience > 1 {
        let _ = write!(text, " in {} epochs in a row", rule.patience);
    }
    if rule.min_epochs > 1 {
        let _ = write!(text, ", not before epoch {}", rule.min_epochs);
    }
    if rule.loss_drop > 0.0 {
        let _ = write!(text, ", once it fell by {} % from the first epoch's", 100.0 * rule.loss_drop);
    }
    let _ = write!(text, "; or {most}");
    text
}

/// A table, padded so that it reads well as text.
pub(crate) fn table<const N: usize>(page: &mut String, header: &[&str; N], rows: &[[String; N]]) {
    let rows: Vec<[String; N]> = rows.iter().map(|row| row.each_ref().map(|cell| escape(cell))).collect();
    let widths: [usize; N] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([header[column].chars().count(), 3]).max().unwrap_or(3)
    });
    let mut line = |cells: [&str; N]| {
        for (cell, width) in cells.iter().zip(widths) {
            let _ = write!(page, "| {cell:<width$} ");
        }
        page.push_str("|\n");
    };
    line(*header);
    let rules = widths.map(|width| "-".repeat(width));
    line(rules.each_ref().map(String::as_str));
    rows.iter().for_each(|row| line(row.each_ref().map(String::as_str)));
}

/// Text without meaning to Markdown, on one line. Underscores inside words and brackets that begin no link have none.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut before = ' ';
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let after = characters.peek().copied().unwrap_or(' ');
        let meant = match character {
            '\\' | '`' | '*' | '>' | '#' | '|' => true,
            // Before a space or a digit it begins no tag.
            '<' => !(after == ' ' || after.is_ascii_digit()),
            '_' => !(before.is_alphanumeric() && after.is_alphanumeric()),
            ']' => matches!(after, '(' | '[' | ':'),
            _ => false,
        };
        if meant {
            escaped.push('\\');
        }
        escaped.push(if matches!(character, '\n' | '\r') { ' ' } else { character });
        before = character;
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn only_what_markdown_would_read_is_escaped() {
        assert_eq!(escape("batch_size=20 hidden=[150, 50]"), "batch_size=20 hidden=[150, 50]");
        assert_eq!(escape("p < 0.0001 <5"), "p < 0.0001 <5");
        assert_eq!(escape("_a_ [b](c) | <d>\n# e"), "\\_a\\_ [b\\](c) \\| \\<d\\> \\# e");
    }
}
