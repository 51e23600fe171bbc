//! report.html: one file that needs no other, for a screen and for paper.

mod compared;

use std::fmt::Write as _;

use super::{
    csv::normalize,
    figure::{self, Drawing, escape},
    markdown::stop,
    notices::{self, Notice, Weight},
    numbers::{NONE, count_spread, interval, rate, rate_spread},
    raced,
    terminal::progress,
    wording,
};
use crate::aggregate::{
    Aggregate, Curves,
    document::{ConfigurationReport, Report, StageReport, UnitReport},
};

/// The whole page.
pub(super) fn page(aggregate: &Aggregate) -> String {
    let report = &aggregate.report;
    let mut page = head(report);
    contents(&mut page, report);
    for (number, (stage, curves)) in report.stages.iter().zip(&aggregate.curves).enumerate() {
        section(&mut page, number + 1, stage, curves);
    }
    meaning(&mut page);
    let _ = write!(
        page,
        "<footer><p>Data set digest <code>{}</code>. The numbers with every digit are in report.json and the CSV files beside this \
         page; who trained what, where, when and how long is in provenance.json.</p></footer>\n</main>\n</body>\n</html>\n",
        escape(&report.dataset.drawn.digest)
    );
    page
}

fn head(report: &Report) -> String {
    let title = escape(&wording::title(report));
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n<style>\n{}</style>\n\
         </head>\n<body>\n<main>\n<h1>{} <small>on {}</small></h1>\n<p class=\"lead\">{}. {}.</p>\n",
        include_str!("page.css"),
        escape(&report.study),
        escape(&report.dataset.title),
        escape(&wording::dataset(&report.dataset)),
        progress(&report.counts),
    );
    notice_box(&mut page, notices::of_report(report));
    page
}

fn contents(page: &mut String, report: &Report) {
    page.push_str("<nav aria-label=\"Contents\"><ul>\n");
    for (number, stage) in (1..).zip(&report.stages) {
        let _ = write!(page, "<li><a href=\"#stage-{number}\">Stage {}</a><ul>", escape(&stage.name));
        let parts = ["table", "errors", "references", "comparisons", "curves", "learning"];
        for part in parts.iter().filter(|part| **part != "references" || !stage.references.is_empty()) {
            let _ = write!(page, "<li><a href=\"#{part}-{number}\">{part}</a></li>");
        }
        page.push_str("</ul></li>\n");
    }
    page.push_str("<li><a href=\"#meaning\">What the numbers mean</a></li>\n</ul></nav>\n");
}

fn section(page: &mut String, number: usize, stage: &StageReport, curves: &[Curves]) {
    let _ = writeln!(
        page,
        "<section id=\"stage-{number}\">\n<h2>Stage {}</h2>\n<p>{}</p>",
        escape(&stage.name),
        escape(&wording::evaluation(stage))
    );
    if let Some(best) = wording::best_sentence(stage) {
        let _ = writeln!(page, "<p class=\"best\">{}</p>", escape(&best));
    }
    notice_box(page, notices::of_stage(stage));
    results(page, number, stage);
    raced::in_html(page, stage);
    let captions = wording::captions(stage);
    // One panel per model needs the page's width; single panels stand side by side.
    let (curves_class, errors_class) = if figure::crowded(stage) { ("wide", "wide") } else { ("pair", "wide") };
    let _ = writeln!(page, "<div class=\"{errors_class}\" id=\"errors-{number}\">");
    drawn(page, figure::errors(stage, curves), "Error rates", &captions.errors);
    page.push_str("</div>\n");
    compared::references(page, number, stage);
    compared::comparisons(page, number, stage, curves, &captions.comparisons);
    let _ = writeln!(page, "<h3>Curves</h3>\n<div class=\"{curves_class}\" id=\"curves-{number}\">");
    drawn(page, figure::roc(stage, curves), "ROC curves", &captions.roc);
    drawn(page, figure::precision_recall(stage, curves), "Precision-recall curves", &captions.precision_recall);
    page.push_str("</div>\n");
    compared::areas(page, stage);
    let _ = writeln!(page, "<div class=\"wide\" id=\"learning-{number}\">");
    drawn(page, figure::learning(stage, curves), "Learning curves", &captions.learning);
    page.push_str("</div>\n");
    settings(page, stage);
    units(page, stage);
    page.push_str("</section>\n");
}

