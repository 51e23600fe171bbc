//! A checkpoint as a file: safetensors, with all other data in one metadata entry, `seedgrid`. docs/worker.md describes
//! it.
//!
//! An unusable file costs only time: its unit is trained from the start, to the same result.

#[cfg(test)]
mod fuzz;
mod plausibility_check;

use std::collections::{BTreeMap, HashMap};

use safetensors::{Dtype, SafeTensorError, SafeTensors, tensor::TensorView};
use seedgrid_common::{
    model,
    training::EpochMetrics,
    unit::{KERNELS_REVISION, Unit},
    wire::{blob::BlobDigest, limits},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    networks::{Weights, optimiser::Memory},
    training::{
        self, Checkpoint, TrainError,
        checkpoint::{EpochUnderWay, Tally},
    },
};

/// The name of Seedgrid's metadata entry.
const ENTRY: &str = "seedgrid";
/// The format that this program writes and reads.
const FORMAT: &str = "seedgrid.checkpoint/1";
/// The prefixes of tensors' names, which a variable's name follows.
const WEIGHTS: &str = "weights/";
const FIRST: &str = "memory.first/";
const SECOND: &str = "memory.second/";

/// The content of the metadata entry.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Head {
    format: String,
    /// Digest of this head, with this field empty, and of all tensors in the order of their names.
    sha256: String,
    unit_id: String,
    model_revision: u32,
    kernels_revision: u32,
    numerics_class: String,
    history: Vec<EpochMetrics>,
    /// Counts and sums of the epoch under way: its learnt batches and their results.
    batches: u32,
    pairs: usize,
    loss: f64,
    wrong: u32,
    /// Number of words drawn from the stream `shuffle`, before the order of the epoch under way, and from `dropout`.
    shuffle: u64,
    dropout: u64,
    /// Adam's betas to the power of the steps so far.
    powers: (f64, f64),
}

/// The reason why a checkpoint cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The device failed.
    #[error("the state cannot be read from the device")]
    Device(#[from] candle_core::Error),
    /// The library refused the tensors.
    #[error("the state cannot be written as a safetensors file: {0}")]
    Library(SafeTensorError),
    /// The file is larger than the limit.
    #[error("the state has {bytes} bytes, more than the {} that are kept", limits::CHECKPOINT_BYTES_MAX)]
    Large {
        /// The file's length.
        bytes: usize,
    },
}

