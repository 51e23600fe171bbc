//! The scheduler decides which worker trains which unit next, how an attempt's end changes the unit, which
//! configuration a stage selects and which configurations leave a race. The scheduler is pure: time and results are
//! arguments, and everything that must become durable is returned.
//!
//! The [`queue`] manages units, leases and workers. A [`selection`] starts later stages, a [`race`] ends hopeless
//! configurations early, and [`ranking`] orders configurations for both. [`mod@retry`] reopens failed units, and
//! [`forecast`] estimates the remaining time. [`unit_state`] and [`attempt_ending`] define the names of states and
//! endings for the whole program; [`failure_blame`] decides what an ending counts against, and
//! [`checkpoint_after_failure`] whether the next attempt starts anew.

pub mod attempt_ending;
pub mod checkpoint_after_failure;
pub mod failure_blame;
pub mod forecast;
pub mod queue;
pub mod race;
pub mod ranking;
pub mod retry;
pub mod selection;
pub mod unit_state;
