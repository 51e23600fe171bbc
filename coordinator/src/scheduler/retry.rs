//! What giving failed units another try changes. Pure: what is known comes in, what must be written goes out.

use std::collections::{BTreeMap, BTreeSet};

use seedgrid_common::{matrix::Plan, unit::UnitId};

use super::{
    race::RungKey,
    selection::{SelectionKey, Standing},
};

/// Where a unit stands, as far as retrying needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It failed for good at this attempt.
    Failed {
        /// The newest attempt.
        attempts: u32,
    },
    /// People cancelled it after this attempt.
    Cancelled {
        /// The newest attempt; 0 for none.
        attempts: u32,
    },
    /// It has a result.
    Done,
    /// It has a result: that it diverged.
    Diverged,
    /// It waits or is leased.
    Open,
}

/// Units that wait again, and selections that are made again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retry {
    /// Each unit with its newest attempt.
    pub units: Vec<(UnitId, u32)>,
    /// Selections, and races towards one, that one of these units was a candidate of.
    pub selections: Vec<Reopened>,
}

/// A selection that is made again once the units have ended, and the race before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reopened {
    /// What it was made from; None if it had not been made.
    pub key: Option<SelectionKey>,
    /// What the rungs of its race were decided from.
    pub rungs: Vec<RungKey>,
    /// The stage that selects.
    pub stage: String,
    /// For which model.
    pub model: String,
}

/// A unit that cannot be retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRetried {
    /// The study has no such unit.
    #[error("the study has no unit {0}\n  hint: units.csv in the report names those that it has")]
    Unknown(UnitId),
    /// It is done.
    #[error("unit {0} is done\n  hint: only units that failed can be retried")]
    Done(UnitId),
    /// It diverged, and would again.
    #[error("unit {0} diverged, and would again\n  hint: change its hyper-parameters in the spec")]
    Diverged(UnitId),
    /// It waits, or is in training.
    #[error(
        "unit {0} has not failed for good: it waits, or is in training\n  hint: only units that failed can be retried"
    )]
    Open(UnitId),
}

/// What retrying the `wanted` units changes; all that failed for good, if none is named. Those that people cancelled come back only by
/// name. Units that are not among `fates` have not been
/// given out yet.
///
/// # Errors
/// When one of the wanted units has not failed for good, nor was cancelled.
pub fn retry(
    plan: &Plan,
    standing: &[Standing],
    fates: &BTreeMap<UnitId, Fate>,
    wanted: &[UnitId],
) -> Result<Retry, NotRetried> {
    let planned = plan.units();
    for &id in wanted {
        match fates.get(&id) {
            _ if !planned.contains_key(&id) => return Err(NotRetried::Unknown(id)),
            Some(Fate::Failed { .. } | Fate::Cancelled { .. }) => {}
            Some(Fate::Done) => return Err(NotRetried::Done(id)),
            Some(Fate::Diverged) => return Err(NotRetried::Diverged(id)),
            Some(Fate::Open) | None => return Err(NotRetried::Open(id)),
        }
    }
    let units: Vec<(UnitId, u32)> = fates
        .iter()
        .filter(|(id, _)| planned.contains_key(id) && (wanted.is_empty() || wanted.contains(id)))
        .filter_map(|(id, fate)| match fate {
            Fate::Failed { attempts } => Some((*id, *attempts)),
            Fate::Cancelled { attempts } if wanted.contains(id) => Some((*id, *attempts)),
            Fate::Cancelled { .. } | Fate::Done | Fate::Diverged | Fate::Open => None,
        })
        .collect();
    let ids: BTreeSet<UnitId> = units.iter().map(|(id, _)| *id).collect();
    let selections = standing
        .iter()
        .filter(|one| !one.units.is_disjoint(&ids) && (one.selection.is_some() || !one.rungs.is_empty()))
        .map(|one| Reopened {
            key: one.selection,
            rungs: one.rungs.clone(),
            stage: one.stage.clone(),
            model: one.model.clone(),
        })
        .collect();
    Ok(Retry { units, selections })
}
