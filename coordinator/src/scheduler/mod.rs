//! The scheduler: which unit is trained next, by which worker, what its end means, what a stage selects and which configurations leave a
//! race. Pure: time and results come in as arguments, and what must become durable goes out as values.
//!
//! The [`queue`] knows units, leases and workers. A [`selection`] starts later stages, a [`race`] ends hopeless configurations early, and
//! [`ranking`] orders configurations for both. [`mod@retry`] reopens units that failed, and [`forecast`] estimates the time that is left.
//! [`unit_state`] and [`attempt_ending`] hold the words for states and endings that the whole program uses.

pub mod attempt_ending;
pub mod forecast;
pub mod queue;
pub mod race;
pub mod ranking;
pub mod retry;
pub mod selection;
pub mod unit_state;
