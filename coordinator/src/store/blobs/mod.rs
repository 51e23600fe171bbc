//! Files of the run directory that belong to units: kept [`weights`] and [`checkpoints`].
//!
//! How no half file is ever seen, whoever is killed when:
//!
//! 1. An upload goes to a temporary file, which is made durable and then named `.arriving/UNIT_ID.SHA256`.
//! 2. Only then is this digest committed to the store.
//! 3. Only then is the file renamed to its final name, `UNIT_ID.safetensors`, and only then is it acknowledged.
//!
//! A coordinator that was killed between 2 and 3 renames when it starts again; what else has arrived is thrown away then.

pub mod checkpoints;
mod folder;
pub mod weights;

pub use folder::{BlobError, BlobFolder, Receiving};
