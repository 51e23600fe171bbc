use std::fs;

use miette::Diagnostic as _;

use super::{
    super::{parts::Group, target::TargetKind},
    *,
};
use crate::data::{
    dataset::{Dataset, Labelled as _, Labels, Part},
    encode,
    schema::Target,
};

fn table(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("t.csv"), text).unwrap();
    folder
}

/// The spec of a table `t.csv` with the target `y` in the column of that name.
fn spec() -> TableSpec {
    TableSpec { files: vec!["t.csv".into()], targets: [("y".to_owned(), "y".into())].into(), ..TableSpec::default() }
}

fn of_kind(kind: TargetKind) -> TableSpec {
    let target = TableTarget { kind: Some(kind), ..TableTarget::from("y") };
    TableSpec { targets: [("y".to_owned(), target)].into(), ..spec() }
}

fn read_text(spec: &TableSpec, text: &str) -> ReadDataset {
    read(spec, table(text).path(), 0).unwrap()
}

fn refused(spec: &TableSpec, text: &str) -> String {
    let error = read(spec, table(text).path(), 0).unwrap_err();
    format!("{error} | {}", error.help().map(|hint| hint.to_string()).unwrap_or_default())
}

fn row(dataset: &Dataset, part: Part, example: usize) -> String {
    format!("{:?}", dataset.part(part).inputs[INPUT].example(example))
}

