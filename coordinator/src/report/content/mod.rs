//! Builds a report's document: which sections there are, and in which order.

mod comparisons;
mod figures;
mod networks;
mod notices;
mod race;
mod references;
mod results;
mod seed_and_unit_names;
mod stage_input;
mod units_table;
mod untrained_and_stuck;
mod wording;

pub(crate) use wording::data_seeds;

use std::cmp::Reverse;

use stage_input::Part;

use super::{
    document::{Block, Document, Section, Tone},
    shown_and_best_rows,
    trained_networks::trained,
};
use crate::aggregate::{Aggregate, report_json::Report};

/// A report as a document, with or without figures and learning curves.
pub(super) fn document(aggregate: &Aggregate, drawings: bool) -> Document {
    let report = &aggregate.report;
    let mut sections = vec![answer(report)];
    for index in order(report) {
        let stage = &report.stages[index];
        let part = Part {
            report,
            stage,
            number: index + 1,
            curves: &aggregate.curves[index],
            drawings,
            drawn: aggregate.drawn,
        };
        let is_last = index + 1 == report.stages.len();
        sections.push(section(&part, shown_and_best_rows::tunes(stage) && !is_last));
    }
    let trained = trained(report);
    sections.push(networks::data(report, drawings.then_some(aggregate)));
    sections.push(networks::networks(&trained, drawings));
    sections.push(Section::new("meaning", "What the numbers mean", vec![Block::Meanings(&wording::MEANINGS)]));
    Document {
        study: report.study.clone(),
        data: report.dataset.title.clone(),
        task: wording::task(&report.dataset),
        progress: format!("{}.", wording::progress(&report.counts)),
        digest: report.dataset.drawn.digest.clone(),
        notices: notices::of_report(report),
        sections,
    }
}

/// The stages from the last to the first, those that tune after the others. The last stage comes first, whatever it does.
fn order(report: &Report) -> Vec<usize> {
    let last = report.stages.len().saturating_sub(1);
    let mut order: Vec<usize> = (0..report.stages.len()).collect();
    order.sort_by_key(|&index| (shown_and_best_rows::tunes(&report.stages[index]) && index != last, Reverse(index)));
    order
}

/// The last stage's result, its comparisons, the references, and what was selected on the way.
fn answer(report: &Report) -> Section {
    let mut texts = Vec::new();
    if let Some(stage) = report.stages.last() {
        let best = wording::best(stage).unwrap_or_else(|| "no configuration has a result yet.".to_owned());
        texts.push(format!("Stage {}: {best}", stage.name));
        texts.extend(comparisons::summary(stage));
    }
    for stage in report.stages.iter().filter(|stage| !stage.references.is_empty()) {
        texts.push(format!("Stage {} next to the references: {}", stage.name, references::summary(stage)));
    }
    texts.extend(report.stages.iter().filter_map(wording::selected));
    let blocks = texts.into_iter().map(|text| Block::Text(Tone::Answer, text)).collect();
    Section::new("answer", "Results", blocks)
}

/// The stage's section. Where it is folded, its tables and figures open on demand.
fn section(part: &Part<'_>, folded: bool) -> Section {
    let Part { stage, number, .. } = part;
    let mut blocks = vec![Block::Text(Tone::Plain, wording::evaluation(stage))];
    let strong = wording::best(stage).into_iter().chain(wording::selected(stage));
    blocks.extend(strong.map(|text| Block::Text(Tone::Strong, text)));
    blocks.push(Block::Notices(notices::of_stage(part)));
    if stage.configurations.is_empty() {
        // Rows that wait for a selection are no configurations yet.
        blocks.insert(0, Block::Text(Tone::Terminal, format!("Stage {} has no configurations yet.", stage.name)));
        return Section::new(format!("stage-{number}"), format!("Stage {}", stage.name), blocks);
    }
    let parts = parts(part);
    if folded {
        let title = format!("Tables and figures of stage {}", stage.name);
        blocks.push(Section::new(format!("parts-{number}"), title, parts).folded().unlisted().into());
    } else {
        blocks.extend(parts);
    }
    Section::new(format!("stage-{number}"), format!("Stage {}", stage.name), blocks)
}

fn parts(part: &Part<'_>) -> Vec<Block> {
    let id = |name: &str| format!("{name}-{}", part.number);
    let mut blocks = vec![Section::new(id("table"), "Results of each configuration", results::results(part)).into()];
    let mut add = |section: Section| {
        if !section.blocks.is_empty() {
            blocks.push(Block::Section(section));
        }
    };
    add(Section::new(id("errors"), "Error rates", part.figures(&[figures::ERRORS])));
    add(Section::new(id("axes"), "Error by hyper-parameter", part.axes()));
    add(Section::new(id("references"), "Next to the references", references::blocks(part)));
    add(Section::new(id("comparisons"), "Comparisons", comparisons::blocks(part)));
    add(Section::new(id("race"), "The race", race::blocks(part)).folded());
    add(Section::new(id("draws"), "Draws of the data", results::draws(part)));
    add(Section::new(
        id("curves"),
        "ROC and precision-recall curves",
        part.figures(&[figures::ROC, figures::PRECISION_RECALL]),
    ));
    add(Section::new(id("areas"), results::ENSEMBLES, results::ensembles(part)).folded());
    add(Section::new(id("learning"), "Learning curves", part.figures(&[figures::LEARNING])));
    add(Section::new(id("unit-curves"), "Learning curves of single units", units_table::curves(part)));
    add(Section::new(id("settings"), "Hyper-parameters", results::settings(part)).folded());
    add(Section::new(id("units"), "Every unit", units_table::table(part)).folded());
    blocks
}

#[cfg(test)]
mod tests {
    use super::document;
    use crate::{
        aggregate::{Aggregate, Curves, Report, report_json::ConfigurationReport},
        report::shown_and_best_rows::tests::SETTINGS_READ,
    };

    /// A stage of so many configurations that differ in one setting.
    fn tuned(configurations: usize) -> Aggregate {
        let mut report: Report =
            serde_json::from_str(include_str!("../../../../tests/golden/table3.report.json")).unwrap();
        let stage = &mut report.stages[0];
        let first = stage.configurations[0].clone();
        let row = |number: usize| {
            let variant = format!("learning_rate=0.{number}");
            ConfigurationReport { number, variant, ..first.clone() }
        };
        stage.configurations = (1..=configurations).map(row).collect();
        let nothing = Curves {
            roc: None,
            roc_band: None,
            precision_recall: None,
            precision_recall_band: None,
            learning: Vec::new(),
            seeds: Vec::new(),
            units: Vec::new(),
        };
        let curves = vec![vec![nothing; configurations]];
        Aggregate { report, curves, errors: Vec::new(), samples: Vec::new(), drawn: 0 }
    }

    #[test]
    fn the_settings_of_many_configurations_are_not_read_again_for_each_of_them() {
        let read = |configurations| {
            let aggregate = tuned(configurations);
            let before = SETTINGS_READ.get();
            document(&aggregate, true);
            SETTINGS_READ.get() - before
        };
        assert!(read(200) <= 2 * read(100), "{} and {}", read(100), read(200));
    }
}