fn notice_box(page: &mut String, notices: impl IntoIterator<Item = Notice>) {
    let notices: Vec<Notice> = notices.into_iter().collect();
    for weight in Weight::ALL {
        let class = match weight {
            Weight::Incomplete => "incomplete",
            Weight::LeftOut => "left-out",
            Weight::Remark => "remark",
        };
        let mut texts = notices.iter().filter(|notice| notice.weight == weight).peekable();
        if texts.peek().is_some() {
            let _ = writeln!(page, "<div class=\"notice {class}\">");
            for notice in texts {
                let _ = writeln!(page, "<p><strong>{}.</strong> {}</p>", weight.word(), escape(&notice.text));
            }
            page.push_str("</div>\n");
        }
    }
}

fn name(row: &ConfigurationReport) -> String {
    let variant =
        if row.variant.is_empty() { String::new() } else { format!("<small>{}</small>", escape(&row.variant)) };
    format!("<th scope=\"row\">{}{variant}</th>", escape(&row.title))
}

fn results(page: &mut String, number: usize, stage: &StageReport) {
    let _ = writeln!(
        page,
        "<div class=\"scroll\" id=\"table-{number}\">\n<table aria-describedby=\"columns-{number}\">\n<thead><tr><th scope=\"col\">Configuration</th>\
         <th scope=\"col\">Error</th><th scope=\"col\">95 % interval</th><th scope=\"col\">Epochs</th>\
         <th scope=\"col\">Averaged<br>prediction</th><th scope=\"col\">AUC</th><th scope=\"col\">AP</th>\
         <th scope=\"col\">n</th></tr></thead>\n<tbody>"
    );
    let grouped = wording::has_variants(stage);
    let lowest = if grouped { wording::best_of_models(stage) } else { wording::best(stage).into_iter().collect() };
    let mut group = None;
    for row in &stage.configurations {
        let is_lowest = lowest.iter().any(|best| best.number == row.number && best.error.spread.mean.is_some());
        let class = if is_lowest { " class=\"lowest\"" } else { "" };
        if grouped && group.replace(row.title.as_str()) != Some(row.title.as_str()) {
            let _ = writeln!(
                page,
                "<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"8\">{}</th></tr>",
                escape(&row.title)
            );
        }
        let short = if row.n + row.counts.skipped < row.counts.planned { " class=\"short\"" } else { "" };
        let _ = writeln!(
            page,
            "<tr{class}>{}<td class=\"error\">{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>\
             <td{short}>{} of {}</td></tr>",
            if grouped { member(row) } else { name(row) },
            rate_spread(&row.error.spread),
            interval(row.error.ci95),
            count_spread(&row.epochs),
            rate(row.averaged.error),
            rate(row.roc.auc),
            rate(row.precision_recall.average_precision),
            row.n,
            row.counts.planned
        );
    }
    let _ = writeln!(
        page,
        "</tbody>\n</table>\n</div>\n<p class=\"columns\" id=\"columns-{number}\">{} Bold: the lowest mean error{}.</p>",
        escape(&wording::columns(stage)),
        if grouped { " of each model" } else { "" }
    );
}

/// The name of a row below its model's title.
fn member(row: &ConfigurationReport) -> String {
    let variant = if row.variant.is_empty() { "as it is" } else { &row.variant };
    format!("<th scope=\"row\" class=\"member\">{}</th>", escape(variant))
}

fn drawn(page: &mut String, drawing: Option<Drawing>, title: &str, caption: &str) {
    page.push_str("<figure>\n");
    match drawing {
        Some(drawing) => {
            let _ = writeln!(page, "<div class=\"drawing\">{}</div>", drawing.document(title));
        }
        None => page.push_str("<p class=\"absent\">Nothing to draw: no configuration has the results for it.</p>\n"),
    }
    let _ = writeln!(page, "<figcaption><b>{title}.</b> {}</figcaption>\n</figure>", escape(caption));
}

