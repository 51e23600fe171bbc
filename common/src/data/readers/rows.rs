//! The rows of a table's files: the columns that a spec uses, and the targets among them.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    assemble::GatheredTarget,
    columns::{Filled, Rules, Use},
    csv_file::{self, TextForm},
    error::{Fault, Known, Place, ReadError},
    labels::Coded,
    parquet_file,
    parts::{Group, PartsSpec, TestPart, marked},
    source::Sources,
    target::TargetKind,
};
use crate::data::dataset::EXAMPLES_MAX;

/// A target from columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableTarget {
    /// The column; several for a target of several numbers.
    pub columns: Vec<String>,
    /// Classes or numbers; None is classes for text and numbers for fractions; whole numbers need it.
    pub kind: Option<TargetKind>,
    /// The classes' names, in order.
    pub classes: Option<Vec<String>>,
}

impl From<&str> for TableTarget {
    fn from(column: &str) -> Self {
        Self { columns: vec![column.to_owned()], ..Self::default() }
    }
}

/// The parts of a spec that tell how rows are read.
pub(super) struct RowsSpec<'s> {
    /// The form of CSV files.
    pub(super) form: &'s TextForm,
    /// More texts that stand for a missing value.
    pub(super) missing: &'s [String],
    /// The columns that are no labels.
    pub(super) inputs: Inputs<'s>,
    /// The targets by name.
    pub(super) targets: &'s BTreeMap<String, TableTarget>,
    /// The group's column.
    pub(super) group: Option<&'s str>,
    /// The folds' column.
    pub(super) folds: Option<&'s str>,
    /// The column that marks the test part, and the value that does.
    pub(super) mark: Option<(&'s str, &'s str)>,
}

/// The columns that are no labels.
pub(super) enum Inputs<'s> {
    /// Those of an input; without `columns`, all others.
    Columns {
        /// The input's columns.
        columns: Option<&'s [String]>,
        /// Columns that are left out.
        ignore: &'s [String],
        /// Columns whose numbers are categories.
        categories: &'s [String],
    },
    /// The paths of images.
    Paths(&'s str),
}

impl<'s> RowsSpec<'s> {
    /// A spec of rows with these targets, groups, folds and marks.
    pub(super) fn new<S>(
        (form, missing): (&'s TextForm, &'s [String]),
        inputs: Inputs<'s>,
        targets: &'s BTreeMap<String, TableTarget>,
        parts: &'s PartsSpec<S>,
    ) -> Self {
        let group = match &parts.group {
            Some(Group::Named(name)) => Some(name.as_str()),
            Some(Group::IdenticalRows) | None => None,
        };
        let mark = match &parts.test {
            TestPart::Column { name, value } => Some((name.as_str(), value.as_str())),
            TestPart::Separate(_) | TestPart::Fraction { .. } | TestPart::None => None,
        };
        Self { form, missing, inputs, targets, group, folds: parts.folds.as_deref(), mark }
    }
}

/// The rows of the main files and of a separate test part.
pub(super) struct Rows {
    /// The columns that are no labels.
    pub(super) inputs: Vec<Filled>,
    /// The targets.
    pub(super) targets: BTreeMap<String, GatheredTarget>,
    /// The group's values.
    pub(super) groups: Option<Coded>,
    /// The folds' values, of the main files.
    pub(super) folds: Option<Coded>,
    /// Whether a row of the main files is in the test part, where a column marks it.
    pub(super) marks: Option<Vec<bool>>,
    /// The number of rows of the main files.
    pub(super) main: usize,
    /// The number of all rows.
    pub(super) all: usize,
}