fn names(dataset: &Dataset) -> Vec<String> {
    match &dataset.about.schema.inputs[INPUT].content {
        Content::Columns(columns) => columns.iter().map(|column| column.name().to_owned()).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn numbers_categories_and_missing_values_become_one_input() {
    let text = "age,colour,weight,y\n40,red,NA,yes\n,blue,70.5,no\n35,,68,yes\n";
    let ReadDataset { dataset, warnings, sources } = read_text(&spec(), text);
    assert_eq!(names(&dataset), ["age", "colour", "weight"]);
    assert_eq!(row(&dataset, Part::Train, 0), "[40.0, 1.0, NaN]");
    assert_eq!(row(&dataset, Part::Train, 1), "[NaN, 0.0, 70.5]");
    assert_eq!(row(&dataset, Part::Train, 2), "[35.0, NaN, 68.0]");
    assert_eq!(dataset.about.schema.classes().unwrap(), ["no", "yes"]);
    assert_eq!((warnings, sources[0].bytes), (Vec::new(), text.len() as u64));
    encode::encode(&dataset).unwrap();
}

#[test]
fn a_foreign_table_is_read() {
    let text = "\u{feff}Größe;\"Art;\nName\";Preis;y\n1,5;\"ein\nwort\";\"2,25\";0\n-0,5;zwei;3;1\n";
    let dataset = read_text(&of_kind(TargetKind::Class), text).dataset;
    assert_eq!(names(&dataset), ["Größe", "Art; Name", "Preis"]);
    assert_eq!(row(&dataset, Part::Train, 0), "[1.5, 0.0, 2.25]");
    assert_eq!(row(&dataset, Part::Train, 1), "[-0.5, 1.0, 3.0]");
}

#[test]
fn columns_are_chosen_ignored_and_made_categories() {
    let text = "id,zip,day,x,g,y\n1,1010,2024-01-31,0.5,a,0\n2,1020,2024-02-01,1.5,a,1\n3,1010,x,2.5,b,0\n";
    assert!(
        refused(&of_kind(TargetKind::Class), text)
            .starts_with("t.csv: line 2, column `day`: `2024-01-31` is a date or time | dates are not read")
    );
    let mut spec = of_kind(TargetKind::Class);
    spec.ignore = vec!["id".to_owned(), "day".to_owned()];
    spec.categories = vec!["zip".to_owned()];
    spec.parts.group = Some(Group::Named("g".to_owned()));
    let dataset = read_text(&spec, text).dataset;
    assert_eq!(names(&dataset), ["zip", "x"]);
    assert_eq!(row(&dataset, Part::Train, 1), "[1.0, 1.5]");
    assert_eq!(dataset.train.targets.groups.as_deref(), Some(&[0, 0, 1][..]));
    spec.columns = Some(vec!["x".to_owned()]);
    assert_eq!(names(&read_text(&spec, text).dataset), ["x"]);
    spec.columns = Some(vec!["zipp".to_owned()]);
    assert!(
        refused(&spec, text).contains("there is no column `zipp` | did you mean `zip`?"),
        "{}",
        refused(&spec, text)
    );
    spec.columns = Some(Vec::new());
    assert!(refused(&spec, text).contains("no columns that could be an input"));
}

#[test]
fn targets_are_classes_or_numbers() {
    let text = "x,y,z\n1,0.5,1\n2,1.5,2\n";
    let mut spec = spec();
    assert_eq!(read_text(&spec, text).dataset.train.targets.labels["y"], Labels::Numbers(vec![0.5, 1.5]));
    spec.targets = [("y".to_owned(), "z".into())].into();
    assert!(refused(&spec, text).contains("target `y`: the whole numbers of this target can be classes or numbers"));
    let both = TableTarget { columns: vec!["y".to_owned(), "z".to_owned()], ..TableTarget::default() };
    spec.targets = [("both".to_owned(), both)].into();
    let dataset = read_text(&spec, text).dataset;
    assert_eq!(dataset.about.schema.targets["both"], Target::Numbers(2));
    assert_eq!(dataset.train.targets.labels["both"], Labels::Numbers(vec![0.5, 1.0, 1.5, 2.0]));
    let number = of_kind(TargetKind::Number);
    assert!(
        refused(&number, "x,y\n1,2\n2,\n").starts_with("t.csv: line 3, column `y`: the value is missing | targets")
    );
    assert!(refused(&number, "x,y\n1,2\n2,a\n").starts_with("t.csv: line 3, column `y`: `a` is no number"));
    assert!(
        refused(&of_kind(TargetKind::Class), "x,y\n1,0.5\n2,1\n").contains("is this target a number to be predicted?")
    );
}

#[test]
fn values_that_do_not_fit_have_their_line() {
    let spec = of_kind(TargetKind::Class);
    let said = refused(&spec, "x,y\n\"1\n\",0\n2,1\nunknown,0\n");
    assert!(said.starts_with("t.csv: line 5, column `x`: `unknown` is no number, and other values of the column are | name the column in `categories`"), "{said}");
    assert!(refused(&spec, "x,y\n1,0\ninf,1\n").starts_with("t.csv: line 3, column `x`: the value is inf"));
    assert!(refused(&spec, "x,y\n1,0\n1,2,3\n").starts_with("t.csv: line 3: the row has 3 fields, the head has 2"));
    assert!(refused(&spec, "x,x,y\n1,2,0\n").starts_with("t.csv: column `x`: two columns have this name"));
    assert!(refused(&spec, "").starts_with("t.csv: the file is empty"));
    assert!(refused(&spec, "x,y\n").starts_with("t.csv: there are no examples"));
}

#[test]
fn test_parts_share_the_dictionary_of_the_whole_column() {
    let folder = table("x,c,y\n1,b,0\n2,c,1\n");
    fs::write(folder.path().join("test.csv"), "y,c,x\n1,a,3\n0,b,1\n").unwrap();
    let mut spec = of_kind(TargetKind::Class);
    spec.parts.test = TestPart::Separate(TestFiles { files: vec!["test.csv".into()] });
    let ReadDataset { dataset, warnings, sources } = read(&spec, folder.path(), 0).unwrap();
    assert_eq!([row(&dataset, Part::Train, 0), row(&dataset, Part::Test, 0)], ["[1.0, 1.0]", "[3.0, 0.0]"]);
    assert_eq!(dataset.classes(Part::Test).unwrap(), [1, 0]);
    assert_eq!((warnings, sources.len()), (vec![Warning::SharedRows { test: 1, of: 2 }], 2));
    fs::write(folder.path().join("test.csv"), "x,y\n3,1\n").unwrap();
    let said = read(&spec, folder.path(), 0).unwrap_err().to_string();
    assert!(said.starts_with("test.csv: column `c`: the columns of this file are not those of the first"), "{said}");

    let marked = "x,split,y\n1,train,0\n2,train,1\n3,test,0\n";
    spec.parts.test = TestPart::Column { name: "split".to_owned(), value: "test".to_owned() };
    let dataset = read_text(&spec, marked).dataset;
    assert_eq!(
        (dataset.examples(Part::Train), row(&dataset, Part::Test, 0), names(&dataset)),
        (2, "[3.0]".to_owned(), vec!["x".to_owned()])
    );
    spec.parts.test = TestPart::Column { name: "split".to_owned(), value: "tests".to_owned() };
    assert!(
        refused(&spec, marked)
            .contains("no example has the value `tests` that marks the test part | did you mean `test`?")
    );
}

#[test]
fn warnings_tell_of_identifiers_empty_columns_and_rounded_numbers() {
    let mut text = "id,none,big,y\n".to_owned();
    (0..210).for_each(|row| text.push_str(&format!("u{row},,{},{}\n", 16_777_217 + row, row % 2)));
    let warnings = read_text(&of_kind(TargetKind::Class), &text).warnings;
    let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 3);
    assert!(warnings[0].starts_with("column `id`: 210 categories in 210 rows: is it an identifier?"));
    assert!(warnings[1].starts_with("column `none` has no values"));
    assert!(warnings[2].starts_with("column `big`: 105 of 210 numbers were rounded to 32 bits"), "{warnings:?}");
}
