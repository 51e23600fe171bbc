//! Where a study stands that no coordinator runs, from its run directory.

use std::path::Path;

use seedgrid_common::wire::v1;

use super::Failure;
use crate::{prepare::Planned, queue::Rules, run_directory::RunDirectory, store::Store, wall_clock::wall_ms};

/// A picture from the store of `run_directory`. None without a study in it, or while a coordinator owns it.
pub(super) fn picture(run_directory: &Path) -> Result<Option<v1::StatusSnapshot>, Failure> {
    let directory = match RunDirectory::existing(run_directory) {
        Ok(directory) if !directory.is_owned() => directory,
        Ok(_) | Err(_) => return Ok(None),
    };
    let store = Store::open_to_read(&directory.database())?;
    let study = Planned::stored(&directory, &store)?;
    let (known, rules) = (store.units()?, Rules::default());
    let planned = study.plan.units();
    let mut counts = v1::UnitCounts::default();
    for unit in planned.keys().filter(|unit| study.track.is_released(**unit)) {
        counts.total += 1;
        let count = match known.get(unit) {
            Some(unit) if unit.result.is_some_and(|result| result.diverged) => &mut counts.diverged,
            Some(unit) if unit.result.is_some() => &mut counts.done,
            Some(unit) if unit.cancelled => &mut counts.cancelled,
            Some(unit) if unit.is_given_up(&rules) => &mut counts.failed,
            Some(_) | None => &mut counts.waiting,
        };
        *count += 1;
    }
    let to_come = study.to_come();
    counts.total += to_come.units() as u32;
    counts.waiting += to_come.units() as u32;
    counts.undecided = to_come.undecided as u32;
    let pause = store.pause()?;
    // Also where it is paused: what waits waits for a coordinator first.
    let state = if counts.waiting == 0 { v1::StudyState::Done } else { v1::StudyState::Unspecified };
    Ok(Some(v1::StatusSnapshot {
        study: study.spec.study.name.clone(),
        state: state.into(),
        taken_ms: wall_ms(),
        counts: Some(counts),
        pause: pause.as_ref().map(Into::into),
        ..v1::StatusSnapshot::default()
    }))
}
