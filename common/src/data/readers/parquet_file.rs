//! Parquet files of a table, read column by column.

use std::{fs::File, sync::Arc};

use half::f16;
use parquet::{
    basic::{Compression, ConvertedType, LogicalType, Type as Physical},
    column::reader::{ColumnReader, ColumnReaderImpl},
    data_type::DataType,
    errors::ParquetError,
    file::{
        reader::{FileReader as _, SerializedFileReader},
        serialized_reader::ReadOptionsBuilder,
    },
    schema::types::ColumnDescriptor,
};

use super::{
    columns::{Filled, Rules},
    error::{Fault, Place},
};
use crate::data::dataset::EXAMPLES_MAX;

/// Rows that are read at a time.
const ROWS: usize = 1 << 14;

/// A file whose head was read.
pub struct ParquetTable {
    file: SerializedFileReader<File>,
}

/// Opens a file.
///
/// # Errors
/// When it is cut short or damaged, or has too many rows.
pub fn open(file: File) -> Result<ParquetTable, (Place, Fault)> {
    let whole = |fault| (Place::Whole, fault);
    let options = ReadOptionsBuilder::new().build();
    let file = SerializedFileReader::new_with_options(file, options).map_err(|error| whole(fault(&error)))?;
    let rows = file.metadata().file_metadata().num_rows();
    match usize::try_from(rows) {
        Ok(rows) if rows <= EXAMPLES_MAX => Ok(ParquetTable { file }),
        _ => Err(whole(Fault::ManyRows { most: EXAMPLES_MAX })),
    }
}

impl ParquetTable {
    /// The columns' names; those of a structure have its name before a point.
    pub fn names(&self) -> Vec<String> {
        let schema = self.file.metadata().file_metadata().schema_descr();
        schema.columns().iter().map(|column| column.path().string()).collect()
    }

    /// Adds every row to these columns. Texts in `missing` stand for missing values, beside those of the file.
    ///
    /// # Errors
    /// When a column does not exist or is of a type that is not read, or a value does not fit it.
    pub fn fill<'f>(
        &self,
        columns: impl Iterator<Item = &'f mut Filled>,
        missing: &[String],
    ) -> Result<(), (Place, Fault)> {
        let names = self.names();
        let rules = Rules { decimal: '.', missing: missing.to_vec() };
        for column in columns {
            let name = column.name().to_owned();
            let of_column = |fault| (Place::Column(name.clone()), fault);
            let Some(place) = names.iter().position(|known| *known == name) else {
                return Err(of_column(Fault::OtherColumns { detail: "this one is missing".to_owned() }));
            };
            let descriptor = self.file.metadata().file_metadata().schema_descr().column(place);
            let meaning = meaning(&descriptor).map_err(of_column)?;
            let mut row = 0;
            for group in 0..self.file.num_row_groups() {
                let facts = self.file.metadata().row_group(group);
                check_compression(facts.column(place).compression()).map_err(of_column)?;
                let group = self.file.get_row_group(group).map_err(|error| of_column(fault(&error)))?;
                let reader = group.get_column_reader(place).map_err(|error| of_column(fault(&error)))?;
                let mut filling =
                    Filling { column, rules: &rules, row: &mut row, optional: descriptor.max_def_level() > 0 };
                filling.fill(reader, meaning)?;
            }
        }
        Ok(())
    }
}

/// The meaning of a column's stored values.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Meaning {
    Flag,
    Signed,
    Unsigned,
    Float,
    Half,
    Text,
    /// A decimal number: the stored whole number is divided by this.
    Decimal(f64),
}

fn meaning(column: &Arc<ColumnDescriptor>) -> Result<Meaning, Fault> {
    const NESTED: &str = "store one value a row in each column";
    const DATE: &str =
        "store numbers (for example days since a day, or month and weekday), or name the column in `ignore`";
    const OTHER: &str = "store numbers or text, or name the column in `ignore`";
    let refused = |found: &str, hint| Err(Fault::Unsupported { found: found.to_owned(), hint });
    if column.max_rep_level() > 0 {
        return refused("a column of lists", NESTED);
    }
    let converted = column.converted_type();
    match (column.logical_type_ref(), converted, column.physical_type()) {
        (Some(LogicalType::Date | LogicalType::Time(_) | LogicalType::Timestamp(_)), ..)
        | (_, ConvertedType::DATE | ConvertedType::TIME_MILLIS | ConvertedType::TIME_MICROS, _)
        | (_, ConvertedType::TIMESTAMP_MILLIS | ConvertedType::TIMESTAMP_MICROS | ConvertedType::INTERVAL, _)
        | (.., Physical::INT96) => refused("a column of dates or times", DATE),
        (Some(LogicalType::Decimal(_)), ..) | (_, ConvertedType::DECIMAL, _) => {
            Ok(Meaning::Decimal(10_f64.powi(column.type_scale())))
        }
        (Some(LogicalType::Float16), ..) => Ok(Meaning::Half),
        (.., Physical::BOOLEAN) => Ok(Meaning::Flag),
        (.., Physical::FLOAT | Physical::DOUBLE) => Ok(Meaning::Float),
        (_, ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64, _) => {
            Ok(Meaning::Unsigned)
        }
        (.., Physical::INT32 | Physical::INT64) => Ok(Meaning::Signed),
        (Some(LogicalType::String | LogicalType::Enum | LogicalType::Json), ..)
        | (_, ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::JSON, _)
        | (None, ConvertedType::NONE, Physical::BYTE_ARRAY) => Ok(Meaning::Text),
        _ => refused("a column of bytes", OTHER),
    }
}

