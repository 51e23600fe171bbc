//! Weights that a study keeps: `RUN_DIR/weights/UNIT_ID.safetensors`, for units of stages with `keep_weights`.
//!
//! They arrive as [blobs](crate::store::blobs) do; their digest is committed together with the result that names it ([`kept_weights`], the store's table
//! `weights`). So a file with a final name is whole and belongs to the unit's result. Where a coordinator was killed before the commit, the
//! worker is asked for its weights again when it repeats its submit.

pub mod kept_weights;
pub mod weight_counts;

pub use kept_weights::KeptWeightsIndex;
pub use weight_counts::WeightCounts;
