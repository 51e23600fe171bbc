//! The sections that set configurations beside each other, beside references, and their areas side by side.

use std::fmt::Write as _;

use super::{drawn, escape};
use crate::{
    aggregate::{
        Curves,
        document::{Against, ReferenceReport, StageReport, Verdict},
    },
    report::{areas, compared, figure, referenced},
};

/// Rows that are shown at once; the rest of a longer table opens on demand.
const ROWS_OPEN_MAX: usize = 30;

/// The spec's references beside what was found; nothing where there are none.
pub(super) fn references(page: &mut String, number: usize, stage: &StageReport) {
    if stage.references.is_empty() {
        return;
    }
    let summary = escape(&referenced::summary(stage));
    let _ = writeln!(page, "<div id=\"references-{number}\">\n<h3>Next to the references</h3>\n<p>{summary}</p>");
    // The source stands below the name.
    let [name, _, numbers @ ..] = &referenced::HEADER;
    head(page, std::iter::once(name).chain(numbers));
    for reference in &stage.references {
        let [name, source, numbers @ ..] = referenced::cells(stage, reference).map(|cell| escape(&cell));
        let _ = write!(page, "<tr><th scope=\"row\">{name}<small>{source}</small></th>");
        for (index, cell) in numbers.iter().enumerate() {
            let class = if index + 1 == numbers.len() { class(reference) } else { "" };
            let _ = write!(page, "<td{class}>{cell}</td>");
        }
        page.push_str("</tr>\n");
    }
    foot(page, &referenced::columns(stage), &referenced::remarks(stage));
    page.push_str("</div>\n");
}

fn class(reference: &ReferenceReport) -> &'static str {
    match reference.verdict {
        Some(Verdict::Differs) => " class=\"short\"",
        Some(Verdict::Within) | None => "",
    }
}

/// Every pair that is compared, as figure and table.
pub(super) fn comparisons(page: &mut String, number: usize, stage: &StageReport, curves: &[Curves], caption: &str) {
    let which = escape(&compared::which(stage));
    let _ = writeln!(page, "<div class=\"wide\" id=\"comparisons-{number}\">\n<h3>Comparisons</h3>\n<p>{which}</p>");
    let pairs = &stage.comparisons.pairs;
    if !pairs.is_empty() {
        drawn(page, figure::comparisons(stage, curves), "Differences of error rates", caption);
        let long = pairs.len() > ROWS_OPEN_MAX;
        if long {
            let _ = writeln!(page, "<details>\n<summary>All {} comparisons</summary>", pairs.len());
        }
        // The second stands below the first; where it is always the best one, the text above has named it.
        let is_best = stage.comparisons.against == Against::Best;
        let [_, _, numbers @ ..] = &compared::HEADER;
        head(page, std::iter::once(if is_best { &"Configuration" } else { &"Pair" }).chain(numbers));
        for pair in pairs {
            let [first, second, numbers @ ..] = compared::cells(stage, pair).map(|cell| escape(&cell));
            let second = if is_best { String::new() } else { format!("<small>− {second}</small>") };
            let _ = write!(page, "<tr><th scope=\"row\">{first}{second}</th>");
            for cell in numbers {
                let _ = write!(page, "<td>{cell}</td>");
            }
            page.push_str("</tr>\n");
        }
        foot(page, &compared::columns(stage), &compared::remarks(stage));
        if long {
            page.push_str("</details>\n");
        }
    }
    page.push_str("</div>\n");
}

/// Areas under the curves.
pub(super) fn areas(page: &mut String, stage: &StageReport) {
    page.push_str("<details>\n<summary>Areas under the curves</summary>\n");
    head(page, &areas::HEADER);
    for row in &stage.configurations {
        let [name, numbers @ ..] = areas::cells(row).map(|cell| escape(&cell));
        let _ = write!(page, "<tr><th scope=\"row\">{name}</th>");
        for cell in numbers {
            let _ = write!(page, "<td>{cell}</td>");
        }
        page.push_str("</tr>\n");
    }
    foot(page, &areas::columns(stage), &[]);
    page.push_str("</details>\n");
}

fn head<'a>(page: &mut String, header: impl IntoIterator<Item = &'a &'static str>) {
    page.push_str("<div class=\"scroll\"><table>\n<thead><tr>");
    for cell in header {
        let _ = write!(page, "<th scope=\"col\">{}</th>", escape(cell));
    }
    page.push_str("</tr></thead>\n<tbody>\n");
}

fn foot(page: &mut String, columns: &str, remarks: &[String]) {
    let _ = writeln!(page, "</tbody>\n</table></div>\n<p class=\"columns\">{}</p>", escape(columns));
    if !remarks.is_empty() {
        page.push_str("<div class=\"notice remark\">\n");
        for remark in remarks {
            let _ = writeln!(page, "<p>{}</p>", escape(remark));
        }
        page.push_str("</div>\n");
    }
}
