//! A table as Parquet: typed columns in row groups, so that memory is bounded for any length of the table.
//!
//! The crate's column writers are used directly: Arrow's arrays would need one more copy and some ten more crates.

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
};

use parquet::{
    basic::{Compression, LogicalType, Repetition, Type as Physical},
    data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FloatType, Int64Type},
    errors::ParquetError,
    file::{
        metadata::{KeyValue, ParquetMetaDataReader},
        properties::WriterProperties,
        writer::{SerializedColumnWriter, SerializedFileWriter},
    },
    schema::types::{Type, TypePtr},
};

use super::{
    ExportError, Sink,
    table::{Cell, Column, Kind},
};
use seedgrid_common::durable_files::Pending;

/// Rows of a row group: the amount in memory, and the smallest amount that a reader must read.
pub(super) const GROUP_ROWS: usize = 1 << 16;

/// A Parquet file that is being written.
pub(super) struct ParquetSink {
    path: PathBuf,
    file: SerializedFileWriter<Pending>,
    columns: Vec<Gathered>,
    rows: usize,
}

/// The collected values of one column for the next row group.
struct Gathered {
    optional: bool,
    values: Values,
    /// The definition level of each value: 0 for an empty one; in an optional column 1 more than in a full one;
    /// elements of a list have 1 more than the list.
    definition: Vec<i16>,
    /// Repetition levels of lists: 0 where a row begins, 1 within one.
    repetition: Vec<i16>,
}

enum Values {
    Text(Vec<ByteArray>),
    Integer(Vec<i64>),
    Number(Vec<f64>),
    Single(Vec<f32>),
    Flag(Vec<bool>),
    Integers(Vec<i64>),
}

/// Whether the metadata of the file at `path` has this name with a value that begins so.
pub(super) fn says(path: &Path, name: &str, begins: &str) -> bool {
    let read = |file: File| ParquetMetaDataReader::new().parse_and_finish(&file).ok();
    let Some(found) = File::open(path).ok().and_then(read) else { return false };
    let facts = found.file_metadata().key_value_metadata().into_iter().flatten();
    let value = |fact: &KeyValue| fact.value.as_ref().is_some_and(|value| value.starts_with(begins));
    facts.filter(|fact| fact.key == name).any(value)
}

impl ParquetSink {
    /// Creates a file with these columns; `facts` are names and values for its metadata.
    pub(super) fn new(file: Pending, columns: &[Column], facts: &[(&str, String)]) -> Result<Self, ExportError> {
        let path = file.path().to_owned();
        let failed = |source| ExportError::Parquet { path: path.clone(), source };
        let facts = facts.iter().map(|(name, value)| KeyValue::new((*name).to_owned(), value.clone())).collect();
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            // The only part of the file that depends on the version.
            .set_created_by(concat!("seedgrid version ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_key_value_metadata(Some(facts))
            .build();
        let schema = schema(columns).map_err(failed)?;
        let file = SerializedFileWriter::new(file, schema, Arc::new(properties)).map_err(failed)?;
        Ok(Self { path, file, columns: columns.iter().map(Gathered::new).collect(), rows: 0 })
    }

    fn failed(&self, source: ParquetError) -> ExportError {
        ExportError::Parquet { path: self.path.clone(), source }
    }

    /// Writes the collected values as a row group.
    fn write_group(&mut self) -> Result<(), ExportError> {
        if self.rows == 0 {
            return Ok(());
        }
        self.rows = 0;
        let write = |file: &mut SerializedFileWriter<Pending>, columns: &mut [Gathered]| {
            let mut group = file.next_row_group()?;
            for column in columns {
                let Some(writer) = group.next_column()? else { break };
                column.write(writer)?;
            }
            group.close().map(|_| ())
        };
        write(&mut self.file, &mut self.columns).map_err(|source| self.failed(source))
    }
}

impl Sink for ParquetSink {
    fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), ExportError> {
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            column.push(cell);
        }
        self.rows += 1;
        if self.rows == GROUP_ROWS { self.write_group() } else { Ok(()) }
    }

    fn finish(mut self: Box<Self>) -> Result<Pending, ExportError> {
        self.write_group()?;
        let Self { path, file, .. } = *self;
        // Closing also writes the metadata.
        file.into_inner().map_err(|source| ExportError::Parquet { path, source })
    }
}

/// The file's schema.
fn schema(columns: &[Column]) -> Result<TypePtr, ParquetError> {
    let fields = columns.iter().map(field).collect::<Result<_, _>>()?;
    Ok(Arc::new(Type::group_type_builder("table").with_fields(fields).build()?))
}

