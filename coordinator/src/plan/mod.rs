//! Prepares a run from a spec's file: the study, its data set and its plan.

pub mod data_draws;
mod example_images;
mod kept_results;
pub mod past_durations;
mod planned_study;
mod spec_file;
mod spec_history;

use std::{
    collections::BTreeMap,
    io::{self, BufWriter},
    ops::Deref,
    path::{Path, PathBuf},
};

use seedgrid_common::{
    data::{
        self, DataError, Dataset, DatasetSpec,
        dataset::DatasetError,
        encode::{self, WriteError},
        folds, locate,
    },
    durable_files::Pending,
    made_up_results::ResultKind,
    spec::{Evaluation, SpecErrors, Study, Unfoldable, unfoldable},
    text::shell,
    unit::{Fold, UnitId},
};

use crate::{
    plan::data_draws::{BUFFER_BYTES, DataDraw, DataDraws},
    run_directory::{Owned, RunDirectory, RunDirectoryError},
    scheduler::{queue::Rules, ranking::Ended, selection::Committed},
    store::{Store, StoreError, Write},
};

pub use example_images::Sample;
pub use kept_results::Overlap;
pub(crate) use kept_results::unnamed;
pub use planned_study::Planned;
pub use spec_file::{Spec, read_text};
pub(crate) use spec_history::newest as newest_spec;

/// A study with its data.
#[derive(Debug)]
pub struct Prepared {
    /// The study and its plan.
    planned: Planned,
    /// The training and test data, without pixels.
    pub draws: DataDraws,
    /// The files of new draws, which [`Prepared::keep`] puts in place.
    files: Vec<Pending>,
    /// New decisions that the stored results permit; [`Prepared::keep`] makes them durable.
    decisions: Vec<Write>,
}

