//! Learning curves of single units: small drawings, of which a page has thousands, so they are written as short SVG at once.

use std::fmt::Write as _;

use seedgrid_common::training::EpochMetrics;

use crate::aggregate::UnitReport;

/// The small panels of a configuration: the loss on the left, errors on the right.
pub(in crate::report) struct Scale {
    last: u32,
    loss: f64,
    error: f64,
}

/// Size of a panel and where its corners are; the drawing is shown at half this size.
const WIDTH: f64 = 200.0;
const HEIGHT: f64 = 140.0;
const LEFT: [f64; 2] = [66.0, 346.0];
const TOP: f64 = 12.0;

impl Scale {
    /// From the units that did not diverge; where all did, from their first losses.
    pub(in crate::report) fn from_units(units: &[UnitReport]) -> Self {
        let units = || units.iter().filter(|unit| unit.has_result());
        let done: Vec<&UnitReport> = units().filter(|unit| !unit.is_diverged()).collect();
        let highest = |value: fn(&EpochMetrics) -> f64| {
            let of_done = done.iter().flat_map(|unit| &unit.history);
            let first = units().filter_map(|unit| unit.history.first()).filter(|_| done.is_empty());
            of_done.chain(first).map(value).filter(|value| value.is_finite()).fold(0.0, f64::max)
        };
        let or_one = |value: f64| if value > 0.0 { value } else { 1.0 };
        Self {
            last: units().filter_map(|unit| unit.epochs).max().unwrap_or(1).max(2),
            loss: or_one(highest(|one| one.train_loss)),
            error: or_one(highest(|one| one.train_error.max(one.validation_error.unwrap_or_default()))),
        }
    }

    /// A drawing of one unit, as short as can be: there may be thousands.
    pub(in crate::report) fn svg(&self, epochs: &[EpochMetrics]) -> String {
        let mut svg = String::new();
        let page = &mut svg;
        page.push_str("<svg viewBox=\"0 0 560 190\" aria-hidden=\"true\">");
        let bottom = TOP + HEIGHT;
        let frames = LEFT.map(|left| format!("M{left} {TOP}v{HEIGHT}h{WIDTH}")).concat();
        let _ = write!(page, "<path class=\"f\" d=\"{frames}\"/>");
        for (left, top, word) in [(LEFT[0], self.loss, "loss"), (LEFT[1], self.error, "error")] {
            let (right, below, beside) = (left + WIDTH, bottom + 24.0, left - 8.0);
            let _ = write!(
                page,
                "<text x=\"{left}\" y=\"{below}\">1</text><text class=\"e\" x=\"{right}\" y=\"{below}\">{}</text>\
                 <text class=\"e\" x=\"{beside}\" y=\"{}\">{}</text><text class=\"e\" x=\"{beside}\" y=\"{bottom}\">0</text>\
                 <text class=\"e\" x=\"{right}\" y=\"28\">{word}</text>",
                self.last,
                TOP + 14.0,
                two_digits(top)
            );
        }
        self.line(page, "l", LEFT[0], self.loss, epochs, |one| Some(one.train_loss));
        self.line(page, "t", LEFT[1], self.error, epochs, |one| Some(one.train_error));
        self.line(page, "v", LEFT[1], self.error, epochs, |one| one.validation_error);
        page.push_str("</svg>");
        svg
    }

    /// A path of whole steps, each from the point before it.
    fn line(
        &self,
        page: &mut String,
        class: &str,
        left: f64,
        top: f64,
        epochs: &[EpochMetrics],
        value: fn(&EpochMetrics) -> Option<f64>,
    ) {
        let place = |one: &EpochMetrics| {
            let share = f64::from(one.epoch.saturating_sub(1)) / f64::from(self.last - 1);
            // A diverging loss leaves through the top.
            let height = (value(one)? / top).clamp(0.0, 20.0);
            Some(((left + WIDTH * share).round() as i64, (TOP + HEIGHT * (1.0 - height)).round() as i64))
        };
        let edge = TOP.round() as i64;
        let mut points: Vec<(i64, i64)> = epochs.iter().filter_map(place).collect();
        points.dedup();
        let Some(&(mut x, mut y)) = points.first() else { return };
        let mut leaves = if y < edge { vec![x] } else { Vec::new() };
        let _ = write!(page, "<path class=\"{class}\" d=\"m{x} {y}");
        if points.len() == 1 {
            // A line without length shows as a dot.
            page.push_str("h0");
        }
        for (next_x, next_y) in points.into_iter().skip(1) {
            let (right, down) = (next_x - x, next_y - y);
            let _ = write!(page, "{}{right}{}{down}", separator(right), separator(down));
            if y >= edge && next_y < edge {
                leaves.push(x + right * (y - edge) / (y - next_y));
            }
            (x, y) = (next_x, next_y);
        }
        // Marks where it goes on above.
        for at in leaves {
            let _ = write!(page, "M{} {}l6-9 6 9", at - 6, edge + 9);
        }
        page.push_str("\"/>");
    }
}

/// A minus sign separates by itself.
fn separator(number: i64) -> &'static str {
    if number < 0 { "" } else { " " }
}

/// "0.69", "1.9", "0.043".
fn two_digits(value: f64) -> String {
    let decimals = [10.0, 1.0, 0.1, 0.01, 0.001].into_iter().take_while(|limit| value < *limit).count();
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::two_digits;

    #[test]
    fn the_top_of_an_axis_has_two_digits() {
        assert_eq!([12.3, 1.92, 0.693, 0.0431].map(two_digits), ["12", "1.9", "0.69", "0.043"]);
    }
}
