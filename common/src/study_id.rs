//! Study ids: every run directory holds one study, and each study has an id of its own.

use std::{fmt, str::FromStr};

use crate::hexadecimal;

/// A study's id: a random number that its run directory gets with its first start, and keeps. Two run directories of the same spec have
/// different ids. Its text has 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StudyId(pub [u8; 16]);

impl StudyId {
    /// Draws a new id.
    pub fn generate() -> Self {
        Self(rand::random())
    }
}

impl fmt::Display for StudyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hexadecimal::write(self.0, f)
    }
}

impl fmt::Debug for StudyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Text that is not a study's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a study's id is 32 hexadecimal digits")]
pub struct BadStudyId;

impl FromStr for StudyId {
    type Err = BadStudyId;

    fn from_str(text: &str) -> Result<Self, BadStudyId> {
        hexadecimal::parse(text).map(Self).ok_or(BadStudyId)
    }
}
