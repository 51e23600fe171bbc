//! Colours, dashes and sizes that all figures share.

use super::svg::{Anchor, Font, Stroke};

/// Most configurations that get a line style of their own. Above it, figures show one panel per model.
pub(super) const STYLES: usize = 8;

/// Okabe and Ito's palette, which the colour-blind can tell apart, without its yellow (too pale on paper) and with grey
/// instead. Dashes tell the lines apart in greyscale.
const LINES: [(&str, &str); STYLES] = [
    ("#0072B2", ""),
    ("#D55E00", "7 3"),
    ("#009E73", "2 2"),
    ("#CC79A7", "9 3 2 3"),
    ("#000000", "4 2"),
    ("#E69F00", "12 3"),
    ("#56B4E9", "6 2 1.5 2 1.5 2"),
    ("#767676", "1 2.5"),
];

pub(super) const INK: &str = "#222";
pub(super) const SOFT: &str = "#5a5a5a";
pub(super) const GRID: &str = "#e4e4e4";
pub(super) const AXIS: &str = "#8a8a8a";
/// Lines that stand behind the one that matters.
pub(super) const BACKGROUND: &str = "#a8a8a8";

/// The colour of a stage's `index`th configuration.
pub(super) fn color(index: usize) -> &'static str {
    LINES[index % STYLES].0
}

/// The line of a stage's `index`th configuration.
pub(super) fn stroke(index: usize) -> Stroke {
    let (color, dashes) = LINES[index % STYLES];
    Stroke { color, width: 1.8, dashes, opacity: 1.0 }
}

/// A chance level or another line of reference.
pub(super) const REFERENCE: Stroke = Stroke { color: AXIS, width: 1.0, dashes: "3 3", opacity: 1.0 };

pub(super) const fn font(size: f64, color: &'static str, anchor: Anchor) -> Font {
    Font { size, color, anchor, bold: false }
}

pub(super) const fn bold(size: f64, anchor: Anchor) -> Font {
    Font { size, color: INK, anchor, bold: true }
}

/// Size of a figure's text.
pub(super) const TEXT: f64 = 12.0;
/// Size of the numbers beside an axis.
pub(super) const TICK_TEXT: f64 = 11.0;
