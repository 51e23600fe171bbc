//! Weights that a study keeps: `RUN_DIR/weights/UNIT_ID.safetensors`, for units of stages with `keep_weights`.
//!
//! They arrive as [blobs](crate::blobs) do; their digest is committed together with the result that names it ([`keeper`], the store's table
//! `weights`). So a file with a final name is whole and belongs to the unit's result. Where a coordinator was killed before the commit, the
//! worker is asked for its weights again when it repeats its submit.

pub mod keeper;
pub mod standing;

pub use keeper::Keeper;
pub use standing::Standing;
