//! The figures of a report, drawn as SVG. Each is drawn per stage; a file has all stages, one below the other.
//!
//! A stage of up to eight configurations has one line each, told apart by colour and dashes. With more there is one panel
//! per model, in which the configuration of the lowest mean error stands out against the others in grey.

mod comparisons;
mod curves;
mod errors;
mod facets;
mod learning;
mod legend;
mod panel;
mod style;
mod svg;

pub(super) use comparisons::{RIVALS_MAX, comparisons};
pub(super) use curves::{precision_recall, roc};
pub(super) use errors::{ROWS_MAX, errors};
pub(super) use facets::{crowded, facets};
pub(super) use learning::learning;
pub(super) use svg::{Drawing, escape};

use crate::aggregate::{Aggregate, Curves, document::StageReport};
use style::{SOFT, TEXT};
use svg::Anchor;

/// Draws one figure of a stage; None where there is nothing to draw.
pub(super) type Figure = fn(&StageReport, &[Curves]) -> Option<Drawing>;

const HEADING: f64 = 34.0;

/// A figure's file: each stage's drawing below a heading that names stage, study and data set.
pub(super) fn file(aggregate: &Aggregate, title: &str, figure: Figure) -> String {
    let report = &aggregate.report;
    let drawings: Vec<(String, Option<Drawing>)> = report
        .stages
        .iter()
        .zip(&aggregate.curves)
        .map(|(stage, curves)| {
            let heading = format!("{} on {}, stage {}: {title}", report.study, report.dataset.title, stage.name);
            (heading, figure(stage, curves))
        })
        .collect();
    let sizes = || drawings.iter().filter_map(|(_, drawing)| drawing.as_ref());
    let headings = drawings.iter().map(|(heading, _)| 24.0 + 1.1 * svg::text_width(heading, TEXT + 2.0));
    let width = sizes().map(|drawing| drawing.width).chain(headings).fold(0.0, f64::max);
    let height: f64 =
        drawings.iter().map(|(_, drawing)| HEADING + drawing.as_ref().map_or(HEADING, |one| one.height)).sum();
    let mut whole = Drawing::new(width, height);
    let mut top = 0.0;
    for (heading, drawing) in &drawings {
        whole.text((12.0, top + 22.0), heading, style::bold(TEXT + 2.0, Anchor::Start));
        top += HEADING;
        match drawing {
            Some(drawing) => {
                whole.place((0.0, top), drawing);
                top += drawing.height;
            }
            None => {
                whole.text((12.0, top + 16.0), "nothing to draw yet", style::font(TEXT, SOFT, Anchor::Start));
                top += HEADING;
            }
        }
    }
    whole.document(&format!("{} on {}: {title}", report.study, report.dataset.title))
}
