//! The sections that set configurations beside each other, beside references, and their areas side by side.

use std::fmt::Write as _;

use super::{drawn, escape, results::mark, table};
use crate::{
    aggregate::{
        Curves,
        document::{Against, ReferenceReport, StageReport, Verdict},
    },
    report::{areas, compared, draws, figure, referenced},
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
    table::begin(page, "", std::iter::once(name).chain(numbers).copied());
    for reference in &stage.references {
        let [name, source, numbers @ ..] = referenced::cells(stage, reference).map(|cell| escape(&cell));
        let _ = write!(page, "<tr><th scope=\"row\">{name}<small>{source}</small></th>");
        for (index, cell) in numbers.iter().enumerate() {
            let class = if index + 1 == numbers.len() { class(reference) } else { "" };
            let _ = write!(page, "<td{class}>{cell}</td>");
        }
        page.push_str("</tr>\n");
    }
    table::end(page);
    table::explained(page, &referenced::columns(stage), &referenced::remarks(stage));
    page.push_str("</div>\n");
}

fn class(reference: &ReferenceReport) -> &'static str {
    match reference.verdict {
        Some(Verdict::Differs) => " class=\"short\"",
        Some(Verdict::Within | Verdict::Equivalent | Verdict::TooUncertain) | None => "",
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
        let first = if is_best { "Configuration" } else { "Pair" };
        table::begin(page, "", std::iter::once(first).chain(numbers.iter().copied()));
        for pair in pairs {
            let [first, second, numbers @ ..] = compared::cells(stage, pair);
            let first = escape(&first);
            let second = if is_best { String::new() } else { format!("<small>− {}</small>", escape(&second)) };
            table::row(page, &format!("{first}{second}"), &numbers);
        }
        table::end(page);
        table::explained(page, &compared::columns(stage), &compared::remarks(stage));
        if long {
            page.push_str("</details>\n");
        }
    }
    page.push_str("</div>\n");
}

/// Several draws of the data; nothing where there is one.
pub(super) fn draws(page: &mut String, stage: &StageReport) {
    if !draws::are_several(stage) {
        return;
    }
    page.push_str("<div>\n<h3>Draws of the data</h3>\n");
    table::begin(page, "", draws::HEADER);
    for row in &stage.configurations {
        let [name, numbers @ ..] = draws::cells(row);
        table::row(page, &format!("{}{}", escape(&name), mark(stage, row)), &numbers);
    }
    table::end(page);
    table::explained(page, &draws::columns(stage), &[]);
    page.push_str("</div>\n");
}

/// The ensembles of the seeds.
pub(super) fn areas(page: &mut String, number: usize, stage: &StageReport) {
    let _ = writeln!(page, "<details>\n<summary>{}</summary>\n<div id=\"areas-{number}\">", areas::TITLE);
    table::begin(page, "", areas::HEADER);
    for row in &stage.configurations {
        let [name, numbers @ ..] = areas::cells(row);
        table::row(page, &format!("{}{}", escape(&name), mark(stage, row)), &numbers);
    }
    table::end(page);
    table::explained(page, &areas::columns(stage), &[]);
    page.push_str("</div>\n</details>\n");
}
