//! The order of configurations by quality. Selections, races, comparisons and reports all use this module.
//!
//! Errors are counts, so [`MeanError`] compares them exactly; neither the order of units nor the rounding of a sum has
//! an effect. [`Rank`] defines the order of configurations, and [`best`] returns the best one.

mod rank;

pub use crate::statistics::mean_error::MeanError;
pub(crate) use rank::best;
pub use rank::{Ended, Rank};
