//! A forest plot of the differences between configurations.

use super::{
    axis_and_ticks::Axis,
    drawing::Drawing,
    forest::{Forest, Row, interval},
    style::{self, SOFT},
};
use crate::{
    aggregate::{
        Curves,
        report_json::{ComparisonReport, StageReport},
    },
    report::{
        numbers::{self, ends},
        shown_and_best_rows::{self, LEVEL},
    },
};

/// Most pairs whose both configurations have a row: as many fit on a page. Of more, those with the best configuration are shown.
const PAIRS_MAX: usize = 24;
/// Most configurations that are compared with the best one; of more, those of the smallest differences are shown.
const RIVALS_MAX: usize = 30;

/// The pairs that the figure shows.
pub(in crate::report) struct Shown<'a> {
    /// The number of the configuration that all others are compared with; None where pairs of any two are shown.
    pub(in crate::report) best: Option<usize>,
    pub(in crate::report) rows: Vec<Difference<'a>>,
    /// The number of the stage's pairs that have a difference.
    pub(in crate::report) all: usize,
}

/// The difference of one pair's mean errors.
pub(in crate::report) struct Difference<'a> {
    pair: &'a ComparisonReport,
    /// The numbers of the pair's configurations; of one that is compared with the best, only its own.
    of: Vec<usize>,
    difference: f64,
    /// The simultaneous interval.
    interval: Option<[f64; 2]>,
}

impl<'a> Difference<'a> {
    fn of_both(pair: &'a ComparisonReport) -> Option<Self> {
        let (of, interval) = (vec![pair.first, pair.second], pair.t_test.ci95_simultaneous);
        Some(Self { pair, of, difference: pair.difference?, interval })
    }

    /// The mean error of the other one minus that of the best. None: the best is not one of the two.
    fn from_best(pair: &'a ComparisonReport, best: usize) -> Option<Self> {
        let Self { difference, interval, .. } = Self::of_both(pair)?;
        if pair.second == best {
            Some(Self { pair, of: vec![pair.first], difference, interval })
        } else if pair.first == best {
            let interval = interval.map(|[low, high]| [0.0 - high, 0.0 - low]);
            Some(Self { pair, of: vec![pair.second], difference: 0.0 - difference, interval })
        } else {
            None
        }
    }
}

/// The pairs of a stage that its figure shows: all in the order of the table, or those with the best configuration by their difference.
pub(in crate::report) fn shown(stage: &StageReport) -> Shown<'_> {
    let comparisons = &stage.comparisons;
    let pairs = || comparisons.pairs.iter();
    let all = pairs().filter(|pair| pair.difference.is_some()).count();
    let lowest = || shown_and_best_rows::best(&stage.configurations).filter(|_| all > PAIRS_MAX);
    if let Some(best) = comparisons.best.or_else(|| Some(lowest()?.number)) {
        let mut rows: Vec<Difference<'_>> = pairs().filter_map(|pair| Difference::from_best(pair, best)).collect();
        rows.sort_by(|a, b| a.difference.total_cmp(&b.difference));
        rows.truncate(RIVALS_MAX);
        if !rows.is_empty() {
            return Shown { best: Some(best), rows, all };
        }
    }
    Shown { best: None, rows: pairs().filter_map(Difference::of_both).take(PAIRS_MAX).collect(), all }
}

/// One row a pair: the difference of the mean errors and its 95 % interval.
pub(in crate::report) fn comparisons(stage: &StageReport, _curves: &[Curves]) -> Option<Drawing> {
    let Shown { best, rows, .. } = shown(stage);
    let values = rows.iter().flat_map(|row| row.interval.unwrap_or([row.difference; 2]));
    let label = if best.is_some() { "mean error above the best one's" } else { "difference of mean errors" };
    let row = |row: &Difference<'_>| {
        let interval =
            row.interval.map_or_else(String::new, |ends| format!(" ({})", numbers::signed_interval(Some(ends))));
        Row {
            of: row.of.iter().filter_map(|number| shown_and_best_rows::row(stage, *number)).collect(),
            value: format!("{}{interval}", numbers::signed_rate(Some(row.difference))),
        }
    };
    if rows.is_empty() {
        return None;
    }
    let forest = Forest {
        stage,
        reference: Some(0.0),
        axis: Axis::roomy(label, ends(values.chain([0.0]))?, f64::NEG_INFINITY),
        rows: rows.iter().map(row).collect(),
    };
    Some(forest.draw(|drawing, place, y, at| {
        let Difference { pair, difference, interval: ends, .. } = &rows[place];
        let is_different = pair.t_test.p_holm.is_some_and(|p| p < LEVEL);
        let color = if is_different { style::color(0) } else { SOFT };
        if let Some(ends) = ends {
            interval(drawing, ends.map(at), y, color);
        }
        let label = format!("p {} after Holm's correction", numbers::p_value(pair.t_test.p_holm));
        // In print, what tells them apart is that the dot is filled.
        if is_different {
            drawing.dot((at(*difference), y), 4.2, color, 1.0, Some(&label));
        } else {
            drawing.ring((at(*difference), y), 3.6, color, Some(&label));
        }
    }))
}
