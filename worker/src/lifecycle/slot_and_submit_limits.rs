//! Limits of a worker: slots, submits under way, and results that wait for their acknowledgement.

use seedgrid_common::wire::limits;

/// Most slots of one worker, so that all its attempts fit into one message.
pub const SLOTS_MAX: usize = 512;
const _: () = assert!(SLOTS_MAX + SLOTS_MAX / 8 + UNACKNOWLEDGED_MAX <= limits::HELD_MAX);

/// Number of unacknowledged attempts at which the worker stops pulling units.
pub(super) const UNACKNOWLEDGED_MAX: usize = 256;
/// Most bytes of weights and states that wait with them. Those of a unit in training are not counted: they exist
/// anyway.
pub(super) const UNACKNOWLEDGED_BYTES_MAX: usize = 1024 * 1024 * 1024;
/// Most submits under way at a time that have no blob: attempts that end meanwhile go together in the next one.
pub(super) const SUBMITS_MAX: usize = 2;
/// Most bytes of attempts that share a submit. With their logs they are far below the largest message.
pub(super) const SUBMIT_BYTES: usize = 1024 * 1024;
/// Most submits with a blob under way at a time, for a worker with so many slots.
pub(super) const fn blob_submits_max(slots: usize) -> usize {
    if slots < 4 {
        4
    } else if slots > 64 {
        64
    } else {
        slots
    }
}