fn field(column: &Column) -> Result<TypePtr, ParquetError> {
    let repetition = if column.optional { Repetition::OPTIONAL } else { Repetition::REQUIRED };
    let primitive =
        |physical: Physical| Type::primitive_type_builder(&column.name, physical).with_repetition(repetition);
    let field = match column.kind {
        Kind::Text => primitive(Physical::BYTE_ARRAY).with_logical_type(Some(LogicalType::String)).build()?,
        Kind::Integer => primitive(Physical::INT64).build()?,
        Kind::Number => primitive(Physical::DOUBLE).build()?,
        Kind::Single => primitive(Physical::FLOAT).build()?,
        Kind::Flag => primitive(Physical::BOOLEAN).build()?,
        Kind::Integers => list(&column.name, repetition)?,
    };
    Ok(Arc::new(field))
}

/// A list in the three levels of the format: the list, its repetition, its elements.
fn list(name: &str, repetition: Repetition) -> Result<Type, ParquetError> {
    let element =
        Type::primitive_type_builder("element", Physical::INT64).with_repetition(Repetition::REQUIRED).build()?;
    let repeated = Type::group_type_builder("list")
        .with_repetition(Repetition::REPEATED)
        .with_fields(vec![Arc::new(element)])
        .build()?;
    Type::group_type_builder(name)
        .with_repetition(repetition)
        .with_logical_type(Some(LogicalType::List))
        .with_fields(vec![Arc::new(repeated)])
        .build()
}

impl Gathered {
    fn new(column: &Column) -> Self {
        let values = match column.kind {
            Kind::Text => Values::Text(Vec::new()),
            Kind::Integer => Values::Integer(Vec::new()),
            Kind::Number => Values::Number(Vec::new()),
            Kind::Single => Values::Single(Vec::new()),
            Kind::Flag => Values::Flag(Vec::new()),
            Kind::Integers => Values::Integers(Vec::new()),
        };
        Self { optional: column.optional, values, definition: Vec::new(), repetition: Vec::new() }
    }

    fn push(&mut self, cell: &Cell<'_>) {
        let present = i16::from(self.optional);
        let defined = match (&mut self.values, cell) {
            (Values::Text(values), Cell::Text(text)) => {
                values.push(ByteArray::from(&**text));
                present
            }
            (Values::Integer(values), Cell::Integer(value)) => {
                values.push(*value);
                present
            }
            (Values::Number(values), Cell::Number(value)) => {
                values.push(*value);
                present
            }
            (Values::Single(values), Cell::Single(value)) => {
                values.push(*value);
                present
            }
            (Values::Flag(values), Cell::Flag(value)) => {
                values.push(*value);
                present
            }
            (Values::Integers(values), Cell::Integers(items)) if !items.is_empty() => {
                // Widths of layers, far below 2^63.
                values.extend(items.iter().map(|item| i64::try_from(*item).unwrap_or(i64::MAX)));
                self.repetition.extend((0..items.len()).map(|index| i16::from(index > 0)));
                self.definition.extend(items.iter().map(|_| present + 1));
                return;
            }
            (Values::Integers(_), Cell::Integers(_)) => present,
            (_, cell) => {
                debug_assert_eq!(*cell, Cell::Empty, "a cell is of its column's kind");
                0
            }
        };
        self.definition.push(defined);
        self.repetition.push(0);
    }

    /// Writes the column's part of a row group, and empties it.
    fn write(&mut self, mut writer: SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        let (definition, repetition) = (std::mem::take(&mut self.definition), std::mem::take(&mut self.repetition));
        let levels = self.optional.then_some(definition.as_slice());
        match &mut self.values {
            Values::Text(values) => flat::<ByteArrayType>(&mut writer, values, levels)?,
            Values::Integer(values) => flat::<Int64Type>(&mut writer, values, levels)?,
            Values::Number(values) => flat::<DoubleType>(&mut writer, values, levels)?,
            Values::Single(values) => flat::<FloatType>(&mut writer, values, levels)?,
            Values::Flag(values) => flat::<BoolType>(&mut writer, values, levels)?,
            Values::Integers(values) => {
                let typed = writer.typed::<Int64Type>();
                typed.write_batch(values, Some(&definition), Some(&repetition))?;
                values.clear();
            }
        }
        writer.close()
    }
}

/// Writes values that are no lists, and clears them.
fn flat<T: DataType>(
    writer: &mut SerializedColumnWriter<'_>,
    values: &mut Vec<T::T>,
    levels: Option<&[i16]>,
) -> Result<(), ParquetError> {
    writer.typed::<T>().write_batch(values, levels, None)?;
    values.clear();
    Ok(())
}

#[cfg(test)]
mod tests;
