//! A run's units, epochs and predictions as tables for pandas, Polars or R. docs/export.md lists every column.
//!
//! In order: [`export`] passes through the plan once, with one result at a time, so that memory is independent of the
//! study's size. [`units`] and [`predictions`] make rows of [`table`]'s cells, purely, and [`csv`] and [`parquet`]
//! write them. Equal stores give equal bytes.

mod csv;
mod folder_check;
mod parquet;
mod predictions;
mod table;
mod units;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
};

use seedgrid_common::{
    durable_files::{self, Pending},
    training::Ending,
    unit::{Unit, UnitId},
};

use crate::{
    aggregate::untrained_and_stuck::{self, Classes, Mark},
    plan::{PrepareError, Prepared},
    run_directory::RunDirectory,
    scheduler::unit_state::UnitState,
    store::{Store, StoreError},
    views::report_inputs,
};
use csv::CsvSink;
pub use folder_check::check_place;
use parquet::ParquetSink;
use predictions::Scoring;
use table::{Cell, Column};
use units::Place;

/// The schema's name in the Parquet files. The number grows when a column changes its meaning or is removed.
const SCHEMA: &str = "seedgrid.export/1";

/// The format of a table's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Text.
    Csv,
    /// Typed columns, compressed.
    Parquet,
}

impl Form {
    /// All formats.
    pub const ALL: [Self; 2] = [Self::Csv, Self::Parquet];

    /// The name of the file of a table in this format.
    fn file(self, table: &str) -> String {
        let ending = match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        };
        format!("{table}.{ending}")
    }
}

/// The result of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The tables, in the order units, epochs, predictions.
    pub tables: Vec<ExportedTable>,
    /// The number of units without a result (so far).
    pub without_result: usize,
    /// The number of units of rows that wait for a selection: they have no row in any table.
    pub to_come: usize,
}

/// A table that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportedTable {
    /// The table's name.
    pub name: &'static str,
    /// The number of its rows.
    pub rows: u64,
    /// The files of the table, one for each format.
    pub files: Vec<PathBuf>,
}

/// The reason for a failed export. Existing files are unchanged, or replaced by complete new ones.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ExportError {
    /// The run directory cannot be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Prepare(#[from] PrepareError),
    /// The store cannot be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] StoreError),
    /// The folder cannot be made.
    #[error("cannot make the folder {}: {source}", folder.display())]
    #[diagnostic(help("choose another with --output DIR"))]
    Folder {
        /// The folder's path.
        folder: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The folder has other files.
    #[error("{} is not empty and holds no export", folder.display())]
    #[diagnostic(help("choose an empty or new folder with --output DIR"))]
    Foreign {
        /// The folder's path.
        folder: PathBuf,
    },
    /// A file with an export's name does not come from an export.
    #[error("{} is no file of an export, and one would take its place", path.display())]
    #[diagnostic(help("move it away, or choose an empty or new folder with --output DIR"))]
    ForeignFile {
        /// The file's path.
        path: PathBuf,
    },
    /// A file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    #[diagnostic(help("check free space and permissions, or choose another folder with --output DIR"))]
    File {
        /// The file's path.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A Parquet file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    #[diagnostic(help("check free space and permissions; `--format csv` needs no Parquet"))]
    Parquet {
        /// The file's path.
        path: PathBuf,
        /// The cause.
        source: ::parquet::errors::ParquetError,
    },
    /// A result does not fit the pairs of this data set.
    #[error("unit {unit} has {}x{} outputs where {}x{} are to be", found[0], found[1], expected[0], expected[1])]
    #[diagnostic(help(
        "its result is of another data set or damaged; \
         delete its row from the table `results`, and run the study again to train it anew"
    ))]
    Misfit {
        /// The unit's id.
        unit: UnitId,
        /// The number of pairs of its fold, and of outputs of each.
        expected: [usize; 2],
        /// The numbers of rows and columns of its outputs.
        found: [usize; 2],
    },
}

/// The destination of a table's rows.
trait Sink {
    /// Writes a row with one cell for each column.
    fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), ExportError>;

    /// Writes the rest. The file is then complete, but not yet at its final path.
    fn finish(self: Box<Self>) -> Result<Pending, ExportError>;
}

/// A table with its files.
struct Output {
    name: &'static str,
    rows: u64,
    sinks: Vec<Box<dyn Sink>>,
}

impl Output {
    fn new(
        folder: &Path,
        name: &'static str,
        columns: &[Column],
        forms: &[Form],
        study: &str,
    ) -> Result<Self, ExportError> {
        let begin = |form: Form| {
            let path = folder.join(form.file(name));
            Pending::new(&path).map_err(|source| ExportError::File { path, source })
        };
        let sink = |form: &Form| -> Result<Box<dyn Sink>, ExportError> {
            Ok(match form {
                Form::Csv => Box::new(CsvSink::new(begin(*form)?, columns)),
                Form::Parquet => {
                    let facts =
                        [("schema", SCHEMA.to_owned()), ("table", name.to_owned()), ("study", study.to_owned())];
                    Box::new(ParquetSink::new(begin(*form)?, columns, &facts)?)
                }
            })
        };
        Ok(Self { name, rows: 0, sinks: forms.iter().map(sink).collect::<Result<_, _>>()? })
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), ExportError> {
        self.rows += 1;
        self.sinks.iter_mut().try_for_each(|sink| sink.row(cells))
    }

    fn finish(self) -> Result<Whole, ExportError> {
        let files = self.sinks.into_iter().map(Sink::finish).collect::<Result<_, _>>()?;
        Ok(Whole { name: self.name, rows: self.rows, files })
    }
}

