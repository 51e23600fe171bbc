//! A row of the store's table of checkpoints.

use seedgrid_common::wire::blob::CheckpointRef;

/// A unit's checkpoint, as the store has it.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptCheckpoint {
    /// The attempt that made it.
    pub attempt: u32,
    /// The file, and how far training had come.
    pub reference: CheckpointRef,
    /// In which class it was made: in others it is of no use.
    pub numerics_class: String,
}
