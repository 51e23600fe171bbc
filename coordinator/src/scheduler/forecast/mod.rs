//! How long what is left of a study will take.
//!
//! In the order of the flow: [`measured_durations`]
//! says, from what trained units took in this run directory and in others beside it, what a unit of a configuration will take; [`remaining_work`] makes batches of a plan, rows that wait for a selection
//! among them; [`makespan`] puts the batches on slots. Where nothing was measured, [`default_durations`] has numbers that are called guesses.

mod bounds;

mod default_durations;
mod makespan;
mod measured_durations;
mod remaining_work;

pub use bounds::Bounds;
pub use makespan::{Batch, makespan};
pub use measured_durations::{Found, Job, Measured, Origin, Place, Sample};
pub use remaining_work::{Estimate, Forecast, StageForecast, Work, forecast};
