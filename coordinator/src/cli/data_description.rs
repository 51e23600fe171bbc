//! `seedgrid data describe`: the inputs, targets, classes and parts of a data set.

use std::{
    collections::BTreeSet,
    env,
    path::{Path, PathBuf},
};

use seedgrid_common::{
    data::{
        self, Dataset, Labelled as _, Part,
        dataset::{Labels, Targets},
        encode, locate,
        readers::{assemble::ReadDataset, warning::Warning},
        schema::{Column as TableColumn, Content, FoldRule, Input, Target},
        values::{NumberType, Values},
    },
    spec::{self, DatasetSource},
    terminal::{Screen, wrapped},
    text::{count, plain, whole},
};
use serde::Serialize;

use super::{Exit, Failure, contact_sheet, shared_arguments::Format};
use crate::{
    plan::{self, PrepareError},
    report::text_table::{Column, Table},
};

/// Most classes, categories or columns that a text names one by one.
const SHOWN_MAX: usize = 40;

/// The schema of `seedgrid data describe --format json`, described in docs/cli.md.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Description {
    schema: &'static str,
    /// The title in reports.
    title: String,
    /// Digest of the encoded data set, 64 hexadecimal digits.
    digest: String,
    /// The data seed.
    seed: u64,
    /// The number of training examples.
    train: usize,
    /// The number of test examples.
    test: usize,
    /// How folds are made: "random", "grouped" or "predefined".
    folds: &'static str,
    /// The number of predefined folds; null where folds are drawn.
    predefined_folds: Option<usize>,
    /// The number of groups of training examples; null without groups.
    train_groups: Option<usize>,
    /// The number of groups of test examples; null without groups.
    test_groups: Option<usize>,
    /// The inputs, by name.
    inputs: Vec<InputDescription>,
    /// The targets, by name.
    targets: Vec<TargetDescription>,
    /// Facts that may mislead, in sentences.
    warnings: Vec<String>,
    /// The files that were read; none for data that Seedgrid draws.
    sources: Vec<SourceDescription>,
}

/// An input.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct InputDescription {
    /// The name.
    name: String,
    /// The shape of one example.
    shape: Vec<usize>,
    /// The type of the stored numbers: "u8", "f16" or "f32".
    numbers: &'static str,
    /// The meaning of the numbers: "pixels", "numbers" or "columns".
    content: &'static str,
    /// The lowest stored number of the training part; null for columns.
    low: Option<f64>,
    /// The highest stored number of the training part; null for columns.
    high: Option<f64>,
    /// The columns of a table; none for other inputs.
    columns: Vec<ColumnDescription>,
}

/// A column of a table.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ColumnDescription {
    /// The name.
    name: String,
    /// The number of categories; null for a column of numbers.
    categories: Option<usize>,
    /// The number of missing values, of both parts.
    missing: usize,
    /// The lowest number of the training part; null for categories, and without a number.
    low: Option<f64>,
    /// The mean of the training part's numbers; null likewise.
    mean: Option<f64>,
    /// The highest number of the training part; null likewise.
    high: Option<f64>,
}

/// A target.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct TargetDescription {
    /// The name.
    name: String,
    /// Whether the study is about it.
    primary: bool,
    /// The classes with their numbers of examples; none for numbers.
    classes: Vec<ClassDescription>,
    /// The columns of numbers; none for classes.
    columns: Vec<NumbersDescription>,
}

/// A class.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ClassDescription {
    /// The name.
    name: String,
    /// Its training examples.
    train: usize,
    /// Its test examples.
    test: usize,
}

/// A column of a target of numbers, over the training part.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct NumbersDescription {
    /// The lowest.
    low: f64,
    /// The mean.
    mean: f64,
    /// The highest.
    high: f64,
}

/// A file that was read.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct SourceDescription {
    /// The path, as the spec names it.
    path: String,
    /// Its size.
    bytes: u64,
    /// SHA-256 of its bytes, 64 hexadecimal digits.
    sha256: String,
}

/// Describes the data set of the spec at `path`; `folder` holds MNIST's files. Writes a contact sheet to `sheet`.
pub(super) fn describe(
    path: &Path,
    folder: Option<&Path>,
    sheet: Option<&Path>,
    format: Format,
) -> Result<Exit, Failure> {
    let source = spec::parse_dataset(&path.display().to_string(), &plan::read_text(path)?);
    let read = match source.map_err(PrepareError::from)? {
        DatasetSource::Drawn(spec) => {
            let folders: Vec<PathBuf> = locate::places(folder, |name| env::var_os(name));
            let dataset = data::build(&spec, &folders).map_err(PrepareError::from)?;
            ReadDataset { dataset, warnings: Vec::new(), sources: Vec::new() }
        }
        DatasetSource::Files(files) => files.files.read(path.parent().unwrap_or(Path::new("")), files.seed)?,
    };
    if let Some(sheet) = sheet {
        contact_sheet::write(&read.dataset, sheet)?;
    }
    let description = Description::new(&read)?;
    match format {
        Format::Text => super::print_as_it_is(&description.text(Screen::output().columns))?,
        Format::Json => super::print_json(&description)?,
    }
    Ok(Exit::Done)
}

