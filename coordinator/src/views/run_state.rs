//! The state of a run, for `seedgrid list` and `seedgrid status`.

use seedgrid_common::wire::v1;
use serde::Serialize;

/// The state of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, strum::Display)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum RunState {
    /// A coordinator runs on the directory.
    Running,
    /// A coordinator runs on the directory and gives no units out.
    Paused,
    /// A coordinator runs on the directory and waits for units in training before it ends.
    Draining,
    /// Every unit has ended.
    Done,
    /// Units are left, and no coordinator runs.
    Stopped,
    /// The run was stopped before its study was stored.
    NotBegun,
    /// Another version of Seedgrid made the database.
    OtherVersion,
    /// The database is damaged or lost.
    Damaged,
    /// The database cannot be read for another reason.
    Unreadable,
}

impl RunState {
    /// The state's name, as text for people.
    pub fn text(self) -> String {
        self.to_string().replace('-', " ")
    }
}

impl From<v1::StudyState> for RunState {
    fn from(state: v1::StudyState) -> Self {
        match state {
            v1::StudyState::Running => Self::Running,
            v1::StudyState::Draining => Self::Draining,
            v1::StudyState::Paused => Self::Paused,
            v1::StudyState::Done => Self::Done,
            // A study that is not done, without a coordinator.
            v1::StudyState::Unspecified => Self::Stopped,
        }
    }
}
