//! Which of several configurations is better. Selections, races, comparisons and reports all ask here, and nowhere else.
//!
//! Errors are counts, so [`MeanError`] compares them exactly, and neither the order of units nor the rounding of a sum decides
//! anything. [`Rank`] says how configurations are ordered, [`best`] which is the best one.

mod rank;

pub use crate::statistics::mean_error::MeanError;
pub(crate) use rank::best;
pub use rank::{Ended, Rank};
