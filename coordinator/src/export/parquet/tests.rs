//! Parquet files read back with the same values as CSV files.

#[path = "../../../../tests/src/csv_rows.rs"]
mod csv_rows;

use std::{borrow::Cow, fs, path::Path};

use parquet::{
    file::reader::{FileReader as _, SerializedFileReader},
    record::{Field, List},
};
use proptest::prelude::*;

use super::*;
use crate::{
    export::csv::{CsvSink, text},
    report::csv_number,
};

const COLUMNS: [Column; 12] = [
    Column::full("text", Kind::Text),
    Column::optional("maybe_text", Kind::Text),
    Column::full("integer", Kind::Integer),
    Column::optional("maybe_integer", Kind::Integer),
    Column::full("number", Kind::Number),
    Column::optional("maybe_number", Kind::Number),
    Column::full("single", Kind::Single),
    Column::optional("maybe_single", Kind::Single),
    Column::full("flag", Kind::Flag),
    Column::optional("maybe_flag", Kind::Flag),
    Column::full("integers", Kind::Integers),
    Column::optional("maybe_integers", Kind::Integers),
];

fn any_cell(column: &Column) -> BoxedStrategy<Cell<'static>> {
    let value = match column.kind {
        Kind::Text => "[a-z,\"\n é]{0,6}".prop_map(|text| Cell::Text(Cow::Owned(text))).boxed(),
        Kind::Integer => any::<i64>().prop_map(Cell::Integer).boxed(),
        Kind::Number => any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Cell::Number).boxed(),
        Kind::Single => any::<f32>().prop_filter("finite", |number| number.is_finite()).prop_map(Cell::Single).boxed(),
        Kind::Flag => any::<bool>().prop_map(Cell::Flag).boxed(),
        Kind::Integers => {
            prop::collection::vec(0_u64..1 << 40, 0..5).prop_map(|items| Cell::Integers(Cow::Owned(items))).boxed()
        }
    };
    if column.optional { prop_oneof![1 => Just(Cell::Empty), 2 => value].boxed() } else { value }
}

fn any_table() -> impl Strategy<Value = Vec<Vec<Cell<'static>>>> {
    let row: Vec<BoxedStrategy<Cell<'static>>> = COLUMNS.iter().map(any_cell).collect();
    prop::collection::vec(row, 0..40)
}

/// Writes both files. Returns the path of the Parquet file and the text of the CSV file.
fn write(folder: &Path, name: &str, rows: &[Vec<Cell<'static>>]) -> (PathBuf, String) {
    let path = |ending: &str| folder.join(format!("{name}.{ending}"));
    let facts = [("study", "s".to_owned())];
    let parquet = ParquetSink::new(Pending::new(&path("parquet")).unwrap(), &COLUMNS, &facts).unwrap();
    let csv = CsvSink::new(Pending::new(&path("csv")).unwrap(), &COLUMNS);
    let mut sinks: [Box<dyn Sink>; 2] = [Box::new(parquet), Box::new(csv)];
    for row in rows {
        sinks.iter_mut().for_each(|sink| sink.row(row).unwrap());
    }
    sinks.into_iter().for_each(|sink| sink.finish().unwrap().commit().unwrap());
    (path("parquet"), fs::read_to_string(path("csv")).unwrap())
}

/// A field of a Parquet file as its CSV cell.
fn shown(field: &Field) -> String {
    match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Long(value) => value.to_string(),
        Field::Double(value) => csv_number(*value),
        Field::Float(value) => value.to_string(),
        Field::Bool(value) => value.to_string(),
        Field::ListInternal(items) => {
            let items: Vec<String> = List::elements(items).iter().map(shown).collect();
            format!("[{}]", items.join(", "))
        }
        other => panic!("no column has {other:?}"),
    }
}

fn open(path: &Path) -> SerializedFileReader<fs::File> {
    SerializedFileReader::new(fs::File::open(path).unwrap()).unwrap()
}

fn read(path: &Path) -> Vec<Vec<String>> {
    let reader = open(path);
    let rows = reader.get_row_iter(None).unwrap();
    rows.map(|row| row.unwrap().get_column_iter().map(|(_, field)| shown(field)).collect()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn parquet_reads_back_as_the_csv(rows in any_table()) {
        let folder = tempfile::tempdir().unwrap();
        let (parquet, csv) = write(folder.path(), "table", &rows);
        let expected: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(text).collect()).collect();
        prop_assert_eq!(&read(&parquet), &expected);
        let csv = csv_rows::rows(&csv);
        prop_assert_eq!(&csv[0], &COLUMNS.iter().map(|column| column.name.to_string()).collect::<Vec<_>>());
        prop_assert_eq!(&csv[1..], &expected[..]);
        let again = write(folder.path(), "again", &rows).0;
        prop_assert_eq!(fs::read(again).unwrap(), fs::read(parquet).unwrap(), "equal tables have equal bytes");
    }
}

#[test]
fn long_tables_have_several_row_groups() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.parquet");
    let columns = [Column::full("row", Kind::Integer), Column::optional("widths", Kind::Integers)];
    let mut sink: Box<dyn Sink> = Box::new(ParquetSink::new(Pending::new(&path).unwrap(), &columns, &[]).unwrap());
    let count = 2 * GROUP_ROWS + 6;
    for row in 0..count {
        let widths = if row % 3 == 0 { Cell::Empty } else { Cell::Integers(Cow::Owned(vec![row as u64; row % 3])) };
        sink.row(&[Cell::count(row), widths]).unwrap();
    }
    assert!(!path.exists(), "nothing is there before it is whole");
    sink.finish().unwrap().commit().unwrap();
    let reader = open(&path);
    let groups: Vec<i64> = reader.metadata().row_groups().iter().map(|group| group.num_rows()).collect();
    assert_eq!(groups, [GROUP_ROWS as i64, GROUP_ROWS as i64, 6]);
    let last = reader.get_row_iter(None).unwrap().last().unwrap().unwrap();
    let last: Vec<String> = last.get_column_iter().map(|(_, field)| shown(field)).collect();
    assert_eq!(last, [(count - 1).to_string(), format!("[{0}]", count - 1)]);
}

#[test]
fn a_table_without_rows_still_has_its_columns() {
    let folder = tempfile::tempdir().unwrap();
    let (parquet, csv) = write(folder.path(), "empty", &[]);
    let reader = open(&parquet);
    let metadata = reader.metadata().file_metadata();
    assert_eq!(metadata.num_rows(), 0);
    assert_eq!(metadata.schema_descr().root_schema().get_fields().len(), COLUMNS.len());
    assert_eq!(metadata.created_by(), Some(concat!("seedgrid version ", env!("CARGO_PKG_VERSION"))));
    assert_eq!(csv.lines().count(), 1);
}
