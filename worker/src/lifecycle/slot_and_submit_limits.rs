//! Limits of a worker: slots, concurrent submits, and results that wait for their acknowledgement.

use seedgrid_common::wire::limits;

/// Most slots of one worker, so that all its attempts fit into one message.
pub const SLOTS_MAX: usize = 512;
const _: () = assert!(SLOTS_MAX + SLOTS_MAX / 8 + UNACKNOWLEDGED_MAX <= limits::HELD_MAX);

/// Number of unacknowledged attempts at which the worker stops pulling units.
pub(super) const UNACKNOWLEDGED_MAX: usize = 256;
/// Most bytes of weights and states that wait with them. Those of a unit in training are not counted: they exist
/// anyway.
pub(super) const UNACKNOWLEDGED_BYTES_MAX: usize = 1024 * 1024 * 1024;
/// Most concurrent submits of a worker with so many slots: a coordinator commits together what arrives together.
pub(super) const fn submits_max(slots: usize) -> usize {
    if slots < 4 {
        4
    } else if slots > 64 {
        64
    } else {
        slots
    }
}
