//! The figures of a report, as SVG and as PNG: one file a stage.
//!
//! A stage of up to eight configurations has one line each, told apart by colour and dashes. With more there is one panel
//! per model, in which the configuration of the lowest mean error stands out against the others in grey.

mod axis_and_ticks;
mod comparable_losses;
mod comparisons;
mod digits;
mod dots_and_lines_limit;
mod drawing;
mod error_rates;
mod forest;
mod learning_curves;
mod legend;
mod line_markers;
mod metric_against_hyperparameter;
mod networks;
mod png;
mod roc_and_precision_recall;
mod style;
mod svg;
mod typeface;
mod unit_learning_curves;

pub(super) use comparisons::{Shown, comparisons, shown as shown_comparisons};
pub(super) use digits::digits;
pub(super) use dots_and_lines_limit::{DOTS_MAX, LINES_MAX};
pub(super) use drawing::Drawing;
pub(super) use error_rates::{ROWS_MAX, errors};
pub(super) use learning_curves::learning;
pub(super) use metric_against_hyperparameter::axes;
pub(super) use networks::networks;
pub use png::PaintError;
pub(super) use roc_and_precision_recall::{precision_recall, roc};
pub(super) use svg::Text;
pub(super) use unit_learning_curves::Scale;
