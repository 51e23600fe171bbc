//! Error rates: each unit's, their mean and its interval.

use super::{
    drawing::{Anchor, Drawing, Stroke, text_width},
    panel::Axis,
    sample::{DOTS_MAX, some},
    style::{self, INK, SELECTED, SOFT, TEXT},
};
use crate::{
    aggregate::{
        Curves,
        document::{ConfigurationReport, EvaluationReport, StageReport, UnitReport},
    },
    report::{facts, numbers},
};

/// Most rows; of more configurations the best are shown.
pub(in crate::report) const ROWS_MAX: usize = 30;

const WIDTH: f64 = 320.0;
const BELOW: f64 = 42.0;

/// One row a configuration: a dot per unit, the mean and its 95 % interval. Where a unit diverged there is no mean.
pub(in crate::report) fn errors(stage: &StageReport, _curves: &[Curves]) -> Option<Drawing> {
    let rows = stage.configurations.iter().enumerate();
    let mut rows: Vec<(usize, &ConfigurationReport)> = rows.filter(|(_, row)| row.n > 0 || row.diverged()).collect();
    if facts::tunes(stage) || rows.len() > ROWS_MAX {
        rows.sort_by_key(|(_, row)| row.rank);
        let mut place = 0..;
        rows.retain(|(_, row)| place.next().is_some_and(|place| place < ROWS_MAX) || facts::is_selected(stage, row));
    }
    let values = rows.iter().flat_map(|(_, row)| {
        let errors = row.units.iter().filter_map(|unit| unit.error);
        errors.chain(row.error.interval.ci95.into_iter().flatten())
    });
    let (low, high) = values.fold(None, |ends: Option<(f64, f64)>, value| {
        Some(ends.map_or((value, value), |(low, high)| (low.min(value), high.max(value))))
    })?;
    let room = 0.04 * (high - low).max(0.01);
    let label = match stage.evaluation {
        EvaluationReport::Holdout => "test error",
        EvaluationReport::Folds(_) => "validation error",
    };
    let axis = Axis::around(label, (low - room).max(0.0), high + room);

    let two_lines = rows.iter().any(|(_, row)| !row.variant.is_empty());
    let row_height = if two_lines { 34.0 } else { 28.0 };
    let labels = rows.iter().flat_map(|(_, row)| [text_width(&row.title, TEXT), text_width(&row.variant, TEXT - 1.5)]);
    let left = labels.fold(0.0, f64::max) + 20.0;
    let (top, height) = (6.0, row_height * rows.len() as f64);
    let value_width = 125.0;
    let mut drawing = Drawing::new(left + WIDTH + value_width, top + height + BELOW);
    for (place, _) in rows.iter().enumerate().filter(|(_, (_, row))| facts::is_selected(stage, row)) {
        let corner = (0.0, top + row_height * place as f64);
        drawing.rectangle(corner, (left + WIDTH + value_width, row_height), SELECTED, 1.0);
    }
    axis.draw_below(&mut drawing, (left, top), (WIDTH, height));
    for (place, (index, row)) in rows.iter().enumerate() {
        let y = top + row_height * (place as f64 + 0.5);
        let color = if stage.configurations.len() > facts::STYLES { style::color(0) } else { style::color(*index) };
        name(&mut drawing, row, (left - 10.0, y));
        let at = |value: f64| left + axis.share(value) * WIDTH;
        let mut units: Vec<(f64, &UnitReport)> =
            row.units.iter().filter_map(|unit| Some((unit.error?, unit))).collect();
        if units.len() > DOTS_MAX {
            units.sort_by(|a, b| a.0.total_cmp(&b.0));
        }
        for (error, unit) in some(units, DOTS_MAX) {
            let label = format!("{}: {error:.4}", facts::place(stage, unit));
            drawing.dot((at(error), y + 5.0), 3.2, color, 0.45, Some(&label));
        }
        if let Some([low, high]) = row.error.interval.ci95 {
            let line = Stroke::solid(color, 2.2);
            let (low, high) = (at(low), at(high));
            drawing.line((low, y - 5.0), (high, y - 5.0), line);
            for end in [low, high] {
                drawing.line((end, y - 8.5), (end, y - 1.5), Stroke::solid(color, 1.4));
            }
        }
        if let Some(mean) = row.error.spread.mean {
            drawing.line((at(mean), y - 10.5), (at(mean), y + 0.5), Stroke::solid(INK, 2.4));
        }
        let value = match row.counts.diverged {
            0 => numbers::rate_spread(&row.error.spread),
            diverged => format!("{diverged} of {} diverged", row.counts.planned),
        };
        drawing.text((left + WIDTH + 10.0, y + 4.0), &value, style::font(TEXT - 0.5, INK, Anchor::Start));
    }
    Some(drawing)
}

fn name(drawing: &mut Drawing, row: &ConfigurationReport, (x, y): (f64, f64)) {
    if row.variant.is_empty() {
        drawing.text((x, y + 4.0), &row.title, style::font(TEXT, INK, Anchor::End));
    } else {
        drawing.text((x, y - 2.0), &row.title, style::font(TEXT, INK, Anchor::End));
        drawing.text((x, y + 11.0), &row.variant, style::font(TEXT - 1.5, SOFT, Anchor::End));
    }
}
