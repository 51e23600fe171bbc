//! The attempts that ended when an earlier coordinator ended together with its workers.

use std::collections::BTreeMap;

use seedgrid_common::unit::UnitId;

use crate::{
    scheduler::attempt_ending::AttemptEnding,
    store::{StoredUnit, Write},
};

/// Ends every attempt without an ending, since no worker trains it any more. The time of its end is unknown: it was
/// before this coordinator's start.
pub(super) fn give_up(known: &mut BTreeMap<UnitId, StoredUnit>) -> Vec<Write> {
    let give_up = |(unit, stored): (&UnitId, &mut StoredUnit)| {
        stored.holder.take()?;
        Some(Write::Ended {
            unit: *unit,
            attempt: stored.attempts,
            at_ms: None,
            // The attempt was not lost: the worker is known to have ended, and the unit was not the cause.
            ending: AttemptEnding::Preempted,
            detail: "its coordinator was ended, and the worker with it".to_owned(),
            train_seconds: None,
        })
    };
    known.iter_mut().filter_map(give_up).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_that_nobody_saw_has_no_time() {
        let held = StoredUnit { attempts: 2, holder: Some("0".repeat(32)), ..StoredUnit::default() };
        let mut known = BTreeMap::from([(UnitId([1; 16]), held), (UnitId([2; 16]), StoredUnit::default())]);
        let writes = give_up(&mut known);
        assert!(
            matches!(writes[..], [Write::Ended { attempt: 2, at_ms: None, ending: AttemptEnding::Preempted, .. }]),
            "{writes:?}"
        );
    }
}
