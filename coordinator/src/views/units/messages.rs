//! Listings as messages, for commands that call a remote coordinator.

use seedgrid_common::wire::v1;

use super::{AttemptEntry, AttemptLog, UnitLine};
use crate::scheduler::{
    attempt_ending::{AttemptEnding, NoEnding},
    unit_state::NoState,
};

/// The error for a message that this version cannot read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The text is not a unit's id.
    #[error("`{0}` is no unit's id")]
    Id(String),
    /// The text is not a unit's state.
    #[error(transparent)]
    State(#[from] NoState),
    /// The text is not an attempt's ending.
    #[error(transparent)]
    Ending(#[from] NoEnding),
}

impl From<UnitLine> for v1::ListedUnit {
    fn from(line: UnitLine) -> Self {
        Self {
            unit_id: line.id.to_string(),
            label: line.label,
            description: line.description,
            stages: line.stages,
            state: line.state.name().to_owned(),
            attempts: line.attempts,
            errors: line.errors,
            deaths: line.deaths,
            worker_id: line.worker,
            untrained: line.untrained,
            stuck: line.stuck,
        }
    }
}

impl TryFrom<v1::ListedUnit> for UnitLine {
    type Error = Unreadable;

    fn try_from(unit: v1::ListedUnit) -> Result<Self, Unreadable> {
        Ok(Self {
            id: unit.unit_id.parse().map_err(|_| Unreadable::Id(unit.unit_id.clone()))?,
            label: unit.label,
            description: unit.description,
            stages: unit.stages,
            state: unit.state.parse()?,
            attempts: unit.attempts,
            errors: unit.errors,
            deaths: unit.deaths,
            worker: unit.worker_id,
            untrained: unit.untrained,
            stuck: unit.stuck,
        })
    }
}

impl From<AttemptEntry> for v1::AttemptEntry {
    fn from(entry: AttemptEntry) -> Self {
        let AttemptEntry { attempt, worker, host, place, started_ms, began, ended_ms, ending, detail, train_seconds } =
            entry;
        let ending = ending.map(|ending| ending.name().to_owned());
        Self { attempt, worker_id: worker, host, place, started_ms, began, ended_ms, ending, detail, train_seconds }
    }
}

impl TryFrom<v1::AttemptEntry> for AttemptEntry {
    type Error = Unreadable;

    fn try_from(entry: v1::AttemptEntry) -> Result<Self, Unreadable> {
        let v1::AttemptEntry {
            attempt,
            worker_id,
            host,
            place,
            started_ms,
            began,
            ended_ms,
            ending,
            detail,
            train_seconds,
        } = entry;
        let (worker, ending) = (worker_id, read(ending)?);
        Ok(Self { attempt, worker, host, place, started_ms, began, ended_ms, ending, detail, train_seconds })
    }
}

impl From<AttemptLog> for v1::AttemptLog {
    fn from(one: AttemptLog) -> Self {
        let AttemptLog { attempt, worker, host, ending, log } = one;
        let ending = ending.map(|ending| ending.name().to_owned());
        Self { attempt, worker_id: worker, host, ending, log }
    }
}

impl TryFrom<v1::AttemptLog> for AttemptLog {
    type Error = Unreadable;

    fn try_from(one: v1::AttemptLog) -> Result<Self, Unreadable> {
        let v1::AttemptLog { attempt, worker_id, host, ending, log } = one;
        Ok(Self { attempt, worker: worker_id, host, ending: read(ending)?, log })
    }
}

fn read(ending: Option<String>) -> Result<Option<AttemptEnding>, NoEnding> {
    ending.map(|word| word.parse()).transpose()
}
