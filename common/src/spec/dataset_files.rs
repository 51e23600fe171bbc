//! Reads a `[dataset]` that is made from a user's own files: arrays, a table or images.

use std::{collections::BTreeMap, path::PathBuf};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    SpecErrors,
    dataset::{self, FilesKind},
    document::document,
    error::Problems,
    toml_table::{Entry, Table},
};
use crate::data::{
    DatasetSpec,
    readers::{
        arrays::{ArrayContent, ArrayInput, ArrayTarget, ArraysSpec, TestArrays},
        csv_file::TextForm,
        decode::Background,
        files::FilesSpec,
        images::{ImageTable, ImagesSpec, TestImages},
        layout::Layout,
        parts::{FractionRule, Group, PartsSpec, TestPart},
        rows::TableTarget,
        table::{TableSpec, TestFiles},
        target::TargetKind,
    },
};

/// The source of a data set.
#[derive(Clone, Debug, PartialEq)]
pub enum DatasetSource {
    /// Seedgrid draws it.
    Drawn(DatasetSpec),
    /// It is made from a user's own files.
    Files(Box<FilesDataset>),
}

/// A data set that is made from files, and its data seed.
#[derive(Clone, Debug, PartialEq)]
pub struct FilesDataset {
    /// The files, inputs, targets and parts.
    pub files: FilesSpec,
    /// The number from which a test part is drawn.
    pub seed: u64,
}

/// Reads the `[dataset]` of the spec `text` from `source_name`, and nothing else of it.
///
/// # Errors
/// Everything that is wrong with it, at once.
pub fn parse_dataset(source_name: &str, text: &str) -> Result<DatasetSource, SpecErrors> {
    let mut problems = Problems::new(text);
    let read = read_document(text, &mut problems);
    match (problems.finish(source_name), read) {
        (None, Some(dataset)) => Ok(dataset),
        (Some(errors), _) => Err(errors),
        (None, None) => unreachable!("a part is only left out after a problem was reported"),
    }
}

fn read_document(text: &str, problems: &mut Problems<'_>) -> Option<DatasetSource> {
    let document = document(text, problems)?;
    let mut study = Table::new("the study", 0..0, document.get_ref());
    let Some(entry) = study.required("dataset", "[dataset] with a kind") else {
        study.abandon(problems);
        return None;
    };
    match dataset::files_kind(&entry) {
        Some(kind) => {
            read(kind, entry.table("[dataset]", problems)?, problems).map(|files| DatasetSource::Files(Box::new(files)))
        }
        None => dataset::read(entry, problems).dataset.map(DatasetSource::Drawn),
    }
}

fn read(kind: FilesKind, mut table: Table<'_>, problems: &mut Problems<'_>) -> Option<FilesDataset> {
    table.optional("kind");
    let seed = table.optional("seed").map_or(Some(0), |entry| entry.whole(0..=i64::MAX as u64, problems));
    let files = match kind {
        FilesKind::Arrays => arrays(&mut table, problems).map(FilesSpec::Arrays),
        FilesKind::Table => self::table(&mut table, problems).map(FilesSpec::Table),
        FilesKind::Images => images(&mut table, problems).map(FilesSpec::Images),
    };
    table.finish(problems);
    Some(FilesDataset { files: files?, seed: seed? })
}

