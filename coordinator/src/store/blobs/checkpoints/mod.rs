//! Checkpoints of units in training: `RUN_DIR/checkpoints/UNIT_ID.safetensors`, one for each unit that has any, replaced by each newer one.
//!
//! They arrive as [blobs](crate::store::blobs) do, from the holder of the unit's lease alone; their digest and how far training had come are committed
//! (the store's table `checkpoints`) before they are acknowledged. The next attempt of the unit, on whatever machine of the same numerics class,
//! goes on from there. A unit's checkpoint goes with its result, and with an error: what failed once is trained from the start.
//!
//! A checkpoint that is lost or damaged costs time and nothing else, so trouble with these files never ends the coordinator.

mod checkpoint_row;
mod kept_checkpoints;
mod upload_interval;

pub use checkpoint_row::KeptCheckpoint;
pub use kept_checkpoints::Checkpoints;
pub use upload_interval::UploadInterval;
