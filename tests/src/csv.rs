//! Reads CSV files of Seedgrid: enough of RFC 4180 for what it writes.

use std::collections::BTreeMap;

/// The cells of a table, its header first.
pub fn rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => cell.extend(characters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            other => cell.push(other),
        }
    }
    rows
}

/// The rows of a table, each cell by its column's name.
///
/// # Panics
/// When the table has no header.
pub fn records(text: &str) -> Vec<BTreeMap<String, String>> {
    let rows = rows(text);
    let (header, rows) = rows.split_first().expect("a header");
    rows.iter().map(|row| header.iter().cloned().zip(row.iter().cloned()).collect()).collect()
}
