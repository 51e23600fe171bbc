//! Tables of text that fit a width. Pure.
//!
//! A table that is too wide is made to fit, in this order: texts are broken into several lines; columns are left out, those of the highest rank
//! first, and a line says so; the texts stand on lines of their own, above the numbers.

#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use seedgrid_common::terminal::{columns, lines};

/// Blanks between two columns.
const GAP: usize = 2;
/// Fewest columns into which a text is broken that could take more.
const TEXT_MIN: usize = 24;
/// How far numbers are indented that stand below their text.
const BELOW: usize = 4;

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    title: String,
    called: String,
    right: bool,
    is_text: bool,
    rank: u8,
}

impl Column {
    /// Of short words, on the left.
    pub(crate) fn left(title: &str) -> Self {
        Self { title: title.to_owned(), called: title.to_owned(), right: false, is_text: false, rank: 0 }
    }

    /// Of numbers, on the right.
    pub(crate) fn right(title: &str) -> Self {
        Self { right: true, ..Self::left(title) }
    }

    /// Of texts, which may be broken into lines.
    pub(crate) fn text(title: &str) -> Self {
        Self { is_text: true, ..Self::left(title) }
    }

    /// Left out where there is no room; the one of the highest rank first.
    pub(crate) fn rank(self, rank: u8) -> Self {
        Self { rank, ..self }
    }

    /// The name of a column without a title, for where it is left out.
    pub(crate) fn called(self, name: &str) -> Self {
        Self { called: name.to_owned(), ..self }
    }
}

#[derive(Clone, Debug)]
enum Row {
    Cells(Vec<String>),
    Span(String),
    Head(String),
}

/// A table: rows of cells, and lines that stand across all columns.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Row>,
    indent: usize,
}

/// How a table fits a width.
struct Fit {
    /// Places of the columns that are there.
    kept: Vec<usize>,
    /// Of each column, there or not.
    widths: Vec<usize>,
    /// Texts stand above the other cells.
    stacked: bool,
}

impl Table {
    /// An empty one.
    pub(crate) fn new(columns: impl Into<Vec<Column>>) -> Self {
        Self { columns: columns.into(), rows: Vec::new(), indent: 0 }
    }

    /// The same, so many columns further right.
    pub(crate) fn indented(self, indent: usize) -> Self {
        Self { indent, ..self }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl Into<Vec<String>>) {
        self.rows.push(Row::Cells(cells.into()));
    }

    /// Adds a line across all columns.
    pub(crate) fn span(&mut self, text: impl Into<String>) {
        self.rows.push(Row::Span(text.into()));
    }

    /// Adds a line above a group of rows, which is not indented as they are.
    pub(crate) fn head(&mut self, text: impl Into<String>) {
        self.rows.push(Row::Head(text.into()));
    }

    /// The table in lines of at most `width` columns, as long as no single cell is wider. It has a head with a rule below it if one of its
    /// columns has a title.
    pub(crate) fn render(&self, width: usize) -> String {
        let fit = self.fit(width.saturating_sub(self.indent));
        let mut text = String::new();
        let put = |text: &mut String, line: &str| {
            // Writing into a string cannot fail.
            let _ = match line.trim_end() {
                "" => writeln!(text),
                line => writeln!(text, "{:indent$}{line}", "", indent = self.indent),
            };
        };
        if fit.kept.iter().any(|&column| !self.columns[column].title.is_empty()) {
            let titles: Vec<String> = (0..self.columns.len()).map(|column| self.title(column, &fit, width)).collect();
            let head = self.lines_of(&titles, &fit, width);
            let rows = self.rows.iter().flat_map(|row| self.row_lines(row, &fit, width));
            let widest = rows.chain(head.iter().cloned()).map(|line| columns(line.trim_end())).max().unwrap_or(0);
            head.iter().for_each(|line| put(&mut text, line));
            put(&mut text, &"─".repeat(widest.min(width.saturating_sub(self.indent))));
        }
        for row in &self.rows {
            match row {
                Row::Head(head) => {
                    lines(head, width).iter().for_each(|line| {
                        let _ = writeln!(text, "{line}");
                    });
                }
                Row::Cells(_) | Row::Span(_) => {
                    self.row_lines(row, &fit, width).iter().for_each(|line| put(&mut text, line));
                }
            }
        }
        let missing: Vec<&str> = (0..self.columns.len())
            .filter(|column| !fit.kept.contains(column) && !self.is_empty(*column))
            .map(|column| self.columns[column].called.as_str())
            .collect();
        if !missing.is_empty() {
            let said = format!("(a wider terminal has {}, too)", missing.join(", "));
            lines(&said, width.saturating_sub(self.indent)).iter().for_each(|line| put(&mut text, line));
        }
        text
    }