/// The reason why a checkpoint cannot be used. The unit is trained from the start instead.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The file has another format, or is truncated.
    #[error("it is not a whole safetensors file: {0}")]
    NotSafetensors(SafeTensorError),
    /// This program did not write its metadata.
    #[error("its metadata cannot be read: {0}")]
    Metadata(String),
    /// The content's digest differs from the stored one.
    #[error("it is damaged: its content has another digest than its metadata says")]
    Damaged,
    /// The file belongs to another unit, or to another revision of the model or the kernels.
    #[error("it belongs to another unit, or to another revision of the model or the kernels")]
    OtherUnit,
    /// The file is from a numerics class with other bits.
    #[error("it was made in the numerics class {found}, and this worker computes in {here}")]
    OtherClass {
        /// The file's class.
        found: String,
        /// This worker's class.
        here: String,
    },
    /// The content is impossible.
    #[error("it was not made by a training of this unit: {0}")]
    Implausible(&'static str),
    /// A tensor is missing, or has another shape or type.
    #[error("its tensor `{name}` {problem}")]
    Tensor {
        /// The tensor's name.
        name: String,
        /// The fault.
        problem: String,
    },
    /// The unit's network cannot be built.
    #[error(transparent)]
    Network(#[from] TrainError),
}

/// The bytes of a file with this state. Equal states give equal bytes.
///
/// # Errors
/// When the device or the library fails, or the state is too large.
pub fn write(checkpoint: &Checkpoint, unit: &Unit) -> Result<Vec<u8>, WriteError> {
    let mut tensors: BTreeMap<String, (Vec<usize>, Vec<u8>)> = BTreeMap::new();
    for (name, variable) in checkpoint.weights.iter() {
        tensors.insert(
            format!("{WEIGHTS}{name}"),
            (variable.dims().to_vec(), bytes_of(&checkpoint.weights.values(name)?)),
        );
    }
    for (name, Memory { first, second }) in &checkpoint.memory {
        for (kind, values) in [(FIRST, first), (SECOND, second)] {
            if !values.is_empty() {
                tensors.insert(format!("{kind}{name}"), (vec![values.len()], bytes_of(values)));
            }
        }
    }
    let EpochUnderWay { shuffle, batches, tally } = checkpoint.epoch;
    let mut head = Head {
        format: FORMAT.to_owned(),
        sha256: String::new(),
        unit_id: checkpoint.unit.to_string(),
        model_revision: model::find(&unit.configuration.model).map_or(0, |model| model.revision),
        kernels_revision: KERNELS_REVISION,
        numerics_class: checkpoint.numerics_class.clone(),
        history: checkpoint.history.clone(),
        batches,
        pairs: tally.pairs,
        loss: tally.loss,
        wrong: tally.wrong,
        shuffle,
        dropout: checkpoint.dropout,
        powers: checkpoint.powers,
    };
    head.sha256 = digest(&head, tensors.iter().map(|(name, (_, bytes))| (name.as_str(), bytes.as_slice())));
    let metadata = HashMap::from([(ENTRY.to_owned(), json(&head))]);
    let views = tensors
        .iter()
        .map(|(name, (shape, bytes))| Ok((name, TensorView::new(Dtype::F32, shape.clone(), bytes)?)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(WriteError::Library)?;
    let bytes = safetensors::serialize(views, Some(metadata)).map_err(WriteError::Library)?;
    match bytes.len() as u64 > limits::CHECKPOINT_BYTES_MAX {
        true => Err(WriteError::Large { bytes: bytes.len() }),
        false => Ok(bytes),
    }
}

/// The state in a file's bytes, for `unit` on a device of this numerics class.
///
/// # Errors
/// When the bytes have another format, are damaged, or belong to another unit or class.
pub fn read(bytes: &[u8], unit: &Unit, numerics_class: &str) -> Result<Checkpoint, CheckpointError> {
    let tensors = SafeTensors::deserialize(bytes).map_err(CheckpointError::NotSafetensors)?;
    let head = head(bytes)?;
    let mut names = tensors.names();
    names.sort_unstable();
    let contents = names.iter().filter_map(|name| Some((*name, tensors.tensor(name).ok()?.data())));
    if digest(&head, contents) != head.sha256 {
        return Err(CheckpointError::Damaged);
    }
    let revision = model::find(&unit.configuration.model).map_or(0, |model| model.revision);
    let id = unit.id();
    if head.unit_id != id.to_string() || (head.model_revision, head.kernels_revision) != (revision, KERNELS_REVISION) {
        return Err(CheckpointError::OtherUnit);
    }
    if head.numerics_class != numerics_class {
        return Err(CheckpointError::OtherClass { found: head.numerics_class, here: numerics_class.to_owned() });
    }
    if let Some(problem) = plausibility_check::problem(&head, unit) {
        return Err(CheckpointError::Implausible(problem));
    }
    let network = training::network(&unit.configuration)?;
    let mut sizes: BTreeMap<String, usize> = BTreeMap::new();
    let weights = Weights::with_values(
        &network,
        |name, shape| {
            sizes.insert(name.to_owned(), shape.iter().product());
            values(&tensors, &format!("{WEIGHTS}{name}"), shape)
        },
        |error| CheckpointError::Network(TrainError::Device(error)),
    )?;
    let mut memory: BTreeMap<String, Memory> = BTreeMap::new();
    for name in names {
        if name.starts_with(WEIGHTS) {
            continue;
        }
        let part = [FIRST, SECOND].into_iter().find_map(|kind| Some((kind, name.strip_prefix(kind)?)));
        let known = part.and_then(|(kind, variable)| Some((kind, variable, *sizes.get(variable)?)));
        let Some((kind, variable, size)) = known else {
            return Err(CheckpointError::Tensor {
                name: name.to_owned(),
                problem: "is none of its network's".to_owned(),
            });
        };
        let values = values(&tensors, name, &[size])?;
        let of_variable = memory.entry(variable.to_owned()).or_default();
        match kind == FIRST {
            true => of_variable.first = values,
            false => of_variable.second = values,
        }
    }
    Ok(Checkpoint {
        unit: id,
        numerics_class: head.numerics_class,
        history: head.history,
        epoch: EpochUnderWay {
            shuffle: head.shuffle,
            batches: head.batches,
            tally: Tally { pairs: head.pairs, loss: head.loss, wrong: head.wrong },
        },
        dropout: head.dropout,
        powers: head.powers,
        weights,
        memory,
    })
}

fn json(head: &Head) -> String {
    serde_json::to_string(head).expect("plain data with string keys always serialises")
}

fn digest<'a>(head: &Head, tensors: impl Iterator<Item = (&'a str, &'a [u8])>) -> String {
    let mut hash = Sha256::new();
    hash.update(json(&Head { sha256: String::new(), ..head.clone() }));
    for (name, bytes) in tensors {
        hash.update(name);
        hash.update([0]);
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    }
    BlobDigest(hash.finalize().into()).to_string()
}

fn bytes_of(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn values(tensors: &SafeTensors<'_>, name: &str, shape: &[usize]) -> Result<Vec<f32>, CheckpointError> {
    let wrong = |problem: String| CheckpointError::Tensor { name: name.to_owned(), problem };
    let tensor = tensors.tensor(name).map_err(|_| wrong("is missing".to_owned()))?;
    if tensor.dtype() != Dtype::F32 || tensor.shape() != shape {
        return Err(wrong(format!("is {} of shape {:?}, not F32 of {shape:?}", tensor.dtype(), tensor.shape())));
    }
    let value = |bytes: &[u8]| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    Ok(tensor.data().chunks_exact(4).map(value).collect())
}

fn head(bytes: &[u8]) -> Result<Head, CheckpointError> {
    let problem = |problem: &str| CheckpointError::Metadata(problem.to_owned());
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(CheckpointError::NotSafetensors)?;
    let text = metadata
        .metadata()
        .as_ref()
        .and_then(|entries| entries.get(ENTRY))
        .ok_or(problem("it has no entry `seedgrid`"))?;
    let value: serde_json::Value = serde_json::from_str(text).map_err(|error| problem(&error.to_string()))?;
    if value.get("format").and_then(serde_json::Value::as_str) != Some(FORMAT) {
        return Err(problem("its format is another"));
    }
    serde_json::from_value(value).map_err(|error| problem(&error.to_string()))
}
