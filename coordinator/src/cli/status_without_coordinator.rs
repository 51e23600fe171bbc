//! The state of a study without a running coordinator, from its run directory.

use std::path::Path;

use seedgrid_common::{utc, wire::v1};

use super::Failure;
use crate::{plan::Planned, run_directory::RunDirectory, store::Store, views::units};

/// Whether every unit of the study in this store has ended; false if that is unknown.
pub(super) fn has_ended(directory: &RunDirectory, store: &Store) -> bool {
    let known = Planned::stored(directory, store).and_then(|study| Ok((study, store.units()?)));
    known.is_ok_and(|(study, units)| units::counts(&study, &units).waiting == 0)
}

/// A snapshot from the store of `run_directory`. Returns None without a study in it, or while a coordinator owns it.
pub(super) fn picture(run_directory: &Path) -> Result<Option<v1::StatusSnapshot>, Failure> {
    let directory = match RunDirectory::existing(run_directory) {
        Ok(directory) if !directory.is_owned() => directory,
        Ok(_) | Err(_) => return Ok(None),
    };
    let store = Store::open_to_read(&directory.database())?;
    let study = Planned::stored(&directory, &store)?;
    let counts = units::counts(&study, &store.units()?);
    let pause = store.pause()?;
    // A paused study too: its units wait for a coordinator first.
    let state = if counts.waiting == 0 { v1::StudyState::Done } else { v1::StudyState::Unspecified };
    Ok(Some(v1::StatusSnapshot {
        study: study.spec.study.name.clone(),
        state: state.into(),
        taken_ms: utc::now_ms(),
        counts: Some(counts),
        pause: pause.as_ref().map(Into::into),
        ..v1::StatusSnapshot::default()
    }))
}
