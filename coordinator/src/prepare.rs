//! From a spec's file to what can be run: the study, its data set and its plan.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use seedgrid_common::{
    data::{self, DataError, Dataset, encode, locate},
    matrix::{Plan, Selections},
    spec::{self, DatasetSpec, SpecErrors, Study},
};

use crate::{
    run_directory::{Owned, RunDirectory, RunDirectoryError},
    selection::{self, SelectionKey, Settled},
    store::{Store, StoreError, Write},
    wall_clock::wall_ms,
};

/// A spec that was read and found right.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The study.
    pub study: Study,
    /// The file's text.
    pub text: String,
}

/// A study with its data.
#[derive(Debug)]
pub struct Prepared {
    /// The spec.
    pub spec: Spec,
    /// What is trained and scored on.
    pub dataset: Dataset,
    /// The data set as workers get it.
    pub encoded: Vec<u8>,
    /// Its digest.
    pub digest: String,
    /// Everything that is trained, as far as selections have been made.
    pub plan: Plan,
    /// These selections.
    pub selections: Selections,
}

/// Why a study cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The spec cannot be read.
    #[error("cannot read the spec {path}: {cause}\n  hint: name a TOML file; experiments/ has examples")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// The spec is wrong.
    #[error(transparent)]
    Spec(#[from] SpecErrors),
    /// The data set cannot be had.
    #[error("{error}\n  hint: {}", error.hint())]
    Data {
        /// Why.
        #[from]
        error: DataError,
    },
    /// The data set cannot be encoded.
    #[error("cannot encode the data set: {0}")]
    Encode(#[from] encode::EncodeError),
    /// The run directory cannot be used.
    #[error(transparent)]
    Directory(#[from] RunDirectoryError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The run directory holds no spec.
    #[error("the run directory {path} holds no spec\n  hint: the run was stopped before it began; run the study again")]
    NoSpec {
        /// The directory.
        path: PathBuf,
    },
    /// The stored data set is not what its name says.
    #[error("the stored data set {path} is damaged\n  hint: delete it; the next run makes it again")]
    DamagedDataset {
        /// The file.
        path: PathBuf,
    },
}

impl Spec {
    /// Reads and checks the spec at `path`.
    ///
    /// # Errors
    /// When it cannot be read, or with everything that is wrong with it.
    pub fn read(path: &Path) -> Result<Self, PrepareError> {
        let text = fs::read_to_string(path).map_err(|cause| PrepareError::Read { path: path.to_owned(), cause })?;
        Self::parse(&path.display().to_string(), text)
    }

    /// Checks a spec's text; `name` stands for it in errors.
    ///
    /// # Errors
    /// With everything that is wrong with it.
    pub fn parse(name: &str, text: String) -> Result<Self, PrepareError> {
        Ok(Self { study: spec::parse(name, &text)?, text })
    }
}

/// Checks that `store` belongs to the study `name` or to none yet.
///
/// # Errors
/// When it belongs to another one.
pub fn belongs(directory: &RunDirectory, store: &Store, name: &str) -> Result<(), PrepareError> {
    match store.fact("study")? {
        Some(found) if found != name => {
            Err(RunDirectoryError::OtherStudy { path: directory.root().to_owned(), found, wanted: name.to_owned() }
                .into())
        }
        Some(_) | None => Ok(()),
    }
}

/// How the names of facts about data sets begin.
pub(crate) const DATASET_FACT: &str = "dataset ";

/// How many training pairs a data set has, by the name of the fact about it.
pub(crate) fn train_pairs(fact: &str) -> Option<u32> {
    fact.split(' ').find_map(|word| word.strip_prefix("train=")?.parse().ok())
}

/// The name under which the store remembers which data set a [`DatasetSpec`] gave: the digest is its value.
fn dataset_fact(spec: &DatasetSpec) -> String {
    format!("{DATASET_FACT}{:?} train={} test={} seed={}", spec.kind, spec.train_pairs, spec.test_pairs, spec.seed)
}

impl Prepared {
    /// Makes the plan and the data set, or takes the data set that the run directory keeps, so that going on needs no other copy.
    ///
    /// # Errors
    /// When the data set cannot be had.
    pub fn new(
        spec: Spec,
        data_folder: Option<&Path>,
        directory: &RunDirectory,
        store: Option<&Store>,
    ) -> Result<Self, PrepareError> {
        let known = match store {
            Some(store) => store.fact(&dataset_fact(&spec.study.dataset))?,
            None => None,
        };
        let kept = known.and_then(|digest| kept(directory, &digest).ok());
        let (dataset, encoded) = match kept {
            Some(kept) => kept,
            None => {
                let folders = locate::places(data_folder, |name| std::env::var_os(name));
                let dataset = data::build(&spec.study.dataset, &folders)?;
                let encoded = encode::encode(&dataset)?;
                (dataset, encoded)
            }
        };
        let digest = encode::digest(&encoded);
        let committed = store.map_or_else(|| Ok(BTreeMap::new()), Store::selections)?;
        Ok(Self::expanded(spec, dataset, encoded, digest, &committed))
    }

    fn expanded(
        spec: Spec,
        dataset: Dataset,
        encoded: Vec<u8>,
        digest: String,
        committed: &BTreeMap<SelectionKey, Option<usize>>,
    ) -> Self {
        let Settled { plan, selections, .. } = selection::settle(&spec.study, &digest, committed, |_| None);
        Self { spec, dataset, encoded, digest, plan, selections }
    }

    /// Units of rows whose selection has not been made, and still can be.
    pub fn units_to_come(&self) -> usize {
        let waiting = self.plan.stages.iter().flat_map(|stage| &stage.waiting);
        waiting.filter(|row| !row.unreachable).map(|row| row.units).sum()
    }

    /// Makes the run directory this study's: keeps its data set, its spec and its units there.
    ///
    /// # Errors
    /// When the directory belongs to another study, or cannot be written.
    pub fn keep(&self, directory: &Owned, store: &mut Store) -> Result<(), PrepareError> {
        let study = &self.spec.study;
        directory.store_dataset(&self.digest, &self.encoded)?;
        let mut writes = vec![
            Write::Fact { name: "study".to_owned(), value: study.name.clone() },
            Write::Fact { name: dataset_fact(&study.dataset), value: self.digest.clone() },
        ];
        if store.latest_spec()?.as_deref() != Some(&self.spec.text) {
            writes.push(Write::Spec { at_ms: wall_ms(), text: self.spec.text.clone() });
        }
        writes.extend(self.plan.units().into_iter().map(|(id, unit)| Write::Unit(id, Box::new(unit.clone()))));
        Ok(store.commit(&writes)?)
    }

    /// What a run directory was last run with, from the directory alone.
    ///
    /// # Errors
    /// When it holds no spec or not the data set.
    pub fn stored(directory: &RunDirectory, store: &Store) -> Result<Self, PrepareError> {
        let text = store.latest_spec()?.ok_or_else(|| PrepareError::NoSpec { path: directory.root().to_owned() })?;
        let spec = Spec::parse(&directory.database().display().to_string(), text)?;
        let digest = store
            .fact(&dataset_fact(&spec.study.dataset))?
            .ok_or_else(|| PrepareError::NoSpec { path: directory.root().to_owned() })?;
        let (dataset, encoded) = kept(directory, &digest)?;
        Ok(Self::expanded(spec, dataset, encoded, digest, &store.selections()?))
    }
}

/// The data set with this digest, as the run directory keeps it.
fn kept(directory: &RunDirectory, digest: &str) -> Result<(Dataset, Vec<u8>), PrepareError> {
    let path = directory.dataset(digest);
    let damaged = || PrepareError::DamagedDataset { path: path.clone() };
    let encoded = fs::read(&path).map_err(|cause| {
        PrepareError::Directory(RunDirectoryError::Io { action: "read", path: path.clone(), cause })
    })?;
    if encode::digest(&encoded) != digest {
        return Err(damaged());
    }
    let dataset = encode::decode(&encoded).map_err(|_| damaged())?;
    Ok((dataset, encoded))
}
