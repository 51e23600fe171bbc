//! The reasons for which a unit waits, as text for people.

use seedgrid_common::text::count;

use super::{Millis, Pause};

/// The reason for which a unit waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaitReason {
    /// The study is paused.
    Paused(Pause),
    /// No worker is registered.
    NoWorker,
    /// Every registered worker is set aside or is to leave.
    NoReceiver,
    /// The unit failed, and is given out again after this many milliseconds.
    Backoff(Millis),
    /// Workers died while they trained the unit: it waits for a worker without leases.
    ForAnEmptyWorker,
    /// The unit failed on some workers: it waits for one of this many others.
    ForAnotherWorker(usize),
    /// The unit waits for its turn.
    InLine,
}

/// The reason for which a unit waits, in a running coordinator.
#[derive(Clone, Copy, Debug)]
pub struct Waits<'a> {
    /// The queue's reason.
    pub why: &'a WaitReason,
    /// Whether the study is drained, so that no more units are given out.
    pub draining: bool,
}

impl std::fmt::Display for Waits<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.why {
            WaitReason::Paused(pause) => write!(f, "the study is {pause}; `seedgrid resume` goes on"),
            _ if self.draining => {
                f.write_str("the study is drained: no more units are given out; `seedgrid resume` goes on")
            }
            WaitReason::NoWorker => f.write_str("no worker is connected"),
            WaitReason::NoReceiver => f.write_str("every worker that is there is set aside, or is to leave"),
            WaitReason::Backoff(ms) => write!(f, "it failed, and is given out again in {:.0} s", (*ms as f64 / 1000.0).ceil()),
            WaitReason::ForAnEmptyWorker => {
                f.write_str("workers died while they trained it, so only one that holds nothing else gets it, behind all other units")
            }
            WaitReason::ForAnotherWorker(workers) => {
                write!(f, "it failed elsewhere, so it waits for one of {} on which it has not", count(workers, "worker"))
            }
            WaitReason::InLine => f.write_str("for its turn; units that are expected to take longer go first"),
        }
    }
}
