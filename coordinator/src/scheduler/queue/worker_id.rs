//! The ids of workers.

use std::{fmt, str::FromStr};

use seedgrid_common::hexadecimal;

/// A worker's id, drawn at its start. Its text has 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerId([u8; 16]);

/// The error for text that is not a worker's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a worker's id is 32 hexadecimal digits")]
pub struct BadWorkerId;

impl FromStr for WorkerId {
    type Err = BadWorkerId;

    fn from_str(text: &str) -> Result<Self, BadWorkerId> {
        hexadecimal::parse(text).map(Self).ok_or(BadWorkerId)
    }
}

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hexadecimal::write(self.0, f)
    }
}

impl fmt::Debug for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
