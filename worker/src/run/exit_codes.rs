//! The exit code of a worker's end.

pub use seedgrid_common::exit_codes::{CRASHING, DONE, FAILED, OUT_OF_TIME, REFUSED, UNREACHABLE, USAGE};

use crate::{lifecycle::Ending, run::event_loop::Farewell};

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
