//! tables.tex: the tables for a paper, in LaTeX with booktabs.

use std::fmt::Write as _;

use seedgrid_common::terminal::lines;

use super::{
    areas, doubtful,
    networks::{self, Trained, about},
    numbers::{NONE, count_spread, interval, rate_spread},
    referenced, wording,
};
use crate::aggregate::document::{ConfigurationReport, Report, StageReport};

/// The file, to be read with `\input`: one table for each network, two for each stage (single networks, ensembles), and one for
/// each stage with references.
pub(super) fn tables(report: &Report, trained: &[Trained<'_>]) -> String {
    let mut text = format!(
        "% {}.\n% {}.\n% Needs \\usepackage{{booktabs}}; with \\usepackage{{graphicx}} wide tables shrink to fit.\n{FIT}",
        comment(&wording::title(report)),
        comment(&wording::dataset(&report.dataset))
    );
    for (index, one) in trained.iter().enumerate() {
        network(&mut text, one, index == 0);
    }
    for (number, stage) in (1..).zip(&report.stages) {
        results(&mut text, report, number, stage);
        if !stage.references.is_empty() {
            let rows: Vec<_> = stage.references.iter().flat_map(|one| wrapped(referenced::cells(stage, one))).collect();
            let caption = format!("{}, stage {}, next to the references.", report.study, stage.name);
            table(&mut text, &caption, &format!("references-{number}"), NUMBERS, &referenced::HEADER, &rows);
        }
    }
    text
}

/// Shrinks what is too wide for the text, where LaTeX can.
const FIT: &str = "\\providecommand{\\seedgridfit}[1]{\\ifdefined\\resizebox\
                   \\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{#1}\\else#1\\fi}\n";

/// A model's layers. The first of the tables says what its rows are.
fn network(text: &mut String, one: &Trained<'_>, is_first: bool) {
    let rows_are = if is_first { format!("{} ", about()) } else { String::new() };
    let caption = format!("{}, {}. {rows_are}{}", one.model.title, one.which, one.settings());
    let rows: Vec<_> = one.rows().into_iter().map(Vec::from).collect();
    table(text, &caption, &format!("network-{}", one.model.name), "lllrr", &networks::HEADER, &rows);
}

fn results(text: &mut String, report: &Report, number: usize, stage: &StageReport) {
    let header = ["Configuration", "Error", "95 % interval", "Epochs", "AUC", "AP", "n"];
    // A table of many rows would be longer than a page.
    let main = rows(stage, header.len(), cells);
    let selected =
        if wording::selects(stage) { format!(" {SELECTED}: selected for later stages.") } else { String::new() };
    let left_out = wording::left_out(stage).map_or_else(String::new, |text| format!(" {text}"));
    let doubtful: String = doubtful::of_stage(stage).iter().map(|notice| format!(" {}", notice.text)).collect();
    let caption = format!(
        "{}, stage {}. {} {}{selected}{left_out}{doubtful}",
        wording::title(report),
        stage.name,
        wording::evaluation(stage),
        wording::columns(stage)
    );
    table(text, &caption, &format!("stage-{number}"), NUMBERS, &header, &main);
    let ensembles = rows(stage, areas::HEADER.len(), |name, row| {
        let [_, numbers @ ..] = areas::cells(row);
        std::iter::once(name).chain(numbers).collect()
    });
    let caption =
        format!("{}, stage {}. {}. {}", wording::title(report), stage.name, areas::TITLE, areas::columns(stage));
    table(text, &caption, &format!("ensembles-{number}"), NUMBERS, &areas::HEADER, &ensembles);
}

/// Marks the configuration that a stage selected.
const SELECTED: &str = "†";

/// Most characters of a line of the first column: with more, the table would shrink until nobody can read it.
const NAME_CHARS: usize = 36;

/// A stage's rows. Where a model is there more than once, its title has a row above its variants, and long variants are broken.
fn rows(
    stage: &StageReport,
    columns: usize,
    cells: impl Fn(String, &ConfigurationReport) -> Vec<String>,
) -> Vec<Vec<String>> {
    let alone = |name: String| {
        let mut row = vec![String::new(); columns];
        row[0] = name;
        row
    };
    let (mut rows, mut group) = (Vec::new(), None);
    for row in wording::shown(stage) {
        let mark = if wording::is_selected(stage, row) { format!(" {SELECTED}") } else { String::new() };
        if row.variant.is_empty() {
            rows.push(cells(format!("{}{mark}", row.title), row));
            continue;
        }
        if group.replace(&row.title) != Some(&row.title) {
            rows.push(alone(row.title.clone()));
        }
        // Spaces at the beginning of a cell are nothing to LaTeX, unless they do not break.
        let lines = lines(&format!("{}{mark}", row.variant), NAME_CHARS);
        let mut lines = lines.into_iter().map(|line| format!("\u{a0}\u{a0}{}", line.trim_start()));
        rows.push(cells(lines.next().unwrap_or_default(), row));
        rows.extend(lines.map(|line| alone(format!("\u{a0}\u{a0}{line}"))));
    }
    rows
}

/// A row whose first two cells are texts: as many rows as these need lines.
fn wrapped<const N: usize>(cells: [String; N]) -> Vec<Vec<String>> {
    let [first, second] = [0, 1].map(|column| lines(&cells[column], NAME_CHARS));
    let mut rows = vec![cells.to_vec()];
    rows.resize(first.len().max(second.len()).max(1), vec![String::new(); N]);
    for (column, lines) in [first, second].into_iter().enumerate() {
        for (number, (row, line)) in rows.iter_mut().zip(lines).enumerate() {
            row[column] = if number == 0 { line } else { format!("\u{a0}\u{a0}{}", line.trim_start()) };
        }
    }
    rows
}

fn cells(name: String, row: &ConfigurationReport) -> Vec<String> {
    vec![
        name,
        wording::unless_diverged(row, rate_spread(&row.error.spread)),
        interval(row.error.interval.ci95),
        count_spread(&row.epochs),
        wording::unless_diverged(row, rate_spread(&row.auc.spread)),
        wording::unless_diverged(row, rate_spread(&row.average_precision.spread)),
        format!("{} of {}", row.n, row.counts.planned),
    ]
}

/// Names, then numbers in as many columns as there are.
const NUMBERS: &str = "l*{20}{r}";

fn table(text: &mut String, caption: &str, label: &str, columns: &str, header: &[&str], rows: &[Vec<String>]) {
    let line = |cells: &mut dyn Iterator<Item = &str>| cells.map(escape).collect::<Vec<_>>().join(" & ");
    // Writing into a string cannot fail.
    let _ = write!(
        text,
        "\n\\begin{{table}}\n  \\centering\n  \\caption{{{}}}\n  \\label{{tab:{label}}}\n  \\seedgridfit{{\\begin{{tabular}}{{{columns}}}\n    \\toprule\n    {} \\\\\n    \\midrule\n",
        escape(caption),
        line(&mut header.iter().copied())
    );
    for row in rows {
        let _ = writeln!(text, "    {} \\\\", line(&mut row.iter().map(String::as_str)));
    }
    text.push_str("    \\bottomrule\n  \\end{tabular}}\n\\end{table}\n");
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
            '†' => escaped.push_str("$\\dagger$"),
            '≤' => escaped.push_str("$\\le$"),
            '×' => escaped.push_str("$\\times$"),
            '\n' => escaped.push(' '),
            // Of European letters some are in the newer of LaTeX's own font encodings only, and a few in none; others would not
            // compile.
            '«' | '»' | 'Ð' | 'Þ' | 'ð' | 'þ' | 'Ą' | 'ą' | 'Đ' | 'đ' | 'Ę' | 'ę' | 'Į' | 'į' | 'Ŋ' | 'ŋ' | 'Ų'
            | 'ų' => {
                escaped.push_str("{\\fontencoding{T1}\\selectfont ");
                escaped.extend([character, '}']);
            }
            'Ħ' | 'ħ' | 'ĸ' | 'Ŀ' | 'ŀ' | 'ŉ' | 'Ŧ' | 'ŧ' => escaped.push('?'),
            ' '..='~' | '\u{a0}'..='\u{17e}' => escaped.push(character),
            _ => escaped.push('?'),
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
        assert_eq!(escape("Fernández, Wałęsa 数"), "Fernández, Wał{\\fontencoding{T1}\\selectfont ę}sa ?");
    }
}
