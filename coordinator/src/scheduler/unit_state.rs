//! Where a unit stands, in one word: the word of listings, messages and the wire.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

/// Where a unit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnitState {
    /// It can be given out.
    Waiting,
    /// A worker has its lease, and has not begun.
    Assigned,
    /// A worker trains it.
    Training,
    /// Trained and scored.
    Done,
    /// Its loss is no finite number any more: that is its result.
    Diverged,
    /// It failed too often, and is not tried again.
    Quarantined,
    /// People do not want it.
    Cancelled,
    /// A race decides later whether it is trained.
    HeldBack,
    /// Its configuration left a race.
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

    /// Its word.
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

/// No word of a unit's state.
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
