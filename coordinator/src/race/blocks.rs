//! Blocks: a configuration's errors, one a fold.

use seedgrid_common::{matrix::PlannedConfiguration, unit::UnitId};

use super::fold;
use crate::selection::Ended;

/// What one is in the whole numbers below.
pub(super) const ONE: f64 = 1e12;

/// A configuration's error in each of some folds: the mean over the fold's units (seeds, data draws), a diverged one being wrong
/// throughout. In whole multiples of 1e-12, so that equal errors are equal whatever the order in which units were added up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockErrors(pub(super) Vec<u64>);

impl BlockErrors {
    /// Of the first `folds` folds; None where a unit of these has failed, or has not ended.
    pub fn of(candidate: &PlannedConfiguration, folds: u32, ended: impl Fn(UnitId) -> Option<Ended>) -> Option<Self> {
        let mut sums = vec![(0.0, 0_u32); folds as usize];
        for (id, unit) in candidate.units.iter().filter(|(_, unit)| fold(unit.fold) < folds) {
            let (sum, count) = &mut sums[fold(unit.fold) as usize];
            *count += 1;
            *sum += match ended(*id)? {
                Ended::Scored { wrong, of } => f64::from(wrong) / f64::from(of),
                Ended::Diverged => 1.0,
                Ended::Failed => return None,
            };
        }
        let mean = |(sum, count): (f64, u32)| (sum / f64::from(count.max(1)) * ONE).round() as u64;
        Some(Self(sums.into_iter().map(mean).collect()))
    }

    /// Their sum, in the same whole multiples.
    pub(super) fn sum(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Their mean, as a share of pairs.
    pub(super) fn mean(&self) -> f64 {
        self.sum() as f64 / self.0.len().max(1) as f64 / ONE
    }
}
