//! Whether a unit that failed keeps its checkpoint for the next attempt.

use super::{attempt_ending::AttemptEnding, failure_blame::Blame};

/// Whether the unit's next attempt starts anew, since the unit's checkpoint may have caused the failure. `is_suspect`
/// says whether the unit may have killed its workers.
pub fn discards_checkpoint(ending: AttemptEnding, is_suspect: bool) -> bool {
    ending == AttemptEnding::Error || is_suspect && Blame::for_ending(ending, true) == Blame::Death
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_kept_unless_it_may_be_the_cause() {
        assert!(discards_checkpoint(AttemptEnding::Error, false));
        assert!(
            discards_checkpoint(AttemptEnding::Crashed, true) && !discards_checkpoint(AttemptEnding::Crashed, false)
        );
        assert!(!discards_checkpoint(AttemptEnding::OutOfMemory, true));
        assert!(!discards_checkpoint(AttemptEnding::Preempted, true));
    }
}
