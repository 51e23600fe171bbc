//! Data sets from image files: a folder for each class, or a table of paths.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    assemble::{Gathered, GatheredInput, GatheredTarget, ReadDataset, assemble},
    csv_file::TextForm,
    decode::Background,
    error::{Fault, ReadError},
    image_files::{Listed, Pictures, list_classes},
    labels::Coded,
    parts::{Group, PartsSpec, TestPart},
    rows::{self, Inputs, RowsSpec, TableTarget},
    source::{Sources, stays_inside},
    warning::Warning,
};

/// The name of the input where the spec gives none.
pub const INPUT: &str = "image";
/// The name of the target of class folders where the spec gives none.
pub const TARGET: &str = "class";

/// A data set from image files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImagesSpec {
    /// The title; None is the folder's name.
    pub title: Option<String>,
    /// The folder of the images, relative to the spec's folder: with a folder for each class, or with the images that
    /// `table` names.
    pub folder: PathBuf,
    /// A table of paths, instead of class folders.
    pub table: Option<ImageTable>,
    /// The input's name; None is "image".
    pub input: Option<String>,
    /// The name of the target of class folders; None is "class".
    pub target: Option<String>,
    /// The class folders in the classes' order; None is the natural order of their names (`2` before `10`).
    pub classes: Option<Vec<String>>,
    /// 1 for grey images, 3 for colours; None is as the images are, and all must agree.
    pub channels: Option<usize>,
    /// Height and width to which images are resized; None is as the images are, and all must agree.
    pub size: Option<[u32; 2]>,
    /// The colour on which transparent images are laid; None refuses them.
    pub alpha: Option<Background>,
    /// The target that the study is about; None where there is one only.
    pub primary: Option<String>,
    /// The test part, groups and folds: columns of the table.
    pub parts: PartsSpec<TestImages>,
}

/// A table of paths.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImageTable {
    /// CSV or Parquet files, relative to the spec's folder.
    pub files: Vec<PathBuf>,
    /// The form of CSV files.
    pub form: TextForm,
    /// More texts that stand for a missing value.
    pub missing: Vec<String>,
    /// The column of paths, which are relative to the folder of the images.
    pub path: String,
    /// The targets by name.
    pub targets: BTreeMap<String, TableTarget>,
}

/// A test part of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TestImages {
    /// The folder of its images; None is the training part's, for a table.
    pub folder: Option<PathBuf>,
    /// Its tables, where the training part has one.
    pub files: Vec<PathBuf>,
}

/// Reads the data set. Relative paths begin in `base`; the test part is drawn from `seed`.
///
/// # Errors
/// When a file cannot be read as the spec asks, or its images make no data set.
pub fn read(spec: &ImagesSpec, base: &Path, seed: u64) -> Result<ReadDataset, ReadError> {
    let mut sources = Sources::new(base);
    let gathered = match &spec.table {
        Some(table) => gather_table(spec, table, &mut sources)?,
        None => gather_classes(spec, &mut sources)?,
    };
    assemble(gathered, &spec.parts, spec.primary.as_deref(), seed, sources.into_read())
}

fn separate<S>(parts: &PartsSpec<S>) -> Option<&S> {
    match &parts.test {
        TestPart::Separate(separate) => Some(separate),
        TestPart::Column { .. } | TestPart::Fraction { .. } | TestPart::None => None,
    }
}

