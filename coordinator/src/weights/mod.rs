//! Weights that a study keeps: `RUN_DIR/weights/UNIT_ID.safetensors`, for units of stages with `keep_weights`.
//!
//! How nothing is lost, and no half file is ever seen, whoever is killed when:
//!
//! 1. An upload goes to a temporary file, which is made durable and then named `.arriving/UNIT_ID.SHA256` ([`folder`]).
//! 2. Only then is the result that names this digest committed, together with the digest ([`keeper`], the store's table `weights`).
//! 3. Only then is the file renamed to its final name, and only then is the result acknowledged.
//!
//! So a file with a final name is whole and belongs to the unit's result. A coordinator that was killed between 2 and 3 renames when it
//! starts again; what else has arrived is thrown away then, and the worker is asked for it again when it repeats its submit.

pub mod folder;
pub mod keeper;
pub mod standing;

pub use folder::{Receiving, WeightsError, WeightsFolder};
pub use keeper::Keeper;
pub use standing::Standing;
