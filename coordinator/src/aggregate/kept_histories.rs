//! The units whose epochs stay in memory: those that a report draws. A study may have a million units; epochs.csv has all epochs.

use std::collections::BTreeMap;

use super::{Curves, scored_predictions::Cell};
use crate::scheduler::ranking::Rank;

/// Most units of a study that are drawn one by one: of more, as many as fit of each configuration.
const DRAWN_MAX: usize = 4_000;

/// Most units of one configuration that are lines of one panel.
pub const LINES_MAX: usize = 60;

/// Most configurations of a stage that have lines of their own. Above it, figures show the units of each model's best configuration alone.
pub const CONFIGURATIONS_MAX: usize = 8;

/// The first, the last and some indices between them, evenly: at most `most` of `count`.
pub fn spread(count: usize, most: usize) -> impl Iterator<Item = usize> {
    let steps = most.saturating_sub(1).max(1);
    let place = move |step| if count <= most { step } else { step * (count - 1) / steps };
    (0..count.min(most)).map(place)
}

/// How many units of each configuration are drawn one by one: the first of those with a result.
pub(super) fn drawn(units: usize, configurations: usize) -> usize {
    if units <= DRAWN_MAX { usize::MAX } else { DRAWN_MAX / configurations.max(1) }
}

/// Puts the epochs of the units that are drawn, or may be, into a configuration's reports.
pub(super) fn keep(curves: &mut Curves, cells: &[Cell<'_>], drawn: usize) {
    let results: Vec<usize> = (0..cells.len()).filter(|&place| cells[place].epochs().is_some()).collect();
    let lines = spread(results.len(), LINES_MAX);
    for index in (0..results.len().min(drawn)).chain(lines) {
        let place = results[index];
        curves.units[place].history = cells[place].epochs().unwrap_or_default().to_vec();
    }
}

/// Of a stage of many configurations, which one is the best of its model so far.
#[derive(Debug, Default)]
pub(super) struct BestSoFar<'a>(BTreeMap<&'a str, (Rank, usize)>);

impl<'a> BestSoFar<'a> {
    /// Takes the next configuration, the last one of `curves`. Of all but the best of each model, only the units that are drawn one by one
    /// keep their epochs.
    pub(super) fn add(&mut self, model: &'a str, rank: &Rank, curves: &mut [Curves], drawn: usize) {
        let Some(place) = curves.len().checked_sub(1) else { return };
        let loser = match self.0.get(model) {
            Some((best, _)) if best <= rank => Some(place),
            _ => self.0.insert(model, (rank.clone(), place)).map(|(_, old)| old),
        };
        if let Some(loser) = loser {
            let others = curves[loser].units.iter_mut().filter(|unit| unit.has_result()).skip(drawn);
            others.for_each(|unit| unit.history = Vec::new());
        }
    }
}

#[cfg(test)]
mod tests {
    use seedgrid_common::{training::EpochMetrics, unit::UnitId};

    use super::{super::UnitReport, *};
    use crate::scheduler::{ranking::Ended, unit_state::UnitState};

    fn curves(units: usize) -> Curves {
        let unit = UnitReport {
            unit: UnitId([0; 16]),
            data_seed: 0,
            seed: 1,
            fold: None,
            ending: UnitState::Done,
            error: Some(0.5),
            auc: None,
            average_precision: None,
            areas_reason: None,
            loss: None,
            epochs: Some(1),
            converged: None,
            untrained: None,
            stuck: None,
            train_loss: None,
            train_error: None,
            history: vec![EpochMetrics { epoch: 1, train_loss: 0.5, train_error: 0.5, validation_error: None }],
        };
        Curves {
            roc: None,
            roc_band: None,
            precision_recall: None,
            precision_recall_band: None,
            learning: Vec::new(),
            seeds: Vec::new(),
            units: vec![unit; units],
        }
    }

    #[test]
    fn of_many_configurations_the_best_of_each_model_keeps_its_epochs() {
        let rank = |wrong| Rank::from_units([Some(Ended::Scored { wrong, of: 10 })], false);
        let (mut best, mut all) = (BestSoFar::default(), Vec::new());
        for (model, wrong) in [("fc", 4), ("cnn", 7), ("fc", 2), ("fc", 3), ("cnn", 8), ("fc", 2)] {
            all.push(curves(5));
            best.add(model, &rank(wrong), &mut all, 1);
        }
        let kept = |curves: &Curves| curves.units.iter().filter(|unit| !unit.history.is_empty()).count();
        assert_eq!(all.iter().map(kept).collect::<Vec<_>>(), [1, 5, 5, 1, 1, 1], "of equal ones the first");
    }

    #[test]
    fn some_of_many_are_spread_evenly_and_have_the_ends() {
        assert!(spread(3, 3).eq(0..3));
        assert_eq!(spread(0, 3).count(), 0);
        assert!(spread(101, 5).eq([0, 25, 50, 75, 100]));
        assert_eq!(spread(1000, 200).count(), 200);
    }

    #[test]
    fn a_page_draws_a_bounded_number_of_units() {
        assert_eq!(drawn(1_170, 130), usize::MAX, "the paper's study has all");
        assert_eq!(drawn(DRAWN_MAX, 1), usize::MAX);
        assert_eq!(drawn(100_000, 1_000), 4);
        assert_eq!(drawn(100_000, 50_000), 0);
    }
}