/// The reason for which a study cannot be prepared.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum PrepareError {
    /// The spec cannot be read.
    #[error("cannot read the spec {path}: {cause}")]
    #[diagnostic(help("name a TOML file; experiments/ has examples"))]
    Read {
        /// The file's path.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: std::io::Error,
    },
    /// The spec is wrong.
    #[error(transparent)]
    Spec(#[from] SpecErrors),
    /// The data set is not available.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Data(#[from] DataError),
    /// The data set cannot be encoded.
    #[error("cannot encode the data set: {0}")]
    Dataset(#[from] DatasetError),
    /// The run directory cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Directory(#[from] RunDirectoryError),
    /// The store cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] StoreError),
    /// The run directory has no spec.
    #[error("the run directory {path} holds no spec")]
    #[diagnostic(help("the run was stopped before it began; run the study again"))]
    NoSpec {
        /// The directory's path.
        path: PathBuf,
    },
    /// The run directory has no spec with this number.
    #[error("the run directory {path} has no spec {wanted}")]
    #[diagnostic(help("it was run with specs 1 to {newest}; they are in its folder specs"))]
    NoSuchSpec {
        /// The directory's path.
        path: PathBuf,
        /// The wanted number.
        wanted: u32,
        /// The number of the newest spec.
        newest: u32,
    },
    /// The run directory has results, and the spec names none of them.
    #[error("{path} holds {stored}, and none is of a unit that this spec names")]
    #[diagnostic(help("run it in another directory with --run-dir DIR; or here all the same with --replace: \
         the results are kept, its report takes the place of the present one, and `seedgrid report {} --spec {spec}` makes that one again", shell(.path)))]
    NothingNamed {
        /// The directory's path.
        path: PathBuf,
        /// The number of results, as text.
        stored: String,
        /// The number of its newest spec.
        spec: u32,
    },
    /// The study's stored data set cannot be read.
    #[error("cannot read the study's data set {path}: {cause}")]
    #[diagnostic(help("run the study again, which makes it anew, or put it back from a backup"))]
    LostDataset {
        /// The file's path.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: std::io::Error,
    },
    /// The stored data set does not match its digest.
    #[error("the study's data set {path} is damaged")]
    #[diagnostic(help("run the study again, which makes it anew, or put it back from a backup"))]
    DamagedDataset {
        /// The file's path.
        path: PathBuf,
    },
}

/// Checks that `store` belongs to the study `name` or to none so far.
///
/// # Errors
/// When the store belongs to another study.
pub fn belongs(directory: &RunDirectory, store: &Store, name: &str) -> Result<(), PrepareError> {
    match store.fact("study")? {
        Some(found) if found != name => {
            Err(RunDirectoryError::OtherStudy { path: directory.root().to_owned(), found, wanted: name.to_owned() }
                .into())
        }
        Some(_) | None => Ok(()),
    }
}

/// Makes a run directory's store one of results of this kind, where it is new.
///
/// # Errors
/// When it is one of the other kind.
pub fn take_results(directory: &Owned, store: &mut Store, wanted: ResultKind) -> Result<(), PrepareError> {
    let made_up = ResultKind::MadeUp.to_string();
    let (is_new, known) = (store.fact("study")?.is_none(), store.fact(RESULTS_FACT)?);
    let found = if known.as_ref() == Some(&made_up) { ResultKind::MadeUp } else { ResultKind::Trained };
    if found == wanted {
        return Ok(());
    }
    if !is_new || known.is_some() {
        return Err(RunDirectoryError::OtherResults { path: directory.root().to_owned(), found, wanted }.into());
    }
    // Before there can be any result.
    Ok(store.commit(&[Write::Fact { name: RESULTS_FACT.to_owned(), value: made_up }])?)
}

/// The specs of the draws in the study's stages, by data seed.
fn drawn(study: &Study) -> impl Iterator<Item = (u64, DatasetSpec)> {
    study.data_seeds().into_iter().map(|seed| (seed, DatasetSpec { seed, ..study.dataset.clone() }))
}

/// The prefix of the names of facts about data sets.
pub(crate) const DATASET_FACT: &str = "dataset ";

/// The name of the fact that results are made up, where they are.
const RESULTS_FACT: &str = "results";

/// The number of a data set's training pairs, from the name of the fact about it.
pub(crate) fn train_pairs(fact: &str) -> Option<u32> {
    fact.split(' ').find_map(|word| word.strip_prefix("train=")?.parse().ok())
}

/// The name of the fact about a [`DatasetSpec`]; its value is the digest of the data set.
fn dataset_fact(spec: &DatasetSpec) -> String {
    format!("{DATASET_FACT}{:?} train={} test={} seed={}", spec.kind, spec.train_pairs, spec.test_pairs, spec.seed)
}

impl Prepared {
    /// Makes the plan and the data set, draw by draw. A draw in the run directory is reused, so that a restart needs no
    /// other copy. A new one is written there, and takes its place with [`Self::keep`].
    ///
    /// # Errors
    /// When the data set is not available or cannot be written.
    pub fn new(
        spec: Spec,
        data_folder: Option<&Path>,
        directory: &Owned,
        store: Option<&Store>,
    ) -> Result<Self, PrepareError> {
        let mut files = Vec::new();
        let prepared = Self::drawn(spec, data_folder, directory, store, |dataset| {
            let (digest, file) = write_pending(directory, dataset)?;
            files.push(file);
            Ok(digest)
        })?;
        Ok(Self { files, ..prepared })
    }

    /// The same without writing anything.
    ///
    /// # Errors
    /// When the data set is not available.
    pub fn preview(
        spec: Spec,
        data_folder: Option<&Path>,
        directory: &RunDirectory,
        store: Option<&Store>,
    ) -> Result<Self, PrepareError> {
        Self::drawn(spec, data_folder, directory, store, |dataset| match encode::write(dataset, io::sink()) {
            Ok(digest) => Ok(digest),
            Err(WriteError::Dataset(error)) => Err(error.into()),
            Err(WriteError::Io(cause)) => Err(unwritten(directory)(cause)),
        })
    }

    /// Holds one data set at a time: `digest` gets each new one, and returns the digest of its encoding.
    fn drawn(
        spec: Spec,
        data_folder: Option<&Path>,
        directory: &RunDirectory,
        store: Option<&Store>,
        mut digest: impl FnMut(&Dataset) -> Result<String, PrepareError>,
    ) -> Result<Self, PrepareError> {
        let folders = locate::places(data_folder, |name| std::env::var_os(name));
        let mut draws = BTreeMap::new();
        for (seed, dataset_spec) in drawn(&spec.study) {
            let known = match store {
                Some(store) => store.fact(&dataset_fact(&dataset_spec))?,
                None => None,
            };
            let draw = match known.and_then(|digest| DataDraw::kept(directory, &digest).ok()) {
                Some(kept) => kept,
                None => {
                    let dataset = data::build(&dataset_spec, &folders)?;
                    DataDraw::new(&dataset, digest(&dataset)?)
                }
            };
            draws.insert(seed, draw);
        }
        let (committed, ended) = match store {
            Some(store) => (store.committed()?, ended(store)?),
            None => Default::default(),
        };
        Self::expanded(spec, draws, &committed, |unit| ended.get(&unit).copied())
    }

    fn expanded(
        spec: Spec,
        draws: BTreeMap<u64, DataDraw>,
        committed: &Committed,
        ended: impl Fn(UnitId) -> Option<Ended>,
    ) -> Result<Self, PrepareError> {
        let draws = DataDraws::new(draws, spec.study.dataset.seed).expect("a stage names at least one draw");
        foldable(&spec, &draws)?;
        let (planned, decisions) = Planned::settled(spec, &draws.digests(), committed, ended);
        Ok(Self { planned, draws, files: Vec::new(), decisions })
    }

    /// Assigns the run directory to this study: stores its data set, its spec and the new decisions.
    ///
    /// # Errors
    /// When the directory belongs to another study or cannot be written.
    pub fn keep(&mut self, directory: &Owned, store: &mut Store) -> Result<(), PrepareError> {
        for file in self.files.drain(..) {
            file.commit().map_err(unwritten(directory))?;
        }
        let study = &self.planned.spec.study;
        let mut writes = vec![Write::Fact { name: "study".to_owned(), value: study.name.clone() }];
        for ((_, drawn), (_, draw)) in drawn(study).zip(self.draws.iter()) {
            writes.push(Write::Fact { name: dataset_fact(&drawn), value: draw.digest.clone() });
        }
        writes.extend(spec_history::writes(&self.spec, &self.draws.digests(), store)?);
        writes.extend(self.decisions.iter().cloned());
        store.commit(&writes)?;
        spec_history::keep(directory, store)?;
        Ok(store.fold_log()?)
    }

    /// Prepares the newest spec of a run directory from the directory alone.
    ///
    /// # Errors
    /// When the directory has no spec or not the data set.
    pub fn stored(directory: &RunDirectory, store: &Store) -> Result<Self, PrepareError> {
        Self::stored_as(directory, store, None)
    }

    /// Prepares the spec of a run directory with this number, or the newest.
    ///
    /// # Errors
    /// When the directory has no such spec or not the data set.
    pub fn stored_as(directory: &RunDirectory, store: &Store, number: Option<u32>) -> Result<Self, PrepareError> {
        let (number, spec) = spec_history::stored(directory, store, number)?;
        let digests = spec_history::digests(&spec.study, number, directory, store)?;
        let draws = digests.into_iter().map(|(seed, digest)| Ok((seed, DataDraw::kept(directory, &digest)?)));
        let draws = draws.collect::<Result<_, PrepareError>>()?;
        // Uses stored decisions only: a report changes nothing.
        let prepared = Self::expanded(spec, draws, &store.committed()?, |_| None)?;
        Ok(Self { planned: Planned { number: Some(number), ..prepared.planned }, ..prepared })
    }
}

impl Deref for Prepared {
    type Target = Planned;

    fn deref(&self) -> &Planned {
        &self.planned
    }
}

/// The outcome of every unit that has ended for good.
fn ended(store: &Store) -> Result<BTreeMap<UnitId, Ended>, StoreError> {
    let mut ended = store.scores()?;
    let rules = Rules::default();
    let failed = store.troubled_units()?.into_iter().filter(|(_, unit)| unit.is_given_up(&rules));
    ended.extend(failed.map(|(id, _)| (id, Ended::Failed)));
    Ok(ended)
}

/// Checks that each draw of a stage can be divided into the stage's folds.
fn foldable(spec: &Spec, draws: &DataDraws) -> Result<(), SpecErrors> {
    let mut found = Vec::new();
    for (number, stage) in spec.study.stages.iter().enumerate() {
        let Evaluation::Folds(of) = stage.evaluation else { continue };
        for (data_seed, draw) in draws.iter().filter(|(seed, _)| stage.data_seeds.contains(seed)) {
            if let Err(cause) = folds::split(&draw.targets, Fold::Part { index: 0, of }) {
                found.push(Unfoldable { stage: number, data_seed, cause });
            }
        }
    }
    unfoldable(&spec.source_name, &spec.text, found).map_or(Ok(()), Err)
}

/// Writes an encoded data set beside its place in the run directory, and returns its digest.
fn write_pending(directory: &Owned, dataset: &Dataset) -> Result<(String, Pending), PrepareError> {
    let unwritten = unwritten(directory);
    // Its name is known when it is written.
    let mut file = Pending::new(&directory.dataset("new")).map_err(&unwritten)?;
    match encode::write(dataset, BufWriter::with_capacity(BUFFER_BYTES, &mut file)) {
        Ok(digest) => {
            file.rename(&digest);
            Ok((digest, file))
        }
        Err(WriteError::Dataset(error)) => Err(error.into()),
        Err(WriteError::Io(cause)) => Err(unwritten(cause)),
    }
}

fn unwritten(directory: &RunDirectory) -> impl Fn(io::Error) -> PrepareError {
    let path = directory.datasets();
    move |cause| RunDirectoryError::Io { action: "write a data set into", path: path.clone(), cause }.into()
}

#[cfg(test)]
mod tests;
