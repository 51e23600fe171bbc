//! The specs of a run directory: numbered, oldest first, in the store and as files in `specs/`.

use std::{fs, io};

use seedgrid_common::{data::Digests, durable_files, spec::Study, utc};

use super::{PrepareError, Spec, dataset_fact, drawn};
use crate::{
    run_directory::{RunDirectory, RunDirectoryError},
    store::{Store, StoreError, StoredSpec, Write},
};

/// The name of the fact about a data set of a spec; its value is the digest.
fn draw_fact(number: u32, data_seed: u64) -> String {
    format!("spec {number} draw {data_seed}")
}

/// The writes that make a spec on these data the newest one of a store, if it is not. The data may differ with an
/// unchanged text.
pub(super) fn writes(spec: &Spec, digests: &Digests, store: &Store) -> Result<Vec<Write>, StoreError> {
    let newest = store.specs()?.pop();
    let fact =
        |number: u32, seed: u64, digest: &String| Write::Fact { name: draw_fact(number, seed), value: digest.clone() };
    if let Some(newest) = newest.as_ref().filter(|newest| newest.text == spec.text) {
        let (mut is_same, mut lost) = (true, Vec::new());
        for (seed, digest) in digests {
            match store.fact(&draw_fact(newest.number, *seed))? {
                Some(known) => is_same &= known == *digest,
                // The fact's row was damaged and moved aside.
                None => lost.push(fact(newest.number, *seed, digest)),
            }
        }
        if is_same {
            return Ok(lost);
        }
    }
    let number = newest.map_or(0, |newest| newest.number) + 1;
    let spec = Write::Spec { at_ms: utc::now_ms(), text: spec.text.clone() };
    Ok([spec].into_iter().chain(digests.iter().map(|(seed, digest)| fact(number, *seed, digest))).collect())
}

/// Writes the missing specs of the store into the run directory.
pub(super) fn keep(directory: &RunDirectory, store: &Store) -> Result<(), PrepareError> {
    let failed = |path: &std::path::Path| {
        let path = path.to_owned();
        |cause: io::Error| RunDirectoryError::Io { action: "write", path, cause }
    };
    let folder = directory.specs();
    durable_files::make_folder(&folder).map_err(failed(&folder))?;
    for StoredSpec { number, text } in store.specs()? {
        let path = directory.spec(number);
        if fs::read(&path).ok().as_deref() != Some(text.as_bytes()) {
            durable_files::write(&path, text.as_bytes()).map_err(failed(&path))?;
        }
    }
    Ok(())
}

/// The number of a run directory's newest spec.
pub(crate) fn newest(directory: &RunDirectory) -> Result<Option<u32>, StoreError> {
    Ok(Store::open_to_read(&directory.database())?.specs()?.pop().map(|newest| newest.number))
}

/// The spec with this number, or the newest.
pub(super) fn stored(
    directory: &RunDirectory,
    store: &Store,
    number: Option<u32>,
) -> Result<(u32, Spec), PrepareError> {
    let specs = store.specs()?;
    let newest = specs.last().map(|newest| newest.number);
    let wanted = number.or(newest).ok_or_else(|| PrepareError::NoSpec { path: directory.root().to_owned() })?;
    let found = specs.into_iter().find(|spec| spec.number == wanted).ok_or_else(|| PrepareError::NoSuchSpec {
        path: directory.root().to_owned(),
        wanted,
        newest: newest.unwrap_or_default(),
    })?;
    Ok((found.number, Spec::parse(&directory.spec(wanted).display().to_string(), found.text)?))
}

/// The digests of a spec's data sets, by data seed.
pub(super) fn digests(
    study: &Study,
    number: u32,
    directory: &RunDirectory,
    store: &Store,
) -> Result<Digests, PrepareError> {
    let digest = |(seed, of)| {
        let digest = match store.fact(&draw_fact(number, seed))? {
            Some(digest) => Some(digest),
            // The fact's row was damaged and moved aside.
            None => store.fact(&dataset_fact(&of))?,
        };
        Ok((seed, digest.ok_or_else(|| PrepareError::NoSpec { path: directory.root().to_owned() })?))
    };
    drawn(study).map(digest).collect()
}