fn gather_classes(spec: &ImagesSpec, sources: &mut Sources) -> Result<Gathered, ReadError> {
    let no_table = |key| Err(ReadError::of_spec(Fault::NeedsTable { key }));
    match &spec.parts {
        PartsSpec { group: Some(Group::Named(_)), .. } => return no_table("group"),
        PartsSpec { folds: Some(_), .. } => return no_table("folds"),
        PartsSpec { test: TestPart::Column { .. }, .. } => return no_table("test"),
        PartsSpec { .. } => {}
    }
    let mut pictures = Pictures::new(spec.channels, spec.size, spec.alpha).map_err(ReadError::of_spec)?;
    let main = list_classes(&spec.folder, sources)?;
    let test_folder = match separate(&spec.parts) {
        Some(TestImages { folder: Some(folder), .. }) => Some((folder, list_classes(folder, sources)?)),
        Some(TestImages { folder: None, .. }) => return Err(ReadError::of_spec(Fault::NoTestFolder)),
        None => None,
    };
    let mut warnings = Vec::new();
    let of_test = test_folder.iter().map(|(_, listed)| listed);
    let skipped: Vec<&PathBuf> =
        [&main].into_iter().chain(of_test.clone()).flat_map(|listed| &listed.skipped).collect();
    if let Some(first) = skipped.first() {
        warnings.push(Warning::Skipped { files: skipped.len(), example: first.to_string_lossy().into_owned() });
    }
    // A folder's name is its class as it is written, even where it is a number.
    let names = || [&main].into_iter().chain(of_test.clone()).flat_map(Listed::classes);
    let labels = Coded::names(names().map(str::to_owned));
    let main_values = pictures.read(&spec.folder, main.paths(), sources)?;
    let separate = match &test_folder {
        Some((folder, listed)) => Some(pictures.read(folder, listed.paths(), sources)?),
        None => None,
    };
    warnings.extend(pictures.warnings());
    let input = pictures.input(&spec.folder)?;
    let name = |given: &Option<String>, default: &str| given.clone().unwrap_or_else(|| default.to_owned());
    Ok(Gathered {
        title: title(spec),
        file: spec.folder.clone(),
        targets: [(name(&spec.target, TARGET), GatheredTarget::Classes(labels, spec.classes.clone()))].into(),
        main: main_values.examples(),
        separate: separate.as_ref().map_or(0, |values| values.examples()),
        inputs: [(name(&spec.input, INPUT), GatheredInput { input, main: main_values, separate })].into(),
        groups: None,
        folds: None,
        marks: None,
        warnings,
    })
}

fn gather_table(spec: &ImagesSpec, table: &ImageTable, sources: &mut Sources) -> Result<Gathered, ReadError> {
    let mut pictures = Pictures::new(spec.channels, spec.size, spec.alpha).map_err(ReadError::of_spec)?;
    let [file, ..] = table.files.as_slice() else { return Err(ReadError::of_spec(Fault::NoFiles)) };
    let rows_spec =
        RowsSpec::new((&table.form, &table.missing), Inputs::Paths(&table.path), &table.targets, &spec.parts);
    let test = separate(&spec.parts);
    let rows = rows::read(&rows_spec, &table.files, test.map(|test| test.files.as_slice()), sources)?;
    let (texts, places) = rows.inputs.into_iter().next().map(|paths| paths.into_texts()).unwrap_or_default();
    if let Some(text) = texts.iter().find(|text| !stays_inside(Path::new(text))) {
        let folder = sources.path(&spec.folder);
        return Err(ReadError::in_file(Path::new(text), Fault::Outside { folder }));
    }
    let paths = |places: &[u32]| places.iter().map(|place| PathBuf::from(&texts[*place as usize])).collect::<Vec<_>>();
    let (of_main, of_test) = places.split_at(rows.main);
    let main_values = pictures.read(&spec.folder, paths(of_main).iter(), sources)?;
    let separate = match test {
        Some(test) => {
            let folder = test.folder.as_ref().unwrap_or(&spec.folder);
            Some(pictures.read(folder, paths(of_test).iter(), sources)?)
        }
        None => None,
    };
    let input = pictures.input(file)?;
    Ok(Gathered {
        title: title(spec),
        file: file.clone(),
        targets: rows.targets,
        main: rows.main,
        separate: rows.all - rows.main,
        inputs: [(
            spec.input.clone().unwrap_or_else(|| INPUT.to_owned()),
            GatheredInput { input, main: main_values, separate },
        )]
        .into(),
        groups: rows.groups,
        folds: rows.folds,
        marks: rows.marks,
        warnings: pictures.warnings(),
    })
}

fn title(spec: &ImagesSpec) -> String {
    let name = || spec.folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    spec.title.clone().unwrap_or_else(name)
}

#[cfg(test)]
mod tests;
