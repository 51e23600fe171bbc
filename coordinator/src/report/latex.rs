//! tables.tex: the tables for a paper, in LaTeX with booktabs.

use std::fmt::Write as _;

use super::{
    numbers::{NONE, count_spread, interval, rate, rate_spread},
    referenced, wording,
};
use crate::aggregate::document::{ConfigurationReport, Report, StageReport};

/// The file: one table for each stage, and one for each stage with references, to be read with `\input`.
pub(super) fn tables(report: &Report) -> String {
    let mut text = format!(
        "% {}.\n% {}.\n% Needs \\usepackage{{booktabs}}; wide tables fit with \\usepackage{{graphicx}} and \\resizebox.\n",
        comment(&wording::title(report)),
        comment(&wording::dataset(&report.dataset))
    );
    for (number, stage) in (1..).zip(&report.stages) {
        results(&mut text, report, number, stage);
        if !stage.references.is_empty() {
            let rows: Vec<_> = stage.references.iter().map(|one| referenced::cells(stage, one).to_vec()).collect();
            let caption = format!("{}, stage {}, next to the references.", report.study, stage.name);
            table(&mut text, &caption, &format!("references-{number}"), &referenced::HEADER, &rows);
        }
    }
    text
}

fn results(text: &mut String, report: &Report, number: usize, stage: &StageReport) {
    let header = ["Configuration", "Error", "95 % interval", "Epochs", "AUC", "AP", "n"];
    let rows: Vec<Vec<String>> = stage.configurations.iter().map(cells).collect();
    let caption = format!(
        "{}, stage {}. {} {}",
        wording::title(report),
        stage.name,
        wording::evaluation(stage),
        wording::columns(stage)
    );
    table(text, &caption, &format!("stage-{number}"), &header, &rows);
}

fn cells(row: &ConfigurationReport) -> Vec<String> {
    vec![
        row.heading(),
        rate_spread(&row.error.spread),
        interval(row.error.ci95),
        count_spread(&row.epochs),
        rate(row.roc.auc),
        rate(row.precision_recall.average_precision),
        format!("{} of {}", row.n, row.counts.planned),
    ]
}

/// The first column holds names, the others numbers.
fn table(text: &mut String, caption: &str, label: &str, header: &[&str], rows: &[Vec<String>]) {
    let columns = format!("l{}", "r".repeat(header.len().saturating_sub(1)));
    let line = |cells: &mut dyn Iterator<Item = &str>| cells.map(escape).collect::<Vec<_>>().join(" & ");
    // Writing into a string cannot fail.
    let _ = write!(
        text,
        "\n\\begin{{table}}\n  \\centering\n  \\caption{{{}}}\n  \\label{{tab:{label}}}\n  \\begin{{tabular}}{{{columns}}}\n    \\toprule\n    {} \\\\\n    \\midrule\n",
        escape(caption),
        line(&mut header.iter().copied())
    );
    for row in rows {
        let _ = writeln!(text, "    {} \\\\", line(&mut row.iter().map(String::as_str)));
    }
    text.push_str("    \\bottomrule\n  \\end{tabular}\n\\end{table}\n");
}

/// Text as LaTeX sets it.
fn escape(text: &str) -> String {
    if text == NONE {
        return "--".to_owned();
    }
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => escaped.extend(['\\', character]),
            '\\' => escaped.push_str("\\textbackslash{}"),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '<' => escaped.push_str("$<$"),
            '>' => escaped.push_str("$>$"),
            '±' => escaped.push_str("$\\pm$"),
            '−' => escaped.push_str("$-$"),
            '–' => escaped.push_str("--"),
            '√' => escaped.push_str("$\\surd$"),
            '\n' => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Text on one line of a comment.
fn comment(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn nothing_in_a_name_is_a_command() {
        assert_eq!(
            escape("a_b & 5 % \\input{x} ~^"),
            "a\\_b \\& 5 \\% \\textbackslash{}input\\{x\\} \\textasciitilde{}\\textasciicircum{}"
        );
        assert_eq!(escape("0.1016 ± 0.0078"), "0.1016 $\\pm$ 0.0078");
    }
}
