//! A stage's configurations: their results and their hyper-parameters.

use std::fmt::Write as _;

use super::{escape, table};
use crate::{
    aggregate::document::{ConfigurationReport, StageReport},
    report::{
        csv::normalize,
        markdown::stop,
        numbers::{count_spread, interval, rate_spread},
        wording,
    },
};

/// A configuration's name as HTML: its model's title, what tells it from others, and whether it was selected.
pub(super) fn name(stage: &StageReport, row: &ConfigurationReport) -> String {
    let variant = match row.variant.as_str() {
        "" => String::new(),
        variant => format!("<small>{}</small>", escape(variant)),
    };
    format!("{}{}{variant}", escape(&row.title), mark(stage, row))
}

/// Says that the stage selected this configuration.
pub(super) fn mark(stage: &StageReport, row: &ConfigurationReport) -> &'static str {
    if wording::is_selected(stage, row) { " <span class=\"selected\">selected</span>" } else { "" }
}

/// The name of a row below its model's title, which shows where sorting takes rows away from it.
fn member(stage: &StageReport, row: &ConfigurationReport) -> String {
    let variant = if row.variant.is_empty() { "as it is" } else { &row.variant };
    let title = escape(&row.title);
    let (variant, mark) = (escape(variant), mark(stage, row));
    format!("<th scope=\"row\" class=\"member\"><span class=\"of\">{title} </span>{variant}{mark}</th>")
}

const HEADER: [&str; 7] = ["Configuration", "Error", "95 % interval", "Epochs", "AUC", "AP", "n"];

/// The stage's main table.
pub(super) fn results(page: &mut String, number: usize, stage: &StageReport) {
    let _ = writeln!(page, "<div id=\"table-{number}\">");
    table::begin(page, &format!(" aria-describedby=\"columns-{number}\""), HEADER);
    let grouped = wording::has_variants(stage);
    let rows = &stage.configurations;
    let lowest = if grouped { wording::best_of_models(stage) } else { wording::best(rows).into_iter().collect() };
    let mut group = None;
    for row in rows {
        let is_lowest =
            lowest.iter().any(|best| (!grouped || best.model == row.model) && wording::is_as_good(row, best));
        let class = if is_lowest { " class=\"lowest\"" } else { "" };
        if grouped && group.replace(row.title.as_str()) != Some(row.title.as_str()) {
            let title = escape(&row.title);
            let _ = writeln!(page, "<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"7\">{title}</th></tr>");
        }
        let short = if row.n + row.counts.skipped < row.counts.planned { " class=\"short\"" } else { "" };
        let name = if grouped { member(stage, row) } else { format!("<th scope=\"row\">{}</th>", name(stage, row)) };
        let _ = writeln!(
            page,
            "<tr{class}>{name}<td class=\"error\">{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>\
             <td{short}><a href=\"#curves-of-{number}-{}\" title=\"learning curves\">{} of {}</a></td></tr>",
            wording::unless_diverged(row, rate_spread(&row.error.spread)),
            interval(row.error.interval.ci95),
            count_spread(&row.epochs),
            wording::unless_diverged(row, rate_spread(&row.auc.spread)),
            wording::unless_diverged(row, rate_spread(&row.average_precision.spread)),
            row.number,
            row.n,
            row.counts.planned
        );
    }
    table::end(page);
    let selected = if wording::selects(stage) { " Selected: what later stages start from." } else { "" };
    let _ = writeln!(
        page,
        "<p class=\"columns\" id=\"columns-{number}\">{} Bold: the lowest mean error{}.{selected} Each n leads to its units' \
         learning curves.</p>\n</div>",
        escape(&wording::columns(stage)),
        if grouped { " of each model" } else { "" }
    );
}

/// Hyper-parameters, stopping rule and inputs of every configuration.
pub(super) fn settings(page: &mut String, number: usize, stage: &StageReport) {
    let _ = writeln!(page, "<details>\n<summary>Hyper-parameters</summary>\n<div id=\"settings-{number}\">");
    table::begin(page, "", ["Configuration", "Hyper-parameters", "Stopping rule", "Inputs"]);
    for row in &stage.configurations {
        let given: Vec<String> = row.hyperparameters.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{}</th><td class=\"words\">{}</td><td class=\"words\">{}</td><td class=\"words\">{}</td></tr>",
            name(stage, row),
            escape(&given.join(", ")),
            escape(&stop(row)),
            normalize(row)
        );
    }
    table::end(page);
    page.push_str("</div>\n</details>\n");
}
