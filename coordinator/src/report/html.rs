//! report.html: one file that needs no other, for a screen and for paper.
//!
//! Everything is in the page as it is written; its script only sorts tables and opens what a link leads to. The page is XML too
//! but for its first line, so that a test can read it strictly.

mod compared;
mod contents;
mod networks;
mod results;
pub(super) mod table;
mod units;

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use sha2::{Digest as _, Sha256};

use super::{
    figure::{self, Drawing, escape},
    networks::Trained,
    notices::{self, Notice, Weight},
    raced,
    terminal::progress,
    wording,
};
use crate::aggregate::{
    Aggregate, Curves,
    document::{Report, StageReport},
};

const STYLE: &str = concat!("\n", include_str!("page.css"));
const SCRIPT: &str = concat!("\n", include_str!("page.js"));

/// The whole page.
pub(super) fn page(aggregate: &Aggregate, trained: &[Trained<'_>]) -> String {
    let report = &aggregate.report;
    let mut page = head(report);
    contents::contents(&mut page, report, trained);
    let drawn = units::Drawn::of(aggregate);
    for (number, (stage, curves)) in (1..).zip(report.stages.iter().zip(&aggregate.curves)) {
        section(&mut page, number, stage, curves, drawn);
    }
    networks::data(&mut page, aggregate);
    networks::networks(&mut page, trained);
    meaning(&mut page);
    let _ = write!(
        page,
        "<footer><p>Data set digest <code>{}</code>. The numbers with every digit are in report.json and the CSV files beside this \
         page, each figure is there as SVG and PNG; who trained what, where, when and how long is in \
         provenance.json.</p></footer>\n</main>\n<script>{SCRIPT}</script>\n</body>\n</html>\n",
        escape(&report.dataset.drawn.digest)
    );
    page
}

/// What the browser may load: nothing but the page's own style and script.
fn policy() -> String {
    let hash = |text: &str| BASE64.encode(Sha256::digest(text.as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'", hash(STYLE), hash(SCRIPT))
}

fn head(report: &Report) -> String {
    let title = escape(&wording::title(report));
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{}\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{} <small>on {}</small></h1>\n<p class=\"lead\">{}. {}.</p>\n",
        policy(),
        escape(&report.study),
        escape(&report.dataset.title),
        escape(&wording::dataset(&report.dataset)),
        progress(&report.counts),
    );
    notice_box(&mut page, notices::of_report(report));
    page
}

fn section(page: &mut String, number: usize, stage: &StageReport, curves: &[Curves], units_drawn: units::Drawn) {
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
    results::results(page, number, stage);
    raced::in_html(page, stage);
    compared::draws(page, stage);
    let captions = wording::captions(stage);
    // One panel per model needs the page's width; single panels stand side by side.
    let curves_class = if figure::crowded(stage) { "wide" } else { "pair" };
    let _ = writeln!(page, "<div class=\"wide\" id=\"errors-{number}\">");
    drawn(page, figure::errors(stage, curves), "Error rates", &captions.errors);
    page.push_str("</div>\n");
    compared::references(page, number, stage);
    compared::comparisons(page, number, stage, curves, &captions.comparisons);
    let _ = writeln!(page, "<h3>Curves</h3>\n<div class=\"{curves_class}\" id=\"curves-{number}\">");
    drawn(page, figure::roc(stage, curves), "ROC curves", &captions.roc);
    drawn(page, figure::precision_recall(stage, curves), "Precision-recall curves", &captions.precision_recall);
    page.push_str("</div>\n");
    compared::areas(page, number, stage);
    let _ = writeln!(page, "<div class=\"wide\" id=\"learning-{number}\">");
    drawn(page, figure::learning(stage, curves), "Learning curves", &captions.learning);
    page.push_str("</div>\n");
    units::curves(page, number, stage, curves, units_drawn);
    results::settings(page, number, stage);
    units::table(page, number, stage, curves, units_drawn);
    page.push_str("</section>\n");
}

fn notice_box(page: &mut String, notices: impl IntoIterator<Item = Notice>) {
    let notices: Vec<Notice> = notices.into_iter().collect();
    for weight in Weight::ALL {
        let class = match weight {
            Weight::Incomplete => "incomplete",
            Weight::LeftOut => "left-out",
            Weight::Doubtful => "doubtful",
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

/// Definitions, in the order in which a reader meets the words.
const MEANINGS: [(&str, &str); 8] = [
    (
        "Unit",
        "One configuration trained with one seed (and, in cross-validation, on one fold). The seed decides initial weights, the order \
         of the pairs and dropout.",
    ),
    (
        "± and interval",
        "± is the sample standard deviation: how much single units differ. The 95 % interval is about their mean; the text below each \
         table says what may be drawn anew so that it still holds. The draw of the test pairs alone gives an error rate e of n pairs a standard \
         error of up to \u{221a}(e (1 - e) / n), 0.013 for e = 0.2 and n = 1,000.",
    ),
    (
        "Ensemble",
        "The averaged prediction: the probability of class 1 (first digit at most the second) averaged over the seeds, pair by pair. Its error \
         is usually below the mean error of single networks, and its areas above theirs. A seed with a missing fold is not in it.",
    ),
    (
        "AUC and AP",
        "The area under the ROC curve is the share of pairs of a class-1 and a class-0 example that are ranked rightly, ties counting \
         half. Average precision is the sum of precisions weighted by the recall gained at each threshold, without interpolation. Main tables \
         show those of single networks, each on the pairs that it scores; the ensemble's stand apart.",
    ),
    (
        "Comparisons",
        "p is the probability of a difference at least this large between two configurations that do not differ. Of many p values some \
         are small by chance alone; Holm's correction makes up for that within one table. A small p does not make a difference large: the \
         interval, in error rates, and Hedges' g, in standard deviations of single units, say how large it is.",
    ),
    (
        "Verdict",
        "A reference differs where the difference of the two mean errors is larger than half the width of its 95 % interval; the text below the \
         table says what that covers. One in twenty would without any cause.",
    ),
    (
        "Diverged",
        "A training loss became infinite or not a number. Such a unit is final: it is never trained again. It comes after every error, so that a \
         mean over units with such a one is no number, and a configuration with one ranks after all without.",
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