/// Reads the rows of the main files `files`, then those of the files of a separate test part.
///
/// # Errors
/// When a file cannot be read as the spec asks.
pub(super) fn read(
    spec: &RowsSpec<'_>,
    files: &[PathBuf],
    separate: Option<&[PathBuf]>,
    sources: &mut Sources,
) -> Result<Rows, ReadError> {
    if spec.targets.is_empty() {
        return Err(ReadError::of_spec(Fault::NoneNamed { of: "target" }));
    }
    let mut table: Option<Table> = None;
    for file in files {
        read_file(file, spec, &mut table, sources)?;
    }
    let main = table.as_ref().map_or(0, Table::rows);
    if separate.is_some_and(<[PathBuf]>::is_empty) {
        return Err(ReadError::of_spec(Fault::NoFiles));
    }
    for file in separate.unwrap_or_default() {
        read_file(file, spec, &mut table, sources)?;
    }
    match (table, files) {
        (Some(table), [file, ..]) => gather(spec, table, main, file),
        _ => Err(ReadError::of_spec(Fault::NoFiles)),
    }
}

fn gather(spec: &RowsSpec<'_>, table: Table, main: usize, file: &Path) -> Result<Rows, ReadError> {
    let all = table.rows();
    let mut targets = BTreeMap::new();
    for (name, columns) in table.targets {
        let gathered = gather_target(&spec.targets[&name], columns);
        let gathered = gathered.map_err(|fault| ReadError::at(file, Place::Target(name.clone()), fault))?;
        targets.insert(name, gathered);
    }
    let mut folds = table.folds.map(Filled::into_labels);
    if let Some(folds) = &mut folds {
        folds.codes.truncate(main);
    }
    let marks = match (spec.mark, table.mark) {
        (Some((name, value)), Some(mark)) => {
            let marks = marked(&mark.into_labels(), value);
            Some(marks.map_err(|fault| ReadError::at(file, Place::Column(name.to_owned()), fault))?)
        }
        _ => None,
    };
    let groups = table.group.map(Filled::into_labels);
    Ok(Rows { inputs: table.inputs, targets, groups, folds, marks, main, all })
}

/// The columns of a table that a spec uses, each use on its own.
struct Table {
    inputs: Vec<Filled>,
    targets: BTreeMap<String, Vec<Filled>>,
    group: Option<Filled>,
    folds: Option<Filled>,
    mark: Option<Filled>,
}

impl Table {
    /// An empty table for a file with these columns.
    fn new(spec: &RowsSpec<'_>, names: &[String]) -> Result<Self, Fault> {
        let exists = |name: &str| match names.iter().any(|known| known == name) {
            true => Ok(()),
            false => Err(Fault::NoColumn { name: name.to_owned(), known: Known::to(name, names) }),
        };
        let label = |name: &str| exists(name).map(|()| Filled::new(name, Use::Label));
        let mut targets = BTreeMap::new();
        for (name, target) in spec.targets {
            if target.columns.is_empty() {
                return Err(Fault::NoneNamed { of: "column" });
            }
            let is_number = target.kind == Some(TargetKind::Number) || target.columns.len() > 1;
            let used = if is_number { Use::Number } else { Use::Label };
            let columns = target.columns.iter().map(|column| exists(column).map(|()| Filled::new(column, used)));
            targets.insert(name.clone(), columns.collect::<Result<Vec<_>, _>>()?);
        }
        let [group, folds, mark] = [spec.group, spec.folds, spec.mark.map(|(name, _)| name)];
        let [group, folds, mark] = [group.map(label), folds.map(label), mark.map(label)];
        let (group, folds, mark) = (group.transpose()?, folds.transpose()?, mark.transpose()?);
        let inputs = match spec.inputs {
            Inputs::Paths(name) => vec![label(name)?],
            Inputs::Columns { columns, ignore, categories } => {
                ignore
                    .iter()
                    .chain(categories)
                    .chain(columns.into_iter().flatten())
                    .try_for_each(|name| exists(name))?;
                let others: Vec<&Filled> =
                    targets.values().flatten().chain(&group).chain(&folds).chain(&mark).collect();
                let is_input = |name: &&String| match columns {
                    Some(columns) => columns.contains(name) && !ignore.contains(name),
                    None => !ignore.contains(name) && others.iter().all(|other| other.name() != *name),
                };
                let used = |name: &String| if categories.contains(name) { Use::Category } else { Use::Input };
                names.iter().filter(is_input).map(|name| Filled::new(name, used(name))).collect()
            }
        };
        if inputs.is_empty() {
            return Err(Fault::NoInputs);
        }
        Ok(Self { inputs, targets, group, folds, mark })
    }

