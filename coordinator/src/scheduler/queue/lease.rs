//! Leases and who holds them.

use std::{fmt, str::FromStr};

use super::Millis;

/// A worker's right, for a limited time, to run one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The attempt's number.
    pub attempt: u32,
    /// Who holds it.
    pub worker: WorkerId,
    /// When it runs out unless it is renewed.
    pub expires: Millis,
    /// Whether the unit is to run alone, so that its worker gets nothing beside it.
    pub alone: bool,
}

/// A worker's name for itself: 32 hexadecimal digits, drawn at its start.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WorkerId(String);

/// Text that is not a worker's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a worker's id is 32 hexadecimal digits")]
pub struct BadWorkerId;

impl FromStr for WorkerId {
    type Err = BadWorkerId;

    fn from_str(text: &str) -> Result<Self, BadWorkerId> {
        if text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(BadWorkerId)
        }
    }
}

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
