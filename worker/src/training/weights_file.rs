//! Kept weights as a file: safetensors, with all other data for predictions in one metadata entry, `seedgrid`.
//! docs/worker.md describes it for other programs.
//!
//! Equal networks give equal bytes: the library sorts tensors by name, and a single entry has a fixed order.

use std::collections::HashMap;

use candle_core::Device;
use safetensors::{Dtype, SafeTensorError, SafeTensors, tensor::TensorView};
use seedgrid_common::{
    data::normalize::Normalizer,
    json, model,
    unit::{KERNELS_REVISION, Unit, UnitId},
    wire::{blob::BlobDigest, limits},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::training::{Predictor, TrainError, parameter_count};

/// The name of Seedgrid's metadata entry.
const ENTRY: &str = "seedgrid";
/// The format that this program writes and reads.
const FORMAT: &str = "seedgrid.weights/1";
/// The common prefix of the format's versions.
const FORMAT_NAME: &str = "seedgrid.weights/";
/// More bytes than the metadata, names and shapes of any network's tensors take.
const HEAD_BYTES_MAX: u64 = 1024 * 1024;

/// The content of the metadata entry.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Head {
    format: String,
    unit_id: String,
    dataset_digest: String,
    unit: Unit,
    model_revision: u32,
    kernels_revision: u32,
    mean: f64,
    deviation: f64,
    numerics_class: String,
    tensors_sha256: String,
}

/// A network whose file would exceed the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error(
    "the network has {weights} weights, whose file would be larger than the {} bytes that are kept",
    limits::WEIGHTS_BYTES_MAX
)]
#[diagnostic(help("make it smaller, or leave `keep_weights` out of its stage"))]
pub struct HeavyNetwork {
    /// Number of weights and biases.
    pub weights: usize,
}

/// The reason why weights cannot be written.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum WriteError {
    /// The device failed.
    #[error("the trained weights cannot be read from the device")]
    Device(#[from] candle_core::Error),
    /// The library refused the tensors.
    #[error("the trained weights cannot be written as a safetensors file: {0}")]
    Library(SafeTensorError),
}

/// The hint for a file that is none of kept weights.
const OTHER_FILE: &str = "name a file of RUN_DIR/weights, which a stage with `keep_weights = true` fills";
/// The hint for a damaged file.
const DAMAGED: &str = "copy it again from RUN_DIR/weights, if it is a copy; attempts.csv in the report has its SHA-256, and \
                       `seedgrid check RUN_DIR` compares them";
/// The hint for a file of another version.
const OTHER_VERSION: &str = "use the version of Seedgrid that trained it, or train it again with this one";

/// The reason why a file's weights cannot be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum WeightsFileError {
    /// The file is larger than any written one.
    #[error("it has {bytes} bytes, more than any file of kept weights")]
    #[diagnostic(help("{OTHER_FILE}"))]
    Large {
        /// The file's length.
        bytes: u64,
    },
    /// The file's length differs from the head's.
    #[error("it is truncated, or goes on after its end")]
    #[diagnostic(help("{DAMAGED}"))]
    Length,
    /// The file has another format.
    #[error("it is not a safetensors file: {0}")]
    #[diagnostic(help("{OTHER_FILE}"))]
    NotSafetensors(SafeTensorError),
    /// Another program wrote the file.
    #[error("it is a safetensors file, but not one of Seedgrid's: its metadata has no entry `{ENTRY}`")]
    #[diagnostic(help("{OTHER_FILE}"))]
    Foreign,
    /// The file has another version of the format.
    #[error("its format is `{found}`, and this program reads `{FORMAT}`")]
    #[diagnostic(help("{OTHER_VERSION}"))]
    Format {
        /// The file's format.
        found: String,
    },
    /// The file's metadata cannot be read.
    #[error("its metadata is damaged: {0}")]
    #[diagnostic(help("{DAMAGED}"))]
    Metadata(String),
    /// A model that this program does not have.
    #[error("it is a network of the model `{name}`, which this program does not have")]
    #[diagnostic(help("{OTHER_VERSION}"))]
    UnknownModel {
        /// The model's name in the file.
        name: String,
    },
    /// The network was trained by another revision.
    #[error("it was trained with revision {trained} of {what}, and this program has revision {here}")]
    #[diagnostic(help("{OTHER_VERSION}"))]
    Revision {
        /// The part with the revision: "the model `fc`" or "the kernels".
        what: String,
        /// The file's revision.
        trained: u32,
        /// This program's revision.
        here: u32,
    },
    /// The unit's content has another id than the file gives.
    #[error("its metadata is damaged: it says unit {said}, and its content is that of unit {found}")]
    #[diagnostic(help("{DAMAGED}"))]
    Id {
        /// The id in the file.
        said: String,
        /// The id of the content.
        found: UnitId,
    },
    /// A tensor is missing, or has another shape or type.
    #[error("its tensor `{name}` {problem}")]
    #[diagnostic(help("{DAMAGED}"))]
    Tensor {
        /// The tensor's name.
        name: String,
        /// The fault.
        problem: String,
    },
    /// The tensors differ from the written ones.
    #[error("it is damaged: its tensors have another digest than its metadata says")]
    #[diagnostic(help("{DAMAGED}"))]
    Damaged,
    /// The unit's network cannot be built.
    #[error(transparent)]
    #[diagnostic(help("{OTHER_VERSION}"))]
    Network(#[from] TrainError),
}

