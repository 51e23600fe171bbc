//! A whole cluster in one thread and no real time: the coordinator's core on its real store, and workers' lifecycles,
//! under virtual time.
//!
//! Messages are delayed, lost, doubled and reordered; workers and the coordinator are killed at any step and restarted;
//! the store refuses a commit; wall clocks jump. Every step is checked ([`invariants`]). All of this is drawn from a seed,
//! so a seed gives the same run every time. A failing run can be [shrunk](shrink): its faults are numbered, and
//! irrelevant ones are left out.

mod coordinator;
mod event_queue;
mod invariants;
mod messages;
pub mod numbered_faults;
pub mod shrink;
mod study;
mod worker;
mod world;

use numbered_faults::Faults;

/// Virtual milliseconds since the beginning.
pub type Time = u64;

/// A broken invariant, as text for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation(pub String);

/// Fails the step when `holds` is false.
fn check(holds: bool, what: impl FnOnce() -> String) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation(what())) }
}

/// The results of a run.
#[derive(Clone, Debug)]
pub struct Run {
    /// Digest of all events, in order.
    pub trace: [u8; 32],
    /// The number of steps.
    pub steps: u64,
    /// The virtual time at its end.
    pub ended_at: Time,
    /// The faults that occurred, numbered.
    pub faults: Vec<(u64, String)>,
    /// The first broken invariant, if any.
    pub violation: Option<Violation>,
    /// The last steps, as text for people.
    pub last_steps: Vec<String>,
}

/// Simulates the run of this seed, with the faults that `faults` allows.
pub fn simulate(seed: u64, faults: Faults) -> Run {
    world::World::new(seed, faults).live()
}
