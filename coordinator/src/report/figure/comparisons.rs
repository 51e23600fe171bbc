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
        report_json::{Against, ComparisonReport, StageReport},
    },
    report::{
        numbers::{self, ends},
        shown_and_best_rows::{self, LEVEL},
    },
};

/// Most rows where all are compared with the best; of more, those of the smallest differences are shown.
pub(in crate::report) const RIVALS_MAX: usize = 30;

/// One row a pair, in the order of the table: the difference of the mean errors and its 95 % interval.
pub(in crate::report) fn comparisons(stage: &StageReport, _curves: &[Curves]) -> Option<Drawing> {
    let mut pairs: Vec<(&ComparisonReport, f64)> =
        stage.comparisons.pairs.iter().filter_map(|pair| Some((pair, pair.difference?))).collect();
    // The second is the same in all rows, and named once.
    let is_best = stage.comparisons.against == Against::Best;
    if is_best {
        pairs.sort_by(|a, b| a.1.total_cmp(&b.1));
        pairs.truncate(RIVALS_MAX);
    }
    if pairs.is_empty() {
        return None;
    }
    let values = pairs.iter().flat_map(|(pair, difference)| pair.t_test.ci95_simultaneous.unwrap_or([*difference; 2]));
    let label = if is_best { "mean error above the best one's" } else { "difference of mean errors" };
    let row = |(pair, _): &(&ComparisonReport, f64)| {
        let shown = if is_best { &[pair.first][..] } else { &[pair.first, pair.second] };
        let interval = pair.t_test.ci95_simultaneous;
        let interval = interval.map_or_else(String::new, |ends| format!(" ({})", numbers::signed_interval(Some(ends))));
        Row {
            of: shown.iter().filter_map(|number| shown_and_best_rows::row(stage, *number)).collect(),
            value: format!("{}{interval}", numbers::signed_rate(pair.difference)),
        }
    };
    let forest = Forest {
        stage,
        reference: Some(0.0),
        axis: Axis::roomy(label, ends(values.chain([0.0]))?, f64::NEG_INFINITY),
        rows: pairs.iter().map(row).collect(),
    };
    Some(forest.draw(|drawing, place, y, at| {
        let (pair, difference) = &pairs[place];
        let is_different = pair.t_test.p_holm.is_some_and(|p| p < LEVEL);
        let color = if is_different { style::color(0) } else { SOFT };
        if let Some(ends) = pair.t_test.ci95_simultaneous {
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
