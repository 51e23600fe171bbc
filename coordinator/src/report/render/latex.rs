//! Tables for a paper, in LaTeX with booktabs: a file and a label each.

use std::fmt::Write as _;

use seedgrid_common::terminal::lines;

use crate::report::{
    document::{Document, Holds, Kind, Row, Table},
    numbers::NONE,
};

/// Names and contents of the files, each to be read with `\input`.
pub(in crate::report) fn files(document: &Document) -> impl Iterator<Item = (String, String)> {
    let head = format!(
        "% {}.\n% {}\n% Needs \\usepackage{{booktabs}}; with \\usepackage{{graphicx}} a wide table shrinks to fit.\n{FIT}",
        comment(&document.title()),
        comment(&document.task)
    );
    document.tables().filter_map(move |one| {
        let label = one.label.as_ref()?;
        Some((format!("{}.tex", label.file), format!("{head}{}", table(one, &label.label))))
    })
}

/// Shrinks what is too wide for the text, where LaTeX can.
const FIT: &str = "\\providecommand{\\seedgridfit}[1]{\\ifdefined\\resizebox\
                   \\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{#1}\\else#1\\fi}\n";

/// Marks the configuration that a stage selected.
const SELECTED: &str = "†";

/// Most characters of a line of a column of names: with more, the table would shrink until nobody can read it.
const NAMES_MAX: usize = 36;

fn table(table: &Table, label: &str) -> String {
    // A table of many rows would be longer than a page.
    let shown = || table.rows.iter().filter(|row| !row.long);
    let mut caption = format!("{} {}", table.caption, table.notes);
    if shown().any(|row| row.selected) {
        caption += &format!(" {SELECTED}: selected for later stages.");
    }
    let more = table.left_out.iter().chain(&table.remarks);
    more.for_each(|text| caption += &format!(" {text}"));
    let kinds: String =
        table.columns.iter().map(|column| if column.holds == Holds::Numbers { 'r' } else { 'l' }).collect();
    let line = |cells: &mut dyn Iterator<Item = String>| cells.collect::<Vec<_>>().join(" & ");
    let header = line(&mut table.columns.iter().map(|column| escape(&column.title)));
    let mut text = format!(
        "\n\\begin{{table}}\n  \\centering\n  \\caption{{{}}}\n  \\label{{{label}}}\n  \\seedgridfit{{\\begin{{tabular}}{{{kinds}}}\n    \\toprule\n    {header} \\\\\n    \\midrule\n",
        escape(caption.trim())
    );
    let mut above = "";
    for row in shown() {
        for cells in broken(table, row, above) {
            let _ = writeln!(text, "    {} \\\\", line(&mut cells.into_iter()));
        }
        above = row.cells.first().map_or("", |cell| cell.text.as_str());
    }
    text + "    \\bottomrule\n  \\end{tabular}}\n\\end{table}\n"
}

/// A row's cells: as many lines as its names need. A model's name stands once above the rows of its configurations.
fn broken(table: &Table, row: &Row, above: &str) -> Vec<Vec<String>> {
    let first_number = table.columns.iter().position(|column| column.holds == Holds::Numbers);
    let repeats = table.columns.iter().any(|column| column.holds == Holds::Settings);
    let mut rows = vec![vec![String::new(); table.columns.len()]];
    for (index, (cell, column)) in row.cells.iter().zip(&table.columns).enumerate() {
        let mut text = cell.text.clone();
        if index == 0 && repeats && text == above {
            text.clear();
        }
        if index == 0 && row.selected {
            text = format!("{text} {SELECTED}").trim_start().to_owned();
        }
        let parts = if column.holds == Holds::Names { lines(&text, NAMES_MAX) } else { vec![text] };
        if rows.len() < parts.len() {
            rows.resize(parts.len(), vec![String::new(); table.columns.len()]);
        }
        let is_best = row.best && table.kind == Kind::Results && Some(index) == first_number;
        for (number, (row, part)) in rows.iter_mut().zip(parts).enumerate() {
            // Spaces at the beginning of a cell are nothing to LaTeX, unless they do not break.
            let indent = if number == 0 { "" } else { "\u{a0}\u{a0}" };
            let part = escape(&format!("{indent}{}", part.trim_start()));
            row[index] = if is_best { format!("\\textbf{{{part}}}") } else { part };
        }
    }
    rows
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
