//! The order of configurations by quality. Selections, races, comparisons and reports all use this module.
//!
//! Errors are counts, so [`MeanError`] compares them exactly; neither the order of units nor the rounding of a sum has
//! an effect. [`Rank`] defines the order of configurations, and [`best`] returns the best one.

use seedgrid_common::training::{Ending, Scores, UnitResult};

use crate::statistics::mean_error::MeanError;

/// The outcome of a unit, as far as ranking needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The unit was scored, with this many of this many pairs wrong.
    Scored {
        /// Wrongly classified pairs.
        wrong: u32,
        /// Scored pairs, at least one.
        of: u32,
    },
    /// The unit diverged: worse than every scored unit.
    Diverged,
    /// The unit has no result and will get none, so its configuration is incomplete.
    Failed,
}

impl Ended {
    /// The outcome of a unit with this result.
    pub fn from_result(result: &UnitResult) -> Self {
        match &result.ending {
            Ending::Done(scores) => Self::scored(scores),
            Ending::Diverged { .. } => Self::Diverged,
        }
    }

    /// The outcome of a unit with these scores.
    pub(crate) fn scored(scores: &Scores) -> Self {
        Self::Scored { wrong: scores.wrong, of: scores.outputs.rows() as u32 }
    }
}

/// The rank of a configuration among others. The lowest rank is the best; of equal ranks, the first in the file comes
/// first.
///
/// Complete configurations come first, then those that left a race, then those with units without a result. Within
/// these, fewer units without a result come first, then fewer diverged units, then the lower mean error of the scored
/// units. So a configuration with a diverged unit comes after every one without.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    completeness: Completeness,
    without_result: usize,
    diverged: usize,
    scored: Scored,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Completeness {
    Complete,
    LeftRace,
    Incomplete,
}

/// The scored units' mean error.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Scored {
    Mean(MeanError),
    Nothing,
}

impl Rank {
    /// The rank of a configuration from the outcomes of its units; None is a unit without a result that may still get
    /// one. For a configuration that left a race, skipped units are `None` too.
    pub fn from_units(units: impl IntoIterator<Item = Option<Ended>>, left_race: bool) -> Self {
        let (mut without_result, mut diverged, mut counts) = (0, 0, Vec::new());
        for unit in units {
            match unit {
                Some(Ended::Scored { wrong, of }) => counts.push((wrong, of)),
                Some(Ended::Diverged) => diverged += 1,
                Some(Ended::Failed) | None => without_result += 1,
            }
        }
        let completeness = match (left_race, without_result) {
            (true, _) => Completeness::LeftRace,
            (false, 0) => Completeness::Complete,
            (false, _) => Completeness::Incomplete,
        };
        let scored = MeanError::from_counts(counts).map_or(Scored::Nothing, Scored::Mean);
        Self { completeness, without_result, diverged, scored }
    }

    /// Whether the configuration can be the best: every unit has a result, and at least one was scored.
    pub fn can_be_best(&self) -> bool {
        self.completeness == Completeness::Complete && self.scored != Scored::Nothing
    }

    /// The number of diverged units.
    pub fn diverged(&self) -> usize {
        self.diverged
    }

    /// The mean error over all units; None if one diverged or has no result.
    pub fn mean(&self) -> Option<&MeanError> {
        match &self.scored {
            Scored::Mean(mean) if self.diverged + self.without_result == 0 => Some(mean),
            Scored::Mean(_) | Scored::Nothing => None,
        }
    }
}

/// The best of these, or the first of equal ones. Returns None if none can be the best.
pub(crate) fn best<'r, T>(ranked: impl IntoIterator<Item = (T, &'r Rank)>) -> Option<T> {
    let candidates = ranked.into_iter().filter(|(_, rank)| rank.can_be_best());
    // `min_by` keeps the first of equal ones.
    candidates.min_by(|(_, one), (_, other)| one.cmp(other)).map(|(best, _)| best)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scored(wrong: u32) -> Option<Ended> {
        Some(Ended::Scored { wrong, of: 10 })
    }

    const DIVERGED: Option<Ended> = Some(Ended::Diverged);

    #[test]
    fn a_diverged_unit_comes_after_every_finite_value() {
        let all_wrong = Rank::from_units([scored(10), scored(10)], false);
        let one_diverged = Rank::from_units([scored(0), DIVERGED], false);
        let both_diverged = Rank::from_units([DIVERGED, DIVERGED], false);
        assert!(all_wrong < one_diverged && one_diverged < both_diverged);
        assert!(Rank::from_units([scored(1), DIVERGED], false) > one_diverged, "of equally many the lower mean");
        assert!(one_diverged.can_be_best() && !both_diverged.can_be_best());
        assert_eq!((one_diverged.mean(), all_wrong.mean()), (None, MeanError::from_counts([(1, 1)]).as_ref()));
    }

    #[test]
    fn what_is_incomplete_comes_last_and_is_never_the_best() {
        let complete = Rank::from_units([DIVERGED, DIVERGED, DIVERGED], false);
        let left_race = Rank::from_units([scored(0), scored(0), None], true);
        let left_earlier = Rank::from_units([scored(0), None, None], true);
        let failed = Rank::from_units([scored(0), scored(0), Some(Ended::Failed)], false);
        let untrained = Rank::from_units([None, None, scored(0)], false);
        let mut order = [&untrained, &failed, &left_earlier, &left_race, &complete];
        order.sort();
        assert_eq!(order, [&complete, &left_race, &left_earlier, &failed, &untrained]);
        assert_eq!(best(order.map(|rank| ((), rank))), None);
    }

    #[test]
    fn of_equal_ones_the_first_is_the_best() {
        let ranks = [vec![scored(3), scored(3)], vec![scored(2), scored(1)], vec![scored(0), scored(3)]]
            .map(|units| Rank::from_units(units, false));
        assert_eq!(best(ranks.iter().enumerate()), Some(1));
    }

    proptest! {
        #[test]
        fn the_order_of_units_does_not_matter(
            units in prop::collection::vec(prop::collection::vec((0_u8..30, 0_u32..4, 97_u32..100), 6), 2..8), shuffle: u64,
        ) {
            let ended = |&(kind, wrong, of): &(u8, u32, u32)| match kind {
                0 => None,
                1 | 2 => Some(Ended::Diverged),
                _ => Some(Ended::Scored { wrong, of }),
            };
            let ranks = |units: &[Vec<(u8, u32, u32)>]| -> Vec<Rank> {
                units.iter().map(|units| Rank::from_units(units.iter().map(ended), false)).collect()
            };
            let mut shuffled = units.clone();
            let mut stream = seedgrid_common::random::Stream::new(shuffle, "order");
            shuffled.iter_mut().for_each(|units| stream.shuffle(units));
            let (before, after) = (ranks(&units), ranks(&shuffled));
            prop_assert_eq!(best(before.iter().enumerate()), best(after.iter().enumerate()));
            prop_assert_eq!(before, after);
        }
    }
}
