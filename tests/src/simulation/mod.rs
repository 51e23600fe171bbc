//! A whole cluster in one thread and no time: the coordinator's core on its real store, and workers' lifecycles, under virtual time.
//!
//! Messages are delayed, lost, doubled and reordered; workers and the coordinator die at any step and come back; the disk refuses a
//! commit; wall clocks jump. Every step is checked ([`ledger`]). All is drawn from a seed, so a seed gives the same run every time, and a
//! run that fails can be [shrunk](shrink): its faults are numbered, and those that do not matter are left out.

mod agenda;
pub mod faults;
mod host;
mod ledger;
mod member;
mod messages;
pub mod shrink;
mod study;
mod world;

use faults::Faults;

/// Virtual milliseconds since the beginning.
pub type Time = u64;

/// Something that must not happen, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation(pub String);

/// Fails the step when `holds` is false.
fn check(holds: bool, what: impl FnOnce() -> String) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation(what())) }
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Run {
    /// A digest of everything that happened, in order.
    pub trace: [u8; 32],
    /// How many steps it took.
    pub steps: u64,
    /// The virtual time of its end.
    pub ended_at: Time,
    /// The faults that struck, numbered.
    pub faults: Vec<(u64, String)>,
    /// The first thing that must not happen and did, if any.
    pub violation: Option<Violation>,
    /// The last steps, for people.
    pub last_steps: Vec<String>,
}

/// Lives through the run of this seed, with the faults that `faults` lets strike.
pub fn simulate(seed: u64, faults: Faults) -> Run {
    world::World::new(seed, faults).live()
}