fn check_compression(compression: Compression) -> Result<(), Fault> {
    let name = match compression {
        Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::GZIP(_) => return Ok(()),
        Compression::ZSTD(_) => "zstd",
        Compression::BROTLI(_) => "brotli",
        Compression::LZ4 | Compression::LZ4_RAW => "lz4",
        Compression::LZO => "lzo",
    };
    Err(Fault::Unsupported {
        found: format!("compression with {name}"),
        hint: "write the file with snappy or gzip: `to_parquet(FILE, compression=\"snappy\")`",
    })
}

fn fault(error: &ParquetError) -> Fault {
    match error {
        ParquetError::EOF(detail) => Fault::Truncated { detail: detail.clone() },
        other => Fault::Damaged { detail: other.to_string() },
    }
}

/// A column that is filled from a row group.
struct Filling<'f> {
    column: &'f mut Filled,
    rules: &'f Rules,
    /// Rows so far.
    row: &'f mut u64,
    optional: bool,
}

impl Filling<'_> {
    fn fill(&mut self, reader: ColumnReader, meaning: Meaning) -> Result<(), (Place, Fault)> {
        match reader {
            ColumnReader::BoolColumnReader(reader) => {
                self.each(reader, |column, _, flag| column.push_text(if *flag { "true" } else { "false" }))
            }
            ColumnReader::Int32ColumnReader(reader) => self.each(reader, |column, _, number| {
                column.push_number(match meaning {
                    Meaning::Unsigned => f64::from(number.cast_unsigned()),
                    Meaning::Decimal(divisor) => f64::from(*number) / divisor,
                    _ => f64::from(*number),
                })
            }),
            ColumnReader::Int64ColumnReader(reader) => self.each(reader, |column, _, number| {
                column.push_number(match meaning {
                    Meaning::Unsigned => number.cast_unsigned() as f64,
                    Meaning::Decimal(divisor) => *number as f64 / divisor,
                    _ => *number as f64,
                })
            }),
            ColumnReader::FloatColumnReader(reader) => {
                self.each(reader, |column, _, number| column.push_number(f64::from(*number)))
            }
            ColumnReader::DoubleColumnReader(reader) => {
                self.each(reader, |column, _, number| column.push_number(*number))
            }
            ColumnReader::ByteArrayColumnReader(reader) => {
                self.each(reader, |column, rules, bytes| push_bytes(column, rules, bytes.data(), meaning))
            }
            ColumnReader::FixedLenByteArrayColumnReader(reader) => {
                self.each(reader, |column, rules, bytes| push_bytes(column, rules, bytes.data(), meaning))
            }
            // Refused by its meaning.
            ColumnReader::Int96ColumnReader(_) => Ok(()),
        }
    }

    fn each<T: DataType>(
        &mut self,
        mut reader: ColumnReaderImpl<T>,
        push: impl Fn(&mut Filled, &Rules, &T::T) -> Result<(), Fault>,
    ) -> Result<(), (Place, Fault)> {
        let (mut values, mut levels) = (Vec::new(), Vec::new());
        loop {
            values.clear();
            levels.clear();
            let name = self.column.name().to_owned();
            let read = reader
                .read_records(ROWS, self.optional.then_some(&mut levels), None, &mut values)
                .map_err(|error| (Place::Column(name.clone()), fault(&error)))?;
            let (rows, ..) = read;
            if rows == 0 {
                return Ok(());
            }
            let highest = levels.iter().copied().max().unwrap_or_default();
            let mut present = values.iter();
            for place in 0..rows {
                *self.row += 1;
                let is_present =
                    !self.optional || (values.len() == rows) || levels.get(place).copied() == Some(highest);
                let value = if is_present { present.next() } else { None };
                let pushed = match value {
                    Some(value) => push(self.column, self.rules, value),
                    None => self.column.push_missing(),
                };
                pushed.map_err(|fault| (Place::Row { row: *self.row, column: name.clone() }, fault))?;
            }
        }
    }
}

fn push_bytes(column: &mut Filled, rules: &Rules, bytes: &[u8], meaning: Meaning) -> Result<(), Fault> {
    match meaning {
        Meaning::Decimal(divisor) => {
            // Two's complement, highest byte first.
            let first = bytes.first().map_or(0.0, |byte| f64::from(byte.cast_signed()));
            let number = bytes.iter().skip(1).fold(first, |number, byte| number * 256.0 + f64::from(*byte));
            column.push_number(number / divisor)
        }
        Meaning::Half => {
            let bytes = bytes
                .first_chunk()
                .copied()
                .ok_or_else(|| Fault::Damaged { detail: "a number is cut short".to_owned() })?;
            column.push_number(f16::from_le_bytes(bytes).to_f64())
        }
        _ => {
            let text = std::str::from_utf8(bytes).map_err(|_| Fault::NotUtf8)?.trim();
            if rules.is_missing(text) { column.push_missing() } else { column.push_text(text) }
        }
    }
}

#[cfg(test)]
mod tests;
