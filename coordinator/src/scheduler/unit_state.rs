//! The state of a unit and its name in listings, in messages and on the wire.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

/// The state of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename_all = "kebab-case"))]
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
    /// Every state.
    pub const ALL: [Self; 9] = [
        Self::Waiting,
        Self::Assigned,
        Self::Training,
        Self::Done,
        Self::Diverged,
        Self::Quarantined,
        Self::Cancelled,
        Self::HeldBack,
        Self::Skipped,
    ];

    /// Whether the unit has left the queue; only a retry by an operator returns it.
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Done | Self::Diverged | Self::Quarantined | Self::Cancelled)
    }

    /// The state's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Assigned => "assigned",
            Self::Training => "training",
            Self::Done => "done",
            Self::Diverged => "diverged",
            Self::Quarantined => "quarantined",
            Self::Cancelled => "cancelled",
            Self::HeldBack => "held-back",
            Self::Skipped => "skipped",
        }
    }
}

/// The error for text that is not the name of a state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no state of a unit")]
pub struct NoState(String);

impl FromStr for UnitState {
    type Err = NoState;

    fn from_str(word: &str) -> Result<Self, NoState> {
        Self::ALL.into_iter().find(|state| state.name() == word).ok_or_else(|| NoState(word.to_owned()))
    }
}

impl fmt::Display for UnitState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for UnitState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back() {
        for state in UnitState::ALL {
            assert_eq!(state.name().parse(), Ok(state));
        }
        assert_eq!("asleep".parse::<UnitState>().unwrap_err().to_string(), "`asleep` is no state of a unit");
    }
}
