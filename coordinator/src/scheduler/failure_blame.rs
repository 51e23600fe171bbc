//! The blame for an attempt without a result: it counts against the unit, as a death of its worker, or as neither.

use strum::VariantArray as _;

use super::attempt_ending::AttemptEnding;

/// The part of a failure that counts against the unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// An error in training, or a lack of memory: counts towards quarantine.
    Unit,
    /// The worker died unannounced during training: the unit is a suspect, and repeated deaths lead to quarantine.
    Death,
    /// A preemption or a time limit: nothing counts against the unit.
    Circumstances,
}

impl Blame {
    /// The blame for an attempt that ended like this. `in_training` says whether the attempt was known to be in training:
    /// an attempt that was only assigned cannot have killed its worker.
    pub const fn for_ending(ending: AttemptEnding, in_training: bool) -> Self {
        match ending {
            AttemptEnding::Error | AttemptEnding::OutOfMemory => Self::Unit,
            // A supervisor reports the attempts that were in training.
            AttemptEnding::Crashed => Self::Death,
            AttemptEnding::WorkerLost if in_training => Self::Death,
            AttemptEnding::WorkerLost
            | AttemptEnding::Preempted
            | AttemptEnding::OutOfTime
            | AttemptEnding::Cancelled
            | AttemptEnding::Done
            | AttemptEnding::Diverged
            | AttemptEnding::Duplicate
            | AttemptEnding::Conflict
            | AttemptEnding::Damaged => Self::Circumstances,
        }
    }

    /// The endings with this blame.
    pub fn endings(self, in_training: bool) -> impl Iterator<Item = AttemptEnding> {
        AttemptEnding::VARIANTS.iter().copied().filter(move |ending| Self::for_ending(*ending, in_training) == self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_that_was_only_assigned_is_not_blamed_for_a_lost_worker() {
        assert_eq!(Blame::for_ending(AttemptEnding::WorkerLost, true), Blame::Death);
        assert_eq!(Blame::for_ending(AttemptEnding::WorkerLost, false), Blame::Circumstances);
        assert_eq!(Vec::from_iter(Blame::Death.endings(false)), [AttemptEnding::Crashed]);
        let errors = [AttemptEnding::OutOfMemory, AttemptEnding::Error];
        assert_eq!(Vec::from_iter(Blame::Unit.endings(true)), errors);
        assert_eq!(Vec::from_iter(Blame::Unit.endings(false)), errors);
    }
}
