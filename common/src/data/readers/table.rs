//! Data sets from tables: CSV and Parquet.

use std::{
    collections::BTreeMap,
    ops::Range,
    path::{Path, PathBuf},
};

use super::{
    assemble::{Gathered, GatheredInput, ReadDataset, assemble},
    columns::Filled,
    csv_file::TextForm,
    error::{Fault, ReadError},
    parts::{PartsSpec, TestPart},
    rows::{self, Inputs, Rows, RowsSpec, TableTarget},
    source::{Sources, reserve},
    warning::Warning,
};
use crate::data::{
    schema::{Column, Content, Input},
    values::{NumberType, Values},
};

/// The name of a table's input where the spec gives none.
pub const INPUT: &str = "row";

/// A data set from a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableSpec {
    /// The title; None is the first file's name.
    pub title: Option<String>,
    /// CSV and Parquet files, whose rows follow each other, relative to the spec's folder.
    pub files: Vec<PathBuf>,
    /// The form of CSV files.
    pub form: TextForm,
    /// Texts that stand for a missing value, beside the empty field, NA, N/A, NaN and null.
    pub missing: Vec<String>,
    /// The input's name; None is "row".
    pub input: Option<String>,
    /// The input's columns; None are all that are neither ignored nor used as a target, group, fold or mark.
    pub columns: Option<Vec<String>>,
    /// Columns that are left out.
    pub ignore: Vec<String>,
    /// Columns whose numbers are categories.
    pub categories: Vec<String>,
    /// The targets by name.
    pub targets: BTreeMap<String, TableTarget>,
    /// The target that the study is about; None where there is one only.
    pub primary: Option<String>,
    /// The test part, groups and folds.
    pub parts: PartsSpec<TestFiles>,
}

/// A test part in files of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TestFiles {
    /// The files, with the same columns.
    pub files: Vec<PathBuf>,
}

/// Reads the data set. Relative paths begin in `base`; the test part is drawn from `seed`.
///
/// # Errors
/// When a file cannot be read as the spec asks, or its rows make no data set.
pub fn read(spec: &TableSpec, base: &Path, seed: u64) -> Result<ReadDataset, ReadError> {
    let [file, ..] = spec.files.as_slice() else { return Err(ReadError::of_spec(Fault::NoFiles)) };
    let mut sources = Sources::new(base);
    let (columns, ignore, categories) = (spec.columns.as_deref(), &spec.ignore, &spec.categories);
    let inputs = Inputs::Columns { columns, ignore, categories };
    let rows_spec = RowsSpec::new((&spec.form, &spec.missing), inputs, &spec.targets, &spec.parts);
    let separate = match &spec.parts.test {
        TestPart::Separate(TestFiles { files }) => Some(files.as_slice()),
        TestPart::Column { .. } | TestPart::Fraction { .. } | TestPart::None => None,
    };
    let Rows { inputs, targets, groups, folds, marks, main, all } =
        rows::read(&rows_spec, &spec.files, separate, &mut sources)?;
    let mut warnings = Vec::new();
    let (input, main_values, others) =
        gather_input(inputs, main, all, &mut warnings).map_err(|fault| ReadError::in_file(file, fault))?;
    let name = spec.input.clone().unwrap_or_else(|| INPUT.to_owned());
    let title = || file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let gathered = Gathered {
        title: spec.title.clone().unwrap_or_else(title),
        file: file.clone(),
        inputs: [(name, GatheredInput { input, main: main_values, separate: separate.map(|_| others) })].into(),
        targets,
        main,
        separate: all - main,
        groups,
        folds,
        marks,
        warnings,
    };
    assemble(gathered, &spec.parts, spec.primary.as_deref(), seed, sources.into_read())
}

/// The input with the values of the main rows and of the others.
fn gather_input(
    columns: Vec<Filled>,
    main: usize,
    rows: usize,
    warnings: &mut Vec<Warning>,
) -> Result<(Input, Values, Values), Fault> {
    let mut described = Vec::with_capacity(columns.len());
    let mut filled = Vec::with_capacity(columns.len());
    for column in columns {
        if column.rounded() > 0 {
            let of = format!("column `{}`", crate::text::plain(column.name()));
            warnings.push(Warning::Rounded { of, rounded: column.rounded(), numbers: column.rows() as u64 });
        }
        if column.is_empty() {
            warnings.push(Warning::EmptyColumn { column: column.name().to_owned() });
        }
        let (column, values) = column.into_input();
        if let Column::Category { name, categories } = &column
            && categories.len() > 100
            && categories.len() > rows / 2
        {
            let (column, categories) = (name.clone(), categories.len());
            warnings.push(Warning::ManyCategories { column, categories, rows });
        }
        described.push(column);
        filled.push(values);
    }
    let values = |rows: Range<usize>| -> Result<Values, Fault> {
        let mut bytes = Vec::new();
        reserve(&mut bytes, (rows.len() * filled.len() * 4) as u64)?;
        for row in rows {
            filled.iter().for_each(|column| bytes.extend_from_slice(&column[row].to_le_bytes()));
        }
        Values::new(NumberType::F32, filled.len(), bytes.into()).map_err(|_| Fault::NoExamples)
    };
    let (main, others) = (values(0..main)?, values(main..rows)?);
    Ok((Input { shape: vec![described.len()], content: Content::Columns(described) }, main, others))
}

#[cfg(test)]
mod tests;
