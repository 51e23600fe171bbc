//! A table as CSV: RFC 4180 with `\n` line ends, UTF-8, every digit of every number, and empty cells for missing
//! values.

use std::{
    fs::File,
    io::{Read as _, Write},
    path::Path,
};

use super::{
    ExportError, Sink,
    table::{Cell, Column},
};
use seedgrid_common::durable_files::Pending;

use crate::report::{csv_number, push_csv_cell};

/// The size of the write buffer, in bytes.
const BUFFER: usize = 1 << 16;

/// A CSV file that is being written.
pub(super) struct CsvSink {
    file: Pending,
    buffer: String,
}

impl CsvSink {
    pub(super) fn new(file: Pending, columns: &[Column]) -> Self {
        let mut sink = Self { file, buffer: String::with_capacity(2 * BUFFER) };
        sink.line(columns.iter().map(|column| &*column.name));
        sink
    }

    fn line(&mut self, cells: impl Iterator<Item = impl AsRef<str>>) {
        for (index, cell) in cells.enumerate() {
            if index > 0 {
                self.buffer.push(',');
            }
            push_csv_cell(&mut self.buffer, cell.as_ref());
        }
        self.buffer.push('\n');
    }

    fn flush(&mut self) -> Result<(), ExportError> {
        let written = self.file.write_all(self.buffer.as_bytes());
        self.buffer.clear();
        written.map_err(|source| ExportError::File { path: self.file.path().to_owned(), source })
    }
}

impl Sink for CsvSink {
    fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), ExportError> {
        self.line(cells.iter().map(text));
        if self.buffer.len() >= BUFFER { self.flush() } else { Ok(()) }
    }

    fn finish(mut self: Box<Self>) -> Result<Pending, ExportError> {
        self.flush()?;
        Ok(self.file)
    }
}

/// Whether the header of the file at `path` begins with these columns.
pub(super) fn begins_with(path: &Path, columns: &[Column]) -> bool {
    let expected = columns.iter().map(|column| &*column.name).collect::<Vec<_>>().join(",");
    let mut found = Vec::new();
    let read = File::open(path).and_then(|file| file.take(expected.len() as u64 + 1).read_to_end(&mut found));
    let rest = found.strip_prefix(expected.as_bytes());
    read.is_ok() && rest.is_some_and(|rest| matches!(rest, [b',' | b'\n']))
}

/// A cell's text. Numbers read back exactly in the width of their column; lists are JSON.
pub(super) fn text(cell: &Cell<'_>) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Text(text) => text.clone().into_owned(),
        Cell::Integer(value) => value.to_string(),
        Cell::Number(value) => csv_number(*value),
        Cell::Single(value) => value.to_string(),
        Cell::Flag(value) => value.to_string(),
        Cell::Integers(items) => {
            let items: Vec<String> = items.iter().map(u64::to_string).collect();
            format!("[{}]", items.join(", "))
        }
    }
}
