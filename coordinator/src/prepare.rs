//! From a spec's file to what can be run: the study, its data set and its plan.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use seedgrid_common::{
    data::{self, DataError, encode, folds, locate},
    matrix::{Plan, Selections},
    spec::{self, DatasetSpec, Evaluation, SpecErrors, Study, Unfoldable, limits::TEXT_BYTES_MAX},
    unit::{Fold, UnitId},
};

use crate::{
    draws::{Draw, Draws},
    queue::Rules,
    race::Track,
    run_directory::{Owned, RunDirectory, RunDirectoryError},
    selection::{self, Committed, Ended, Settled, Standing, ToCome},
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
    /// Stands for the file in errors.
    pub source_name: String,
}

/// A study with its data.
#[derive(Debug)]
pub struct Prepared {
    /// The spec.
    pub spec: Spec,
    /// What is trained and scored on.
    pub draws: Draws,
    /// Everything that is trained, as far as selections have been made.
    pub plan: Plan,
    /// These selections.
    pub selections: Selections,
    /// What has been decided for each model of a selecting stage.
    pub standing: Vec<Standing>,
    /// The races of the plan, and what they do to its units.
    pub track: Track,
    /// What can be decided from the results that are there, and has not been: [`Prepared::keep`] makes it durable.
    decisions: Vec<Write>,
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
        let failed = |cause| PrepareError::Read { path: path.to_owned(), cause };
        // Before it is opened: a pipe without a writer would wait for one.
        if !fs::metadata(path).map_err(failed)?.is_file() {
            let cause = io::Error::new(io::ErrorKind::InvalidInput, "it is not a plain file");
            return Err(failed(cause));
        }
        let mut bytes = Vec::new();
        // One byte more than is allowed, so that it is seen to be too long.
        let file = File::open(path).map_err(failed)?;
        file.take(TEXT_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
        let text = if bytes.len() > TEXT_BYTES_MAX {
            String::from_utf8_lossy(&bytes).into_owned()
        } else {
            String::from_utf8(bytes)
                .map_err(|_| failed(io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text")))?
        };
        Self::parse(&path.display().to_string(), text)
    }

    /// Checks a spec's text; `name` stands for it in errors.
    ///
    /// # Errors
    /// With everything that is wrong with it.
    pub fn parse(name: &str, text: String) -> Result<Self, PrepareError> {
        Ok(Self { study: spec::parse(name, &text)?, text, source_name: name.to_owned() })
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

/// The specs of the draws that the study's stages name, by data seed.
fn drawn(study: &Study) -> impl Iterator<Item = (u64, DatasetSpec)> {
    study.data_seeds().into_iter().map(|seed| (seed, DatasetSpec { seed, ..study.dataset.clone() }))
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
        let folders = locate::places(data_folder, |name| std::env::var_os(name));
        let draw = |dataset_spec: &DatasetSpec| -> Result<Draw, PrepareError> {
            let known = match store {
                Some(store) => store.fact(&dataset_fact(dataset_spec))?,
                None => None,
            };
            if let Some(kept) = known.and_then(|digest| kept(directory, &digest).ok()) {
                return Ok(kept);
            }
            let dataset = data::build(dataset_spec, &folders)?;
            let encoded = encode::encode(&dataset)?;
            let digest = encode::digest(&encoded);
            Ok(Draw { dataset, encoded, digest })
        };
        let draws = drawn(&spec.study).map(|(seed, of)| Ok((seed, draw(&of)?)));
        let draws = draws.collect::<Result<_, PrepareError>>()?;
        let (committed, ended) = match store {
            Some(store) => (store.committed()?, ended(store)?),
            None => Default::default(),
        };
        Self::expanded(spec, draws, &committed, |unit| ended.get(&unit).copied())
    }

    fn expanded(
        spec: Spec,
        draws: BTreeMap<u64, Draw>,
        committed: &Committed,
        ended: impl Fn(UnitId) -> Option<Ended>,
    ) -> Result<Self, PrepareError> {
        let draws = Draws::new(draws, spec.study.dataset.seed).expect("a stage names at least one draw");
        foldable(&spec, &draws)?;
        let settled = selection::settle(&spec.study, &draws.digests(), committed, ended);
        let Settled { plan, selections, made, rungs, track, standing, .. } = settled;
        let at_ms = wall_ms();
        let selected = made.into_iter().map(|decision| Write::Selection { at_ms, decision });
        let raced = rungs.into_iter().map(|decision| Write::Rung { at_ms, decision });
        let decisions = raced.chain(selected).collect();
        Ok(Self { spec, draws, plan, selections, standing, track, decisions })
    }

    /// Units that may still be given out: of rows whose selection has not been made, and those that races hold back.
    pub fn to_come(&self) -> ToCome {
        ToCome::of(&self.plan, &self.track)
    }

    /// Makes the run directory this study's: keeps its data set, its spec, its units and what can be decided from the results that are
    /// there.
    ///
    /// # Errors
    /// When the directory belongs to another study, or cannot be written.
    pub fn keep(&self, directory: &Owned, store: &mut Store) -> Result<(), PrepareError> {
        let study = &self.spec.study;
        let mut writes = vec![Write::Fact { name: "study".to_owned(), value: study.name.clone() }];
        for ((_, drawn), (_, draw)) in drawn(study).zip(self.draws.iter()) {
            directory.store_dataset(&draw.digest, &draw.encoded)?;
            writes.push(Write::Fact { name: dataset_fact(&drawn), value: draw.digest.clone() });
        }
        if store.latest_spec()?.as_deref() != Some(&self.spec.text) {
            writes.push(Write::Spec { at_ms: wall_ms(), text: self.spec.text.clone() });
        }
        writes.extend(self.plan.units().into_iter().map(|(id, unit)| Write::Unit(id, Box::new(unit.clone()))));
        writes.extend(self.decisions.iter().cloned());
        store.commit(&writes)?;
        for row in store.move_orphans()? {
            tracing::warn!("{row}");
        }
        Ok(())
    }

    /// What a run directory was last run with, from the directory alone.
    ///
    /// # Errors
    /// When it holds no spec or not the data set.
    pub fn stored(directory: &RunDirectory, store: &Store) -> Result<Self, PrepareError> {
        let text = store.latest_spec()?.ok_or_else(|| PrepareError::NoSpec { path: directory.root().to_owned() })?;
        let spec = Spec::parse(&directory.database().display().to_string(), text)?;
        let draw = |dataset_spec: &DatasetSpec| -> Result<Draw, PrepareError> {
            let digest = store
                .fact(&dataset_fact(dataset_spec))?
                .ok_or_else(|| PrepareError::NoSpec { path: directory.root().to_owned() })?;
            kept(directory, &digest)
        };
        let draws = drawn(&spec.study).map(|(seed, of)| Ok((seed, draw(&of)?)));
        let draws = draws.collect::<Result<_, PrepareError>>()?;
        // What was decided, and no more: a report changes nothing.
        Self::expanded(spec, draws, &store.committed()?, |_| None)
    }
}

/// How every unit that has ended for good did so.
fn ended(store: &Store) -> Result<BTreeMap<UnitId, Ended>, StoreError> {
    let mut ended = store.scores()?;
    let rules = Rules::default();
    let failed = store.units()?.into_iter().filter(|(_, unit)| unit.is_given_up(&rules));
    ended.extend(failed.map(|(id, _)| (id, Ended::Failed)));
    Ok(ended)
}

/// Checks that every stage's folds can be made of every draw that it trains on.
fn foldable(spec: &Spec, draws: &Draws) -> Result<(), SpecErrors> {
    let mut found = Vec::new();
    for (number, stage) in spec.study.stages.iter().enumerate() {
        let Evaluation::Folds(of) = stage.evaluation else { continue };
        for (data_seed, draw) in draws.iter().filter(|(seed, _)| stage.data_seeds.contains(seed)) {
            if let Err(cause) = folds::split(&draw.dataset, Fold::Part { index: 0, of }) {
                found.push(Unfoldable { stage: number, data_seed, cause });
            }
        }
    }
    spec::unfoldable(&spec.source_name, &spec.text, found).map_or(Ok(()), Err)
}

/// The data set with this digest, as the run directory keeps it.
fn kept(directory: &RunDirectory, digest: &str) -> Result<Draw, PrepareError> {
    let path = directory.dataset(digest);
    let damaged = || PrepareError::DamagedDataset { path: path.clone() };
    let encoded = fs::read(&path).map_err(|cause| {
        PrepareError::Directory(RunDirectoryError::Io { action: "read", path: path.clone(), cause })
    })?;
    if encode::digest(&encoded) != digest {
        return Err(damaged());
    }
    let dataset = encode::decode(&encoded).map_err(|_| damaged())?;
    Ok(Draw { dataset, encoded, digest: digest.to_owned() })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use nix::{sys::stat::Mode, unistd::mkfifo};

    use super::*;

    fn refused(path: PathBuf) -> String {
        Spec::read(&path).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_plain_file_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        mkfifo(&pipe, Mode::S_IRWXU).unwrap();
        for path in ["/dev/zero".into(), pipe, folder.path().to_owned()] {
            let words = refused(path);
            assert!(words.contains("it is not a plain file") && words.contains("hint:"), "{words}");
        }
    }

    #[test]
    fn no_more_is_read_than_a_spec_may_have() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long.toml");
        // A hole of a terabyte: whoever read it to its end would need as much memory.
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        let words = refused(path.clone());
        assert!(words.contains("longer than 262144 bytes"), "{words}");
        fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(refused(path).contains("not UTF-8"));
    }
}
