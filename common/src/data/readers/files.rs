//! A data set from a user's own files, of any kind.

use std::path::Path;

use super::{
    arrays::{self, ArraysSpec},
    assemble::ReadDataset,
    error::ReadError,
    images::{self, ImagesSpec},
    table::{self, TableSpec},
};

/// The files, inputs, targets and parts of a data set.
#[derive(Clone, Debug, PartialEq)]
pub enum FilesSpec {
    /// NumPy's files, safetensors, IDX.
    Arrays(ArraysSpec),
    /// CSV and Parquet.
    Table(TableSpec),
    /// PNG and JPEG.
    Images(ImagesSpec),
}

impl FilesSpec {
    /// Reads the data set. Relative paths begin in `base`; the test part is drawn from `seed`.
    ///
    /// # Errors
    /// When a file cannot be read as the spec asks, or its examples make no data set.
    pub fn read(&self, base: &Path, seed: u64) -> Result<ReadDataset, ReadError> {
        match self {
            Self::Arrays(spec) => arrays::read(spec, base, seed),
            Self::Table(spec) => table::read(spec, base, seed),
            Self::Images(spec) => images::read(spec, base, seed),
        }
    }
}
