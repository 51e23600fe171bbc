//! The files of a run directory whose digests the database records, and the findings about a file that differs.

use std::{fmt, io};

use seedgrid_common::{unit::UnitId, wire::blob::BlobDigest};
use serde::Serialize;

use crate::{
    plan::DATASET_FACT,
    store::{Fault, Store, StoreError},
};

/// A part of a run directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, strum::Display)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Part {
    /// The rows of the database.
    Database,
    /// An encoded data set.
    Dataset,
    /// The plan of the study with its results.
    Plan,
    /// The weights of a unit.
    Weights,
    /// The checkpoint of a unit.
    Checkpoint,
    /// A file of the report.
    Report,
}

/// A finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Finding {
    /// The part of the run directory.
    pub part: Part,
    /// The id of the unit, if the finding is about one.
    pub unit: Option<String>,
    /// The table or the file, if there is one.
    pub place: Option<String>,
    /// The finding, as text for people.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.part)?;
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        if let Some(unit) = &self.unit {
            write!(f, "unit {unit}: ")?;
        }
        f.write_str(&self.what)
    }
}

impl Finding {
    pub(super) fn new(part: Part, what: impl Into<String>) -> Self {
        Self { part, unit: None, place: None, what: what.into() }
    }

    pub(super) fn at(self, place: impl Into<String>) -> Self {
        Self { place: Some(place.into()), ..self }
    }

    pub(super) fn about(self, unit: UnitId) -> Self {
        Self { unit: Some(unit.to_string()), ..self }
    }
}

impl From<Fault> for Finding {
    fn from(fault: Fault) -> Self {
        let Fault { table, unit, what } = fault;
        Self { part: Part::Database, unit, place: table.map(str::to_owned), what }
    }
}

/// A file whose digest the database records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RecordedFile {
    part: Part,
    /// The file's unit; None for a data set.
    unit: Option<UnitId>,
    /// The digest in the database, as text.
    pub(super) digest: String,
    /// The length in the database; None for a data set.
    bytes: Option<u64>,
}

impl RecordedFile {
    /// The data sets of every spec of the run.
    pub(super) fn datasets(store: &Store) -> Result<Vec<Self>, StoreError> {
        let mut digests: Vec<String> = store.facts(DATASET_FACT)?.into_iter().map(|(_, digest)| digest).collect();
        digests.sort();
        digests.dedup();
        let file = |digest| Self { part: Part::Dataset, unit: None, digest, bytes: None };
        Ok(digests.into_iter().map(file).collect())
    }

    /// The weights of a unit.
    pub(super) fn weights(unit: UnitId, digest: BlobDigest, bytes: u64) -> Self {
        Self { part: Part::Weights, unit: Some(unit), digest: digest.to_string(), bytes: Some(bytes) }
    }

    /// The checkpoint of a unit.
    pub(super) fn checkpoint(unit: UnitId, digest: BlobDigest, bytes: u64) -> Self {
        Self { part: Part::Checkpoint, unit: Some(unit), digest: digest.to_string(), bytes: Some(bytes) }
    }

    /// A finding about this file.
    pub(super) fn finding(&self, what: impl Into<String>) -> Finding {
        let finding = Finding::new(self.part, what);
        match self.unit {
            Some(unit) => {
                let folder = if self.part == Part::Checkpoint { "checkpoints" } else { "weights" };
                finding.at(format!("{folder}/{unit}.safetensors")).about(unit)
            }
            None => finding.at(format!("datasets/{}", self.digest)),
        }
    }

    /// The damage of the file, if it has any: `found` is its digest and length, or the reason for which it cannot be
    /// read.
    pub(super) fn damage(&self, found: Result<(BlobDigest, u64), &str>) -> Option<Finding> {
        match found {
            Err(why) => Some(self.finding(why)),
            Ok((digest, bytes)) if digest.to_string() == self.digest && self.bytes.is_none_or(|one| one == bytes) => {
                None
            }
            Ok(_) => Some(self.finding(match self.part {
                Part::Weights => "does not match the digest that was committed with its result",
                Part::Checkpoint => "does not match the digest that was committed with it",
                _ => "does not match its name, which is its digest",
            })),
        }
    }
}

/// The finding about a file that is not there.
pub(super) const NOT_THERE: &str = "is not there";

/// The finding about a file that could not be read.
pub(super) fn unreadable(cause: &io::Error) -> &'static str {
    if cause.kind() == io::ErrorKind::NotFound { NOT_THERE } else { "cannot be read" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_matches_by_digest_and_length() {
        let unit = UnitId([7; 16]);
        let (digest, other) = (BlobDigest::compute(b"one"), BlobDigest::compute(b"two"));
        let what = |file: &RecordedFile, found| file.damage(found).map(|finding| finding.what);
        for file in [RecordedFile::weights(unit, digest, 3), RecordedFile::checkpoint(unit, digest, 3)] {
            assert_eq!(what(&file, Ok((digest, 3))), None);
            for found in [(digest, 4), (other, 3)] {
                assert!(what(&file, Ok(found)).is_some_and(|what| what.contains("was committed with")));
            }
            let lost = file.damage(Err(NOT_THERE)).unwrap();
            assert_eq!((lost.unit, lost.what.as_str()), (Some(unit.to_string()), "is not there"));
        }
        let dataset = RecordedFile { part: Part::Dataset, unit: None, digest: digest.to_string(), bytes: None };
        assert_eq!(what(&dataset, Ok((digest, 3))), None);
        let wrong = dataset.damage(Ok((other, 3))).unwrap();
        assert_eq!((wrong.part, wrong.place), (Part::Dataset, Some(format!("datasets/{digest}"))));
    }
}