impl Description {
    fn new(ReadDataset { dataset, warnings, sources }: &ReadDataset) -> Result<Self, PrepareError> {
        let digest = match encode::write(dataset, std::io::sink()) {
            Ok(digest) => digest,
            Err(encode::WriteError::Dataset(error)) => return Err(error.into()),
            Err(encode::WriteError::Io(error)) => unreachable!("a sink takes every byte: {error}"),
        };
        let schema = &dataset.about.schema;
        let distinct =
            |codes: &Option<Vec<u32>>| codes.as_ref().map(|codes| codes.iter().collect::<BTreeSet<_>>().len());
        let input = |(name, input): (&String, &Input)| InputDescription::new(name, input, dataset);
        let target = |(name, target): (&String, &Target)| TargetDescription::new(name, target, dataset);
        Ok(Self {
            schema: "seedgrid.data-description/1",
            title: dataset.about.title.clone(),
            digest,
            seed: dataset.about.seed,
            train: dataset.examples(Part::Train),
            test: dataset.examples(Part::Test),
            folds: match schema.folds {
                FoldRule::Random => "random",
                FoldRule::Grouped => "grouped",
                FoldRule::Predefined => "predefined",
            },
            predefined_folds: distinct(&dataset.train.targets.folds),
            train_groups: distinct(&dataset.train.targets.groups),
            test_groups: distinct(&dataset.test.targets.groups),
            inputs: schema.inputs.iter().map(input).collect(),
            targets: schema.targets.iter().map(target).collect(),
            warnings: warnings.iter().map(Warning::to_string).collect(),
            sources: sources
                .iter()
                .map(|source| SourceDescription {
                    path: source.path.display().to_string(),
                    bytes: source.bytes,
                    sha256: source.sha256.clone(),
                })
                .collect(),
        })
    }

    fn text(&self, width: usize) -> String {
        let tested = match self.test {
            0 => "no test examples: for cross-validation only".to_owned(),
            test => count(test, "test example"),
        };
        let examples = format!("{}, {tested}", count(self.train, "training example"));
        let mut text = wrapped(&format!("{}: {examples}\n", plain(&self.title)), width);
        text += &wrapped(&format!("data seed {}, digest {}\n", self.seed, self.digest), width);
        text += &wrapped(&(self.folds_in_words() + "\n"), width);
        for input in &self.inputs {
            text += &input.text(width);
        }
        for target in &self.targets {
            text += &target.text(width);
        }
        if !self.sources.is_empty() {
            text += "\nfiles\n";
            let mut table =
                Table::new([Column::text("path"), Column::right("bytes"), Column::left("SHA-256").rank(1)]).indented(2);
            for source in &self.sources {
                table.row([plain(&source.path), whole(source.bytes), source.sha256.clone()]);
            }
            text += &table.render(width);
        }
        for warning in &self.warnings {
            text += &wrapped(&format!("\nwarning: {warning}\n"), width);
        }
        text
    }

    fn folds_in_words(&self) -> String {
        let groups = |number: Option<usize>| count(number.unwrap_or_default(), "group");
        match (self.folds, self.predefined_folds) {
            ("predefined", folds) => {
                format!("folds: {}, named by the examples", count(folds.unwrap_or_default(), "fold"))
            }
            ("grouped", _) => format!(
                "folds: drawn by whole groups ({} of training examples, {} of test examples)",
                groups(self.train_groups),
                groups(self.test_groups)
            ),
            _ if self.targets.iter().any(|target| target.primary && !target.classes.is_empty()) => {
                "folds: drawn at random, with about the same share of each class".to_owned()
            }
            _ => "folds: drawn at random".to_owned(),
        }
    }
}

impl InputDescription {
    fn new(name: &str, input: &Input, dataset: &Dataset) -> Self {
        let [train, test] = [&dataset.train, &dataset.test].map(|part| &part.inputs[name]);
        let (content, columns) = match &input.content {
            Content::Pixels => ("pixels", Vec::new()),
            Content::Numbers => ("numbers", Vec::new()),
            Content::Columns(columns) => {
                let summaries = summaries(train).into_iter().zip(summaries(test));
                let column = |(column, (train, test))| ColumnDescription::new(column, train, test);
                ("columns", columns.iter().zip(summaries).map(column).collect())
            }
        };
        let ranges = if columns.is_empty() { summaries(train) } else { Vec::new() };
        Self {
            name: name.to_owned(),
            shape: input.shape.clone(),
            numbers: match train.number() {
                NumberType::U8 => "u8",
                NumberType::F16 => "f16",
                NumberType::F32 => "f32",
            },
            content,
            low: ranges.iter().filter_map(|range| range.low()).reduce(f64::min),
            high: ranges.iter().filter_map(|range| range.high()).reduce(f64::max),
            columns,
        }
    }

