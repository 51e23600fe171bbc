//! The reasons why pairs cannot be predicted.

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

/// The hint for wrong images.
const IMAGES: &str = "write the images as unsigned bytes with the dimensions (images, 14, 14) or (images, 28, 28); docs/worker.md shows how";
/// The hint for wrong labels.
const LABELS: &str = "write one digit, 0 to 9, for each image, in the same order";
/// The hint for a wrong data set.
const DATASET: &str =
    "name the run directory, or a file of its folder datasets; for images of your own there is --pairs";

/// The reason why pairs cannot be predicted.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum PredictError {
    /// A file cannot be read.
    #[error("cannot read {path}: {cause}")]
    #[diagnostic(help("check the path and its permissions"))]
    Read {
        /// The file's path.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// A file is larger than any of its kind.
    #[error("{path} has {bytes} bytes, more than {what} may have")]
    #[diagnostic(help("split it into several files"))]
    Large {
        /// The file's path.
        path: PathBuf,
        /// The file's length.
        bytes: u64,
        /// The expected kind of file.
        what: &'static str,
    },
    /// A file's weights cannot be used.
    #[error("cannot use the weights in {path}: {cause}")]
    Weights {
        /// The file's path.
        path: PathBuf,
        /// The cause.
        #[source]
        #[diagnostic_source]
        cause: WeightsFileError,
    },
    /// A folder has no weights.
    #[error("no file of kept weights (*.safetensors) is in {path}")]
    #[diagnostic(help(
        "run the study with `keep_weights = true` in its stage: weights of units that have a result already cannot be had any more"
    ))]
    NoWeights {
        /// The folder's path.
        path: PathBuf,
    },
    /// The label does not choose networks.
    #[error(transparent)]
    #[diagnostic(help(
        "write a label that one configuration has, as `seedgrid units RUN_DIR` shows it: --label 'learning_rate=0.1'"
    ))]
    Chosen(#[from] NotChosen),
    /// A unit's weights are named twice, and would count twice in the average.
    #[error("{path} has the same unit's weights as another of the files")]
    #[diagnostic(help("name each file once"))]
    Repeated {
        /// The second file's path.
        path: PathBuf,
    },
    /// A file is no encoded data set.
    #[error("{path} is no data set of Seedgrid: {cause}")]
    #[diagnostic(help("{DATASET}"))]
    Dataset {
        /// The file's path.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: DecodeError,
    },
    /// The part of the data set has no pairs.
    #[error("the data set {path} has no {part} pairs")]
    #[diagnostic(help("{DATASET}"))]
    NoPairs {
        /// The data set's path.
        path: PathBuf,
        /// The part: "test" or "train".
        part: &'static str,
    },
    /// A file is no IDX file.
    #[error("{path} is no IDX file of {what}: {cause}")]
    #[diagnostic(help("{IMAGES}"))]
    Idx {
        /// The file's path.
        path: PathBuf,
        /// The expected content: "images" or "labels".
        what: &'static str,
        /// The cause.
        #[source]
        cause: IdxError,
    },
    /// Images of another size.
    #[error("{path} has images of {rows}x{columns} pixels, not 14x14 or 28x28")]
    #[diagnostic(help("{IMAGES}"))]
    ImageSize {
        /// The file's path.
        path: PathBuf,
        /// The images' height.
        rows: usize,
        /// The images' width.
        columns: usize,
    },
    /// Images that make no pairs.
    #[error("{path} has {}, which make no pairs: an even number of 2 or more is needed", count(images, "image"))]
    #[diagnostic(help("{IMAGES}"))]
    OddImages {
        /// The file's path.
        path: PathBuf,
        /// The file's number of images.
        images: usize,
    },
    /// Another number of labels than of images.
    #[error("{path} has {} for {}", count(labels, "label"), count(images, "image"))]
    #[diagnostic(help("{LABELS}"))]
    Counts {
        /// The file of labels.
        path: PathBuf,
        /// The file's number of labels.
        labels: usize,
        /// The number of images.
        images: usize,
    },
    /// A label that is no digit.
    #[error("{path} has the label {label} at position {index}, which is no digit")]
    #[diagnostic(help("{LABELS}"))]
    Label {
        /// The file's path.
        path: PathBuf,
        /// The label's index, from 0.
        index: usize,
        /// The label.
        label: u8,
    },
    /// The device cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Device(#[from] DeviceError),
    /// The computation failed.
    #[error("the network cannot be run: {0}")]
    #[diagnostic(help("try --device cpu"))]
    Network(#[from] TrainError),
    /// The predictions cannot be written.
    #[error("cannot write to {place}: {cause}")]
    #[diagnostic(help("check the room and the permissions there"))]
    Write {
        /// The file's path, or "standard output".
        place: String,
        /// The cause.
        #[source]
        cause: io::Error,
    },
}

impl PredictError {
    /// The exit code: 2 where another command line would succeed, else 1.
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
