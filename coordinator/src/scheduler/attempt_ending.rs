//! The ending of an attempt and its name in the store, in listings, in messages and on the wire.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::Serialize;
use strum::{Display, EnumString, IntoStaticStr, VariantArray};

/// The ending of an attempt. docs/failures.md lists the consequences of each.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Display, EnumString, IntoStaticStr, VariantArray,
)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case", parse_err_ty = NoEnding, parse_err_fn = NoEnding::new)]
pub enum AttemptEnding {
    /// The attempt's result was committed.
    Done,
    /// The attempt's result was committed; its training diverged.
    Diverged,
    /// The attempt's worker had to stop.
    Preempted,
    /// The batch job of the attempt's worker ended.
    OutOfTime,
    /// The attempt's worker sent nothing for the duration of a lease.
    WorkerLost,
    /// The attempt needed more memory than the machine has.
    OutOfMemory,
    /// The process of the attempt's worker died.
    Crashed,
    /// Training failed.
    Error,
    /// An operator cancelled the unit.
    Cancelled,
    /// The attempt's result equals that of an earlier attempt.
    Duplicate,
    /// The attempt's result differs from that of an earlier attempt.
    Conflict,
    /// The attempt's result was committed and was later damaged on the disk.
    Damaged,
}

impl AttemptEnding {
    /// The ending's name.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether the attempt's result is the unit's result.
    pub const fn is_result(self) -> bool {
        matches!(self, Self::Done | Self::Diverged)
    }
}

/// The error for text that is not the name of an ending.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no ending of an attempt")]
pub struct NoEnding(String);

impl NoEnding {
    fn new(word: &str) -> Self {
        Self(word.to_owned())
    }
}

impl ToSql for AttemptEnding {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.name().into())
    }
}

impl FromSql for AttemptEnding {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str()?.parse().map_err(FromSqlError::other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back_and_the_same_in_json() {
        for &ending in AttemptEnding::VARIANTS {
            assert_eq!(ending.name().parse(), Ok(ending));
            assert_eq!(ending.to_string(), ending.name());
            assert_eq!(serde_json::to_value(ending).unwrap(), ending.name());
        }
        assert_eq!("asleep".parse::<AttemptEnding>().unwrap_err().to_string(), "`asleep` is no ending of an attempt");
    }

    #[test]
    fn the_store_takes_these_endings_and_no_others() {
        let schema = include_str!("../store/schema.sql");
        let (_, after) = schema.split_once("ending TEXT CHECK (ending IN").unwrap();
        let (taken, _) = after.split_once("))").unwrap();
        let mut taken: Vec<&str> = taken.split('\'').skip(1).step_by(2).collect();
        let mut known: Vec<&str> = AttemptEnding::VARIANTS.iter().map(|ending| ending.name()).collect();
        taken.sort_unstable();
        known.sort_unstable();
        assert_eq!(taken, known);
    }
}
