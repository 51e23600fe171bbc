//! Error rates: each unit's, their mean and its interval.

use super::{
    axis_and_ticks::Axis,
    dots_and_lines_limit::{DOTS_MAX, some},
    drawing::{Drawing, Stroke},
    forest::{Forest, Row, interval},
    style::{self, INK},
};
use crate::{
    aggregate::{
        Curves, UnitReport,
        report_json::{ConfigurationReport, EvaluationReport, StageReport},
    },
    report::{
        numbers::{ends, rate, rate_spread, whole},
        shown_and_best_rows,
    },
};

/// Most rows; of more configurations the best are shown.
pub(in crate::report) const ROWS_MAX: usize = 30;

/// One row a configuration: a dot per unit, the mean and its 95 % interval. Where a unit diverged there is no mean.
pub(in crate::report) fn errors(stage: &StageReport, curves: &[Curves]) -> Option<Drawing> {
    let rows = stage.configurations.iter().enumerate();
    let mut rows: Vec<(usize, &ConfigurationReport)> = rows.filter(|(_, row)| row.n > 0 || row.diverged()).collect();
    if shown_and_best_rows::tunes(stage) || rows.len() > ROWS_MAX {
        rows.sort_by_key(|(_, row)| row.rank);
        let mut place = 0..;
        rows.retain(|(_, row)| {
            place.next().is_some_and(|place| place < ROWS_MAX) || shown_and_best_rows::is_selected(stage, row)
        });
    }
    let values = rows.iter().flat_map(|(index, row)| {
        let errors = curves[*index].units.iter().filter_map(|unit| unit.error);
        errors.chain(row.error.interval.ci95.into_iter().flatten())
    });
    let label = match stage.evaluation {
        EvaluationReport::Holdout => "test error",
        EvaluationReport::Folds(_) => "validation error",
    };
    let row = |(_, row): &(usize, &'_ ConfigurationReport)| match row.counts.diverged {
        0 => rate_spread(&row.error.spread),
        diverged => format!("{} of {} diverged", whole(diverged), whole(row.counts.planned)),
    };
    let forest = Forest {
        stage,
        reference: None,
        axis: Axis::roomy(label, ends(values)?, 0.0),
        rows: rows.iter().map(|one| Row { of: vec![one.1], value: row(one) }).collect(),
    };
    Some(forest.draw(|drawing, place, y, at| {
        let (index, row) = rows[place];
        let color = if shown_and_best_rows::crowded(stage) { style::color(0) } else { style::color(index) };
        let units = curves[index].units.iter().filter_map(|unit| Some((unit.error?, unit)));
        let mut units: Vec<(f64, &UnitReport)> = units.collect();
        if units.len() > DOTS_MAX {
            units.sort_by(|a, b| a.0.total_cmp(&b.0));
        }
        for (error, unit) in some(units, DOTS_MAX) {
            let label = format!("{}: {}", shown_and_best_rows::place(stage, unit), rate(Some(error)));
            drawing.dot((at(error), y + 5.0), 3.2, color, 0.45, Some(&label));
        }
        if let Some(ends) = row.error.interval.ci95 {
            interval(drawing, ends.map(at), y - 5.0, color);
        }
        if let Some(mean) = row.error.spread.mean {
            drawing.line((at(mean), y - 10.5), (at(mean), y + 0.5), Stroke::solid(INK, 2.4));
        }
    }))
}
