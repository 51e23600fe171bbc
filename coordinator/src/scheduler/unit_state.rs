//! The state of a unit and its name in listings, in messages and on the wire.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};

/// The state of a unit. Every listing, message and report takes its words from here.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case", parse_err_ty = NoState, parse_err_fn = NoState::new)]
pub enum UnitState {
    /// The unit can be given out.
    Waiting,
    /// A worker holds the unit's lease and has not begun training.
    Assigned,
    /// A worker trains the unit.
    Training,
    /// The unit was trained and scored.
    Done,
    /// The unit's result is a loss that is no longer a finite number.
    Diverged,
    /// The unit failed too often and is not tried again.
    Quarantined,
    /// An operator cancelled the unit.
    Cancelled,
    /// A race decides later whether the unit is trained.
    HeldBack,
    /// The unit's configuration left a race.
    Skipped,
}

impl UnitState {
    /// Whether the unit has left the queue; only a retry by an operator returns it.
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Done | Self::Diverged | Self::Quarantined | Self::Cancelled)
    }

    /// Whether the unit has no result yet and may get one.
    pub const fn is_pending(self) -> bool {
        matches!(self, Self::Waiting | Self::Assigned | Self::Training | Self::HeldBack)
    }

    /// The state's name.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The error for text that is not the name of a state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no state of a unit")]
pub struct NoState(String);

impl NoState {
    fn new(word: &str) -> Self {
        Self(word.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back_and_the_same_in_json() {
        for &state in UnitState::VARIANTS {
            assert_eq!(state.name().parse(), Ok(state));
            assert_eq!(state.to_string(), state.name());
            assert_eq!(serde_json::to_value(state).unwrap(), state.name());
            assert_eq!(serde_json::from_value::<UnitState>(state.name().into()).unwrap(), state);
        }
        assert_eq!("asleep".parse::<UnitState>().unwrap_err().to_string(), "`asleep` is no state of a unit");
    }

    #[test]
    fn a_unit_is_pending_has_ended_or_was_skipped() {
        for &state in UnitState::VARIANTS {
            let kinds = [state.is_pending(), state.has_ended(), state == UnitState::Skipped];
            assert_eq!(kinds.iter().filter(|is| **is).count(), 1, "{state}");
        }
    }
}
