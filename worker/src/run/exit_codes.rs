//! The exit codes of `seedgrid-worker`. The table for people is docs/exit-codes.md.

use crate::{lifecycle::Ending, run::session::Farewell};

/// The study is done, or the worker was asked to leave and handed everything over.
pub const DONE: u8 = 0;
/// Something failed on this machine.
pub const FAILED: u8 = 1;
/// Bad usage: an option, a device or the join file.
pub const USAGE: u8 = 2;
/// The coordinator refused this worker.
pub const REFUSED: u8 = 4;
/// The coordinator could not be reached for too long, or was away while something had to be handed over.
pub const UNREACHABLE: u8 = 5;
/// The time limit came near before the study was done: another worker should continue. Batch scripts requeue their job
/// on it.
pub const OUT_OF_TIME: u8 = 6;
/// Several trainers in a row ended unexpectedly.
pub const CRASHING: u8 = 9;

/// Codes of a trainer's orderly end; any other code is a crash.
pub const OF_TRAINERS: [u8; 6] = [DONE, FAILED, USAGE, REFUSED, UNREACHABLE, OUT_OF_TIME];

/// The code for a worker's end.
pub fn for_end(farewell: &Farewell) -> u8 {
    match farewell {
        Farewell::Refused(_) => REFUSED,
        Farewell::Left { ending, unacknowledged } => match ending {
            Ending::Incompatible(_) => REFUSED,
            Ending::Unreachable => UNREACHABLE,
            // Every unit has ended, so nobody needs the rest.
            Ending::StudyDone => DONE,
            Ending::Drained | Ending::Terminated | Ending::TimeLimit | Ending::Idle if *unacknowledged > 0 => {
                UNREACHABLE
            }
            Ending::TimeLimit => OUT_OF_TIME,
            Ending::Drained | Ending::Terminated | Ending::Idle => DONE,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaving_is_success_only_with_empty_hands() {
        let left = |ending, unacknowledged| for_end(&Farewell::Left { ending, unacknowledged });
        assert_eq!(left(Ending::Terminated, 0), DONE);
        assert_eq!(left(Ending::Terminated, 1), UNREACHABLE);
        assert_eq!(left(Ending::StudyDone, 1), DONE);
        assert_eq!(left(Ending::TimeLimit, 0), OUT_OF_TIME);
        assert_eq!(left(Ending::TimeLimit, 1), UNREACHABLE);
        assert_eq!(left(Ending::Incompatible(String::new()), 0), REFUSED);
    }
}
