//! How long what is left of a study will take.
//!
//! In the order of the flow: [`gather`] reads what trained units took, in this run directory and in others beside it; [`measured`]
//! says from that, purely, what a unit of a configuration will take; [`work`] makes batches of a plan, rows that wait for a selection
//! among them; [`schedule`] puts the batches on slots. Where nothing was measured, [`guess`] has numbers that are called guesses.

mod bounds;
pub mod gather;
mod guess;
mod measured;
mod schedule;
mod work;

pub use bounds::Bounds;
pub use measured::{Found, Job, Measured, Origin, Place, Sample};
pub use schedule::{Batch, makespan};
pub use work::{Estimate, Forecast, StageForecast, Work, forecast};
