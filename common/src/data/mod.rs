//! Data sets: named inputs and targets of examples, and which of them a unit trains on and is scored on.
//!
//! [`build`] makes a data set from its spec, by its [`kind`]: pairs of MNIST's images ([`idx`], [`mnist_files`],
//! [`mnist_pairs`]; [`locate`] searches for the files, and [`looked`] describes a folder without them) or of drawn digits
//! ([`glyph_pairs`]). [`schema`] describes a data set, [`dataset`] holds it, and [`values`] its inputs' numbers.
//! [`readers`] makes one from a user's own files. [`encode`] gives its bytes and its digest, [`folds`] a unit's part of it, and [`normalize`] the networks' inputs.

mod error;

pub mod dataset;
pub mod encode;
pub mod folds;
pub mod glyph_pairs;
pub mod idx;
pub mod kind;
pub mod locate;
pub mod looked;
pub mod mnist_files;
pub mod mnist_pairs;
pub mod normalize;
pub mod pairs;
pub mod readers;
pub mod schema;
pub mod values;

use std::{collections::BTreeMap, path::PathBuf};

pub use dataset::{Dataset, DatasetTargets, Labelled, Part};
pub use error::DataError;
pub use kind::{DatasetKind, DatasetSpec, Supply};

/// Every kind of data set, in the order in which messages name them.
pub static ALL: &[&DatasetKind] = &[&mnist_pairs::KIND, &glyph_pairs::KIND];

/// The kind of data set with this name.
pub fn find(name: &str) -> Option<&'static DatasetKind> {
    ALL.iter().copied().find(|kind| kind.name == name)
}

/// Makes the data set that `spec` asks for. Its kind's files are searched for in `folders` (see [`locate::places`]).
///
/// # Errors
/// When the data set cannot be made.
pub fn build(spec: &DatasetSpec, folders: &[PathBuf]) -> Result<Dataset, DataError> {
    (spec.kind.draw)(spec, folders)
}

/// The digest of each encoded draw of the data set, by data seed.
pub type Digests = BTreeMap<u64, String>;