    fn text(&self, width: usize) -> String {
        let shape: Vec<String> = self.shape.iter().map(usize::to_string).collect();
        let range = match (self.low, self.high) {
            (Some(low), Some(high)) => format!(", {low} to {high}"),
            _ => String::new(),
        };
        let mut text = wrapped(
            &format!(
                "\ninput {}: {} ({}, {}{range})\n",
                plain(&self.name),
                shape.join(" x "),
                self.content,
                self.numbers
            ),
            width,
        );
        if self.columns.is_empty() {
            return text;
        }
        let mut table = Table::new([
            Column::text("column"),
            Column::right("categories").rank(1),
            Column::right("missing"),
            Column::right("low"),
            Column::right("mean").rank(2),
            Column::right("high"),
        ])
        .indented(2);
        let number = |number: Option<f64>| number.map_or_else(String::new, short);
        for column in self.columns.iter().take(SHOWN_MAX) {
            table.row([
                plain(&column.name),
                column.categories.map_or_else(String::new, whole),
                whole(column.missing),
                number(column.low),
                number(column.mean),
                number(column.high),
            ]);
        }
        text += &table.render(width);
        text += &more(self.columns.len(), "column");
        text
    }
}

impl ColumnDescription {
    fn new(column: &TableColumn, train: Summary, test: Summary) -> Self {
        let categories = match column {
            TableColumn::Number { .. } => None,
            TableColumn::Category { categories, .. } => Some(categories.len()),
        };
        let summary_of = |value: fn(Summary) -> Option<f64>| categories.is_none().then(|| value(train)).flatten();
        Self {
            name: column.name().to_owned(),
            categories,
            missing: train.missing + test.missing,
            low: summary_of(Summary::low),
            mean: summary_of(Summary::mean),
            high: summary_of(Summary::high),
        }
    }
}

impl TargetDescription {
    fn new(name: &str, target: &Target, dataset: &Dataset) -> Self {
        let [train, test] = [Part::Train, Part::Test].map(|part| dataset.targets(part));
        let (classes, columns) = match target {
            Target::Classes(names) => {
                let [train, test] = [train, test].map(|targets| class_counts(targets, name, names.len()));
                let of_class = |(class, name): (usize, &String)| ClassDescription {
                    name: name.clone(),
                    train: train[class],
                    test: test[class],
                };
                (names.iter().enumerate().map(of_class).collect(), Vec::new())
            }
            Target::Numbers(width) => {
                (Vec::new(), (0..*width).map(|column| numbers(train, name, column, *width)).collect())
            }
        };
        Self { name: name.to_owned(), primary: dataset.about.schema.primary == name, classes, columns }
    }

    fn text(&self, width: usize) -> String {
        let primary = if self.primary { " (primary)" } else { "" };
        if self.classes.is_empty() {
            let mut text = format!("\ntarget {}{primary}: numbers\n", plain(&self.name));
            let mut table =
                Table::new([Column::right("low"), Column::right("mean"), Column::right("high")]).indented(2);
            for NumbersDescription { low, mean, high } in &self.columns {
                table.row([*low, *mean, *high].map(short));
            }
            text += &table.render(width);
            return text;
        }
        let classes = count(self.classes.len(), "class");
        let mut text = wrapped(&format!("\ntarget {}{primary}: {classes}\n", plain(&self.name)), width);
        let mut table =
            Table::new([Column::text("class"), Column::right("training"), Column::right("test")]).indented(2);
        for class in self.classes.iter().take(SHOWN_MAX) {
            table.row([plain(&class.name), whole(class.train), whole(class.test)]);
        }
        text += &table.render(width);
        text += &more(self.classes.len(), "class");
        text
    }
}

/// A line that tells how many of so many are not shown.
fn more(all: usize, noun: &str) -> String {
    match all.saturating_sub(SHOWN_MAX) {
        0 => String::new(),
        hidden => format!("  and {} more; --format json has all\n", count(hidden, noun)),
    }
}

/// A number with at most six significant digits.
fn short(number: f64) -> String {
    format!("{number:.5e}").parse::<f64>().map_or_else(|_| number.to_string(), |rounded| rounded.to_string())
}