fn settings(page: &mut String, stage: &StageReport) {
    page.push_str(
        "<details>\n<summary>Hyper-parameters</summary>\n<div class=\"scroll\"><table>\n<thead><tr><th>Configuration</th>\
         <th>Hyper-parameters</th><th>Training ends when</th><th>Inputs</th></tr></thead>\n<tbody>\n",
    );
    for row in &stage.configurations {
        let given: Vec<String> = row.hyperparameters.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        let _ = writeln!(
            page,
            "<tr>{}<td class=\"words\">{}</td><td class=\"words\">{}</td><td class=\"words\">{}</td></tr>",
            name(row),
            escape(&given.join(", ")),
            escape(&stop(row)),
            normalize(row)
        );
    }
    page.push_str("</tbody>\n</table></div>\n</details>\n");
}

fn units(page: &mut String, stage: &StageReport) {
    page.push_str(
        "<details>\n<summary>Every unit</summary>\n<div class=\"scroll\"><table>\n<thead><tr><th>Configuration</th><th>Seed</th>\
         <th>Fold</th><th>Ending</th><th>Error</th><th>Epochs</th><th>Converged</th><th>Last training loss</th></tr></thead>\n<tbody>\n",
    );
    for row in &stage.configurations {
        row.units.iter().for_each(|unit| unit_row(page, row, unit));
    }
    page.push_str("</tbody>\n</table></div>\n</details>\n");
}

fn unit_row(page: &mut String, row: &ConfigurationReport, unit: &UnitReport) {
    let or_none = |value: Option<String>| value.unwrap_or_else(|| NONE.to_owned());
    let _ = writeln!(
        page,
        "<tr>{}<td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
        name(row),
        unit.seed,
        or_none(unit.fold.map(|fold| fold.to_string())),
        unit.ending.name(),
        rate(unit.error),
        or_none(unit.epochs.map(|epochs| epochs.to_string())),
        or_none(unit.converged.map(|converged| if converged { "yes" } else { "no" }.to_owned())),
        unit.train_loss.map_or_else(|| NONE.to_owned(), |loss| format!("{loss:.4}"))
    );
}

/// Definitions, in the order in which a reader meets the words.
const MEANINGS: [(&str, &str); 8] = [
    (
        "Unit",
        "One configuration trained with one seed (and, in cross-validation, on one fold). The seed decides initial weights, the order \
         of the pairs and dropout.",
    ),
    (
        "± and interval",
        "± is the sample standard deviation: how much single units differ. The 95 % interval is about their mean. For a hold-out stage \
         it covers the choice of the seed only: all seeds share one set of training and test pairs, and drawing others would move \
         every number: an error rate e of n test pairs has a standard error of \u{221a}(e (1 - e) / n) from their draw alone, 0.012 for e = 0.2 \
         and n = 1,000.",
    ),
    (
        "Averaged prediction",
        "The probability of class 1 (first digit at most the second) averaged over the seeds, pair by pair. It is an ensemble, so its \
         error is usually below the mean error of single seeds. A seed with a missing fold is not in it.",
    ),
    (
        "AUC and AP",
        "The area under the ROC curve is the share of pairs of a class-1 and a class-0 example that are ranked rightly, ties counting \
         half. Average precision is the sum of precisions weighted by the recall gained at each threshold, without interpolation.",
    ),
    (
        "Comparisons",
        "p is the probability of a difference at least this large between two configurations that do not differ. Of many p values some \
         are small by chance alone; Holm's correction makes up for that within one table. A small p does not make a difference large: the \
         interval, in error rates, and Hedges' g, in standard deviations of single units, say how large it is.",
    ),
    (
        "Verdict",
        "A reference differs where the difference of the two mean errors lies outside its 95 % interval, which covers the choice of the seeds \
         and the draw of the scored pairs on both sides. One in twenty would without any cause.",
    ),
    (
        "Diverged",
        "A training loss became infinite or not a number. Such a unit is final: it is never trained again and is in no mean or curve.",
    ),
    (
        "k of n",
        "How many of the planned units are in the means. Where it is less than all, means are over the rest, which may flatter a \
         configuration whose bad seeds are the missing ones.",
    ),
];

fn meaning(page: &mut String) {
    page.push_str("<section id=\"meaning\">\n<h2>What the numbers mean</h2>\n<dl>\n");
    for (word, text) in MEANINGS {
        let _ = writeln!(page, "<dt>{word}</dt><dd>{text}</dd>");
    }
    page.push_str("</dl>\n</section>\n");
}
