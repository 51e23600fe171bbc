//! provenance.json and attempts.csv: which worker trained which unit, on which machine, when and how long. All that may differ between two
//! runs with an equal report.json is in these two files alone. docs/report.md explains every field.

use std::collections::BTreeMap;

use seedgrid_common::unit::UnitId;
use serde::Serialize;

use super::folder::State;
use crate::scheduler::attempt_ending::AttemptEnding;

/// Where a report's results come from. Times are milliseconds since 1970-01-01 00:00 UTC.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Provenance {
    /// The study's name.
    pub study: String,
    /// The spec, as it was read.
    pub spec: String,
    /// Digest of the encoded data set, 64 hexadecimal digits.
    pub dataset_digest: String,
    /// The coordinator's version.
    pub seedgrid_version: String,
    /// Version of the wire contract.
    pub protocol_version: u32,
    /// Revision of the numeric kernels that the unit ids name.
    pub kernels_revision: u32,
    /// Revision of each model of the study that the unit ids name.
    pub model_revisions: BTreeMap<String, u32>,
    /// The part of the run that the report was made of.
    pub state: State,
    /// When the report was made.
    pub written_at_unix_ms: u64,
    /// Every worker that ever took part.
    pub workers: Vec<WorkerRecord>,
    /// The numerics classes of the results; results of one class are bit-identical.
    pub numerics_classes: Vec<String>,
}

/// A worker, as it registered.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct WorkerRecord {
    /// The name that units and attempts refer to.
    pub worker: String,
    /// Host name.
    pub host: String,
    /// Where it ran, in its own words: "slurm 1234_7"; may be empty.
    pub place: String,
    /// Process id.
    pub pid: u32,
    /// Cores that it saw.
    pub cores: u32,
    /// Units that it trained at a time.
    pub slots: u32,
    /// "cpu" or "cuda:N".
    pub device: String,
    /// Instruction set.
    pub isa: String,
    /// Results within one class are bit-identical.
    pub numerics_class: String,
    /// Its version.
    pub version: String,
}

/// A file of kept weights.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightsRecord {
    /// Where it is in the run directory.
    pub file: String,
    /// SHA-256 of its bytes, 64 hexadecimal digits.
    pub sha256: String,
    /// Its length.
    pub bytes: u64,
}

/// An attempt that ended: a row of attempts.csv.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptRecord {
    /// The unit's id.
    pub unit: UnitId,
    /// The attempt's number.
    pub attempt: u32,
    /// How it ended. "done" and "diverged" gave the unit's result.
    pub ending: AttemptEnding,
    /// The worker's name in [`Provenance::workers`].
    pub worker: String,
    /// From the start of the attempt to its result; None without one.
    pub wall_seconds: Option<f64>,
    /// The time of the end, when a result was committed; None if the end was not received.
    pub ended_at_unix_ms: Option<u64>,
    /// The worker's text about it; may be empty.
    pub detail: String,
    /// The unit's trained weights, if they were kept.
    pub weights: Option<WeightsRecord>,
}

/// Value of `schema` in provenance.json.
pub const SCHEMA: &str = "seedgrid.provenance/3";

/// The file's content: the schema's name, then the fields.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Document<'a> {
    schema: &'static str,
    #[serde(flatten)]
    provenance: &'a Provenance,
    /// Names of all files of the report.
    files: Vec<&'a str>,
}

impl<'a> Document<'a> {
    pub(super) fn new(provenance: &'a Provenance, files: Vec<&'a str>) -> Self {
        Self { schema: SCHEMA, provenance, files }
    }
}
