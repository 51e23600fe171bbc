//! The numbers of a study's units by state, without a coordinator.

use std::collections::BTreeMap;

use seedgrid_common::{unit::UnitId, wire::v1};

use crate::{plan::Planned, scheduler::queue::Rules, store::StoredUnit};

/// Counts the units of a study by state, from the store's units `known`. Units that a coordinator has given out count
/// as waiting.
pub fn counts(study: &Planned, known: &BTreeMap<UnitId, StoredUnit>) -> v1::UnitCounts {
    let rules = Rules::default();
    let planned = study.plan.units();
    let mut counts = v1::UnitCounts::default();
    for unit in planned.keys().filter(|unit| study.track.is_released(**unit)) {
        counts.total += 1;
        let count = match known.get(unit) {
            Some(unit) if unit.result.is_some_and(|result| result.diverged) => &mut counts.diverged,
            Some(unit) if unit.result.is_some() => &mut counts.done,
            Some(unit) if unit.cancelled => &mut counts.cancelled,
            Some(unit) if unit.is_given_up(&rules) => &mut counts.quarantined,
            Some(_) | None => &mut counts.waiting,
        };
        *count += 1;
    }
    let to_come = study.to_come();
    counts.total += to_come.units() as u32;
    counts.waiting += to_come.units() as u32;
    counts.undecided = to_come.undecided as u32;
    counts
}