fn class_counts(targets: &Targets, name: &str, classes: usize) -> Vec<usize> {
    let mut counts = vec![0; classes];
    targets.classes(name).unwrap_or_default().iter().for_each(|class| counts[*class as usize] += 1);
    counts
}

fn numbers(targets: &Targets, name: &str, column: usize, width: usize) -> NumbersDescription {
    let mut summary = Summary::default();
    if let Some(Labels::Numbers(numbers)) = targets.labels.get(name) {
        numbers.iter().skip(column).step_by(width).for_each(|number| summary.add(*number));
    }
    let [low, mean, high] = [summary.low(), summary.mean(), summary.high()].map(Option::unwrap_or_default);
    NumbersDescription { low, mean, high }
}

/// The range and the mean of some numbers, and how many are missing.
#[derive(Clone, Copy, Debug, Default)]
struct Summary {
    numbers: usize,
    missing: usize,
    sum: f64,
    low: f64,
    high: f64,
}

/// The summary of each number of an example, over all examples.
fn summaries(values: &Values) -> Vec<Summary> {
    let mut summaries = vec![Summary::default(); values.width()];
    for example in 0..values.examples() {
        let mut places = summaries.iter_mut();
        values.for_each(example, |value| {
            if let Some(summary) = places.next() {
                summary.add(value);
            }
        });
    }
    summaries
}

impl Summary {
    fn add(&mut self, value: f32) {
        let value = f64::from(value);
        if value.is_nan() {
            self.missing += 1;
            return;
        }
        let first = self.numbers == 0;
        self.low = if first { value } else { self.low.min(value) };
        self.high = if first { value } else { self.high.max(value) };
        self.sum += value;
        self.numbers += 1;
    }

    fn low(self) -> Option<f64> {
        (self.numbers > 0).then_some(self.low)
    }

    fn high(self) -> Option<f64> {
        (self.numbers > 0).then_some(self.high)
    }

    fn mean(self) -> Option<f64> {
        (self.numbers > 0).then_some(self.sum / self.numbers as f64)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use seedgrid_common::terminal::columns;

    use super::*;

    /// The description of this `[dataset]` beside a CSV file of eight rows.
    fn described(dataset: &str) -> Description {
        let folder = tempfile::tempdir().unwrap();
        let rows = "id;area;town;kind;price\n1;20,5;Bonn;flat;10\n2;;Bonn;house;12\n3;40;Trier;flat;14\n4;50;;house;16\n5;60;Trier;flat;18\n\
                    6;70;Bonn;house;20\n7;80;Bonn;flat;22\n8;90;Trier;house;24\n";
        fs::write(folder.path().join("h.csv"), rows).unwrap();
        let text = format!("[dataset]\nkind = \"table\"\nfiles = \"h.csv\"\nignore = [\"id\"]\n{dataset}");
        let Ok(DatasetSource::Files(files)) = spec::parse_dataset("s.toml", &text) else { panic!("{text}") };
        Description::new(&files.files.read(folder.path(), files.seed).unwrap()).unwrap()
    }

    #[test]
    fn a_table_is_described_with_its_missing_values() {
        let found = described("[dataset.targets]\nprice = { column = \"price\", kind = \"number\" }\n");
        assert_eq!((found.train, found.test, found.folds), (8, 0, "random"));
        let columns = &found.inputs[0].columns;
        assert_eq!(
            (columns[0].name.as_str(), columns[0].missing, columns[0].low, columns[0].high),
            ("area", 1, Some(20.5), Some(90.0))
        );
        assert_eq!((columns[1].categories, columns[1].missing, columns[1].mean), (Some(2), 1, None));
        let [target] = found.targets.as_slice() else { panic!("one target") };
        assert_eq!((target.columns[0].low, target.columns[0].mean, target.columns[0].high), (10.0, 17.0, 24.0));
        let text = found.text(80);
        for words in [
            "no test examples: for cross-validation only",
            "folds: drawn at random\n",
            "h.csv",
            "target price (primary): numbers",
        ] {
            assert!(text.contains(words), "{words:?} is missing in\n{text}");
        }
    }

    #[test]
    fn classes_are_counted_in_both_parts_and_the_text_fits() {
        let found = described("group = \"price\"\ntest = { fraction = 0.25 }\n[dataset.targets]\nkind = \"kind\"\n");
        assert_eq!((found.train, found.test), (6, 2));
        assert_eq!((found.folds, found.train_groups, found.test_groups), ("grouped", Some(6), Some(2)));
        let classes: Vec<(&str, usize)> =
            found.targets[0].classes.iter().map(|class| (class.name.as_str(), class.train + class.test)).collect();
        assert_eq!(classes, [("flat", 4), ("house", 4)]);
        for width in [80, 120] {
            let text = found.text(width);
            assert!(text.lines().all(|line| columns(line) <= width), "{text}");
        }
    }
}
