//! The changes that a retry of failed units makes. Pure: known states are arguments, and changes to store are returned.

use std::collections::BTreeSet;

use seedgrid_common::{matrix::Plan, unit::UnitId};

use super::{
    race::RungKey,
    selection::{ModelDecisions, SelectionKey},
    unit_state::UnitState,
};

/// The state of a unit, with the number of its newest attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempted {
    /// The unit's state.
    pub state: UnitState,
    /// The number of the newest attempt; 0 for none.
    pub attempts: u32,
}

/// Units that wait again, and selections that the scheduler makes again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retry {
    /// Each unit with its newest attempt.
    pub units: Vec<(UnitId, u32)>,
    /// Selections, and races before selections, with one of these units as a candidate.
    pub selections: Vec<Reopened>,
}

/// A selection that the scheduler makes again after the units have ended, with the race before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reopened {
    /// The key of the selection; None if it had not been made.
    pub key: Option<SelectionKey>,
    /// The keys of the rungs of its race.
    pub rungs: Vec<RungKey>,
    /// The selecting stage.
    pub stage: String,
    /// The model of the selection.
    pub model: String,
}

/// A unit that cannot be retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum NotRetried {
    /// The study has no such unit.
    #[error("the study has no unit {0}")]
    #[diagnostic(help("units.csv in the report names those that it has"))]
    Unknown(UnitId),
    /// The unit is done.
    #[error("unit {0} is done")]
    #[diagnostic(help("only units that failed can be retried"))]
    Done(UnitId),
    /// The unit diverged, and a retry would diverge again.
    #[error("unit {0} diverged, and would again")]
    #[diagnostic(help("change its hyper-parameters in the spec"))]
    Diverged(UnitId),
    /// The unit waits or is in training.
    #[error("unit {0} has not failed for good: it waits, or is in training")]
    #[diagnostic(help("only units that failed can be retried"))]
    Open(UnitId),
}

/// Lists the changes of a retry of the `wanted` units; without names, of all units that failed for good. A cancelled
/// unit returns only by name. `known` returns the state of a planned unit, or None for one that has not been given out yet, and `all` are the
/// units for which it has one.
///
/// # Errors
/// When one of the wanted units has neither failed for good nor been cancelled.
pub fn retry(
    plan: &Plan,
    decisions: &[ModelDecisions],
    known: impl Fn(UnitId) -> Option<Attempted>,
    all: impl IntoIterator<Item = UnitId>,
    wanted: &[UnitId],
) -> Result<Retry, NotRetried> {
    for &id in wanted {
        match known(id).map(|one| one.state) {
            Some(UnitState::Quarantined | UnitState::Cancelled) => {}
            Some(UnitState::Done) => return Err(NotRetried::Done(id)),
            Some(UnitState::Diverged) => return Err(NotRetried::Diverged(id)),
            None if !plan.contains(id) => return Err(NotRetried::Unknown(id)),
            _ => return Err(NotRetried::Open(id)),
        }
    }
    let failed = |id: &UnitId| known(*id).is_some_and(|one| one.state == UnitState::Quarantined);
    let ids: BTreeSet<UnitId> =
        if wanted.is_empty() { all.into_iter().filter(failed).collect() } else { wanted.iter().copied().collect() };
    let units = ids.iter().map(|id| (*id, known(*id).map_or(0, |one| one.attempts))).collect();
    let selections = decisions
        .iter()
        .filter(|one| (one.selection.is_some() || !one.rungs.is_empty()) && one.units.iter().any(|id| ids.contains(id)))
        .map(|one| Reopened {
            key: one.selection,
            rungs: one.rungs.clone(),
            stage: one.stage.clone(),
            model: one.model.clone(),
        })
        .collect();
    Ok(Retry { units, selections })
}
