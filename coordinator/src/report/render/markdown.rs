//! report.md: tables that read well as plain text too.

use std::fmt::Write as _;

use crate::report::document::{Block, Document, Figure, Holds, Kind, Notice, Section, Table, Tone};

/// The whole page.
pub(in crate::report) fn page(document: &Document) -> String {
    let mut page =
        format!("# {}\n\n{}\n\n{}\n\n", escape(&document.title()), escape(&document.task), escape(&document.progress));
    for notice in &document.notices {
        let _ = writeln!(page, "> **{}:** {}\n", notice.weight.word(), escape(&notice.text));
    }
    document.sections.iter().for_each(|part| section(&mut page, part, 2));
    let _ = writeln!(
        page,
        "Data set digest: `{}`. Figures are there as SVG too. Every unit is in units.csv, its epochs in epochs.csv, the worker and the time of each attempt in attempts.csv.",
        document.digest
    );
    page
}

/// A section with something in it: single units are in the page of HTML alone.
fn section(page: &mut String, part: &Section, level: usize) {
    let mut inner = String::new();
    part.blocks.iter().for_each(|one| block(&mut inner, one, level));
    if !part.blocks.iter().any(is_shown) {
        return;
    }
    let title = escape(&part.title);
    let _ = match part.folded && part.blocks.iter().any(|block| matches!(block, Block::Section(_))) {
        true => write!(page, "<details>\n<summary>{title}</summary>\n\n{inner}</details>\n\n"),
        false => write!(page, "{} {title}\n\n{inner}", "#".repeat(level)),
    };
}

fn is_shown(block: &Block) -> bool {
    match block {
        Block::Text(tone, _) => !matches!(tone, Tone::Terminal | Tone::Fine),
        Block::Table(table) => table.kind != Kind::Units,
        Block::Curves(_) => false,
        Block::Section(part) => part.blocks.iter().any(is_shown),
        Block::Notices(_) | Block::Figure(_) | Block::Meanings(_) => true,
    }
}

fn block(page: &mut String, block: &Block, level: usize) {
    match block {
        _ if !is_shown(block) => {}
        Block::Text(_, text) => {
            let _ = writeln!(page, "{}\n", escape(text));
        }
        Block::Notices(notices) => {
            let line = |notice: &Notice| format!("**{}:** {}", notice.weight.word(), escape(&notice.text));
            list(page, notices.iter().map(line));
        }
        Block::Table(one) => self::table_of(page, one),
        Block::Figure(one) => figure(page, one),
        Block::Meanings(all) => list(page, all.iter().map(|(word, text)| format!("**{word}:** {}", escape(text)))),
        Block::Section(part) => section(page, part, level + 1),
        Block::Curves(_) => {}
    }
}

fn list(page: &mut String, lines: impl Iterator<Item = String>) {
    let mut lines = lines.peekable();
    let is_there = lines.peek().is_some();
    for line in lines {
        let _ = writeln!(page, "- {line}");
    }
    if is_there {
        page.push('\n');
    }
}

fn figure(page: &mut String, figure: &Figure) {
    let _ = writeln!(page, "![{}]({}.png)\n\n{}\n", figure.title, figure.file, escape(&figure.caption));
}

/// A table, what its columns mean, and a list of what must be known about its rows.
fn table_of(page: &mut String, of: &Table) {
    let header: Vec<&str> = of.columns.iter().map(|column| column.title.as_str()).collect();
    let first = of.columns.iter().position(|column| column.holds == Holds::Numbers);
    let rows: Vec<Vec<String>> = of
        .rows
        .iter()
        .map(|row| {
            let mut cells: Vec<String> = row.cells.iter().map(|cell| escape(&cell.text)).collect();
            if let (true, Some(name)) = (row.selected, cells.first_mut()) {
                name.push_str(" (selected)");
            }
            if let (true, Kind::Results, Some(first)) = (row.best, of.kind, first) {
                cells[first] = format!("**{}**", cells[first]);
            }
            cells
        })
        .collect();
    padded(page, &header, &rows);
    page.push('\n');
    if !of.notes.is_empty() {
        let selects = of.kind == Kind::Results && of.rows.iter().any(|row| row.selected);
        let selected = if selects { " (selected): what later stages start from." } else { "" };
        let _ = writeln!(page, "{}{selected}\n", escape(&of.notes));
    }
    list(page, of.remarks.iter().map(|remark| escape(remark)));
}

/// A table of texts.
pub(crate) fn table<const N: usize>(page: &mut String, header: &[&str; N], rows: &[[String; N]]) {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| escape(cell)).collect()).collect();
    padded(page, header, &rows);
}

/// A table of cells as Markdown has them, padded so that it reads well as text.
fn padded(page: &mut String, header: &[&str], rows: &[Vec<String>]) {
    let width = |text: &str| text.chars().count();
    let widths: Vec<usize> = (0..header.len())
        .map(|column| rows.iter().map(|row| width(&row[column])).fold(width(header[column]).max(3), usize::max))
        .collect();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        for (cell, width) in cells.zip(&widths) {
            let _ = write!(page, "| {cell:<width$} ");
        }
        page.push_str("|\n");
    };
    line(&mut header.iter().copied());
    let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    line(&mut rules.iter().map(String::as_str));
    rows.iter().for_each(|row| line(&mut row.iter().map(String::as_str)));
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
