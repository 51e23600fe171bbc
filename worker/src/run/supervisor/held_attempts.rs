//! The attempts that a trainer held when it ended, by its messages.

use std::collections::BTreeMap;

use seedgrid_common::{unit::Attempt, wire::v1::AttemptId};

use crate::run::supervisor_pipe::SupervisorMessage;

/// The attempts that a trainer holds, each with whether it is in training.
#[derive(Debug, Default)]
pub(super) struct HeldAttempts {
    held: BTreeMap<Attempt, bool>,
    /// Whether this trainer has brought an attempt to its end.
    pub(super) progressed: bool,
}

impl HeldAttempts {
    /// Records a message.
    pub(super) fn hear(&mut self, said: SupervisorMessage) {
        match said {
            SupervisorMessage::Holds(attempt) => {
                self.held.entry(attempt).or_default();
            }
            SupervisorMessage::Trains(attempt) => {
                self.held.insert(attempt, true);
            }
            SupervisorMessage::Trained(attempt) => {
                self.progressed = true;
                // An attempt that was handed over is no longer held.
                if let Some(training) = self.held.get_mut(&attempt) {
                    *training = false;
                }
            }
            SupervisorMessage::HoldsNot(attempt) => {
                self.held.remove(&attempt);
            }
        }
    }

    /// The held attempts that are in training, or those that are not.
    pub(super) fn those(&self, training: bool) -> Vec<AttemptId> {
        self.held.iter().filter(|(_, trains)| **trains == training).map(|(attempt, _)| (*attempt).into()).collect()
    }
}

#[cfg(test)]
mod tests {
    use seedgrid_common::{study_id::StudyId, unit::UnitId};

    use super::*;

    #[test]
    fn attempts_in_training_are_told_from_waiting_ones() {
        let [a, b, c] =
            [1, 2, 3].map(|number| Attempt { study: StudyId([9; 16]), unit: UnitId([number; 16]), number: 1 });
        let mut held_attempts = HeldAttempts::default();
        for said in [
            SupervisorMessage::Holds(a),
            SupervisorMessage::Holds(b),
            SupervisorMessage::Trains(a),
            SupervisorMessage::Trains(b),
            SupervisorMessage::Holds(c),
        ] {
            held_attempts.hear(said);
        }
        assert!(!held_attempts.progressed);
        for said in [SupervisorMessage::Trained(a), SupervisorMessage::HoldsNot(a)] {
            held_attempts.hear(said);
        }
        assert_eq!(held_attempts.those(true), [b.into()]);
        assert_eq!(held_attempts.those(false), [c.into()]);
        assert!(held_attempts.progressed);
    }
}
