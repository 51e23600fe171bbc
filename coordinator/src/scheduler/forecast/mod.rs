//! Forecasts of the remaining duration of a study.
//!
//! In order: [`measured_durations`] estimates a unit's duration from units that were trained in this run directory and
//! in those beside it. [`remaining_work`] divides a plan into batches, including rows that wait for a selection.
//! [`mod@makespan`] schedules the batches on slots. Without measurements, [`default_durations`] supplies numbers that
//! outputs name guesses.

mod bounds;

mod default_durations;
mod makespan;
mod measured_durations;
mod remaining_work;

pub use bounds::Bounds;
pub use makespan::{Batch, makespan};
pub use measured_durations::{Found, Job, Measured, Origin, Place, Sample};
pub use remaining_work::{Estimate, Forecast, StageForecast, Work, forecast};
