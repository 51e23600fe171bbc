//! The figures of a report, as SVG and as PNG: one file a stage.
//!
//! A stage of up to eight configurations has one line each, told apart by colour and dashes. With more there is one panel
//! per model, in which the configuration of the lowest mean error stands out against the others in grey.

mod axes;
mod comparisons;
mod curves;
mod digits;
mod drawing;
mod errors;
mod forest;
mod learning;
mod legend;
mod losses;
mod marks;
mod networks;
mod paint;
mod panel;
mod sample;
mod style;
mod svg;
mod typeface;
mod units;

pub(super) use axes::axes;
pub(super) use comparisons::{RIVALS_MAX, comparisons};
pub(super) use curves::{precision_recall, roc};
pub(super) use digits::digits;
pub(super) use drawing::Drawing;
pub(super) use errors::{ROWS_MAX, errors};
pub(super) use learning::learning;
pub(super) use networks::networks;
pub use paint::PaintError;
pub(super) use sample::{DOTS_MAX, LINES_MAX};
pub(super) use svg::escape;
pub(super) use units::Scale;
