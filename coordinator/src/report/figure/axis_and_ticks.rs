//! A pair of axes: scales, ticks, grid and labels.

use super::{
    drawing::{Anchor, Drawing, Stroke},
    style::{self, AXIS, GRID, INK, SOFT, TEXT, TICK_TEXT},
};

/// Factors of a power of ten that make round steps, with the decimals that each needs.
const ROUND: [(f64, i32); 4] = [(1.0, 0), (2.0, 0), (2.5, 1), (5.0, 0)];

/// One axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    pub(super) label: String,
    low: f64,
    high: f64,
    ticks: Vec<f64>,
    decimals: usize,
}

impl Axis {
    /// From 0 to 1 in steps of 0.2.
    pub(super) fn unit(label: &str) -> Self {
        let ticks = (0..=5).map(|tick| f64::from(tick) / 5.0).collect();
        Self { label: label.to_owned(), low: 0.0, high: 1.0, ticks, decimals: 1 }
    }

    /// From `low` to `high` or a little beyond, with some six round ticks inside.
    pub(super) fn around(label: &str, low: f64, high: f64) -> Self {
        let range = if high > low { high - low } else { 1.0 };
        let (magnitude, exponent) = magnitude(range / 6.0);
        let fraction = range / 6.0 / magnitude;
        let (factor, digits) = ROUND.into_iter().find(|(round, _)| fraction <= *round).unwrap_or((10.0, -1));
        let step = magnitude * factor;
        let first = (low / step).ceil() as i64;
        let last = ((low + range) / step + 1e-9).floor() as i64;
        let decimals = (digits - exponent).clamp(0, 12) as usize;
        let ticks = (first..=last).map(|tick| tick as f64 * step).collect();
        Self { label: label.to_owned(), low, high: low + range, ticks, decimals }
    }

    /// As [`Self::around`], with some room on both sides, but not below `least`.
    pub(super) fn roomy(label: &str, [low, high]: [f64; 2], least: f64) -> Self {
        let room = 0.04 * (high - low).max(0.01);
        Self::around(label, (low - room).max(least), high + room)
    }

    /// From `low` to `high` without ticks and label, which whoever draws it adds below.
    pub(super) fn bare(low: f64, high: f64) -> Self {
        Self { label: String::new(), low, high, ticks: Vec::new(), decimals: 0 }
    }

    /// Where a value lies: 0 at the low end, 1 at the high end.
    pub(super) fn share(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }

    /// A value so far above the high end that a line to it looks as one to any higher value.
    pub(super) fn beyond(&self) -> f64 {
        self.high + 50.0 * (self.high - self.low)
    }

    /// Draws the axis under an area, with a grid line over the area at each tick.
    pub(super) fn draw_below(&self, drawing: &mut Drawing, corner: (f64, f64), size: (f64, f64)) {
        let (left, top) = corner;
        let bottom = top + size.1;
        for &tick in &self.ticks {
            let x = left + self.share(tick) * size.0;
            drawing.line((x, top), (x, bottom), Stroke::solid(GRID, 1.0));
            let label = format!("{tick:.*}", self.decimals).replace('-', "−");
            drawing.text((x, bottom + 16.0), &label, style::font(TICK_TEXT, SOFT, Anchor::Middle));
        }
        drawing.line((left, bottom), (left + size.0, bottom), Stroke::solid(AXIS, 1.0));
        drawing.text((left + size.0 / 2.0, bottom + 34.0), &self.label, style::font(TEXT, INK, Anchor::Middle));
    }
}

/// The largest power of ten that is at most `value`, and its exponent. By products and quotients alone, which are the same on every
/// machine; logarithms are not.
fn magnitude(value: f64) -> (f64, i32) {
    let (mut power, mut exponent) = (1.0, 0);
    while power * 10.0 <= value && exponent < 300 {
        (power, exponent) = (power * 10.0, exponent + 1);
    }
    while power > value && exponent > -300 {
        (power, exponent) = (power / 10.0, exponent - 1);
    }
    (power, exponent)
}

/// Axes around an area of `width` x `height` pixels.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Panel {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) x: Axis,
    pub(super) y: Axis,
    /// Above the area; may be empty.
    pub(super) title: String,
}

impl Panel {
    /// Room that ticks and labels take on the left of the area, above it, on its right and below it.
    pub(super) const LEFT: f64 = 54.0;
    pub(super) const RIGHT: f64 = 16.0;
    pub(super) const BELOW: f64 = 42.0;

    pub(super) fn above(&self) -> f64 {
        if self.title.is_empty() { 10.0 } else { 28.0 }
    }

    /// Width and height with all its labels.
    pub(super) fn outer(&self) -> (f64, f64) {
        (Self::LEFT + self.width + Self::RIGHT, self.above() + self.height + Self::BELOW)
    }

    /// Where a point lies inside the area.
    pub(super) fn at(&self, x: f64, y: f64) -> (f64, f64) {
        (self.x.share(x) * self.width, (1.0 - self.y.share(y)) * self.height)
    }

    /// Draws axes and, cut off at the area's edge, `content`, which is in the area's own pixels.
    pub(super) fn draw(&self, content: &Drawing) -> Drawing {
        let (width, height) = self.outer();
        let (left, top) = (Self::LEFT, self.above());
        let (right, bottom) = (left + self.width, top + self.height);
        let mut drawing = Drawing::new(width, height);
        if !self.title.is_empty() {
            drawing.text((left, 16.0), &self.title, style::bold(TEXT + 1.0, Anchor::Start));
        }
        self.x.draw_below(&mut drawing, (left, top), (self.width, self.height));
        for &tick in &self.y.ticks {
            let y = top + (1.0 - self.y.share(tick)) * self.height;
            drawing.line((left, y), (right, y), Stroke::solid(GRID, 1.0));
            let label = format!("{tick:.*}", self.y.decimals);
            drawing.text((left - 7.0, y + 4.0), &label, style::font(TICK_TEXT, SOFT, Anchor::End));
        }
        drawing.line((left, top), (left, bottom), Stroke::solid(AXIS, 1.0));
        drawing.clipped((left, top), content);
        let label = style::font(TEXT, INK, Anchor::Middle);
        drawing.upward_text((14.0, top + self.height / 2.0), &self.y.label, label);
        drawing
    }

    /// An empty drawing of the area's size, for [`Self::draw`].
    pub(super) fn content(&self) -> Drawing {
        Drawing::new(self.width, self.height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let axis = Axis::around("", 0.0, 0.47);
        assert_eq!(
            axis.ticks.iter().map(|tick| format!("{tick:.*}", axis.decimals)).collect::<Vec<_>>(),
            ["0.0", "0.1", "0.2", "0.3", "0.4"]
        );
        let axis = Axis::around("", 1.0, 137.0);
        assert_eq!(axis.ticks, [25.0, 50.0, 75.0, 100.0, 125.0]);
        assert_eq!(Axis::around("", 0.0, 12.0).ticks, [0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0]);
        assert_eq!(axis.decimals, 0);
    }

    #[test]
    fn an_axis_of_no_length_is_drawn_all_the_same() {
        let axis = Axis::around("", 0.0, 0.0);
        assert!(axis.ticks.len() > 2 && axis.share(0.0) == 0.0);
    }
}
