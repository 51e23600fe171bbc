//! Reads CSV files of Seedgrid, each cell by its column's name.

use std::collections::BTreeMap;

use crate::csv_rows;

/// The cells of a table, its header first.
pub fn rows(text: &str) -> Vec<Vec<String>> {
    csv_rows::rows(text)
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
