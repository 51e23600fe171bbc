//! The table of contents.

use std::fmt::Write as _;

use super::escape;
use crate::{
    aggregate::document::{Report, StageReport},
    report::networks::Trained,
};

/// Each stage with its parts, then the data, the networks and the meanings.
pub(super) fn contents(page: &mut String, report: &Report, trained: &[Trained<'_>]) {
    page.push_str("<nav aria-labelledby=\"contents\">\n<h2 id=\"contents\">Contents</h2>\n<ul>\n");
    for (number, stage) in (1..).zip(&report.stages) {
        let _ = write!(page, "<li><a href=\"#stage-{number}\">Stage {}</a><ul>", escape(&stage.name));
        for (part, title) in parts(stage) {
            let _ = write!(page, "<li><a href=\"#{part}-{number}\">{title}</a></li>");
        }
        page.push_str("</ul></li>\n");
    }
    page.push_str("<li><a href=\"#data\">Data</a></li>\n<li><a href=\"#networks\">Networks</a><ul>");
    for (number, one) in (1..).zip(trained) {
        let _ = write!(page, "<li><a href=\"#network-{number}\">{}</a></li>", escape(one.model.title));
    }
    page.push_str("</ul></li>\n<li><a href=\"#meaning\">What the numbers mean</a></li>\n</ul>\n</nav>\n");
}

/// What their ids begin with, and how they are called.
fn parts(stage: &StageReport) -> Vec<(&'static str, &'static str)> {
    let parts = [
        ("table", "results"),
        ("errors", "error rates"),
        ("references", "references"),
        ("comparisons", "comparisons"),
        ("curves", "ROC and precision-recall"),
        ("areas", "areas under them"),
        ("learning", "learning curves"),
        ("unit-curves", "single units' curves"),
        ("settings", "hyper-parameters"),
        ("units", "every unit"),
    ];
    parts.into_iter().filter(|(part, _)| *part != "references" || !stage.references.is_empty()).collect()
}