fn arrays(table: &mut Table<'_>, problems: &mut Problems<'_>) -> Option<ArraysSpec> {
    let title = title(table, problems);
    let files = table.required("files", r#"files = ["digits.npz"]"#).and_then(|entry| paths(entry, problems));
    let inputs = table
        .required("inputs", "[dataset.inputs] with image = \"x_train\"")
        .and_then(|entry| named(entry, "[dataset.inputs]", problems, array_input));
    let targets = table
        .required("targets", "[dataset.targets] with digit = \"y_train\"")
        .and_then(|entry| named(entry, "[dataset.targets]", problems, array_target));
    let primary = optional_text(table, "primary", "a target's name", problems);
    let parts = parts(table, problems, |table, problems| {
        let files = table.optional("files").map_or(Some(Vec::new()), |entry| paths(entry, problems));
        let arrays = table
            .optional("arrays")
            .map_or(Some(BTreeMap::new()), |entry| named(entry, "[dataset.test.arrays]", problems, array_name));
        Some(TestArrays { files: files?, arrays: arrays? })
    });
    Some(ArraysSpec {
        title: title?,
        files: files?,
        inputs: inputs?,
        targets: targets?,
        primary: primary?,
        parts: parts?,
    })
}

fn array_name(entry: Entry<'_>, problems: &mut Problems<'_>) -> Option<String> {
    entry.text("an array's name", problems).map(str::to_owned)
}

fn array_input(entry: Entry<'_>, problems: &mut Problems<'_>) -> Option<ArrayInput> {
    if let Some(array) = entry.value.get_ref().as_str() {
        return Some(array.into());
    }
    let mut table = within(entry, "an array's name, or a table such as { array = \"x\", layout = \"hw\" }", problems)?;
    let array = table.required("array", r#"array = "x_train""#).and_then(|entry| array_name(entry, problems));
    let layouts = Layout::ALL.map(|layout| (layout.name(), layout));
    let layout = optional(&mut table, "layout", |entry| entry.word("layout", &layouts, problems));
    let contents = [("pixels", ArrayContent::Pixels), ("numbers", ArrayContent::Numbers)];
    let content = optional(&mut table, "content", |entry| entry.word("content", &contents, problems));
    table.finish(problems);
    Some(ArrayInput { array: array?, layout: layout?, content: content? })
}

fn array_target(entry: Entry<'_>, problems: &mut Problems<'_>) -> Option<ArrayTarget> {
    if let Some(array) = entry.value.get_ref().as_str() {
        return Some(array.into());
    }
    let mut table = within(entry, "an array's name, or a table such as { array = \"y\", kind = \"class\" }", problems)?;
    let array = table.required("array", r#"array = "y_train""#).and_then(|entry| array_name(entry, problems));
    let (kind, classes) = kind_and_classes(&mut table, problems);
    table.finish(problems);
    Some(ArrayTarget { array: array?, kind: kind?, classes: classes? })
}

fn table(table: &mut Table<'_>, problems: &mut Problems<'_>) -> Option<TableSpec> {
    let title = title(table, problems);
    let files = table.required("files", r#"files = ["houses.csv"]"#).and_then(|entry| paths(entry, problems));
    let form = text_form(table, problems);
    let missing = texts_or_none(table, "missing", problems);
    let input = optional_text(table, "input", "a name", problems);
    let columns = optional(table, "columns", |entry| texts(entry, problems));
    let ignore = texts_or_none(table, "ignore", problems);
    let categories = texts_or_none(table, "categories", problems);
    let targets = table
        .required("targets", "[dataset.targets] with price = \"price\"")
        .and_then(|entry| named(entry, "[dataset.targets]", problems, table_target));
    let primary = optional_text(table, "primary", "a target's name", problems);
    let parts = parts(table, problems, |table, problems| {
        let files = table.required("files", r#"files = ["test.csv"]"#).and_then(|entry| paths(entry, problems));
        Some(TestFiles { files: files? })
    });
    Some(TableSpec {
        title: title?,
        files: files?,
        form: form?,
        missing: missing?,
        input: input?,
        columns: columns?,
        ignore: ignore?,
        categories: categories?,
        targets: targets?,
        primary: primary?,
        parts: parts?,
    })
}

fn table_target(entry: Entry<'_>, problems: &mut Problems<'_>) -> Option<TableTarget> {
    if let Some(column) = entry.value.get_ref().as_str() {
        return Some(column.into());
    }
    let expected = "a column's name, or a table such as { column = \"price\", kind = \"number\" }";
    let mut table = within(entry, expected, problems)?;
    let column = optional_text(&mut table, "column", "a column's name", problems);
    let columns = optional(&mut table, "columns", |entry| texts(entry, problems));
    let (kind, classes) = kind_and_classes(&mut table, problems);
    let columns = match (column?, columns?) {
        (Some(column), None) => Some(vec![column]),
        (None, Some(columns)) => Some(columns),
        (Some(_), Some(_)) => {
            entry.wrong("either `column` or `columns`", problems);
            None
        }
        (None, None) => {
            table.missing("column", r#"column = "price""#);
            None
        }
    };
    table.finish(problems);
    Some(TableTarget { columns: columns?, kind: kind?, classes: classes? })
}

fn images(table: &mut Table<'_>, problems: &mut Problems<'_>) -> Option<ImagesSpec> {
    let title = title(table, problems);
    let folder = table
        .required("folder", r#"folder = "flowers/train""#)
        .and_then(|entry| entry.text("a folder", problems))
        .map(PathBuf::from);
    let listed = match table.optional("table") {
        Some(entry) => image_table(entry, table, problems).map(Some),
        None => Some(None),
    };
    let input = optional_text(table, "input", "a name", problems);
    let target = optional_text(table, "target", "a name", problems);
    let classes = optional(table, "classes", |entry| texts(entry, problems));
    let channels = optional(table, "channels", |entry| match entry.whole(1..=3, problems)? {
        2 => {
            entry.wrong("1 or 3", problems);
            None
        }
        channels => Some(channels as usize),
    });
    let size = optional(table, "size", |entry| size(entry, problems));
    let colours = [("black", Background::Black), ("white", Background::White)];
    let alpha = optional(table, "alpha", |entry| entry.word("colour", &colours, problems));
    let primary = optional_text(table, "primary", "a target's name", problems);
    let parts = parts(table, problems, |table, problems| {
        let folder = optional_text(table, "folder", "a folder", problems);
        let files = texts_or_none(table, "files", problems);
        Some(TestImages { folder: folder?.map(PathBuf::from), files: files?.into_iter().map(PathBuf::from).collect() })
    });
    Some(ImagesSpec {
        title: title?,
        folder: folder?,
        table: listed?,
        input: input?,
        target: target?,
        classes: classes?,
        channels: channels?,
        size: size?,
        alpha: alpha?,
        primary: primary?,
        parts: parts?,
    })
}

fn image_table(entry: Entry<'_>, table: &mut Table<'_>, problems: &mut Problems<'_>) -> Option<ImageTable> {
    let files = paths(entry, problems);
    let form = text_form(table, problems);
    let missing = texts_or_none(table, "missing", problems);
    let path = table
        .required("path", r#"path = "file""#)
        .and_then(|entry| entry.text("a column's name", problems))
        .map(str::to_owned);
    let targets = table
        .required("targets", "[dataset.targets] with kind = \"kind\"")
        .and_then(|entry| named(entry, "[dataset.targets]", problems, table_target));
    Some(ImageTable { files: files?, form: form?, missing: missing?, path: path?, targets: targets? })
}

fn size(entry: Entry<'_>, problems: &mut Problems<'_>) -> Option<[u32; 2]> {
    let sides = entry.value.get_ref().as_array().and_then(|items| {
        let side = |item: &Spanned<DeValue<'_>>| super::scalar::not_negative(item.get_ref().as_integer()?);
        items.iter().map(side).collect::<Option<Vec<u64>>>()
    });
    match sides.as_deref() {
        Some([height, width]) if (1..=4096).contains(height) && (1..=4096).contains(width) => {
            Some([*height as u32, *width as u32])
        }
        _ => {
            entry.wrong("[height, width], each from 1 to 4096", problems);
            None
        }
    }
}

fn text_form(table: &mut Table<'_>, problems: &mut Problems<'_>) -> Option<TextForm> {
    let mut sign = |key, expected: &'static str, allowed: &'static [char]| {
        optional(table, key, |entry| {
            let mut characters = entry.text(expected, problems)?.chars();
            let sign = characters.next().filter(|sign| characters.next().is_none() && allowed.contains(sign));
            if sign.is_none() {
                entry.wrong(expected, problems);
            }
            sign
        })
    };
    let delimiter = sign("delimiter", "one of \",\", \";\", \"|\" and \"\\t\"", &[',', ';', '|', '\t']);
    let decimal = sign("decimal", "\".\" or \",\"", &['.', ',']);
    Some(TextForm { delimiter: delimiter?, decimal: decimal? })
}

/// The kind of a target and the names of its classes.
fn kind_and_classes(
    table: &mut Table<'_>,
    problems: &mut Problems<'_>,
) -> (Option<Option<TargetKind>>, Option<Option<Vec<String>>>) {
    let kinds = [TargetKind::Class, TargetKind::Number].map(|kind| (kind.name(), kind));
    let kind = optional(table, "kind", |entry| entry.word("target's kind", &kinds, problems));
    (kind, optional(table, "classes", |entry| texts(entry, problems)))
}

/// The test part, groups and folds. `separate` reads a test part of its own.
fn parts<S>(
    table: &mut Table<'_>,
    problems: &mut Problems<'_>,
    separate: impl FnOnce(&mut Table<'_>, &mut Problems<'_>) -> Option<S>,
) -> Option<PartsSpec<S>> {
    let group = optional_text(table, "group", "an array's or column's name, or \"identical-rows\"", problems);
    let folds = optional_text(table, "folds", "an array's or column's name", problems);
    let test = match table.optional("test") {
        Some(entry) => test_part(entry, problems, separate),
        None => Some(TestPart::None),
    };
    let group = group?.map(|name| match name.as_str() {
        "identical-rows" => Group::IdenticalRows,
        _ => Group::Named(name),
    });
    Some(PartsSpec { test: test?, group, folds: folds? })
}

fn test_part<S>(
    entry: Entry<'_>,
    problems: &mut Problems<'_>,
    separate: impl FnOnce(&mut Table<'_>, &mut Problems<'_>) -> Option<S>,
) -> Option<TestPart<S>> {
    let mut table = within(entry, "a table such as { fraction = 0.2 }", problems)?;
    let fraction = table.optional("fraction");
    let marked = table.optional("column").or_else(|| table.optional("array"));
    let part = if let Some(fraction) = fraction {
        let share = fraction.number("a share between 0 and 1", |share| share > 0.0 && share < 1.0, problems);
        let rules = [
            ("random", FractionRule::Random),
            ("stratified", FractionRule::Stratified),
            ("grouped", FractionRule::Grouped),
        ];
        let rule = optional(&mut table, "rule", |entry| entry.word("rule", &rules, problems));
        share.zip(rule).map(|(fraction, rule)| TestPart::Fraction { fraction, rule })
    } else if let Some(marked) = marked {
        let name = marked.text("an array's or column's name", problems).map(str::to_owned);
        let value = table.required("value", r#"value = "test""#).and_then(|entry| mark(entry, problems));
        name.zip(value).map(|(name, value)| TestPart::Column { name, value })
    } else {
        separate(&mut table, problems).map(TestPart::Separate)
    };
    table.finish(problems);
    part
}

/// The value that marks the test part, as text.
fn mark(entry: Entry<'_>, problems: &mut Problems<'_>) -> Option<String> {
    match entry.value.get_ref() {
        DeValue::String(text) => Some(text.clone().into_owned()),
        DeValue::Integer(number) => Some(number.to_string()),
        DeValue::Boolean(flag) => Some(flag.to_string()),
        DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => {
            entry.wrong("a text, a whole number, true or false", problems);
            None
        }
    }
}

fn title(table: &mut Table<'_>, problems: &mut Problems<'_>) -> Option<Option<String>> {
    optional_text(table, "title", "a text", problems)
}

/// Each name of a table with its value.
fn named<T>(
    entry: Entry<'_>,
    header: &'static str,
    problems: &mut Problems<'_>,
    read: impl Fn(Entry<'_>, &mut Problems<'_>) -> Option<T>,
) -> Option<BTreeMap<String, T>> {
    let DeValue::Table(entries) = entry.value.get_ref() else {
        entry.wrong(format!("a table, written {header}"), problems);
        return None;
    };
    if entries.is_empty() {
        entry.wrong(format!("a name and a value or more, in {header}"), problems);
        return None;
    }
    let all: Vec<Option<(String, T)>> = entries
        .iter()
        .map(|(name, value)| {
            let name: &str = name.get_ref();
            Some((name.to_owned(), read(Entry { key: entry.key, value }, problems)?))
        })
        .collect();
    all.into_iter().collect()
}

/// The table that is the value of this entry.
fn within<'t>(entry: Entry<'t>, expected: &str, problems: &mut Problems<'_>) -> Option<Table<'t>> {
    let entries: Option<&DeTable<'t>> = entry.value.get_ref().as_table();
    if entries.is_none() {
        entry.wrong(expected, problems);
    }
    Some(Table::new(format!("`{}`", entry.key), entry.at(), entries?))
}

/// The value of an optional key: the outer None after a report.
fn optional<'t, T>(
    table: &mut Table<'t>,
    key: &'static str,
    read: impl FnOnce(Entry<'t>) -> Option<T>,
) -> Option<Option<T>> {
    match table.optional(key) {
        Some(entry) => read(entry).map(Some),
        None => Some(None),
    }
}

fn optional_text(
    table: &mut Table<'_>,
    key: &'static str,
    expected: &str,
    problems: &mut Problems<'_>,
) -> Option<Option<String>> {
    optional(table, key, |entry| entry.text(expected, problems).map(str::to_owned))
}

/// The texts under an optional key; no texts where it is missing.
fn texts_or_none(table: &mut Table<'_>, key: &'static str, problems: &mut Problems<'_>) -> Option<Vec<String>> {
    optional(table, key, |entry| texts(entry, problems)).map(Option::unwrap_or_default)
}

fn texts(entry: Entry<'_>, problems: &mut Problems<'_>) -> Option<Vec<String>> {
    let items = entry.value.get_ref().as_array();
    let texts = items.and_then(|items| items.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect());
    if texts.is_none() {
        entry.wrong("a list of texts", problems);
    }
    texts
}

/// One path or a list of paths.
fn paths(entry: Entry<'_>, problems: &mut Problems<'_>) -> Option<Vec<PathBuf>> {
    if let Some(path) = entry.value.get_ref().as_str() {
        return Some(vec![path.into()]);
    }
    let paths = texts(entry, problems)?;
    if paths.is_empty() {
        entry.wrong("a path or more", problems);
        return None;
    }
    Some(paths.into_iter().map(PathBuf::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(text: &str) -> FilesDataset {
        match parse_dataset("s.toml", text).unwrap_or_else(|errors| panic!("{errors}")) {
            DatasetSource::Files(files) => *files,
            DatasetSource::Drawn(spec) => panic!("{spec:?} is drawn"),
        }
    }

    #[test]
    fn arrays_are_read() {
        let read = files(
            "name = \"a study whose other keys are not read\"\n[dataset]\nkind = \"arrays\"\nfiles = [\"digits.npz\"]\nseed = 3\n\
             group = \"writer\"\ntest = { arrays = { x = \"x_test\" } }\n[dataset.inputs]\nimage = { array = \"x\", layout = \"hwc\", \
             content = \"numbers\" }\n[dataset.targets]\ndigit = \"y\"\nsize = { array = \"s\", kind = \"number\" }\n[[stage]]\n",
        );
        let expected = ArraysSpec {
            title: None,
            files: vec!["digits.npz".into()],
            inputs: [(
                "image".to_owned(),
                ArrayInput { array: "x".to_owned(), layout: Some(Layout::Hwc), content: Some(ArrayContent::Numbers) },
            )]
            .into(),
            targets: [
                ("digit".to_owned(), "y".into()),
                (
                    "size".to_owned(),
                    ArrayTarget { array: "s".to_owned(), kind: Some(TargetKind::Number), classes: None },
                ),
            ]
            .into(),
            primary: None,
            parts: PartsSpec {
                test: TestPart::Separate(TestArrays {
                    files: Vec::new(),
                    arrays: [("x".to_owned(), "x_test".to_owned())].into(),
                }),
                group: Some(Group::Named("writer".to_owned())),
                folds: None,
            },
        };
        assert_eq!(read, FilesDataset { files: FilesSpec::Arrays(expected), seed: 3 });
    }

    #[test]
    fn tables_are_read() {
        let read = files(
            "[dataset]\nkind = \"table\"\nfiles = \"h.csv\"\ndelimiter = \";\"\ndecimal = \",\"\nmissing = [\"?\"]\nignore = [\"id\"]\n\
             primary = \"price\"\ngroup = \"identical-rows\"\nfolds = \"fold\"\ntest = { column = \"year\", value = 2020 }\n\
             [dataset.targets]\nprice = { columns = [\"low\", \"high\"], kind = \"number\" }\n",
        );
        let FilesSpec::Table(spec) = read.files else { panic!("{read:?}") };
        assert_eq!(spec.form, TextForm { delimiter: Some(';'), decimal: Some(',') });
        assert_eq!((spec.missing, spec.ignore, spec.columns), (vec!["?".to_owned()], vec!["id".to_owned()], None));
        assert_eq!(spec.targets["price"].columns, ["low", "high"]);
        let test = TestPart::Column { name: "year".to_owned(), value: "2020".to_owned() };
        assert_eq!(spec.parts, PartsSpec { test, group: Some(Group::IdenticalRows), folds: Some("fold".to_owned()) });
    }

    #[test]
    fn images_are_read() {
        let read = files(
            "[dataset]\nkind = \"images\"\nfolder = \"f\"\nsize = [32, 48]\nchannels = 3\nalpha = \"white\"\n\
             test = { fraction = 0.25, rule = \"random\" }\n",
        );
        let FilesSpec::Images(spec) = read.files else { panic!("{read:?}") };
        assert_eq!((spec.size, spec.channels, spec.alpha), (Some([32, 48]), Some(3), Some(Background::White)));
        assert_eq!(spec.parts.test, TestPart::Fraction { fraction: 0.25, rule: Some(FractionRule::Random) });
        let listed = "[dataset]\nkind = \"images\"\nfolder = \"f\"\ntable = \"list.csv\"\npath = \"file\"\n\
                      test = { files = [\"test.csv\"] }\n[dataset.targets]\nkind = \"kind\"\n";
        let FilesSpec::Images(spec) = files(listed).files else { panic!("images") };
        let table = spec.table.unwrap();
        assert_eq!((table.path.as_str(), table.files), ("file", vec![PathBuf::from("list.csv")]));
        assert_eq!(spec.parts.test, TestPart::Separate(TestImages { folder: None, files: vec!["test.csv".into()] }));
    }

    #[test]
    fn drawn_data_are_read_too() {
        let text = "[dataset]\nkind = \"glyph-pairs\"\ntrain_pairs = 5\ntest_pairs = 4\n";
        let Ok(DatasetSource::Drawn(spec)) = parse_dataset("s.toml", text) else { panic!("glyph pairs") };
        assert_eq!((spec.train_pairs, spec.test_pairs), (5, 4));
    }

    #[test]
    fn every_mistake_is_told_at_once_with_its_place() {
        let told = |text: &str| parse_dataset("s.toml", text).unwrap_err().to_string();
        let wrong = [
            told("name = \"s\"\n"),
            told("dataset = 3\n"),
            told("[dataset]\n"),
            told("[dataset]\nkind = \"array\"\n"),
            told("[dataset]\nkind = \"arrays\"\n"),
            told(
                "[dataset]\nkind = \"arrays\"\nfiles = []\nseed = -1\ntitel = \"x\"\n[dataset.inputs]\nx = 3\ny = { array = \"a\", layout = \
                 \"whc\", shape = 3 }\n[dataset.targets]\n",
            ),
            told(
                "[dataset]\nkind = \"table\"\nfiles = \"h.csv\"\ndelimiter = \"ab\"\ndecimal = \"x\"\nignore = \"id\"\ntest = { fraction = 1, \
                 rule = \"even\" }\n[dataset.targets]\nprice = { column = \"a\", columns = [\"b\"] }\nother = {}\nthird = { column = \"c\", \
                 kind = \"classes\" }\n",
            ),
            told(
                "[dataset]\nkind = \"table\"\nfiles = \"h.csv\"\ntest = { column = \"a\" }\ngroup = 3\n[dataset.targets]\nx = \"y\"\n",
            ),
            told(
                "[dataset]\nkind = \"table\"\nfiles = \"h.csv\"\ntest = { column = \"a\", value = 0.5 }\n[dataset.targets]\nx = \"y\"\n",
            ),
            told(
                "[dataset]\nkind = \"images\"\nsize = [0, 3]\nchannels = 2\nalpha = \"red\"\ntest = 0.2\ntable = \"t.csv\"\n",
            ),
        ];
        insta::assert_snapshot!(wrong.join("\n\n"));
    }

    #[test]
    fn a_study_that_trains_on_files_is_refused_with_a_pointer() {
        let text = "name = \"s\"\n[dataset]\nkind = \"arrays\"\n";
        let told = super::super::parse("s.toml", text).unwrap_err().to_string();
        assert!(
            told.contains("s.toml:2:1: no network reads data of the kind \"arrays\" yet (`seedgrid data describe"),
            "{told}"
        );
    }
}
