//! The number of units that a worker takes ahead of need.

/// The number of units leased ahead of need: one for each group of eight slots, the last one possibly smaller. Ends are
/// spread out, so one waiting unit bridges a slot's round trip; more would only keep units from other workers at the
/// end of a study.
pub const fn prefetch(slots: usize) -> usize {
    slots.div_ceil(8)
}