/// A table whose files are complete, but not yet at their final paths.
struct Whole {
    name: &'static str,
    rows: u64,
    files: Vec<Pending>,
}

impl Whole {
    fn commit(self) -> Result<ExportedTable, ExportError> {
        let commit = |file: Pending| {
            let path = file.path().to_owned();
            match file.commit() {
                Ok(()) => Ok(path),
                Err(source) => Err(ExportError::File { path, source }),
            }
        };
        let files = self.files.into_iter().map(commit).collect::<Result<_, _>>()?;
        Ok(ExportedTable { name: self.name, rows: self.rows, files })
    }
}

/// Writes a run's tables into `folder`, which is made if needed. During the study it writes one state of the store.
///
/// # Errors
/// When the run directory cannot be read or the files cannot be written.
pub fn export(directory: &RunDirectory, folder: &Path, forms: &[Form]) -> Result<Exported, ExportError> {
    let store = Store::open_to_read(&directory.database())?;
    store.hold()?;
    let prepared = Prepared::stored(directory, &store)?;
    durable_files::make_folder(folder).map_err(|source| ExportError::Folder { folder: folder.to_owned(), source })?;
    let hyperparameters = units::hyperparameters(&prepared.plan);
    let output = |name, columns: &[Column]| Output::new(folder, name, columns, forms, &prepared.spec.study.name);
    let mut tables = Tables {
        units: output("units", &units::columns(&hyperparameters))?,
        epochs: output("epochs", &predictions::epoch_columns())?,
        predictions: output("predictions", &predictions::prediction_columns())?,
    };
    let without_result = write(&prepared, &store, &hyperparameters, &mut tables)?;
    let Tables { units, epochs, predictions } = tables;
    // All files are completed before the first is moved, so that a failed write changes none.
    let whole: Vec<Whole> = [units, epochs, predictions].into_iter().map(Output::finish).collect::<Result<_, _>>()?;
    let tables = whole.into_iter().map(Whole::commit).collect::<Result<_, _>>()?;
    Ok(Exported { tables, without_result, to_come: prepared.to_come().units() })
}

struct Tables {
    units: Output,
    epochs: Output,
    predictions: Output,
}

/// Writes every row, and returns the number of units without a result.
fn write(
    prepared: &Prepared,
    store: &Store,
    hyperparameters: &[Column],
    tables: &mut Tables,
) -> Result<usize, ExportError> {
    let (known, trained, given_up) = (store.units()?, store.trained()?, report_inputs::given_up(store)?);
    let mut places: BTreeMap<UnitId, usize> = BTreeMap::new();
    let configurations = || prepared.plan.stages.iter().flat_map(|stage| &stage.configurations);
    configurations().flat_map(|one| &one.units).for_each(|(id, _)| *places.entry(*id).or_default() += 1);
    let draws = prepared.draws.iter().map(|(_, draw)| (draw.digest.as_str(), Scoring::new(&draw.targets)));
    let data_seeds: BTreeMap<&str, u64> =
        prepared.draws.iter().map(|(seed, draw)| (draw.digest.as_str(), seed)).collect();
    let mut scoring: BTreeMap<&str, Scoring<'_>> = draws.collect();
    let scores = store.scores()?;
    let mut classes = Classes::default();
    let mut seen = BTreeSet::new();
    let mut without_result = 0;
    for stage in &prepared.plan.stages {
        let variants = stage.variants();
        for ((configuration, planned), variant) in (1..).zip(&stage.configurations).zip(&variants) {
            let stuck = untrained_and_stuck::stuck_of(&planned.units, &scores);
            for ((id, unit), stuck) in planned.units.iter().zip(stuck) {
                let result = store.result(*id)?;
                let state = match result.as_ref().map(|result| &result.ending) {
                    Some(Ending::Done(_)) => UnitState::Done,
                    Some(Ending::Diverged { .. }) => UnitState::Diverged,
                    None if prepared.track.is_skipped(*id) => UnitState::Skipped,
                    None => {
                        let state = given_up.get(id).copied().unwrap_or(UnitState::Waiting);
                        prepared.track.state(*id, state)
                    }
                };
                // The plan was made from these draws.
                let data_seed = data_seeds[unit.dataset_digest.as_str()];
                let untrained = match (&result, state) {
                    (Some(result), UnitState::Done) => prepared
                        .draws
                        .get(data_seed)
                        .and_then(|draw| classes.is_untrained(unit, &draw.targets, &result.epochs)),
                    (Some(_) | None, _) => None,
                };
                let text = id.to_string();
                let place = Place {
                    stage,
                    configuration,
                    variant,
                    id: &text,
                    unit,
                    data_seed,
                    mark: Mark { untrained, stuck },
                    places: places[id],
                    state,
                    result: result.as_ref(),
                    trained: trained.get(id),
                    attempts: known.get(id).map_or(0, |known| known.attempts),
                };
                tables.units.row(&units::row(&place, hyperparameters))?;
                if !seen.insert(*id) {
                    continue;
                }
                let Some(result) = result else {
                    without_result += 1;
                    continue;
                };
                for metrics in &result.epochs {
                    tables.epochs.row(&predictions::epoch_row(&text, metrics))?;
                }
                if let Ending::Done(scores) = &result.ending {
                    let Unit { dataset_digest, fold, .. } = unit;
                    let Some(scoring) = scoring.get_mut(dataset_digest.as_str()) else { continue };
                    scoring.rows(*id, *fold, scores, |cells| tables.predictions.row(cells))?;
                }
            }
        }
    }
    Ok(without_result)
}
