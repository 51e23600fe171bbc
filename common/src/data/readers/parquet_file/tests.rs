use std::{fs, path::Path};

use parquet::{
    basic::GzipLevel,
    data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, FixedLenByteArrayType, Int32Type, Int64Type},
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};

use super::*;
use crate::data::readers::columns::Use;

const SCHEMA: &str = "message table {
    REQUIRED INT32 small (INTEGER(8, true));
    OPTIONAL DOUBLE price;
    OPTIONAL BYTE_ARRAY colour (STRING);
    REQUIRED BOOLEAN sold;
    REQUIRED INT64 cost (DECIMAL(10, 2));
    REQUIRED FIXED_LEN_BYTE_ARRAY (3) debt (DECIMAL(6, 1));
    REQUIRED INT32 day (DATE);
    REQUIRED INT64 count (INTEGER(64, false));
}";

/// Writes a file of two equal row groups of three rows.
fn write(path: &Path, compression: Compression) {
    let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
    let properties = Arc::new(WriterProperties::builder().set_compression(compression).build());
    let mut file = SerializedFileWriter::new(fs::File::create(path).unwrap(), schema, properties).unwrap();
    for _ in 0..2 {
        let mut group = file.next_row_group().unwrap();
        macro_rules! column {
            ($kind:ty, $values:expr, $levels:expr) => {
                let mut column = group.next_column().unwrap().unwrap();
                column.typed::<$kind>().write_batch(&$values, $levels, None).unwrap();
                column.close().unwrap();
            };
        }
        let text = |text: &str| ByteArray::from(text);
        column!(Int32Type, [-1, 2, 3], None);
        column!(DoubleType, [0.5, 2.5], Some(&[1, 0, 1]));
        column!(ByteArrayType, [text("red"), text("blue")], Some(&[1, 1, 0]));
        column!(BoolType, [true, false, true], None);
        column!(Int64Type, [1050, -25, 0], None);
        let debt = |number: i32| ByteArray::from(number.to_be_bytes()[1..].to_vec()).into();
        column!(FixedLenByteArrayType, [debt(-15), debt(20), debt(100_000)], None);
        column!(Int32Type, [1, 2, 3], None);
        column!(Int64Type, [-1, 1, 2], None);
        group.close().unwrap();
    }
    file.close().unwrap();
}

fn fill(path: &Path, name: &str, used: Use) -> Result<Filled, String> {
    let said = |(place, fault): (Place, Fault)| format!("{place}: {fault}");
    let mut column = Filled::new(name, used);
    open(fs::File::open(path).unwrap()).map_err(said)?.fill([&mut column].into_iter(), &[]).map_err(said)?;
    Ok(column)
}

#[test]
fn columns_of_every_kind_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.parquet");
    for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::GZIP(GzipLevel::default())] {
        write(&path, compression);
        let input = |name: &str| {
            let (column, values) = fill(&path, name, Use::Input).unwrap().into_input();
            assert_eq!(values.len(), 6);
            (column, values[..3].to_vec())
        };
        assert_eq!(input("small").1, [-1.0, 2.0, 3.0]);
        assert_eq!(format!("{:?}", input("price").1), "[0.5, NaN, 2.5]");
        let (colour, values) = input("colour");
        assert_eq!(
            format!("{colour:?} {values:?}"),
            r#"Category { name: "colour", categories: ["blue", "red"] } [1.0, 0.0, NaN]"#
        );
        let (sold, values) = input("sold");
        assert_eq!(
            format!("{sold:?} {values:?}"),
            r#"Category { name: "sold", categories: ["false", "true"] } [1.0, 0.0, 1.0]"#
        );
        assert_eq!(input("cost").1, [10.5, -0.25, 0.0]);
        assert_eq!(input("debt").1, [-1.5, 2.0, 10_000.0]);
        assert_eq!(input("count").1, [u64::MAX as f32, 1.0, 2.0]);
    }
}

#[test]
fn dates_missing_values_and_other_columns_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.parquet");
    write(&path, Compression::SNAPPY);
    assert_eq!(fill(&path, "day", Use::Input).unwrap_err(), "column `day`: a column of dates or times is not read");
    assert_eq!(fill(&path, "price", Use::Number).unwrap_err(), "row 2, column `price`: the value is missing");
    assert_eq!(
        fill(&path, "colour", Use::Number).unwrap_err(),
        "row 1, column `colour`: text cannot be a number to be predicted"
    );
    assert!(fill(&path, "size", Use::Input).unwrap_err().contains("columns of this file are not those of the first"));
}

#[test]
fn other_compressions_are_refused_by_name() {
    let fault = check_compression(Compression::ZSTD(Default::default())).unwrap_err();
    assert_eq!(fault.to_string(), "compression with zstd is not read");
}

#[test]
fn files_that_are_cut_short_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.parquet");
    write(&path, Compression::SNAPPY);
    let whole = fs::read(&path).unwrap();
    for length in [5, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(fill(&path, "small", Use::Input).is_err(), "{length}");
    }
}
