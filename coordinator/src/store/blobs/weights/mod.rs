//! Weights that a study keeps: `RUN_DIR/weights/UNIT_ID.safetensors`, for units of stages with `keep_weights`.
//!
//! They arrive as [blobs](crate::store::blobs) do; their digest is committed together with the result that names it ([`kept`], the store's table
//! `weights`). So a file with a final name is whole and belongs to the unit's result. Where a coordinator was killed before the commit, the
//! worker is asked for its weights again when it repeats its submit.

pub mod counts;
pub mod kept;

pub use counts::WeightCounts;
pub use kept::KeptWeightsIndex;
