//! Why pairs cannot be predicted.

use std::{io, path::PathBuf};

use seedgrid_common::{
    data::{encode::DecodeError, idx::IdxError},
    text::count,
};

use super::NotChosen;
use crate::{
    run::exit_codes,
    training::{TrainError, device::DeviceError, weights_file::WeightsFileError},
};

/// Why pairs cannot be predicted.
#[derive(Debug, thiserror::Error)]
pub enum PredictError {
    /// A file cannot be read.
    #[error("cannot read {path}: {cause}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// A file is larger than any of its kind.
    #[error("{path} has {bytes} bytes, more than {what} may have")]
    Large {
        /// Which.
        path: PathBuf,
        /// Its length.
        bytes: u64,
        /// What it should be.
        what: &'static str,
    },
    /// A file's weights cannot be used.
    #[error("cannot use the weights in {path}: {cause}")]
    Weights {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: WeightsFileError,
    },
    /// A folder has none.
    #[error("no file of kept weights (*.safetensors) is in {path}")]
    NoWeights {
        /// The folder.
        path: PathBuf,
    },
    /// Which networks are meant is not clear.
    #[error(transparent)]
    Chosen(#[from] NotChosen),
    /// One unit's weights are named twice, which would count its vote twice.
    #[error("{path} has the same unit's weights as another of the files")]
    Repeated {
        /// The second one.
        path: PathBuf,
    },
    /// A file is no encoded data set.
    #[error("{path} is no data set of Seedgrid: {cause}")]
    Dataset {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: DecodeError,
    },
    /// The part of the data set has no pairs.
    #[error("the data set {path} has no {part} pairs")]
    NoPairs {
        /// Which.
        path: PathBuf,
        /// "test" or "train".
        part: &'static str,
    },
    /// A file is no IDX file.
    #[error("{path} is no IDX file of {what}: {cause}")]
    Idx {
        /// Which.
        path: PathBuf,
        /// "images" or "labels".
        what: &'static str,
        /// Why.
        #[source]
        cause: IdxError,
    },
    /// Images of another size.
    #[error("{path} has images of {rows}x{columns} pixels, not 14x14 or 28x28")]
    ImageSize {
        /// Which.
        path: PathBuf,
        /// Their height.
        rows: usize,
        /// Their width.
        columns: usize,
    },
    /// Images that make no pairs.
    #[error("{path} has {}, which make no pairs: an even number of 2 or more is needed", count(images, "image"))]
    OddImages {
        /// Which.
        path: PathBuf,
        /// How many it has.
        images: usize,
    },
    /// Another number of labels than of images.
    #[error("{path} has {} for {}", count(labels, "label"), count(images, "image"))]
    Counts {
        /// The file of labels.
        path: PathBuf,
        /// How many it has.
        labels: usize,
        /// How many images there are.
        images: usize,
    },
    /// A label that is no digit.
    #[error("{path} has the label {label} at position {index}, which is no digit")]
    Label {
        /// Which.
        path: PathBuf,
        /// 0-based.
        index: usize,
        /// The label.
        label: u8,
    },
    /// The device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// Computing failed.
    #[error("the network cannot be run: {0}")]
    Network(#[from] TrainError),
    /// What was found cannot be written.
    #[error("cannot write to {place}: {cause}")]
    Write {
        /// The file, or "standard output".
        place: String,
        /// Why.
        #[source]
        cause: io::Error,
    },
}

impl PredictError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Read { .. } => "check the path and its permissions",
            Self::Weights { cause, .. } => cause.hint(),
            Self::NoWeights { .. } => {
                "run the study with `keep_weights = true` in its stage: weights of units that have a result already cannot be had any more"
            }
            Self::Chosen(_) => {
                "write a label that one configuration has, as `seedgrid units RUN_DIR` shows it: --label 'learning_rate=0.1'"
            }
            Self::Repeated { .. } => "name each file once",
            Self::Dataset { .. } | Self::NoPairs { .. } => {
                "name the run directory, or a file of its folder datasets; for images of your own there is --pairs"
            }
            Self::Large { .. } => "split it into several files",
            Self::Idx { .. } | Self::ImageSize { .. } | Self::OddImages { .. } => {
                "write the images as unsigned bytes with the dimensions (images, 14, 14) or (images, 28, 28); docs/worker.md shows how"
            }
            Self::Counts { .. } | Self::Label { .. } => "write one digit, 0 to 9, for each image, in the same order",
            Self::Device(_) | Self::Network(_) => "try --device cpu",
            Self::Write { .. } => "check the room and the permissions there",
        }
    }

    /// The exit code: 2 where another command line would do, else 1.
    pub fn code(&self) -> u8 {
        match self {
            Self::Write { .. } | Self::Network(_) => exit_codes::FAILED,
            Self::Read { .. }
            | Self::Large { .. }
            | Self::Weights { .. }
            | Self::NoWeights { .. }
            | Self::Chosen(_)
            | Self::Repeated { .. }
            | Self::Dataset { .. }
            | Self::NoPairs { .. }
            | Self::Idx { .. }
            | Self::ImageSize { .. }
            | Self::OddImages { .. }
            | Self::Counts { .. }
            | Self::Label { .. }
            | Self::Device(_) => exit_codes::USAGE,
        }
    }
}