    fn cells(&self, column: usize) -> impl Iterator<Item = &str> {
        self.rows.iter().filter_map(move |row| match row {
            Row::Cells(cells) => cells.get(column).map(String::as_str),
            Row::Span(_) | Row::Head(_) => None,
        })
    }

    fn is_empty(&self, column: usize) -> bool {
        self.cells(column).all(str::is_empty)
    }

    fn fit(&self, width: usize) -> Fit {
        let of = |column: usize, measure: fn(&str) -> usize| self.cells(column).map(measure).max().unwrap_or(0);
        let title = |column: usize| columns(&self.columns[column].title);
        let whole: Vec<usize> = (0..self.columns.len()).map(|column| of(column, columns).max(title(column))).collect();
        let least: Vec<usize> = (0..self.columns.len())
            .map(|column| match self.columns[column].is_text {
                true => of(column, broken_width).max(TEXT_MIN).min(whole[column]),
                false => whole[column],
            })
            .collect();
        let mut kept: Vec<usize> = (0..self.columns.len()).filter(|column| !self.is_empty(*column)).collect();
        let taken = |kept: &[usize], widths: &[usize]| {
            kept.iter().map(|&column| widths[column]).sum::<usize>() + GAP * kept.len().saturating_sub(1)
        };
        loop {
            let room = width.checked_sub(taken(&kept, &least));
            if let Some(mut room) = room {
                let mut widths = least;
                for &column in &kept {
                    let more = (whole[column] - widths[column]).min(room);
                    widths[column] += more;
                    room -= more;
                }
                return Fit { kept, widths, stacked: false };
            }
            let last = kept.iter().enumerate().max_by_key(|(_, column)| self.columns[**column].rank);
            match last.map(|(place, column)| (place, self.columns[*column].rank)) {
                Some((place, 1..)) => drop(kept.remove(place)),
                Some((_, 0)) | None => return Fit { kept, widths: whole, stacked: true },
            }
        }
    }

    /// A column's title, cut where the column is narrower: what it says stands elsewhere, too.
    fn title(&self, column: usize, fit: &Fit, width: usize) -> String {
        let room = if fit.stacked { width.saturating_sub(self.indent) } else { fit.widths[column] };
        let title = &self.columns[column].title;
        if columns(title) <= room { title.clone() } else { title.chars().take(room - 1).chain(['…']).collect() }
    }

    fn row_lines(&self, row: &Row, fit: &Fit, width: usize) -> Vec<String> {
        match row {
            Row::Cells(cells) => self.lines_of(cells, fit, width),
            Row::Span(text) | Row::Head(text) => lines(text, width.saturating_sub(self.indent)),
        }
    }

    fn lines_of(&self, cells: &[String], fit: &Fit, width: usize) -> Vec<String> {
        let width = width.saturating_sub(self.indent);
        let cell = |column: usize| cells.get(column).map_or("", String::as_str);
        if fit.stacked {
            let is_text = |column: &&usize| self.columns[**column].is_text;
            let mut stacked: Vec<String> = Vec::new();
            for column in fit.kept.iter().filter(is_text).filter(|column| !cell(**column).is_empty()) {
                stacked.extend(lines(cell(*column), width));
            }
            let mut line = " ".repeat(BELOW);
            for &column in fit.kept.iter().filter(|column| !is_text(column)) {
                if columns(line.trim_end()) > BELOW && columns(&line) + fit.widths[column] > width {
                    stacked.push(std::mem::replace(&mut line, " ".repeat(BELOW)));
                }
                line += &self.padded(column, cell(column), fit.widths[column]);
                line += &" ".repeat(GAP);
            }
            stacked.push(line);
            stacked.retain(|line| !line.trim().is_empty());
            return stacked;
        }
        let parts: Vec<Vec<String>> = fit
            .kept
            .iter()
            .map(|&column| match self.columns[column].is_text {
                true => lines(cell(column), fit.widths[column]),
                false => vec![cell(column).to_owned()],
            })
            .collect();
        let height = parts.iter().map(Vec::len).max().unwrap_or(0);
        let line = |index: usize| {
            let padded = fit.kept.iter().zip(&parts).map(|(&column, part)| {
                self.padded(column, part.get(index).map_or("", String::as_str), fit.widths[column])
            });
            padded.collect::<Vec<_>>().join(&" ".repeat(GAP))
        };
        (0..height).map(line).collect()
    }

    fn padded(&self, column: usize, cell: &str, width: usize) -> String {
        let blanks = " ".repeat(width.saturating_sub(columns(cell)));
        if self.columns[column].right { blanks + cell } else { cell.to_owned() + &blanks }
    }
}

/// How wide a text is at least that is broken wherever it can be.
fn broken_width(text: &str) -> usize {
    lines(text, 1).iter().map(|line| columns(line)).max().unwrap_or(0)
}