    fn columns(&mut self) -> impl Iterator<Item = &mut Filled> {
        let targets = self.targets.values_mut().flatten();
        self.inputs.iter_mut().chain(targets).chain(&mut self.group).chain(&mut self.folds).chain(&mut self.mark)
    }

    fn rows(&self) -> usize {
        self.inputs.first().map_or(0, Filled::rows)
    }
}

fn read_file(
    file: &Path,
    spec: &RowsSpec<'_>,
    table: &mut Option<Table>,
    sources: &mut Sources,
) -> Result<(), ReadError> {
    let at = |(place, fault): (Place, Fault)| ReadError::at(file, place, fault);
    let mut opened = sources.open(file)?;
    let first = std::io::BufRead::fill_buf(&mut opened).map_err(|cause| ReadError::in_file(file, cause))?;
    let (is_gzip, is_parquet) = (first.starts_with(&[0x1f, 0x8b]), first.starts_with(b"PAR1"));
    if is_parquet {
        let opened = parquet_file::open(opened.into_inner()).map_err(at)?;
        let names = opened.names();
        csv_file::check_names(&names).map_err(at)?;
        let table = known_table(table, spec, &names).map_err(|fault| ReadError::in_file(file, fault))?;
        return opened.fill(table.columns(), spec.missing).map_err(at);
    }
    let mut text = csv_file::open(opened, is_gzip, spec.form).map_err(at)?;
    let names = text.names.clone();
    let table = known_table(table, spec, &names).map_err(|fault| ReadError::in_file(file, fault))?;
    let rules = Rules { decimal: text.decimal, missing: spec.missing.to_vec() };
    let mut rows = table.rows();
    let mut columns: Vec<(usize, &mut Filled)> = Vec::new();
    for column in table.columns() {
        let place = names.iter().position(|name| name == column.name());
        columns.push((place.ok_or_else(|| at((Place::Column(column.name().to_owned()), missing_column())))?, column));
    }
    text.for_each_row(|row, line| {
        rows += 1;
        if rows > EXAMPLES_MAX {
            return Err((Place::Line { line, column: None }, Fault::ManyRows { most: EXAMPLES_MAX }));
        }
        for (place, column) in &mut columns {
            if let Err(fault) = column.push_field(row.get(*place).unwrap_or_default(), &rules) {
                return Err((Place::Line { line, column: Some(column.name().to_owned()) }, fault));
            }
        }
        Ok(())
    })
    .map_err(at)
}

fn missing_column() -> Fault {
    Fault::OtherColumns { detail: "this one is missing".to_owned() }
}

/// The table so far; for the first file a new one with its columns.
fn known_table<'t>(
    table: &'t mut Option<Table>,
    spec: &RowsSpec<'_>,
    names: &[String],
) -> Result<&'t mut Table, Fault> {
    if table.is_none() {
        *table = Some(Table::new(spec, names)?);
    }
    table.as_mut().ok_or(Fault::NoFiles)
}

fn gather_target(target: &TableTarget, mut columns: Vec<Filled>) -> Result<GatheredTarget, Fault> {
    if columns.len() > 1 || target.kind == Some(TargetKind::Number) {
        let columns: Vec<Vec<f32>> = columns.into_iter().map(Filled::into_numbers).collect();
        let rows = columns.first().map_or(0, Vec::len);
        let numbers = (0..rows).flat_map(|row| columns.iter().map(move |column| column[row])).collect();
        return Ok(GatheredTarget::Numbers(columns.len(), numbers));
    }
    let labels = columns.pop().map_or_else(|| Coded::texts(&[], &[]), Filled::into_labels);
    match (target.kind, &labels.numbers) {
        (None, Some(numbers)) if numbers.iter().any(|number| number.fract() != 0.0) => {
            let numbers = labels.codes.iter().map(|code| numbers[*code as usize] as f32).collect();
            Ok(GatheredTarget::Numbers(1, numbers))
        }
        (None, Some(_)) if target.classes.is_none() => Err(Fault::AmbiguousKind),
        _ => Ok(GatheredTarget::Classes(labels, target.classes.clone())),
    }
}
