//! Blocks: a configuration's errors, one for each fold.

use std::cmp::Ordering;

use seedgrid_common::{matrix::PlannedConfiguration, unit::UnitId};

use super::fold;
use crate::{
    scheduler::ranking::{Ended, Rank},
    statistics::mean_error::MeanError,
};

/// A configuration's errors in some folds: for each fold over its units (seeds, data draws), and over all units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockErrors {
    pub(super) folds: Vec<BlockError>,
    pub(super) all: Rank,
}

/// A configuration's error in one fold. More diverged units are worse; with equally many, a higher mean of the others
/// is worse.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct BlockError {
    pub(super) diverged: usize,
    /// The mean error; None if no unit was scored.
    pub(super) mean: Option<MeanError>,
}

impl BlockErrors {
    /// The errors in the first `folds` folds; None if one of their units has failed or has not ended.
    pub fn from_units(
        candidate: &PlannedConfiguration,
        folds: u32,
        ended: impl Fn(UnitId) -> Option<Ended>,
    ) -> Option<Self> {
        let mut units: Vec<Vec<Ended>> = vec![Vec::new(); folds as usize];
        for (id, unit) in candidate.units.iter().filter(|(_, unit)| fold(unit.fold) < folds) {
            match ended(*id)? {
                Ended::Failed => return None,
                ended @ (Ended::Scored { .. } | Ended::Diverged) => units[fold(unit.fold) as usize].push(ended),
            }
        }
        Some(Self::of_units(&units))
    }

    /// The errors of scored or diverged units, by fold.
    pub(super) fn of_units(units: &[Vec<Ended>]) -> Self {
        let all = Rank::from_units(units.iter().flatten().copied().map(Some), false);
        Self { folds: units.iter().map(|units| BlockError::from_units(units)).collect(), all }
    }
}

impl BlockError {
    fn from_units(units: &[Ended]) -> Self {
        let counts = units.iter().filter_map(|unit| match unit {
            Ended::Scored { wrong, of } => Some((*wrong, *of)),
            Ended::Diverged | Ended::Failed => None,
        });
        let mean = MeanError::from_counts(counts);
        Self { diverged: units.iter().filter(|unit| **unit == Ended::Diverged).count(), mean }
    }

    /// Whether this error is the worse one, and the difference: first by diverged units, then by the mean error. None
    /// if both are equal.
    pub(super) fn against(&self, other: &Self) -> Option<(bool, (usize, Option<MeanError>))> {
        let size = match (&self.mean, &other.mean) {
            (Some(one), Some(other_mean)) if self.diverged == other.diverged => Some(one.distance(other_mean)),
            (_, _) => None,
        };
        match self.cmp(other) {
            Ordering::Equal => None,
            order => Some((order == Ordering::Greater, (self.diverged.abs_diff(other.diverged), size))),
        }
    }
}
