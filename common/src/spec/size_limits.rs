//! The bounds of a spec. Anything beyond a bound is refused, never cut.

/// Longest spec, in bytes.
pub const TEXT_BYTES_MAX: usize = 256 * 1024;
/// Longest name of a study or stage, in bytes.
pub const NAME_BYTES_MAX: usize = 64;
/// Most stages in a study.
pub const STAGES_MAX: usize = 64;
/// Most rows in a stage.
pub const ROWS_MAX: usize = 256;
/// Most references in a study.
pub const REFERENCES_MAX: usize = 256;
/// Longest source and longest note of a reference, in characters.
pub const REFERENCE_CHARS_MAX: usize = 500;
/// Most values in a grid or a choice.
pub const GRID_MAX: usize = 256;
/// Most samples in a row.
pub const SAMPLES_MAX: u64 = 10_000;
/// Most draws for each sample, where draws repeat earlier ones.
pub const DRAWS_PER_SAMPLE_MAX: usize = 100;
/// Most exclusions in a row.
pub const EXCLUSIONS_MAX: usize = 256;
/// Most configurations in a stage; in a row, counted before exclusions.
pub const CONFIGURATIONS_MAX: u128 = 10_000;
/// Most seeds in a stage.
pub const SEEDS_MAX: u64 = 10_000;
/// Most draws of the data in a study.
pub const DATA_SEEDS_MAX: u64 = 64;
/// Most folds.
pub const FOLDS_MAX: u64 = 1_000;
/// Most units in a study; each stage's are counted separately.
pub const UNITS_MAX: u128 = 1_000_000;
/// Most errors that are shown at once; the others are counted.
pub const ERRORS_SHOWN_MAX: usize = 50;
/// Most syntax errors that are reported: one mistake often causes further ones.
pub const SYNTAX_ERRORS_MAX: usize = 3;
