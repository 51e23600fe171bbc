//! Colours, dashes and sizes that all figures share.

use super::drawing::{Anchor, Color, Font, Stroke};
use crate::report::shown_and_best_rows::STYLES;

/// Okabe and Ito's palette, which the colour-blind can tell apart, without its yellow (too pale on paper) and with grey
/// instead. Dashes tell the lines apart in greyscale.
const LINES: [(Color, &[f64]); STYLES] = [
    (Color(0x00, 0x72, 0xb2), &[]),
    (Color(0xd5, 0x5e, 0x00), &[7.0, 3.0]),
    (Color(0x00, 0x9e, 0x73), &[2.0, 2.0]),
    (Color(0xcc, 0x79, 0xa7), &[9.0, 3.0, 2.0, 3.0]),
    (Color(0x00, 0x00, 0x00), &[4.0, 2.0]),
    (Color(0xe6, 0x9f, 0x00), &[12.0, 3.0]),
    (Color(0x56, 0xb4, 0xe9), &[6.0, 2.0, 1.5, 2.0, 1.5, 2.0]),
    (Color(0x76, 0x76, 0x76), &[1.0, 2.5]),
];

pub(super) const INK: Color = Color::grey(0x22);
pub(super) const SOFT: Color = Color::grey(0x5a);
pub(super) const GRID: Color = Color::grey(0xe4);
pub(super) const AXIS: Color = Color::grey(0x8a);
/// Lines that stand behind the one that matters.
pub(super) const BACKGROUND: Color = Color::grey(0xa8);

/// Behind the row of what a stage selected.
pub(super) const SELECTED: Color = Color(0xe3, 0xee, 0xf8);

/// The colour of a stage's `index`th configuration.
pub(super) fn color(index: usize) -> Color {
    LINES[index % STYLES].0
}

/// The line of a stage's `index`th configuration.
pub(super) fn stroke(index: usize) -> Stroke {
    let (color, dashes) = LINES[index % STYLES];
    Stroke { color, width: 1.8, dashes, opacity: 1.0 }
}

/// A chance level or another line of reference.
pub(super) const REFERENCE: Stroke = Stroke { color: AXIS, width: 1.0, dashes: &[3.0, 3.0], opacity: 1.0 };

pub(super) const fn font(size: f64, color: Color, anchor: Anchor) -> Font {
    Font { size, color, anchor, bold: false }
}

pub(super) const fn bold(size: f64, anchor: Anchor) -> Font {
    Font { size, color: INK, anchor, bold: true }
}

/// Size of a figure's text.
pub(super) const TEXT: f64 = 12.0;
/// Size of the numbers beside an axis.
pub(super) const TICK_TEXT: f64 = 11.0;