/// Checks, before any training, that the unit's weights can be kept.
///
/// # Errors
/// When the unit's network is too large; the outer error when it has no network.
pub fn check_size(unit: &Unit) -> Result<Result<(), HeavyNetwork>, TrainError> {
    Ok(fits(parameter_count(&unit.configuration)?))
}

fn fits(weights: usize) -> Result<(), HeavyNetwork> {
    let bytes = (weights as u64).saturating_mul(4).saturating_add(HEAD_BYTES_MAX);
    if bytes > limits::WEIGHTS_BYTES_MAX { Err(HeavyNetwork { weights }) } else { Ok(()) }
}

/// The bytes of a file with this network.
///
/// # Errors
/// When the device or the library fails.
pub fn write(network: &Predictor) -> Result<Vec<u8>, WriteError> {
    let weights = network.weights()?;
    // Sorted by name, as the library writes them.
    let mut tensors: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
    let mut hash = Sha256::new();
    for (name, variable) in weights.iter() {
        let bytes: Vec<u8> = weights.values(name)?.iter().flat_map(|value| value.to_le_bytes()).collect();
        hash.update(&bytes);
        tensors.push((name.to_owned(), variable.dims().to_vec(), bytes));
    }
    let unit = network.unit();
    let Normalizer { shift, scale } = network.normalizer();
    let head = Head {
        format: FORMAT.to_owned(),
        unit_id: unit.id().to_string(),
        dataset_digest: unit.dataset_digest.to_string(),
        unit: unit.clone(),
        model_revision: model::find(&unit.configuration.model).map_or(0, |model| model.revision),
        kernels_revision: KERNELS_REVISION,
        mean: shift,
        deviation: scale,
        numerics_class: network.trained_in().to_owned(),
        tensors_sha256: BlobDigest(hash.finalize().into()).to_string(),
    };
    let head = json::compact(&head).expect("plain data with string keys always serialises");
    let metadata = HashMap::from([(ENTRY.to_owned(), head)]);
    let views = tensors
        .iter()
        .map(|(name, shape, bytes)| Ok((name, TensorView::new(Dtype::F32, shape.clone(), bytes)?)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(WriteError::Library)?;
    safetensors::serialize(views, Some(metadata)).map_err(WriteError::Library)
}

/// The unit whose weights a file's bytes hold; the weights themselves are not checked.
///
/// # Errors
/// When the bytes are no such file, or one that this program would compute differently.
pub fn unit(bytes: &[u8]) -> Result<Unit, WeightsFileError> {
    opened(bytes)?;
    Ok(head(bytes)?.unit)
}

/// The file as the library parses it.
fn opened(bytes: &[u8]) -> Result<SafeTensors<'_>, WeightsFileError> {
    if bytes.len() as u64 > limits::WEIGHTS_BYTES_MAX {
        return Err(WeightsFileError::Large { bytes: bytes.len() as u64 });
    }
    SafeTensors::deserialize(bytes).map_err(|error| match error {
        SafeTensorError::HeaderTooSmall
        | SafeTensorError::InvalidHeaderLength
        | SafeTensorError::MetadataIncompleteBuffer => WeightsFileError::Length,
        other => WeightsFileError::NotSafetensors(other),
    })
}

/// The network in a file's bytes, ready to predict on `device`.
///
/// # Errors
/// When the bytes are no such file, are damaged, or hold a network that this program would compute differently.
pub fn read(bytes: &[u8], device: &Device) -> Result<Predictor, WeightsFileError> {
    let tensors = opened(bytes)?;
    let head = head(bytes)?;
    // Tensors of one type are stored in the order of their names, without gaps.
    let mut names = tensors.names();
    names.sort_unstable();
    let mut hash = Sha256::new();
    for name in &names {
        hash.update(tensors.tensor(name).map_err(WeightsFileError::NotSafetensors)?.data());
    }
    if BlobDigest(hash.finalize().into()).to_string() != head.tensors_sha256 {
        return Err(WeightsFileError::Damaged);
    }
    let wrong = |name: &str, problem: String| WeightsFileError::Tensor { name: name.to_owned(), problem };
    let mut used = Vec::new();
    let values = |name: &str, shape: &[usize]| {
        let tensor = tensors.tensor(name).map_err(|_| wrong(name, "is missing".to_owned()))?;
        if tensor.dtype() != Dtype::F32 || tensor.shape() != shape {
            let problem = format!("is {} of shape {:?}, not F32 of {shape:?}", tensor.dtype(), tensor.shape());
            return Err(wrong(name, problem));
        }
        let values: Vec<f32> = tensor
            .data()
            .chunks_exact(4)
            .map(|value| f32::from_le_bytes([value[0], value[1], value[2], value[3]]))
            .collect();
        if !values.iter().all(|value| value.is_finite()) {
            return Err(wrong(name, "holds a value that is not finite".to_owned()));
        }
        used.push(name.to_owned());
        Ok(values)
    };
    let network = Predictor::with_weights(
        head.unit,
        Normalizer { shift: head.mean, scale: head.deviation },
        head.numerics_class,
        values,
        device,
    )?;
    match names.into_iter().find(|name| used.iter().all(|known| known != name)) {
        Some(name) => Err(wrong(name, "is none of its network's".to_owned())),
        None => Ok(network),
    }
}

/// The head, checked: this program would compute the same unit.
fn head(bytes: &[u8]) -> Result<Head, WeightsFileError> {
    let damaged = |problem: &dyn std::fmt::Display| WeightsFileError::Metadata(problem.to_string());
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(WeightsFileError::NotSafetensors)?;
    let text = metadata.metadata().as_ref().and_then(|entries| entries.get(ENTRY)).ok_or(WeightsFileError::Foreign)?;
    let value: serde_json::Value = serde_json::from_str(text).map_err(|error| damaged(&error))?;
    match value.get("format").and_then(serde_json::Value::as_str) {
        Some(FORMAT) => {}
        Some(other) if other.starts_with(FORMAT_NAME) => {
            return Err(WeightsFileError::Format { found: other.chars().take(64).collect() });
        }
        Some(_) | None => return Err(WeightsFileError::Foreign),
    }
    let head: Head = serde_json::from_value(value).map_err(|error| damaged(&error))?;
    let name = &head.unit.configuration.model;
    let model = model::find(name).ok_or_else(|| WeightsFileError::UnknownModel { name: name.clone() })?;
    let revisions = [
        (format!("the model `{name}`"), head.model_revision, model.revision),
        ("the kernels".to_owned(), head.kernels_revision, KERNELS_REVISION),
    ];
    if let Some((what, trained, here)) = revisions.into_iter().find(|(_, trained, here)| trained != here) {
        return Err(WeightsFileError::Revision { what, trained, here });
    }
    let found = head.unit.id();
    if head.unit_id != found.to_string() || head.dataset_digest != *head.unit.dataset_digest {
        return Err(WeightsFileError::Id { said: head.unit_id.chars().take(64).collect(), found });
    }
    if !head.mean.is_finite() || !head.deviation.is_finite() || head.deviation <= 0.0 {
        return Err(damaged(&"mean and deviation of the normalisation are no such numbers"));
    }
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_that_is_too_large_is_refused_before_training() {
        assert_eq!(fits(119_000_000), Ok(()), "the largest network of today's models");
        let heavy = fits(135_000_000).unwrap_err();
        let shown = seedgrid_common::error_chain::with_hint(&heavy);
        assert!(shown.contains("135000000 weights") && shown.contains("keep_weights"), "{shown}");
        assert_eq!(fits(usize::MAX), Err(HeavyNetwork { weights: usize::MAX }));
    }
}
