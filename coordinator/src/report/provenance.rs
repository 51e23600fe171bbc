//! provenance.json: who trained what, where, when and how long. Everything that may differ between two runs whose report.json
//! is equal stands here and only here. docs/report.md explains every field.

use std::collections::BTreeMap;

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
    /// What of the run the report was made of.
    pub state: State,
    /// When the report was made.
    pub written_at_unix_ms: u64,
    /// Every worker that ever took part.
    pub workers: Vec<WorkerRecord>,
    /// For each unit with a result, the attempt that gave it; by unit id.
    pub units: Vec<UnitRecord>,
    /// Every other attempt that ended: failures, and results that came second; by unit id and attempt.
    pub other_attempts: Vec<AttemptRecord>,
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

/// Where a unit's result comes from.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct UnitRecord {
    /// The unit's id, 32 hexadecimal digits.
    pub unit: String,
    /// Which attempt gave the result.
    pub attempt: u32,
    /// The worker's name in `workers`.
    pub worker: String,
    /// Host name.
    pub host: String,
    /// Where it ran, in the worker's words.
    pub place: String,
    /// "cpu" or "cuda:N".
    pub device: String,
    /// Instruction set.
    pub isa: String,
    /// Results within one class are bit-identical.
    pub numerics_class: String,
    /// From the start of the attempt to its result.
    pub wall_seconds: f64,
    /// When the result was committed.
    pub finished_at_unix_ms: u64,
    /// The unit's trained weights, if they were kept.
    pub weights: Option<WeightsRecord>,
}

/// A file of kept weights.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct WeightsRecord {
    /// Where it is in the run directory.
    pub file: String,
    /// SHA-256 of its bytes, 64 hexadecimal digits.
    pub sha256: String,
    /// Its length.
    pub bytes: u64,
}

/// An attempt that gave no result that counts.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AttemptRecord {
    /// The unit's id, 32 hexadecimal digits.
    pub unit: String,
    /// The attempt's number.
    pub attempt: u32,
    /// The worker's name in `workers`.
    pub worker: String,
    /// How it ended.
    pub ending: AttemptEnding,
    /// What the worker said about it; may be empty.
    pub detail: String,
    /// The time of the end; null if the end was not received.
    pub ended_at_unix_ms: Option<u64>,
}

/// Value of `schema` in provenance.json.
pub const SCHEMA: &str = "seedgrid.provenance/1";

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
