//! What was trained on, and the networks.

use std::fmt::Write as _;

use super::{drawn, escape, table};
use crate::{
    aggregate::Aggregate,
    report::{
        figure,
        networks::{HEADER, Trained, about},
        wording,
    },
};

/// Some pairs of the data set.
pub(super) fn data(page: &mut String, aggregate: &Aggregate) {
    let summary = escape(&wording::dataset(&aggregate.report.dataset));
    let _ = writeln!(page, "<section id=\"data\">\n<h2>Data</h2>\n<p>{summary}.</p>\n<div class=\"wide\">");
    drawn(page, figure::digits(aggregate), "Training pairs", wording::DIGITS_CAPTION);
    page.push_str("</div>\n</section>\n");
}

/// Diagrams and tables of layers.
pub(super) fn networks(page: &mut String, trained: &[Trained<'_>]) {
    let _ = writeln!(page, "<section id=\"networks\">\n<h2>Networks</h2>\n<p>{}</p>\n<div class=\"wide\">", about());
    drawn(page, figure::networks(trained), "Networks", wording::NETWORKS_CAPTION);
    page.push_str("</div>\n");
    for (number, one) in (1..).zip(trained) {
        let title = escape(one.model.title);
        let text = escape(&format!("{}, from {}; {}.", one.model.summary, one.model.source, one.which));
        let _ = writeln!(page, "<div class=\"network\" id=\"network-{number}\">\n<h3>{title}</h3>\n<p>{text}</p>");
        // Layers have an order: nothing to sort.
        page.push_str("<div class=\"scroll\"><table class=\"layers\">\n<thead><tr>");
        for header in HEADER {
            let _ = write!(page, "<th scope=\"col\">{header}</th>");
        }
        page.push_str("</tr></thead>\n<tbody>\n");
        for row in one.rows() {
            let [part, layer, operations, output, weights] = row.map(|cell| escape(&cell));
            let class = if part.is_empty() { "" } else { " class=\"part\"" };
            let _ = writeln!(
                page,
                "<tr{class}><th scope=\"row\">{part}</th><td>{layer}</td><td>{operations}</td><td>{output}</td><td>{weights}</td></tr>"
            );
        }
        table::end(page);
        table::explained(page, &one.settings(), &[]);
        page.push_str("</div>\n");
    }
    page.push_str("</section>\n");
}
