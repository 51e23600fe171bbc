//! The figures of a report, as SVG and as PNG. Those of results are drawn per stage; a file has all stages, one below the other.
//!
//! A stage of up to eight configurations has one line each, told apart by colour and dashes. With more there is one panel
//! per model, in which the configuration of the lowest mean error stands out against the others in grey.

mod comparisons;
mod curves;
mod digits;
mod drawing;
mod errors;
mod facets;
mod learning;
mod legend;
mod losses;
mod marks;
mod networks;
mod paint;
mod panel;
mod style;
mod svg;
mod typeface;

pub(super) use comparisons::{RIVALS_MAX, comparisons};
pub(super) use curves::{precision_recall, roc};
pub(super) use digits::digits;
pub(super) use drawing::Drawing;
pub(super) use errors::{ROWS_MAX, errors};
pub(super) use facets::{crowded, facets};
pub(super) use learning::learning;
pub(super) use networks::networks;
pub use paint::PaintError;
pub(super) use svg::escape;

use super::networks::Trained;
use crate::aggregate::{Aggregate, Curves, document::StageReport};
use drawing::Anchor;
use style::{SOFT, TEXT};

/// Draws one figure of a stage; None where there is nothing to draw.
type OfStage = fn(&StageReport, &[Curves]) -> Option<Drawing>;

const HEADING: f64 = 34.0;

/// Name, title and drawing of each figure of results.
const OF_STAGES: [(&str, &str, OfStage); 5] = [
    ("errors", "error rates", errors),
    ("comparisons", "differences of error rates", comparisons),
    ("roc", "ROC curves", roc),
    ("pr", "precision-recall curves", precision_recall),
    ("learning", "learning curves", learning),
];

/// A figure that becomes files.
pub(super) struct Sheet {
    /// The files' name without its ending.
    pub(super) name: &'static str,
    /// What it shows.
    pub(super) title: String,
    pub(super) drawing: Drawing,
}

/// Every figure.
pub(super) fn sheets(aggregate: &Aggregate, trained: &[Trained<'_>]) -> Vec<Sheet> {
    let report = &aggregate.report;
    let of = format!("{} on {}", report.study, report.dataset.title);
    let sheet = |name, title: &str, drawings: &[(String, Option<Drawing>)]| Sheet {
        name,
        title: format!("{of}: {title}"),
        drawing: stacked(drawings),
    };
    let alone = |name, title: &str, drawing| sheet(name, title, &[(format!("{of}: {title}"), drawing)]);
    let of_stages = OF_STAGES.into_iter().map(|(name, title, figure)| {
        let stages = report.stages.iter().zip(&aggregate.curves);
        let drawings: Vec<_> = stages
            .map(|(stage, curves)| (format!("{of}, stage {}: {title}", stage.name), figure(stage, curves)))
            .collect();
        sheet(name, title, &drawings)
    });
    [alone("digits", "training pairs", digits(aggregate)), alone("networks", "networks", networks(trained))]
        .into_iter()
        .chain(of_stages)
        .collect()
}

/// Drawings one below the other, each below its heading.
fn stacked(drawings: &[(String, Option<Drawing>)]) -> Drawing {
    let sizes = || drawings.iter().filter_map(|(_, drawing)| drawing.as_ref());
    let headings = drawings.iter().map(|(heading, _)| 24.0 + 1.1 * drawing::text_width(heading, TEXT + 2.0));
    let width = sizes().map(|drawing| drawing.width).chain(headings).fold(0.0, f64::max);
    let height: f64 =
        drawings.iter().map(|(_, drawing)| HEADING + drawing.as_ref().map_or(HEADING, |one| one.height)).sum();
    let mut whole = Drawing::new(width, height.max(HEADING));
    let mut top = 0.0;
    for (heading, drawing) in drawings {
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
    whole
}
