//! The bounds of a network. Anything beyond a bound is refused.

/// Longest file of a network, in bytes.
pub const TEXT_BYTES_MAX: usize = 256 * 1024;
/// Most layers of a network, after repeats.
pub const LAYERS_MAX: usize = 10_000;
/// Most rounds of all repeats of a network together.
pub(super) const ROUNDS_MAX: usize = 100_000;
/// Most weights, biases and other values of a network's variables.
pub const PARAMETERS_MAX: u64 = 1 << 31;
/// Most values that a layer gives for one example, and the largest size of a layer.
pub const VALUES_MAX: usize = 1 << 31;
/// Most blocks, most outputs and most parameters of a network.
pub const PARTS_MAX: usize = 1_000;
/// Longest name, in bytes.
pub const NAME_BYTES_MAX: usize = 64;
/// The largest whole number that a parameter takes where the definition sets no maximum.
pub(super) const WHOLE_MAX: u64 = 1_000_000;
/// The longest list that a parameter takes where the definition sets no limit.
pub(super) const LIST_MAX: usize = 64;
/// Most errors that are shown at once; the others are counted.
pub(super) const ERRORS_SHOWN_MAX: usize = 50;
