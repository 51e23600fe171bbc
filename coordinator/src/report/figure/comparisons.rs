//! A forest plot: the differences between configurations with their intervals.

use super::{
    drawing::{Anchor, Drawing, Stroke, text_width},
    panel::Axis,
    style::{self, INK, REFERENCE, SELECTED, SOFT, TEXT},
};
use crate::{
    aggregate::{
        Curves,
        document::{Against, ComparisonReport, StageReport},
    },
    report::{
        facts::{self, LEVEL, heading},
        numbers,
    },
};

/// Most rows where all are compared with the best; of more, those of the smallest differences are shown.
pub(in crate::report) const RIVALS_MAX: usize = 30;

const WIDTH: f64 = 260.0;
const BELOW: f64 = 42.0;

/// One row a pair, in the order of the table, what was selected on a tint: the difference of the mean errors and its 95 % interval.
pub(in crate::report) fn comparisons(stage: &StageReport, _curves: &[Curves]) -> Option<Drawing> {
    let comparisons = &stage.comparisons;
    let mut pairs: Vec<(&ComparisonReport, f64)> =
        comparisons.pairs.iter().filter_map(|pair| Some((pair, pair.difference?))).collect();
    // The second is the same in all rows, and named once.
    let is_best = comparisons.against == Against::Best;
    if is_best {
        pairs.sort_by(|a, b| a.1.total_cmp(&b.1));
        pairs.truncate(RIVALS_MAX);
    }
    if pairs.is_empty() {
        return None;
    }
    let values = pairs.iter().flat_map(|(pair, difference)| pair.t_test.ci95_simultaneous.unwrap_or([*difference; 2]));
    let (low, high) = values.fold((0.0_f64, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    let room = 0.04 * (high - low).max(0.01);
    let label = if is_best { "mean error above the best one's" } else { "difference of mean errors" };
    let axis = Axis::around(label, low - room, high + room);

    let second = |pair: &ComparisonReport| match comparisons.against {
        Against::EachOther => format!("− {}", heading(stage, pair.second)),
        Against::Best => String::new(),
    };
    let names: Vec<[String; 2]> = pairs.iter().map(|(pair, _)| [heading(stage, pair.first), second(pair)]).collect();
    let row_height = if is_best { 22.0 } else { 36.0 };
    let left = names.iter().flatten().map(|name| text_width(name, TEXT - 1.0)).fold(0.0, f64::max) + 20.0;
    let (top, height, value_width) = (6.0, row_height * pairs.len() as f64, 205.0);
    let mut drawing = Drawing::new(left + WIDTH + value_width, top + height + BELOW);
    axis.draw_below(&mut drawing, (left, top), (WIDTH, height));
    let at = |value: f64| left + axis.share(value) * WIDTH;
    drawing.line((at(0.0), top), (at(0.0), top + height), Stroke { width: 1.4, ..REFERENCE });
    for (place, ((pair, difference), [first, second])) in pairs.iter().zip(&names).enumerate() {
        let y = top + row_height * (place as f64 + 0.5);
        let of_pair = [pair.first, pair.second].into_iter().take(if is_best { 1 } else { 2 });
        for (line, _) in of_pair.enumerate().filter(|(_, number)| is_selected(stage, *number)) {
            let height = row_height / if is_best { 1.0 } else { 2.0 };
            drawing.rectangle((0.0, y - row_height / 2.0 + height * line as f64), (left - 4.0, height), SELECTED, 1.0);
        }
        let first_y = if is_best { y + 4.0 } else { y - 2.0 };
        drawing.text((left - 10.0, first_y), first, style::font(TEXT - 1.0, INK, Anchor::End));
        drawing.text((left - 10.0, y + 11.0), second, style::font(TEXT - 1.0, SOFT, Anchor::End));
        let is_different = pair.t_test.p_holm.is_some_and(|p| p < LEVEL);
        let color = if is_different { style::color(0) } else { SOFT };
        if let Some([low, high]) = pair.t_test.ci95_simultaneous {
            drawing.line((at(low), y), (at(high), y), Stroke::solid(color, 2.2));
            for end in [low, high] {
                drawing.line((at(end), y - 3.5), (at(end), y + 3.5), Stroke::solid(color, 1.4));
            }
        }
        let label = format!("p {} after Holm's correction", numbers::p_value(pair.t_test.p_holm));
        // In print, what tells them apart is that the dot is filled.
        let place = (at(*difference), y);
        if is_different {
            drawing.dot(place, 4.2, color, 1.0, Some(&label));
        } else {
            drawing.ring(place, 3.6, color, Some(&label));
        }
        let value = match pair.t_test.ci95_simultaneous {
            Some(ends) => {
                format!("{} ({})", numbers::signed_rate(pair.difference), numbers::signed_interval(Some(ends)))
            }
            None => numbers::signed_rate(pair.difference),
        };
        drawing.text((left + WIDTH + 10.0, y + 4.0), &value, style::font(TEXT - 1.0, INK, Anchor::Start));
    }
    Some(drawing)
}

fn is_selected(stage: &StageReport, number: usize) -> bool {
    facts::row(stage, number).is_some_and(|row| facts::is_selected(stage, row))
}
